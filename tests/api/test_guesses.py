"""Every guess about what a real gateway does: the client lives with each, and with all at once."""

from typing import Any

import aiohttp
import pytest

from custom_components.enos.api.client import EnosClient
from custom_components.enos.api.models import DataType, DeviceStatus
from simulator import Guesses, Simulator

from .common import client_of

# A write of each type of data: kind of device, point, value.
WRITES: tuple[tuple[str, str, Any], ...] = (
    ("fcu", "power", False),
    ("light", "switch", 1),
    ("fcu", "mode", 3),
    ("fcu", "fan_speed", "medium"),
    ("fcu", "temp_setpoint", 22.5),
    ("light", "brightness", 55),
    ("battery", "power_setpoint", -12.25),
    ("ahu", "damper", {"position": 12.5, "forced": True}),
    ("ahu", "zone_temps", [21.0, 22.0, 23.0, 24.0]),
    ("ahu", "last_filter_change", "2026-11-22"),
    ("ahu", "operator_note", "冬季 模式 “慢”"),
    ("meter", "last_reset", 1767225600000),
)

VARIANTS: dict[str, Guesses] = {
    "defaults": Guesses(),
    **dict(Guesses.variants()),
    "all at once": Guesses.all_non_default(),
}


async def read_all(sim: Simulator, client: EnosClient) -> None:
    """Read everything there is, and look at what can differ."""
    products = await client.search_products()
    assert {product.product_key for product in products} == set(sim.products)

    sim.device("pv").status = "disabled"
    devices = {device.asset_id: device for device in await client.search_devices()}
    assert set(devices) == set(sim.devices)
    assert devices[sim.device("pv").asset_id].status is DeviceStatus.DISABLED
    sim.device("pv").status = "online"

    models = await client.thing_models({each.model_id for each in devices.values()})
    assert {each.model_id for each in devices.values()} == set(models)
    mode = models["hvac_fcu"].measurepoints["mode"]
    assert mode.data_type is DataType.ENUM
    assert set(mode.enum) == (set() if sim.guesses.G14 == "absent" else {"1", "2", "3"})
    assert mode.enum_is_int

    for device in sim.devices.values():
        points = list(device.values)
        stored = await client.latest([device.asset_id], points)
        unstored = sim.unstored[device.model_id]
        assert {point for _, point in stored} == set(points) - unstored
        assert all(reading.time for reading in stored.values())
        live = await client.query_latest(device.asset_id, points)
        assert set(live) == set(points)
        for point, reading in live.items():
            value = device.values[point]
            assert reading.value == value, point
            if point not in unstored and isinstance(value, (int, float)):
                text = str(stored[device.asset_id, point].value).lower()
                number = {"true": 1.0, "false": 0.0}.get(text)
                assert (float(text) if number is None else number) == value

    fcu = sim.device("fcu")
    found = await client.find_device(fcu.product_key, fcu.device_key)
    assert found.asset_id == fcu.asset_id
    assert await client.device_exists(fcu.asset_id)
    assert not await client.device_exists("nothere1")


async def write_all(sim: Simulator, client: EnosClient) -> None:
    """Write a value of each type; each arrives as it was meant, once."""
    for kind, point, value in WRITES:
        device = sim.device(kind)
        command_id = await client.set_measurepoint(device.asset_id, point, value)
        assert sim.commands[-1].command_id == command_id
        assert sim.writes[-1] == (device.asset_id, point, value)
        assert type(sim.writes[-1][2]) is type(value)
    assert len(sim.writes) == len(WRITES)


def test_writes_cover_all_types() -> None:
    """The writes are of each type that the building has."""
    sim = Simulator(devices=16, physics=False)
    there = {point.data_type for point in sim.catalog.values()}
    written = {
        sim.catalog[sim.device(kind).model_id, point].data_type
        for kind, point, _ in WRITES
    }
    assert written == there


@pytest.mark.parametrize("name", VARIANTS)
async def test_session(session: aiohttp.ClientSession, name: str) -> None:
    """A session of all reads and a write of each type, with a token that ends in between."""
    async with Simulator(devices=10, physics=False, guesses=VARIANTS[name]) as sim:
        client = client_of(sim, session)
        await read_all(sim, client)
        await sim.expire_tokens()
        await write_all(sim, client)
        sim.revoke_token()
        await client.latest([sim.device("fcu").asset_id], ["power"])
        assert sim.rejections == []
        assert not any(record.served_secret for record in sim.requests)
