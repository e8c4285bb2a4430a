"""The account's event entity: values that fill pages, names."""

import json

from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from pytest_homeassistant_custom_component.common import async_capture_events

from custom_components.enos.const import EVENT_COMMAND
from simulator import Simulator

from .actions import act, device_id_of, set_up_any

LIMIT = 16384
"""Where attributes of a state are longer than that, the recorder keeps none of them."""


async def test_event_of_a_huge_value(hass: HomeAssistant, sim: Simulator) -> None:
    """A huge value does not cost the recorder what became of the command."""
    await set_up_any(hass, sim, "chiller")
    (entity_id,) = hass.states.async_entity_ids("event")
    heard = async_capture_events(hass, EVENT_COMMAND)
    for codes in ([1, 2], list(range(9999))):
        await act(
            hass,
            "set_measurepoint",
            device_id=device_id_of(hass, sim, sim.device("chiller")),
            measurepoint_id="alarm_codes",
            value=codes,
        )
        assert heard[-1].data["value"] == codes
        state = hass.states.get(entity_id)
        assert state is not None
        assert state.attributes["event_type"] == "succeeded"
        shown = state.attributes["value"]
        assert shown == codes or shown.startswith("[0, 1, 2, ")
        assert len(json.dumps(dict(state.attributes))) < LIMIT / 2


async def test_event_calls_things_as_people_do(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """A device has the name that a person gave it; a point without entity its id."""
    await set_up_any(hass, sim, "chiller")
    device_id = device_id_of(hass, sim, sim.device("chiller"))
    dr.async_get(hass).async_update_device(device_id, name_by_user="Ice maker")
    await act(
        hass,
        "set_measurepoint",
        device_id=device_id,
        measurepoint_id="alarm_codes",
        value=[3],
    )
    (entity_id,) = hass.states.async_entity_ids("event")
    state = hass.states.get(entity_id)
    assert state is not None
    assert state.attributes["device"] == "Ice maker"
    assert state.attributes["point"] == "alarm_codes"
