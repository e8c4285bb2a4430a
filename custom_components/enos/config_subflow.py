"""Products and single devices: brought in later, changed, and kept apart."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, override

from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigSubentryFlow,
    SubentryFlowContext,
    SubentryFlowResult,
)
from homeassistant.const import CONF_NAME
from homeassistant.core import callback
from homeassistant.helpers.selector import SelectSelector, TextSelector
import probatio

from .api.client import NOBODY, EnosClient
from .api.errors import EnosError, PermissionDeniedError
from .api.models import Device, LocalizedText, Product
from .config_corrections import CorrectionSteps
from .config_policy import PolicyForm
from .config_profile import ProfileSteps
from .config_size import Neighbours, refuse_too_many
from .config_steps import (
    DEVICE_SCHEMA,
    PointSteps,
    async_find_device,
    async_look_up,
    async_models,
    client_for,
    list_selector,
    named,
)
from .config_target import FlowProblem, Target
from .const import CONF_DEVICES, CONF_PRODUCT_KEY, SUBENTRY_PRODUCT
from .selection import Selection, selections


class _SubentryFlow(
    PointSteps[SubentryFlowContext, SubentryFlowResult, tuple[str, str]],
    CorrectionSteps,
    ProfileSteps,
    ConfigSubentryFlow,
):
    """What the flows of products and of devices have in common."""

    _chosen: Target
    _policy_form: PolicyForm | None = None

    @property
    @override
    def _target(self) -> Target:
        return self._chosen

    @cached_property
    def _client(self) -> EnosClient:
        """A client of the flow's own: the entry may not be loaded."""
        return client_for(self.hass, self._get_entry().data)

    def _others(self) -> list[Selection]:
        """Return what the other subentries hold."""
        own: str | None = None
        if self.source == SOURCE_RECONFIGURE:
            own = self._reconfigure_subentry_id
        return [
            selection
            for selection in selections(self._get_entry())
            if selection.subentry_id != own
        ]

    @cached_property
    def _neighbours(self) -> Neighbours:
        """What the entry has already."""
        own = None
        if self.source == SOURCE_RECONFIGURE:
            own = self._get_reconfigure_subentry()
        return Neighbours(self.hass, self._get_entry(), own)

    @override
    def _refuse_too_many(self, target: Target) -> None:
        there = self._neighbours
        beside = there.beside(target)
        refuse_too_many(target, there.room, beside=beside, before=there.before)

    def _suggest(self) -> None:
        """Suggest points, as many as are possible beside what the entry has."""
        self._chosen.suggest(self._language, self._neighbours.room)

    def _taken(self, unique_id: str) -> bool:
        """Tell whether there is a subentry of this id."""
        return any(
            subentry.unique_id == unique_id
            for subentry in self._get_entry().subentries.values()
        )

    def _refuse_twice(self, target: Target) -> None:
        """Refuse what was brought in already. Raises `FlowProblem`."""
        if self._taken(target.unique_id):
            raise FlowProblem("already_configured")

    def _abort_for(self, err: EnosError) -> SubentryFlowResult:
        """End the flow, where there is no form yet to tell an error on."""
        problem = self._problem_of(err)
        return self.async_abort(
            reason=problem.key, description_placeholders=problem.placeholders
        )

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask what is to be changed."""
        return self.async_show_menu(
            step_id="reconfigure",
            menu_options=["contents", "commands", "corrections", "profile"],
            description_placeholders={
                CONF_NAME: self._get_reconfigure_subentry().title
            },
        )

    async def async_step_contents(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Change devices and points."""
        raise NotImplementedError

    async def async_step_commands(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Change how commands are sent."""
        subentry = self._get_reconfigure_subentry()
        if self._policy_form is None:
            self._policy_form = PolicyForm(self.hass, self._get_entry(), subentry)
        form = self._policy_form
        errors: dict[str, str] = {}
        placeholders = {CONF_NAME: subentry.title}
        if user_input is not None:
            with self._telling(errors, placeholders):
                return self._update(form.data(user_input))
        return self.async_show_form(
            step_id="commands",
            data_schema=self.add_suggested_values_to_schema(
                await form.async_schema(), user_input or form.shown()
            ),
            errors=errors,
            description_placeholders=placeholders,
        )

    @callback
    def _update(self, changes: Mapping[str, Any]) -> SubentryFlowResult:
        """Keep the changes, and whatever else the subentry holds.

        The entry's update listener reloads it: Home Assistant wants only one to do so.
        """
        return self.async_update_and_abort(
            self._get_entry(), self._get_reconfigure_subentry(), data_updates=changes
        )

    async def _async_review(self) -> SubentryFlowResult:
        """Choose the points anew."""
        if self._chosen.model is None and self._chosen.undescribed:
            return self.async_abort(
                reason="model_unreadable",
                description_placeholders={CONF_NAME: self._chosen.name},
            )
        return await self._async_choose_points()

    @override
    async def _async_points_chosen(self) -> SubentryFlowResult:
        target = self._chosen
        if self.source == SOURCE_RECONFIGURE:
            held = self._get_reconfigure_subentry().data
            return self._update(target.data_over(held))
        return self.async_create_entry(
            title=target.name, data=target.data(), unique_id=target.unique_id
        )


class ProductSubentryFlow(_SubentryFlow):
    """Brings in a product: all of its devices, or some."""

    def __init__(self) -> None:
        """Start with nothing known."""
        self._products: dict[str, Product] = {}
        self._devices: dict[str, Device] = {}

    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Choose a product."""
        if user_input is None:
            try:
                if not await self._async_list_products():
                    # Where devices cannot be read either, a product's key leads nowhere.
                    await self._client.search_devices(asset_ids=(NOBODY,))
                    return await self.async_step_product_key()
            except EnosError as err:
                return self._abort_for(err)
        left = {
            key: named(product.name.get(self._language), key)
            for key, product in self._products.items()
            if not self._taken(f"{SUBENTRY_PRODUCT}:{key}")
        }
        if not left:
            return self.async_abort(
                reason="no_products_left" if self._products else "no_products"
            )
        selector = list_selector(left, multiple=False, unlisted=True)
        return await self._async_step_product("user", selector, user_input)

    async def async_step_product_key(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Name a product by its key, where products cannot be listed."""
        return await self._async_step_product("product_key", TextSelector(), user_input)

    async def _async_step_product(
        self,
        step_id: str,
        selector: SelectSelector | TextSelector,
        user_input: dict[str, Any] | None,
    ) -> SubentryFlowResult:
        """Take a product and go on to its devices."""
        errors: dict[str, str] = {}
        placeholders: dict[str, str] = {}
        if user_input is not None:
            key = user_input[CONF_PRODUCT_KEY].strip()
            self._chosen = target = Target(
                kind=SUBENTRY_PRODUCT, name=key, product_key=key
            )
            with self._telling(errors, placeholders):
                self._refuse_twice(target)
                await self._async_learn(target)
                if key not in self._products and not self._devices:
                    raise FlowProblem("product_not_found")
            if not errors:
                return await self.async_step_devices()
        return self.async_show_form(
            step_id=step_id,
            last_step=False,
            data_schema=self.add_suggested_values_to_schema(
                probatio.Schema({probatio.Required(CONF_PRODUCT_KEY): selector}),
                user_input,
            ),
            errors=errors,
            description_placeholders=placeholders,
        )

    @override
    async def async_step_contents(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Change devices and points of a product."""
        subentry = self._get_reconfigure_subentry()
        self._chosen = target = Target.from_subentry(subentry)
        try:
            await self._async_list_products()
            await self._async_learn(target)
        except EnosError as err:
            return self._abort_for(err)
        target.name = subentry.title
        return await self.async_step_devices()

    async def async_step_devices(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Choose among the devices of the product; none chosen means all of them."""
        target = self._target
        held = {other.asset_id for other in self._others()}
        offered = {key: key for key in target.devices} | {
            key: named(device.name.get(self._language), device.device_key or key)
            for key, device in self._devices.items()
            if key not in held
        }
        devices = target.devices
        errors: dict[str, str] = {}
        placeholders = {CONF_NAME: target.name}
        if user_input is not None or not offered:
            devices = (user_input or {}).get(CONF_DEVICES, [])
            count = len(devices or self._devices) or self._neighbours.devices
            with self._telling(errors, placeholders):
                self._refuse_singles(devices)
                self._refuse_too_many(
                    replace(target, count=count, controls=[], sensors=[], services=[])
                )
            if not errors:
                target.devices, target.count = devices, count
                if self.source != SOURCE_RECONFIGURE:
                    self._suggest()
                return await self._async_review()
        return self.async_show_form(
            step_id="devices",
            last_step=False,
            data_schema=self.add_suggested_values_to_schema(
                probatio.Schema(
                    {probatio.Optional(CONF_DEVICES): list_selector(offered)}
                ),
                {CONF_DEVICES: devices},
            ),
            errors=errors,
            description_placeholders=placeholders,
        )

    def _refuse_singles(self, devices: list[str]) -> None:
        """Refuse to bring in a single device once more. Raises `FlowProblem`."""
        target = self._target
        for other in self._others():
            if other.asset_id is None:
                continue
            if other.asset_id in (devices or self._devices) or (
                not devices and other.product_key == target.product_key
            ):
                raise FlowProblem("device_held", other=other.name)

    async def _async_list_products(self) -> bool:
        """Learn which products there are; return False where that is not allowed."""
        try:
            products = await self._client.search_products()
        except PermissionDeniedError:
            return False
        self._products = {product.product_key: product for product in products}
        return True

    async def _async_learn(self, target: Target) -> None:
        """Learn devices, name and model of a product."""
        try:
            devices = await self._client.search_devices(
                product_keys=(target.product_key,)
            )
        except PermissionDeniedError:
            devices = ()
        self._devices = {device.asset_id: device for device in devices}
        name, model_id = LocalizedText(), ""
        if product := self._products.get(target.product_key):
            name, model_id = product.name, product.model_id
        elif devices:
            name, model_id = devices[0].product_name, devices[0].model_id
        target.name = name.get(self._language) or target.product_key
        target.model = (await async_models(self._client, (model_id,))).get(model_id)


class DeviceSubentryFlow(_SubentryFlow):
    """Brings in a single device."""

    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Name a device by its keys or by its asset id."""
        errors: dict[str, str] = {}
        placeholders: dict[str, str] = {}
        if user_input is not None:
            with self._telling(errors, placeholders):
                self._chosen = await async_find_device(
                    self._client, user_input, self._language
                )
                self._refuse_twice(self._chosen)
                self._refuse_held(self._chosen)
            if not errors:
                self._suggest()
                return await self._async_review()
        return self.async_show_form(
            step_id="user",
            last_step=False,
            data_schema=self.add_suggested_values_to_schema(DEVICE_SCHEMA, user_input),
            errors=errors,
            description_placeholders=placeholders,
        )

    def _refuse_held(self, target: Target) -> None:
        """Refuse a device that a product has brought in. Raises `FlowProblem`."""
        device = Device(asset_id=target.asset_id, product_key=target.product_key)
        for other in self._others():
            if other.holds(device):
                raise FlowProblem("device_held", other=other.name)

    @override
    async def async_step_contents(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Change the points of a device."""
        target = Target.from_subentry(self._get_reconfigure_subentry())
        target.count = 1
        try:
            if device := await self._async_look_up(target.asset_id):
                target.product_key = device.product_key
                target.device_key = device.device_key
                models = await async_models(self._client, (device.model_id,))
                target.model = models.get(device.model_id)
        except EnosError as err:
            return self._abort_for(err)
        self._chosen = target
        return await self._async_review()

    async def _async_look_up(self, asset_id: str) -> Device | None:
        """Return a device, None where there is none or it may not be read."""
        try:
            return await async_look_up(self._client, asset_id)
        except PermissionDeniedError:
            return None
