"""The account, and what is brought in with it."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, override

from homeassistant.config_entries import (
    ConfigEntry,
    ConfigFlow,
    ConfigFlowContext,
    ConfigFlowResult,
    ConfigSubentryFlow,
    FlowType,
    OptionsFlow,
)
from homeassistant.const import CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import callback
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import (
    BooleanSelector,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
import probatio

from .api.client import EnosClient
from .api.errors import PermissionDeniedError
from .api.models import Product
from .config_options import EnosOptionsFlow
from .config_size import LIMIT, OF_ACCOUNT, refuse_too_many
from .config_steps import (
    DEVICE_SCHEMA,
    PointSteps,
    async_find_device,
    async_models,
    client_for,
    list_selector,
    named,
)
from .config_subflow import DeviceSubentryFlow, ProductSubentryFlow
from .config_target import FlowProblem, Target
from .const import (
    CONF_ACCESS_KEY,
    CONF_ORG_ID,
    CONF_PRODUCTS,
    CONF_SECRET_KEY,
    DOMAIN,
    SECTION_CONNECTION,
    SUBENTRY_DEVICE,
    SUBENTRY_PRODUCT,
)

CONF_ALL_PRODUCTS: Final = "all_products"

_URL: Final = TextSelector(TextSelectorConfig(type=TextSelectorType.URL))
_SECRET: Final = TextSelector(
    TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="off")
)
_CONNECTION: Final = section(
    probatio.Schema(
        {probatio.Required(CONF_VERIFY_SSL, default=True): BooleanSelector()}
    ),
    {"collapsed": True},
)

# More than these nobody names and places one by one.
MANY_DEVICES: Final = 100

USER_SCHEMA: Final = probatio.Schema(
    {
        probatio.Required(CONF_URL): _URL,
        probatio.Required(CONF_ORG_ID): TextSelector(),
        probatio.Required(CONF_ACCESS_KEY): TextSelector(),
        probatio.Required(probatio.Secret(CONF_SECRET_KEY)): _SECRET,
        probatio.Optional(SECTION_CONNECTION): _CONNECTION,
    }
)
REAUTH_SCHEMA: Final = probatio.Schema(
    {
        probatio.Required(CONF_ACCESS_KEY): TextSelector(),
        probatio.Required(probatio.Secret(CONF_SECRET_KEY)): _SECRET,
    }
)
# The secret key that is stored never goes to the browser: an empty field keeps it.
RECONFIGURE_SCHEMA: Final = probatio.Schema(
    {
        probatio.Required(CONF_URL): _URL,
        probatio.Required(CONF_ACCESS_KEY): TextSelector(),
        probatio.Optional(probatio.Secret(CONF_SECRET_KEY)): _SECRET,
        probatio.Optional(SECTION_CONNECTION): _CONNECTION,
    }
)


def _flat(
    user_input: Mapping[str, Any], before: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return entry data from a form, without the blanks that come with copied text.

    What is left out or left empty stays as it was before.
    """
    data = dict(before or {CONF_VERIFY_SSL: True})
    for key, value in user_input.items():
        if key == SECTION_CONNECTION:
            data |= value
        elif (text := value.strip()) or before is None:
            data[key] = text
    return data


async def _async_products(client: EnosClient) -> tuple[Product, ...] | None:
    """Prove address, keys and organization, and list the products.

    Returns None where these may not be listed. Raises `EnosError` and `FlowProblem`.
    """
    await client.authenticate()
    try:
        return await client.search_products()
    except PermissionDeniedError as err:
        # EnOS words a missing right like a foreign organization.
        if client.names_organization(err) and await client.organization_denied():
            raise FlowProblem("org_denied") from err
        return None


class EnosConfigFlow(
    PointSteps[ConfigFlowContext, ConfigFlowResult, str], ConfigFlow, domain=DOMAIN
):
    """Sets up an organization; its keys and address can be changed later."""

    VERSION = 1
    MINOR_VERSION = 1

    _client: EnosClient

    def __init__(self) -> None:
        """Start with nothing known."""
        self._data: dict[str, Any] = {}
        self._products: dict[str, Product] = {}
        # What is brought in, and of these the ones whose points are still to be chosen.
        self._targets: list[Target] = []
        self._open: list[Target] = []

    @classmethod
    @callback
    @override
    def async_get_supported_subentry_types(
        cls, config_entry: ConfigEntry
    ) -> dict[str, type[ConfigSubentryFlow]]:
        """Return what can be brought in later."""
        return {
            SUBENTRY_PRODUCT: ProductSubentryFlow,
            SUBENTRY_DEVICE: DeviceSubentryFlow,
        }

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: ConfigEntry) -> OptionsFlow:
        """Return the form of the account's options."""
        return EnosOptionsFlow()

    async def _async_connect(
        self, data: Mapping[str, Any]
    ) -> tuple[Product, ...] | None:
        """Return the products, None where these may not be listed.

        Raises `EnosError` and `FlowProblem` for whatever is wrong with the account.
        """
        self._client = client_for(self.hass, data)
        return await _async_products(self._client)

    @override
    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the account."""
        errors: dict[str, str] = {}
        placeholders: dict[str, str] = {}
        if user_input is not None:
            self._data = _flat(user_input)
            await self.async_set_unique_id(
                self._data[CONF_ORG_ID], raise_on_progress=False
            )
            self._abort_if_unique_id_configured()
            with self._telling(errors, placeholders):
                products = await self._async_connect(self._data)
            if not errors:
                self._data[CONF_URL] = self._client.url
                if products is None:
                    return await self.async_step_device()
                self._products = {product.product_key: product for product in products}
                return await self.async_step_products()
        return self.async_show_form(
            step_id="user",
            last_step=False,
            data_schema=self.add_suggested_values_to_schema(USER_SCHEMA, user_input),
            errors=errors,
            description_placeholders=placeholders,
        )

    async def async_step_products(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Choose products; single devices can be added later."""
        errors: dict[str, str] = {}
        placeholders: dict[str, str] = {}
        if user_input is not None:
            with self._telling(errors, placeholders):
                chosen = user_input.get(CONF_PRODUCTS, [])
                if user_input.get(CONF_ALL_PRODUCTS):
                    chosen = list(self._products)
                await self._async_take_products(chosen)
            if not errors:
                if any(target.model for target in self._open):
                    return await self.async_step_points()
                return await self._async_go_on()
        offered = {
            key: named(product.name.get(self._language), key)
            for key, product in self._products.items()
        }
        return self.async_show_form(
            step_id="products",
            last_step=False,
            data_schema=self.add_suggested_values_to_schema(
                probatio.Schema(
                    {
                        probatio.Optional(CONF_PRODUCTS): list_selector(offered),
                        probatio.Optional(CONF_ALL_PRODUCTS): BooleanSelector(),
                    }
                ),
                user_input,
            ),
            errors=errors,
            description_placeholders={**placeholders, "count": str(len(offered))},
        )

    async def _async_take_products(self, keys: list[str]) -> None:
        """Take all devices of these products, with what their models suggest."""
        chosen = [self._products[key] for key in keys]
        counts = await self._async_count(chosen)
        models = await async_models(
            self._client, (product.model_id for product in chosen)
        )
        self._targets = [
            Target(
                kind=SUBENTRY_PRODUCT,
                name=product.name.get(self._language) or product.product_key,
                product_key=product.product_key,
                model=models.get(product.model_id),
                count=counts[product.product_key],
            )
            for product in chosen
        ]
        # Those with a model first: the menu leads straight to the form for these.
        self._open = sorted(self._targets, key=lambda target: target.model is None)
        if (room := self._room) < 0:
            raise FlowProblem(
                "too_many_devices",
                devices=f"{counts.total():,}",
                most=f"{counts.total() + room:,}",
            )
        self._suggest()

    async def _async_count(self, products: list[Product]) -> Counter[str]:
        """Return how many devices the products have, as far as that may be known."""
        if not products:
            return Counter()
        try:
            devices = await self._client.search_devices(
                product_keys=[product.product_key for product in products]
            )
        except PermissionDeniedError:
            return Counter()
        return Counter(device.product_key for device in devices)

    @property
    def _room(self) -> int:
        """How many entities there may be of points that are still to be chosen."""
        waiting = {id(target) for target in self._open}
        return (
            LIMIT
            - OF_ACCOUNT
            - sum(
                target.count if id(target) in waiting else target.entities
                for target in self._targets
            )
        )

    def _suggest(self) -> None:
        """Suggest points for what is open, as many as are possible beside those chosen."""
        room = self._room
        for target in self._open:
            target.suggest(self._language, target.count + room)
            room -= target.entities - target.count

    async def async_step_points(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask whether the suggestions will do.

        Whatever they would make writable is named: nothing is written unseen.
        """
        return self.async_show_menu(
            step_id="points",
            menu_options=["suggestions", "measurepoints"],
            description_placeholders={
                "controls": "\n".join(
                    f"- **{target.name}**: {target.controls_text(self._language)}"
                    for target in self._targets
                ),
                "sensors": str(sum(len(target.sensors) for target in self._targets)),
            },
        )

    async def async_step_suggestions(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Take the suggestions; what has no model is still asked for."""
        self._open = [target for target in self._open if target.model is None]
        return await self._async_go_on()

    async def async_step_device(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Name a device, where products cannot be listed."""
        errors: dict[str, str] = {}
        placeholders: dict[str, str] = {}
        if user_input is not None:
            with self._telling(errors, placeholders):
                target = await async_find_device(
                    self._client, user_input, self._language
                )
            if not errors:
                self._targets = [target]
                self._open = [target]
                self._suggest()
                return await self._async_go_on()
        return self.async_show_form(
            step_id="device",
            last_step=False,
            data_schema=self.add_suggested_values_to_schema(DEVICE_SCHEMA, user_input),
            errors=errors,
            description_placeholders=placeholders,
        )

    @property
    @override
    def _target(self) -> Target:
        return self._open[0]

    @property
    @override
    def _placeholders(self) -> dict[str, str]:
        total = len(self._targets)
        return {
            **super()._placeholders,
            "position": str(total - len(self._open) + 1),
            "total": str(total),
        }

    @property
    @override
    def _last(self) -> bool:
        return len(self._open) == 1

    @override
    def _refuse_too_many(self, target: Target) -> None:
        refuse_too_many(target, target.count + self._room)

    @override
    async def _async_points_chosen(self) -> ConfigFlowResult:
        del self._open[0]
        self._suggest()
        return await self._async_go_on()

    async def _async_go_on(self) -> ConfigFlowResult:
        """Choose the points of what is left, then create the entry."""
        if self._open:
            return await self._async_choose_points()
        # Another flow may have been faster since the first form.
        self._abort_if_unique_id_configured()
        return self.async_create_entry(
            title=f"EnOS {self._data[CONF_ORG_ID]}",
            data=self._data,
            subentries=[target.subentry() for target in self._targets],
        )

    @override
    async def async_on_create_entry(self, result: ConfigFlowResult) -> ConfigFlowResult:
        """With many devices, go on to the account's options, where floors and areas are.

        Otherwise Home Assistant's last page asks for the name and the area of each new device;
        with a thousand of them the browser stands still for a minute.
        """
        if sum(target.count for target in self._targets) > MANY_DEVICES:
            flow = await self.hass.config_entries.options.async_init(
                result["result"].entry_id
            )
            result["next_flow"] = (FlowType.OPTIONS_FLOW, flow["flow_id"])
        return result

    async def async_step_reauth(
        self, entry_data: Mapping[str, Any]
    ) -> ConfigFlowResult:
        """Start over with keys that EnOS accepts."""
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for new keys."""
        return await self._async_step_account(
            "reauth_confirm", REAUTH_SCHEMA, self._get_reauth_entry(), user_input
        )

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Change address and keys; the organization stays."""
        return await self._async_step_account(
            "reconfigure",
            RECONFIGURE_SCHEMA,
            self._get_reconfigure_entry(),
            user_input,
        )

    async def _async_step_account(
        self,
        step_id: str,
        schema: probatio.Schema,
        entry: ConfigEntry,
        user_input: dict[str, Any] | None,
    ) -> ConfigFlowResult:
        """Change what leads to the organization, once it is proven to."""
        errors: dict[str, str] = {}
        placeholders: dict[str, str] = {}
        shown: Mapping[str, Any] = user_input or {
            CONF_URL: entry.data[CONF_URL],
            CONF_ACCESS_KEY: entry.data[CONF_ACCESS_KEY],
            SECTION_CONNECTION: {CONF_VERIFY_SSL: entry.data[CONF_VERIFY_SSL]},
        }
        if user_input is not None:
            data = _flat(user_input, entry.data)
            with self._telling(errors, placeholders):
                await self._async_connect(data)
            if not errors:
                return self._async_update(entry, {**data, CONF_URL: self._client.url})
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(schema, shown),
            errors=errors,
            description_placeholders={
                **placeholders,
                CONF_ORG_ID: entry.data[CONF_ORG_ID],
                CONF_URL: entry.data[CONF_URL],
            },
        )

    @callback
    def _async_update(
        self, entry: ConfigEntry, data: Mapping[str, Any]
    ) -> ConfigFlowResult:
        """Keep the new data and see to it that the entry starts anew with it.

        The entry's update listener reloads it; without one, or without a change, nobody
        would, and a coordinator that met wrong keys has stopped for ever.
        """
        unheard = data == entry.data or not entry.update_listeners
        result = self.async_update_and_abort(entry, data=data)
        if unheard:
            self.hass.config_entries.async_schedule_reload(entry.entry_id)
        return result
