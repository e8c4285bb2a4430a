"""How commands are sent: the form of a product or a device."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.const import CONF_DEVICE, CONF_TIMEOUT, UnitOfTime
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.selector import (
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    ObjectSelector,
    ObjectSelectorConfig,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)
from homeassistant.helpers.translation import async_get_translations
import probatio

from .config_steps import list_selector, registered_names
from .config_target import FlowProblem
from .const import (
    CONF_POLICY,
    CONF_POLICY_EXCEPTIONS,
    CONF_QUEUE_MINUTES,
    CONF_WHEN_OFFLINE,
    DOMAIN,
    OFFLINE_FAIL,
    OFFLINE_QUEUE,
    SUBENTRY_PRODUCT,
)
from .selection import (
    DEFAULT_QUEUE_MINUTES,
    DEFAULT_TIMEOUT,
    MAX_QUEUE_MINUTES,
    MAX_TIMEOUT,
    Policy,
    Selection,
)

# The field of the form; a subentry holds the exceptions by asset id.
CONF_EXCEPTIONS: Final = "exceptions"


def _number(most: int, unit: str) -> NumberSelector:
    """Return a field for a whole number from 1 on."""
    return NumberSelector(
        NumberSelectorConfig(
            min=1, max=most, unit_of_measurement=unit, mode=NumberSelectorMode.BOX
        )
    )


_TIMEOUT: Final = _number(MAX_TIMEOUT, UnitOfTime.SECONDS)
_QUEUE_MINUTES: Final = _number(MAX_QUEUE_MINUTES, UnitOfTime.MINUTES)


class PolicyForm:
    """The form that says how commands to a product or a device are sent.

    It is made of what Home Assistant knows, so that it opens with EnOS away.
    """

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry, subentry: ConfigSubentry
    ) -> None:
        """Learn which devices there may be exceptions for."""
        self._hass = hass
        self._selection = Selection.from_subentry(subentry)
        self._is_product = subentry.subentry_type == SUBENTRY_PRODUCT
        # An object selector shows of an item the bare value, so names are the values.
        self._asset_ids: dict[str, str] = {}
        if self._is_product:
            self._asset_ids = {
                name: asset_id for asset_id, name in self._names(entry).items()
            }

    @callback
    def _names(self, entry: ConfigEntry) -> dict[str, str]:
        """Return the devices that are held, by asset id, under unmistakable names."""
        selection = self._selection
        names = {
            asset_id: name
            for asset_id, name in registered_names(
                self._hass, entry, selection.subentry_id
            ).items()
            if asset_id in (selection.asset_ids or {asset_id})
        }
        # Before the first set-up nobody knows which devices a product has.
        unnamed = selection.asset_ids or (() if names else selection.policies)
        return {asset_id: asset_id for asset_id in unnamed} | names

    async def async_schema(self) -> probatio.Schema:
        """Return the fields."""
        schema: dict[probatio.Marker, object] = {
            probatio.Required(CONF_TIMEOUT, default=DEFAULT_TIMEOUT): _TIMEOUT,
            probatio.Required(CONF_WHEN_OFFLINE, default=OFFLINE_FAIL): SelectSelector(
                SelectSelectorConfig(
                    options=[OFFLINE_FAIL, OFFLINE_QUEUE],
                    translation_key=CONF_WHEN_OFFLINE,
                    mode=SelectSelectorMode.LIST,
                )
            ),
            probatio.Optional(CONF_QUEUE_MINUTES): _QUEUE_MINUTES,
        }
        if self._asset_ids:
            schema[probatio.Optional(CONF_EXCEPTIONS)] = ObjectSelector(
                ObjectSelectorConfig(
                    fields={
                        CONF_DEVICE: {
                            "selector": list_selector(
                                {name: name for name in self._asset_ids},
                                multiple=False,
                                unlisted=True,
                            ),
                            "required": True,
                        },
                        CONF_TIMEOUT: {
                            "selector": _TIMEOUT,
                            "required": True,
                            "default": DEFAULT_TIMEOUT,
                        },
                        CONF_WHEN_OFFLINE: {
                            "selector": await self._async_labelled(),
                            "required": True,
                            "default": OFFLINE_FAIL,
                        },
                        CONF_QUEUE_MINUTES: {
                            "selector": _QUEUE_MINUTES,
                            "default": DEFAULT_QUEUE_MINUTES,
                        },
                    },
                    multiple=True,
                    label_field=CONF_DEVICE,
                    description_field=CONF_TIMEOUT,
                    translation_key="policy_exception",
                )
            )
        return probatio.Schema(schema)

    async def _async_labelled(self) -> SelectSelector:
        """Return the choice as it stands in an item, where the frontend translates none."""
        texts = await async_get_translations(
            self._hass, self._hass.config.language, "selector", [DOMAIN]
        )
        prefix = f"component.{DOMAIN}.selector.{CONF_WHEN_OFFLINE}.options"
        return SelectSelector(
            SelectSelectorConfig(
                options=[
                    SelectOptionDict(value=key, label=texts[f"{prefix}.{key}"])
                    for key in (OFFLINE_FAIL, OFFLINE_QUEUE)
                ],
                mode=SelectSelectorMode.LIST,
            )
        )

    def shown(self) -> dict[str, Any]:
        """Return what the form shows at first."""
        policies = self._selection.policies
        return {
            **self._selection.policy.data(),
            CONF_EXCEPTIONS: [
                {CONF_DEVICE: name, **policies[asset_id].data()}
                for name, asset_id in self._asset_ids.items()
                if asset_id in policies
            ],
        }

    def data(self, user_input: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the subentry is to hold. Raises `FlowProblem`."""
        data: dict[str, Any] = {CONF_POLICY: _entered(user_input)}
        if self._is_product:
            data[CONF_POLICY_EXCEPTIONS] = self._exceptions(
                user_input.get(CONF_EXCEPTIONS, ())
            )
        return data

    def _exceptions(self, items: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        """Return the exceptions by asset id. Raises `FlowProblem`."""
        exceptions: dict[str, Any] = {}
        for item in items:
            asset_id = self._asset_ids.get(item[CONF_DEVICE])
            if asset_id is None:
                raise FlowProblem("device_not_among", device=item[CONF_DEVICE])
            if asset_id in exceptions:
                raise FlowProblem("device_twice", device=item[CONF_DEVICE])
            exceptions[asset_id] = _entered(item)
        return exceptions


def _entered(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a policy as it was entered, in whole numbers; minutes may be missing.

    An object selector passes on numbers that came as texts.
    """
    numbers = {
        key: float(fields[key])
        for key in (CONF_TIMEOUT, CONF_QUEUE_MINUTES)
        if key in fields
    }
    return Policy.from_data({**fields, **numbers}).data()
