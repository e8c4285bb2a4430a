"""How many entities a choice makes: Home Assistant takes a limited number from one entry."""

from typing import Final

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.entity_platform import MAX_ENABLED_ENTITIES_PER_CONFIG_ENTRY

from .config_target import FlowProblem, Target
from .const import CONF_ORG_ID, DOMAIN, SERVICE_MARK
from .selection import Selection

LIMIT: Final = MAX_ENABLED_ENTITIES_PER_CONFIG_ENTRY
# The event of commands, and the switch that allows control.
OF_ACCOUNT: Final = 2


def refuse_too_many(
    target: Target, room: int, *, beside: int = 0, before: int = 0
) -> None:
    """Refuse a choice that makes more entities than there is room for.

    `beside` is how many come with the choice besides its points and connectivity. A choice that
    makes no more than there were before is no reason to refuse: an entry that has grown too
    large is made smaller step by step. Without knowing the devices nothing can be told. Raises
    `FlowProblem`.
    """
    count = target.entities + beside
    if target.count and count > max(room, before):
        if target.entities == target.count:
            raise FlowProblem(
                "too_many_devices",
                devices=f"{target.count:,}",
                most=f"{max(0, room):,}",
            )
        raise FlowProblem(
            "too_many_entities",
            entities=f"{LIMIT - room + count:,}",
            limit=f"{LIMIT:,}",
            devices=f"{target.count:,}",
            most=str(max(0, (room - beside) // target.count - 1)),
        )


class Neighbours:
    """What an entry has already, seen from a subentry that is added or changed."""

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry, subentry: ConfigSubentry | None
    ) -> None:
        """Look at the registries; without a subentry one is to be added."""
        self._hass = hass
        self._entry = entry
        self._subentry = subentry
        own = subentry.subentry_id if subentry else None
        entities = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
        self._own = [
            each
            for each in entities
            if own is not None and each.config_subentry_id == own
        ]
        self._others = sum(
            each.disabled_by is None
            for each in entities
            if own is None or each.config_subentry_id != own
        )

    @property
    def before(self) -> int:
        """How many enabled entities the subentry has."""
        return sum(each.disabled_by is None for each in self._own)

    @property
    def room(self) -> int:
        """How many enabled entities the subentry may have."""
        return LIMIT - max(self._others, OF_ACCOUNT)

    @callback
    def beside(self, target: Target) -> int:
        """Return how many entities there will be besides the points: below zero if fewer.

        What a person disabled does not count, what tells of waiting commands does.
        """
        spared = len(self._disabled(target)) if target.count else 0
        waiting = 0
        if self._subentry and (target.controls or target.services):
            selection = Selection.from_subentry(self._subentry)
            waiting = (
                target.count
                if selection.policy.queue_for
                else sum(policy.queue_for > 0 for policy in selection.policies.values())
            )
        return waiting - spared

    def _disabled(self, target: Target) -> list[er.RegistryEntry]:
        """Return the entities that the choice would make and that are disabled."""
        tails = {
            *(f"_{key}" for key in (*target.controls, *target.sensors)),
            *(f"{SERVICE_MARK}{key}" for key in target.services),
            "#connectivity",
        }
        registry = dr.async_get(self._hass)
        prefix = f"{self._entry.data[CONF_ORG_ID]}_"
        found: list[er.RegistryEntry] = []
        for each in self._own:
            device = registry.async_get(each.device_id or "")
            if each.disabled_by is None or device is None:
                continue
            for domain, identifier in device.identifiers:
                asset_id = identifier.removeprefix(prefix)
                if (
                    domain == DOMAIN
                    and asset_id in (target.devices or (asset_id,))
                    and each.unique_id.removeprefix(identifier) in tails
                ):
                    found.append(each)
        return found

    @property
    def devices(self) -> int:
        """Return how many devices the subentry has, as far as Home Assistant knows."""
        return len({each.device_id for each in self._own} - {None})
