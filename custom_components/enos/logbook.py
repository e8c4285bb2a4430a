"""The logbook: what became of commands, where their controls alone would not tell.

The logbook shows every event that it can describe; there is no way to leave one out, and forty
values of a dragged slider are no news. So `enos_command` is not described. Those commands of
which there is something to say fire a second event, which holds the finished line. It carries
the context of the first, by which the logbook finds the person or automation behind it.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from homeassistant.components.logbook.const import (
    LOGBOOK_ENTRY_ENTITY_ID,
    LOGBOOK_ENTRY_MESSAGE,
    LOGBOOK_ENTRY_NAME,
)
from homeassistant.components.logbook.models import LazyEventPartialState
from homeassistant.const import ATTR_DEVICE_ID, ATTR_ENTITY_ID, ATTR_UNIT_OF_MEASUREMENT
from homeassistant.core import Event, HomeAssistant, State, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.translation import (
    async_get_cached_translations,
    async_translate_state,
)
from homeassistant.util import dt as dt_util

from .api.models import JsonValue
from .const import DOMAIN, EVENT_COMMAND
from .coordinator import EnosConfigEntry
from .discovery import BoundPoint
from .encoding import converter_of
from .mapping import Kind
from .records import Mode, Outcome
from .values import as_text, code_of, parse

EVENT_LINE: Final = f"{DOMAIN}_logbook"

_LONGEST_SHOWN: Final = 100

# Where EnOS's own words, or those of the network, say why.
_WITH_REASON: Final = frozenset(
    {
        Outcome.NOT_SENT,
        Outcome.REJECTED,
        Outcome.PERMISSION_DENIED,
        Outcome.FAILED,
    }
)


@callback
def async_describe_events(
    hass: HomeAssistant,
    async_describe_event: Callable[
        [str, str, Callable[[LazyEventPartialState], dict[str, Any]]], None
    ],
) -> None:
    """Have the logbook show commands. It calls this once."""

    @callback
    def tell(event: Event) -> None:
        """Fire the line of a command of which there is something to say."""
        command = event.data
        entry: EnosConfigEntry | None = hass.config_entries.async_get_entry(
            command["entry_id"]
        )
        if entry is None:
            return
        key = _key(entry, command)
        if key is None:
            return
        name, value = _subject(hass, entry, command)
        hass.bus.async_fire(
            EVENT_LINE,
            {
                LOGBOOK_ENTRY_NAME: name,
                LOGBOOK_ENTRY_MESSAGE: _sentence(hass, key, value, command),
                ATTR_ENTITY_ID: command["entity_id"],
                ATTR_DEVICE_ID: command["device_id"],
            },
            context=event.context,
        )

    @callback
    def describe(event: LazyEventPartialState) -> dict[str, Any]:
        """Return the line as it was worded when the command ended."""
        line = {
            key: event.data[key] for key in (LOGBOOK_ENTRY_NAME, LOGBOOK_ENTRY_MESSAGE)
        }
        if entity_id := event.data[ATTR_ENTITY_ID]:
            line[LOGBOOK_ENTRY_ENTITY_ID] = entity_id
        return line

    hass.bus.async_listen(EVENT_COMMAND, tell)
    async_describe_event(DOMAIN, EVENT_LINE, describe)


def _key(entry: EnosConfigEntry, command: Mapping[str, Any]) -> str | None:
    """Return the translation key of what is to be said, None where there is nothing."""
    outcome = Outcome(command["outcome"])
    if outcome is Outcome.SUCCEEDED:
        if command["mode"] == Mode.CACHED:
            return "logbook_delivered"
        return "logbook_confirmed" if _was_unclear(entry, command) else None
    if outcome is Outcome.SUPERSEDED:
        # Of one that never left, as with a slider that is dragged, nothing was said before.
        return "logbook_superseded" if command["mode"] == Mode.CACHED else None
    if command["final"]:
        if outcome is Outcome.UNKNOWN:
            return "logbook_lost"
        if outcome is Outcome.NO_REPLY and command["service_id"] is None:
            # The line before this one said that there was no answer.
            return "logbook_unconfirmed"
    return f"logbook_{outcome.value}"


def _was_unclear(entry: EnosConfigEntry, command: Mapping[str, Any]) -> bool:
    """Tell whether nobody knew for a while what became of a command."""
    return any(
        record.id == command["command"] and record.unclear_since is not None
        for record in entry.runtime_data.commands.journal.records
    )


def _subject(
    hass: HomeAssistant, entry: EnosConfigEntry, command: Mapping[str, Any]
) -> tuple[str, str]:
    """Return what was to be changed, and the value or service, as a person knows them."""
    registered = dr.async_get(hass).async_get(command["device_id"] or "")
    device = registered and (registered.name_by_user or registered.name)
    device = device or command["asset_id"]
    if command["service_id"] is not None:
        return device, command["service_id"]
    coordinator = entry.runtime_data.coordinator
    known = coordinator.devices.get(command["asset_id"])
    point_id = command["measurepoint_id"]
    bound = coordinator.discovery.bound_point(known, point_id) if known else None
    if bound is None:
        return f"{device} {point_id}", _short(str(command["value"]))
    state = hass.states.get(command["entity_id"] or "")
    return (
        state.name if state else f"{device} {bound.name}",
        _short(_shown(hass, bound, command["value"], state)),
    )


def _short(text: str) -> str:
    """Return a text that fits on a line."""
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _shown(
    hass: HomeAssistant, bound: BoundPoint, wire: JsonValue, state: State | None
) -> str:
    """Return a value as the point's entity shows it."""
    value, description = parse(bound.point, wire), bound.description
    if description.options and (label := dict(description.options).get(code_of(value))):
        return label
    truth = description.truth(value) if description.kind is Kind.SWITCH else None
    word = isinstance(value, bool) and bound.point.bool_labels.get(value)
    if word:
        return word
    if truth is not None:
        return async_translate_state(
            hass, "on" if truth else "off", Kind.SWITCH.value, None, None, None
        )
    if isinstance(value, datetime):
        return f"{dt_util.as_local(value):%Y-%m-%d %H:%M:%S}"
    if isinstance(value, int | float) and not isinstance(value, bool):
        native = description.unit or ""
        unit = (state and state.attributes.get(ATTR_UNIT_OF_MEASUREMENT)) or native
        converter = converter_of(description, unit)
        if converter is None:
            return f"{as_text(value)} {native}".strip()
        # The unit system, or a person, chose another unit than the model's.
        return f"{as_text(round(converter.convert(value, native, unit), 2))} {unit}"
    return value if isinstance(value, str) else str(wire)


def _clock(moment: datetime) -> str:
    """Return a time as clocks in Home Assistant's zone show it, with the day if not today."""
    local = dt_util.as_local(moment)
    today = local.date() == dt_util.now().date()
    return f"{local:%H:%M}" if today else f"{local:%Y-%m-%d %H:%M}"


def _sentence(
    hass: HomeAssistant, key: str, value: str, command: Mapping[str, Any]
) -> str:
    """Return the line in Home Assistant's language."""
    path = f"component.{DOMAIN}.exceptions.{key}.message"
    # Just after the language was changed its texts are not there yet; English always is.
    text = async_get_cached_translations(
        hass, hass.config.language, "exceptions", DOMAIN
    ).get(path) or async_get_cached_translations(hass, "en", "exceptions", DOMAIN).get(
        path, key
    )
    expires = dt_util.parse_datetime(command["expires"] or "")
    sentence = text.format(
        value=value,
        expires=_clock(expires) if expires else "-",
    )
    if command["message"] and command["outcome"] in _WITH_REASON:
        sentence = f"{sentence} ({command['message']})"
    return sentence
