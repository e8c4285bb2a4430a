"""Repairs: what a person can fix, told once and withdrawn by itself.

Most have no fix flow: what is wrong is put right in EnOS, on a clock, or where the account is
reconfigured. The one that has is in `repairs.py`, where Home Assistant looks for it.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
import inspect
import re
import time
from typing import Any, Final

from homeassistant.config_entries import (
    SIGNAL_CONFIG_ENTRY_CHANGED,
    ConfigEntry,
    ConfigEntryChange,
)
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.helpers import (
    entity_platform,
    entity_registry as er,
    issue_registry as ir,
)
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.util.hass_dict import HassKey

from .api.errors import (
    AddressRefusedError,
    ApiError,
    CredentialsError,
    TokenRefusedError,
)
from .api.models import Device, DeviceStatus, ThingModel
from .const import CLOCK_SKEW, DOMAIN, point_unique_id
from .coordinator import EnosCoordinator
from .discovery import Binding
from .labels import LabelNews, news_of
from .mapping import Kind
from .records import Outcome, Record
from .selection import Selection

_NOT_ACTIVATED: Final = "devices_not_activated"
_CUSTOM_FORMAT: Final = "custom_format"
_PERMISSION: Final = "permission_missing"
_ADDRESS: Final = "address_refused"
_CLOCK: Final = "clock_skew"
_ENTITY_CAP: Final = "entity_cap"
_POINTS_GONE: Final = "points_gone"
_NEW_LABELS: Final = "new_labels"
KINDS: Final = (
    _NOT_ACTIVATED,
    _CUSTOM_FORMAT,
    _PERMISSION,
    _ADDRESS,
    _CLOCK,
    _ENTITY_CAP,
    _POINTS_GONE,
    _NEW_LABELS,
)

# EnOS's own names of the rights.
_DEVICE_READ: Final = "Device Management: Read"
_MODEL_READ: Final = "Model Management: Read"
_ASSET_READ: Final = "Asset: Read"
_ASSET_CONTROL: Final = "Asset: Control"

_NAMED: Final = 5
# An offset that swings about the limit raises and withdraws nothing.
_CLOCK_FITS: Final = 180.0
_NEAR_CAP: Final = 0.9
# So many devices that refuse are no matter of single ones any more.
_DEVICES_REFUSING: Final = 2
_OBEYED_FOR: Final = 24 * 3600.0
_ADDRESS_REFUSED: Final = 403

# From 2026.11 on an issue can belong to an entry.
_CAN_LINK: Final = (
    "config_entry_id" in inspect.signature(ir.async_create_issue).parameters
)

type _Command = tuple[bool, str]
"""Whether it is a service, and the id of point or service."""


@dataclass(frozen=True, slots=True)
class _Issue:
    """What is told of a kind."""

    severity: ir.IssueSeverity
    placeholders: dict[str, str]
    key: str = ""
    fixable: bool = False


class _Unclear(Exception):
    """Nothing is known at the moment; what was told stands."""


@dataclass(slots=True)
class _Findings:
    """What is known of an account beyond a reload or a set-up that is tried again.

    `inactive` are the asset ids of devices that a command found not activated. `refused`
    holds by product the commands that could not be encoded, `encoded` those that could since
    the first refusal. `denied` are the asset ids of devices whose last command was not
    permitted, `obeyed` tells of the others when one was carried out.
    """

    raised: dict[str, _Issue] = field(default_factory=dict)
    inactive: set[str] = field(default_factory=set)
    refused: dict[str, set[_Command]] = field(default_factory=dict)
    encoded: dict[str, set[_Command]] = field(default_factory=dict)
    denied: set[str] = field(default_factory=set)
    obeyed: dict[str, float] = field(default_factory=dict)


_FINDINGS: HassKey[dict[str, _Findings]] = HassKey(f"{DOMAIN}_issues")


@callback
def _findings_of(hass: HomeAssistant, entry: ConfigEntry[Any]) -> _Findings:
    """Return what is known of an account; it goes with the account."""
    found = hass.data.setdefault(_FINDINGS, {})
    if entry.entry_id in found:
        return found[entry.entry_id]
    stop: list[CALLBACK_TYPE] = []

    @callback
    def changed(change: ConfigEntryChange, which: ConfigEntry[Any]) -> None:
        if which.entry_id != entry.entry_id:
            return
        if change is ConfigEntryChange.REMOVED or which.disabled_by is not None:
            for kind in KINDS:
                ir.async_delete_issue(hass, DOMAIN, f"{kind}_{entry.entry_id}")
            found.pop(entry.entry_id, None)
            for remove in stop:
                remove()

    stop.append(async_dispatcher_connect(hass, SIGNAL_CONFIG_ENTRY_CHANGED, changed))
    return found.setdefault(entry.entry_id, _Findings())


class Issues:
    """Keeps the repairs of one account up to date: one per kind, and only while it is true."""

    def __init__(self, coordinator: EnosCoordinator) -> None:
        """Take over what was known before a reload."""
        self._coordinator = coordinator
        self._hass = coordinator.hass
        self._entry = coordinator.config_entry
        self._known = _findings_of(self._hass, self._entry)
        self._listed = float("-inf")
        self._bindings: dict[str, Binding] = {}
        # Counts what changed of the devices' points and of the registered entities, so that
        # thousands of these are walked through only after a change.
        self._changes = 0
        self._looked_at: dict[str, tuple[int, ...]] = {}
        self._entry.async_on_unload(
            self._hass.bus.async_listen(
                er.EVENT_ENTITY_REGISTRY_UPDATED, self._note_registry
            )
        )
        self._label_models: list[tuple[Selection, list[ThingModel]]] | None = None

    # What is heard.

    @callback
    def note_round(self) -> None:
        """Look at everything after a round of polling, be it one that failed."""
        self._tell(_ADDRESS, self._address)
        self._tell(_CLOCK, self._clock)
        listed = self._coordinator.devices_read_at
        if listed == float("-inf"):
            # Who knows no device knows nothing that is wrong with one.
            return
        self._tell(_PERMISSION, self._permission)
        if listed != self._listed:
            self._listed = listed
            self._note_devices()
            self._tell(_NOT_ACTIVATED, self._not_activated)
            self._tell(_CUSTOM_FORMAT, self._custom_format)
            self._tell(_POINTS_GONE, self._points_gone)
            self._tell(_NEW_LABELS, self._new_labels)
        self._tell(_ENTITY_CAP, self._entity_cap)

    @callback
    def _note_registry(self, _event: Event[er.EventEntityRegistryUpdatedData]) -> None:
        self._changes += 1

    def _note_devices(self) -> None:
        """See whether other devices, or other points of them, were found."""
        discovery = self._coordinator.discovery
        bindings = {
            asset_id: discovery.binding(device)
            for asset_id, device in self._coordinator.devices.items()
        }
        if bindings != self._bindings:
            self._bindings = bindings
            self._changes += 1

    def _look_at(self, kind: str, *facts: int) -> None:
        """Take note that a kind is looked at; `_Unclear` where it would be what it was.

        `facts` are what else it depends on.
        """
        now = (self._changes, *facts)
        if self._looked_at.get(kind) == now:
            raise _Unclear
        self._looked_at[kind] = now

    @callback
    def note_command(self, record: Record) -> None:
        """Take what became of a command."""
        known = self._known
        asset_id, outcome = record.asset_id, record.outcome
        command = (record.is_service, record.point_id)
        product = record.product_key or asset_id
        if outcome is Outcome.SUCCEEDED:
            known.inactive.discard(asset_id)
            known.denied.discard(asset_id)
            known.obeyed[asset_id] = time.monotonic()
            if product in known.refused and command not in known.encoded[product]:
                # One that went through all the time would say nothing of the others.
                known.encoded[product].add(command)
                del known.refused[product]
        elif outcome is Outcome.NOT_ENCODABLE:
            known.refused.setdefault(product, set()).add(command)
            known.encoded.setdefault(product, set()).discard(command)
        elif outcome is Outcome.PERMISSION_DENIED and record.code != _ADDRESS_REFUSED:
            known.denied.add(asset_id)
            known.obeyed.pop(asset_id, None)
        elif outcome is Outcome.DEVICE_INACTIVE or (
            record.waits
            and self._coordinator.status_of(asset_id) is DeviceStatus.INACTIVE
        ):
            known.inactive.add(asset_id)
        else:
            return
        self._tell(_NOT_ACTIVATED, self._not_activated)
        self._tell(_CUSTOM_FORMAT, self._custom_format)
        if known.denied or _PERMISSION in known.raised:
            self._tell(_PERMISSION, self._permission)

    def _tell(self, kind: str, find: Callable[[], _Issue | None]) -> None:
        """Raise, change or withdraw what is told of a kind, where that is something new."""
        raised = self._known.raised
        if self._hass.data[_FINDINGS].get(self._entry.entry_id) is not self._known:
            # The account was removed or disabled while something was on its way.
            return
        try:
            found = find()
        except _Unclear:
            return
        if found == raised.get(kind):
            return
        issue_id = f"{kind}_{self._entry.entry_id}"
        if found is None:
            del raised[kind]
            ir.async_delete_issue(self._hass, DOMAIN, issue_id)
            return
        raised[kind] = found
        link: dict[str, Any] = (
            {"config_entry_id": self._entry.entry_id} if _CAN_LINK else {}
        )
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            issue_id,
            data={"entry_id": self._entry.entry_id} if found.fixable else None,
            is_fixable=found.fixable,
            severity=found.severity,
            translation_key=found.key or kind,
            translation_placeholders={
                "account": self._entry.title,
                **found.placeholders,
            },
            **link,
        )

    # What is wrong.

    def _not_activated(self) -> _Issue | None:
        """Devices that a command met and that EnOS still calls inactive, or nothing at all."""
        coordinator = self._coordinator
        inactive = self._known.inactive
        for asset_id in list(inactive):
            if asset_id not in coordinator.devices or coordinator.status_of(
                asset_id
            ) not in (DeviceStatus.INACTIVE, DeviceStatus.UNKNOWN):
                inactive.discard(asset_id)
        if not inactive:
            return None
        return _Issue(
            ir.IssueSeverity.WARNING,
            {
                "count": str(len(inactive)),
                "devices": _listed(
                    self._name_of(coordinator.devices[asset_id])
                    for asset_id in inactive
                ),
            },
        )

    def _custom_format(self) -> _Issue | None:
        """Products for which EnOS could not encode a command."""
        refused = self._known.refused
        if not refused:
            return None
        names: dict[str, str] = {}
        for device in self._coordinator.devices.values():
            product = device.product_key or device.asset_id
            if product in refused and product not in names:
                name = device.product_name.get(self._hass.config.language)
                names[product] = name or product
        for product in refused.keys() - names.keys():
            del refused[product], self._known.encoded[product]
        if not names:
            return None
        return _Issue(
            ir.IssueSeverity.WARNING,
            {"count": str(len(names)), "products": _listed(names.values())},
        )

    def _permission(self) -> _Issue | None:
        """Rights that the application lacks altogether."""
        coordinator = self._coordinator
        discovery, devices = coordinator.discovery, coordinator.devices
        missing: list[str] = []
        if not discovery.statuses_known:
            missing.append(_DEVICE_READ)
        if discovery.models_denied and not all(
            discovery.knows_model(device) for device in devices.values()
        ):
            missing.append(_MODEL_READ)
        refused = coordinator.batches.refused_assets
        if any(
            asset_id in devices and coordinator.wanted(asset_id) for asset_id in refused
        ) and all(
            asset_id in refused or not coordinator.wanted(asset_id)
            for asset_id in devices
        ):
            missing.append(_ASSET_READ)
        if self._control_denied():
            missing.append(_ASSET_CONTROL)
        if not missing:
            return None
        # Without the right to list them, named devices are read and controlled all the same.
        works = missing == [_DEVICE_READ] and devices
        return _Issue(
            ir.IssueSeverity.WARNING if works else ir.IssueSeverity.ERROR,
            {"rights": ", ".join(missing)},
        )

    def _control_denied(self) -> bool:
        """Tell whether commands are refused in general, and not to single devices."""
        known, devices = self._known, self._coordinator.devices
        known.denied.intersection_update(devices)
        if len(known.denied) < min(_DEVICES_REFUSING, max(1, len(devices))):
            return False
        now = time.monotonic()
        return not any(
            asset_id in devices and now - at < _OBEYED_FOR
            for asset_id, at in known.obeyed.items()
        )

    def _address(self) -> _Issue | None:
        """A gateway that refuses this machine's address."""
        trouble = self._coordinator.trouble
        if isinstance(trouble, AddressRefusedError):
            return _Issue(
                ir.IssueSeverity.ERROR,
                {"url": self._coordinator.client.url, "message": trouble.message},
            )
        let_in = isinstance(trouble, ApiError | CredentialsError | TokenRefusedError)
        if trouble is None or let_in:
            return None
        raise _Unclear

    def _clock(self) -> _Issue | None:
        """Clocks that differ by more than EnOS tolerates, or nearly so."""
        offset = self._coordinator.client.clock_offset
        if offset is None:
            raise _Unclear
        told = self._known.raised.get(_CLOCK)
        if abs(offset) <= (_CLOCK_FITS if told else CLOCK_SKEW):
            return None
        key = f"{_CLOCK}_behind" if offset > 0 else f"{_CLOCK}_ahead"
        minutes = round(abs(offset) / 60)
        if told is not None and told.key == key:
            before = int(told.placeholders["minutes"])
            if abs(minutes - before) <= max(1, before // 10):
                # A clock that drifts is no news with each minute.
                minutes = before
        refused = isinstance(self._coordinator.trouble, TokenRefusedError)
        return _Issue(
            ir.IssueSeverity.ERROR if refused else ir.IssueSeverity.WARNING,
            {"minutes": str(minutes)},
            key,
        )

    def _entity_cap(self) -> _Issue | None:
        """An entry that has, or is about to have, nearly as many entities as are allowed."""
        limit = entity_platform.MAX_ENABLED_ENTITIES_PER_CONFIG_ENTRY
        self._look_at(_ENTITY_CAP, limit)
        entities = er.async_get(self._hass).entities
        count = entities.get_enabled_count_for_config_entry_id(self._entry.entry_id)
        discovery = self._coordinator.discovery
        devices = self._coordinator.devices.values()
        most = count + sum(1 + len(discovery.bound_points(each)) for each in devices)
        if most >= limit * _NEAR_CAP:
            count += self._missing_entities()
        if count < limit * _NEAR_CAP:
            return None
        return _Issue(
            ir.IssueSeverity.WARNING if count < limit else ir.IssueSeverity.ERROR,
            {"count": str(count), "limit": str(limit)},
        )

    def _missing_entities(self) -> int:
        """Return how many entities of points should be there and are not registered yet."""
        discovery = self._coordinator.discovery
        find = er.async_get(self._hass).async_get_entity_id
        org_id = self._coordinator.client.org_id
        return sum(
            bound.description.enabled_default
            and find(
                bound.description.kind.value,
                DOMAIN,
                point_unique_id(org_id, device.asset_id, bound.key),
            )
            is None
            for device in self._coordinator.devices.values()
            for bound in discovery.bound_points(device)
        )

    def _points_gone(self) -> _Issue | None:
        """Chosen points and services that the devices do not have, or have no more.

        Some in none of their models, others were entities before. What only devices of
        another model ever had is no fault.
        """
        self._look_at(_POINTS_GONE)
        discovery = self._coordinator.discovery
        gone: dict[str, tuple[str, set[str]]] = {}
        for device in self._coordinator.devices.values():
            selection = discovery.selection_of(device)
            if selection is None or not discovery.knows_model(device):
                # What nobody could read may well have them.
                continue
            lost = discovery.lost(device)
            missing = {
                key
                for key in discovery.binding(device).unbound
                if self._was_there(device, key)
            }
            if lost.certain:
                missing |= lost.points | lost.services
            if missing:
                gone.setdefault(selection.subentry_id, (selection.name, set()))[
                    1
                ].update(missing)
        if not gone:
            return None
        listed = sorted(
            f"- {name}: {_listed(f'`{key}`' for key in keys)}"
            for name, keys in gone.values()
        )
        return _Issue(
            ir.IssueSeverity.WARNING,
            {
                "count": str(sum(len(keys) for _, keys in gone.values())),
                "points": "\n".join(_first(listed)),
            },
        )

    def _was_there(self, device: Device, point_id: str) -> bool:
        """Tell whether a point is registered as an entity, of whatever kind."""
        find = er.async_get(self._hass).async_get_entity_id
        unique_id = point_unique_id(
            self._coordinator.client.org_id, device.asset_id, point_id
        )
        return any(find(kind.value, DOMAIN, unique_id) for kind in Kind)

    def _new_labels(self) -> _Issue | None:
        """Options of newer models that nobody has accepted yet."""
        models = _models_of_selections(self._coordinator)
        if models == self._label_models:
            # Labels of many points take a while to compare, and seldom change.
            raise _Unclear
        self._label_models = models
        news = new_labels(self._coordinator)
        if not news:
            return None
        return _Issue(
            ir.IssueSeverity.WARNING,
            {
                "count": str(sum(len(of_one) for _, of_one in news)),
                "changes": as_text(news),
            },
            fixable=True,
        )

    def _name_of(self, device: Device) -> str:
        name = device.name.get(self._hass.config.language)
        return name or device.device_key or device.asset_id


type LabelsOfSelection = list[tuple[Selection, list[LabelNews]]]


def new_labels(coordinator: EnosCoordinator) -> LabelsOfSelection:
    """Return what newer models have new about options, by selection."""
    language = coordinator.hass.config.language
    return [
        (selection, news)
        for selection, models in _models_of_selections(coordinator)
        if (news := news_of(selection, models, language))
    ]


def _models_of_selections(
    coordinator: EnosCoordinator,
) -> list[tuple[Selection, list[ThingModel]]]:
    """Return the models of the devices that each selection holds."""
    discovery = coordinator.discovery
    found: dict[str, tuple[Selection, dict[str, ThingModel]]] = {}
    for device in coordinator.devices.values():
        selection = discovery.selection_of(device)
        model = discovery.models.get(device.model_id)
        if selection is not None and model is not None:
            _, models = found.setdefault(selection.subentry_id, (selection, {}))
            models[device.model_id] = model
    return [
        (selection, [models[key] for key in sorted(models)])
        for selection, models in found.values()
    ]


def as_text(news: LabelsOfSelection) -> str:
    """Return new options as a list, a line for each point."""
    lines = [
        f"- {_plain(selection.name)} – {_plain(each.name)} (`{each.point_id}`): "
        + ", ".join(
            (
                *(
                    f"+ {_plain(f'{code} = {label}')}"
                    for code, label in each.added.items()
                ),
                *(
                    _plain(f"{code} = {each.before[code]} → {label}")
                    for code, label in each.changed.items()
                ),
            )
        )
        for selection, of_one in news
        for each in of_one
    ]
    return "\n".join(lines)


def _plain(text: str) -> str:
    """Return a text that a page shows as it is, though it takes it for Markdown."""
    return re.sub(r"([\\`*_\[\]<>~#|!])", r"\\\1", text)


@callback
def async_forget_labels(hass: HomeAssistant, entry: ConfigEntry[Any]) -> None:
    """Tell of new labels afresh, if there are any left: the repair was seen to."""
    _findings_of(hass, entry).raised.pop(_NEW_LABELS, None)


def _first(names: Collection[str]) -> list[str]:
    """Return the first few, and a mark where there are more."""
    shown = list(names)[:_NAMED]
    return [*shown, "…"] if len(names) > _NAMED else shown


def _listed(names: Iterable[str]) -> str:
    """Return the first few names in the order of the alphabet."""
    return ", ".join(_first(sorted(names)))
