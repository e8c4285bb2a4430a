"""Gateways and what is below them: linked in the device registry, at next to no cost."""

import json
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigSubentryData
from homeassistant.const import STATE_OFF, STATE_ON
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from simulator import SimDevice, Simulator

from .common import (
    entity_id_of,
    entry_for,
    poll,
    poll_devices,
    product_subentry,
    set_up,
    state_of,
)
from .reading import device_entry_of, devices_of, loud, requests_for, text_of

_HOUR = 3660.0


class Radio:
    """Two gateways and three sensors in a building."""

    def __init__(self, hass: HomeAssistant, sim: Simulator) -> None:
        """Add them to the building; the first gateway has two of the sensors."""
        self.hass, self.sim = hass, sim
        self.gateways = [sim.add_device("gateway") for _ in range(2)]
        self.sensors = [sim.add_device("room_sensor") for _ in range(3)]
        for sensor in self.sensors[:2]:
            sim.attach(self.gateways[0].asset_id, sensor.asset_id)
        self.entry = entry_for(
            sim, self.product("gateway"), self.product("room_sensor")
        )

    def product(self, kind: str, **more: Any) -> ConfigSubentryData:
        """Return the subentry of a product."""
        point = {"gateway": "uptime", "room_sensor": "temperature"}[kind]
        return product_subentry(self.sim, kind, sensors=[point], **more)

    def id_of(self, device: SimDevice) -> str | None:
        """Return a device's id in the registry."""
        found = device_entry_of(self.hass, self.sim, device, self.entry)
        return found.id if found else None

    @property
    def via(self) -> list[int | None]:
        """Return by which gateway each sensor is connected."""
        gateways: list[str | None] = [self.id_of(gateway) for gateway in self.gateways]
        found = []
        for sensor in self.sensors:
            device = device_entry_of(self.hass, self.sim, sensor, self.entry)
            assert device
            via = device.via_device_id
            found.append(gateways.index(via) if via else None)
        return found

    @property
    def asked(self) -> list[int]:
        """Return which gateways were asked, in order."""
        ids = [gateway.asset_id for gateway in self.gateways]
        asked = []
        for request in requests_for(self.sim, "device-topos"):
            body = request.body
            if isinstance(body, bytes):
                # Of a request that met a fault nothing was read yet.
                body = json.loads(body)
            asked.append(ids.index(body["gateway"]["assetId"]))
        return asked


@pytest.fixture
async def radio(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> Radio:
    """Return what is in the building, set up. Time stands still from before that."""
    radio = Radio(hass, sim)
    await set_up(hass, radio.entry)
    await hass.async_block_till_done(wait_background_tasks=True)
    return radio


async def rounds(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, count: int = 1
) -> None:
    """Let the devices be read that many times, and what follows from it happen."""
    for _ in range(2 * count):
        freezer.tick(31)
        await poll(hass)


async def test_links(radio: Radio, caplog: pytest.LogCaptureFixture) -> None:
    """Sub-devices tell their gateway once the account is set up."""
    assert radio.via == [0, 0, None]
    assert sorted(radio.asked) == [0, 1]
    assert radio.sim.rejections == []
    caplog.clear()
    assert loud(caplog) == []


async def test_gateways_are_asked_seldom(
    hass: HomeAssistant, radio: Radio, freezer: FrozenDateTimeFactory
) -> None:
    """Each once an hour, and one at a time."""
    radio.sim.requests.clear()
    await rounds(hass, freezer, 4)
    assert radio.asked == []
    freezer.tick(_HOUR)
    await rounds(hass, freezer)
    assert len(radio.asked) == 1
    await rounds(hass, freezer, 3)
    assert sorted(radio.asked) == [0, 1]


async def test_sensor_leaves_comes_and_moves(
    hass: HomeAssistant, radio: Radio, freezer: FrozenDateTimeFactory
) -> None:
    """What changes below gateways is followed within the hour, moves as soon as one is seen."""
    sim, gateways, sensors = radio.sim, radio.gateways, radio.sensors
    sim.detach(sensors[0].asset_id)
    sim.attach(gateways[1].asset_id, sensors[2].asset_id)
    freezer.tick(_HOUR)
    await rounds(hass, freezer, 3)
    assert radio.via == [None, 0, 1]
    sim.attach(gateways[1].asset_id, sensors[1].asset_id)
    freezer.tick(_HOUR)
    await rounds(hass, freezer, 4)
    assert radio.via == [None, 1, 1]
    # Unchanged links are not written again.
    written = [device.modified_at for device in devices_of(hass, radio.entry)]
    freezer.tick(_HOUR)
    await rounds(hass, freezer, 3)
    assert written == [device.modified_at for device in devices_of(hass, radio.entry)]


async def test_new_sensor(
    hass: HomeAssistant, radio: Radio, freezer: FrozenDateTimeFactory
) -> None:
    """A sensor that is new is linked within minutes."""
    new = radio.sim.add_device("room_sensor")
    radio.sensors.append(new)
    radio.sim.attach(radio.gateways[1].asset_id, new.asset_id)
    await rounds(hass, freezer, 4)
    assert radio.via == [0, 0, None, 1]


async def test_reload_and_restart(
    hass: HomeAssistant, radio: Radio, freezer: FrozenDateTimeFactory
) -> None:
    """Links stay over a reload without a question, and where gateways cannot be asked."""
    radio.sim.requests.clear()
    assert await hass.config_entries.async_reload(radio.entry.entry_id)
    await poll_devices(hass)
    assert radio.via == [0, 0, None]
    assert radio.asked == []
    await hass.config_entries.async_unload(radio.entry.entry_id)
    hass.data.pop("enos", None)
    freezer.tick(5)
    radio.sim.faults.add("status", path="device-topos", status=503)
    await hass.config_entries.async_setup(radio.entry.entry_id)
    await poll_devices(hass)
    assert radio.via == [0, 0, None]


async def test_gateway_that_is_not_brought_in(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """Without the gateway there is no link, and no question; with it later there is one."""
    radio = Radio(hass, sim)
    radio.entry = entry_for(sim, radio.product("room_sensor"))
    await set_up(hass, radio.entry)
    await poll_devices(hass)
    assert radio.via == [None, None, None]
    assert radio.asked == []


async def test_gateway_goes_from_the_selection(
    hass: HomeAssistant, radio: Radio
) -> None:
    """A gateway that is taken out takes its links along, and nothing else."""
    gateway = next(
        each for each in radio.entry.subentries.values() if each.title == "gateway"
    )
    hass.config_entries.async_remove_subentry(radio.entry, gateway.subentry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    await poll_devices(hass)
    assert radio.via == [None, None, None]
    assert text_of(hass, radio.sim, radio.sensors[0], "temperature") == "23.5"


async def test_gateway_is_removed_in_enos(hass: HomeAssistant, radio: Radio) -> None:
    """A gateway that EnOS has no more leaves its sensors alone."""
    radio.sim.remove_device(radio.gateways[0].asset_id)
    await poll_devices(hass)
    assert radio.id_of(radio.gateways[0]) is None
    assert radio.via == [None, None, None]
    assert text_of(hass, radio.sim, radio.sensors[0], "temperature") == "23.5"


async def test_gateway_is_offline(hass: HomeAssistant, radio: Radio) -> None:
    """The status of a sensor is its own."""
    radio.gateways[0].status = "offline"
    await poll_devices(hass)
    sim = radio.sim
    connectivity = entity_id_of(
        hass, sim, "binary_sensor", radio.gateways[0], "#connectivity"
    )
    state = hass.states.get(connectivity)
    assert state
    assert state.state == STATE_OFF
    assert text_of(hass, sim, radio.sensors[0], "temperature") == "23.5"
    own = state_of(hass, sim, "binary_sensor", radio.sensors[0], "#connectivity")
    assert own.state == STATE_ON
    assert radio.via == [0, 0, None]


@pytest.mark.parametrize(
    "trouble",
    [
        {"kind": "status", "status": 502, "body": "html"},
        {"kind": "status", "status": 404, "body": "html"},
        {"kind": "status", "status": 200, "body": {"code": 99500, "msg": "no"}},
        {"kind": "status", "status": 200, "body": {"code": 99404, "msg": "no"}},
        {"kind": "status", "status": 200, "body": {"code": 12345, "msg": "no"}},
        {"kind": "rate_limit"},
        {"kind": "drop"},
    ],
    ids=str,
)
async def test_trouble_harms_nothing(
    hass: HomeAssistant,
    sim: Simulator,
    caplog: pytest.LogCaptureFixture,
    freezer: FrozenDateTimeFactory,
    trouble: dict[str, Any],
) -> None:
    """Whatever is wrong with the question, everything else works, and nobody is alarmed."""
    radio = Radio(hass, sim)
    sim.faults.add(path="device-topos", **trouble)
    entry: MockConfigEntry = radio.entry
    await set_up(hass, entry)
    await hass.async_block_till_done(wait_background_tasks=True)
    caplog.clear()
    await rounds(hass, freezer, 3)
    assert radio.via == [None, None, None]
    assert text_of(hass, sim, radio.sensors[0], "temperature") == "23.5"
    new = sim.add_device("room_sensor")
    await rounds(hass, freezer, 2)
    assert radio.id_of(new)
    assert entry.runtime_data.coordinator.last_update_success
    assert loud(caplog) == []
    assert len(radio.asked) < 25
    sim.faults.clear()
    freezer.tick(_HOUR)
    await rounds(hass, freezer, 4)
    assert radio.via == [0, 0, None]


async def test_right_is_missing(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """Without the right nothing is asked for a day."""
    radio = Radio(hass, sim)
    sim.faults.add(
        "status",
        path="device-topos",
        status=200,
        body={"code": 99403, "msg": "Denied", "data": None},
    )
    await set_up(hass, radio.entry)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert len(radio.asked) == 1
    for _ in range(4):
        freezer.tick(_HOUR)
        await rounds(hass, freezer)
    assert len(radio.asked) == 1
    sim.faults.clear()
    freezer.tick(24 * 3600)
    await rounds(hass, freezer, 3)
    assert radio.via == [0, 0, None]
