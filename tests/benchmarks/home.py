"""A real Home Assistant in this process, and the meters that are read off it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
import contextlib
import ctypes
from dataclasses import dataclass, field
import gc
from pathlib import Path
import time
from types import MappingProxyType
from typing import Any

from homeassistant import bootstrap, loader
from homeassistant.config_entries import ConfigEntry, ConfigSubentryData
from homeassistant.const import CONF_URL, CONF_VERIFY_SSL, EVENT_STATE_CHANGED, Platform
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.util import ulid

import custom_components
from custom_components.enos import _HANDOVERS
from custom_components.enos.const import (
    CONF_ACCESS_KEY,
    CONF_ORG_ID,
    CONF_SECRET_KEY,
    DOMAIN,
    SUBENTRY_PRODUCT,
)
from scripts._develop import ROOT, store
from tests.e2e.house import free_port

from .floor import DOMAIN as FLOOR, PLAN, FloorPlan, FloorPoint
from .plant import Plant

_DONE = ["core_config", "analytics", "integration"]


@contextlib.asynccontextmanager
async def running(
    folder: Path, config: dict[str, Any] | None = None
) -> AsyncIterator[HomeAssistant]:
    """Run Home Assistant with its usual integrations but no recorder."""
    components = folder / "custom_components"
    components.mkdir()
    (components / FLOOR).symlink_to(ROOT / "tests" / "benchmarks" / "floor")
    custom_components.__path__.append(str(components))
    store("onboarding", 4, {"done": _DONE}, folder)
    store("http", 1, {"server_host": ["127.0.0.1"], "server_port": free_port()}, folder)
    hass = HomeAssistant(str(folder))
    loader.async_setup(hass)
    hass.config.skip_pip = True
    started = await bootstrap.async_from_config_dict(config or {}, hass)
    assert started is not None, "Home Assistant did not start"
    await hass.async_start()
    await hass.async_block_till_done()
    try:
        yield hass
    finally:
        await hass.async_stop(force=True)
        custom_components.__path__.remove(str(components))


def _entry(
    domain: str, title: str, data: dict[str, Any], *subentries: ConfigSubentryData
) -> ConfigEntry:
    return ConfigEntry(
        data=data,
        discovery_keys=MappingProxyType({}),
        domain=domain,
        entry_id=ulid.ulid_now(),
        minor_version=1,
        options={},
        source="user",
        subentries_data=subentries,
        title=title,
        unique_id=data.get(CONF_ORG_ID),
        version=1,
    )


def enos_entry(plant: Plant) -> ConfigEntry:
    """Return an entry that brings in all points of all products."""
    return _entry(
        DOMAIN,
        "EnOS",
        {
            CONF_URL: plant.url,
            CONF_ORG_ID: plant.org_id,
            CONF_ACCESS_KEY: plant.access_key,
            CONF_SECRET_KEY: plant.secret_key,
            CONF_VERIFY_SSL: True,
        },
        *(
            ConfigSubentryData(
                data={
                    "product_key": key,
                    "devices": [],
                    "controls": [point for point, *_, writable in points if writable],
                    "sensors": [
                        point for point, *_, writable in points if not writable
                    ],
                    "labels": {},
                    "points": {},
                },
                subentry_type=SUBENTRY_PRODUCT,
                title=key,
                unique_id=f"product:{key}",
            )
            for key, points in plant.points.items()
        ),
    )


def floor_entry(hass: HomeAssistant, plant: Plant) -> ConfigEntry:
    """Return an entry of the floor with the same devices and points, of a single product."""
    (points,) = plant.points.values()
    described = [
        FloorPoint(
            identifier=identifier,
            platform=_platform(data_type, writable=writable),
            name=name,
            unit=unit,
            device_class={"°C": "temperature", "kW": "power"}.get(unit or ""),
            state_class=None if writable or not unit else "measurement",
        )
        for identifier, data_type, name, unit, writable in points
    ]
    # For each device's connectivity.
    described.append(
        FloorPoint("connected", Platform.SENSOR, "Connected", None, None, None)
    )
    values = {**plant.values, "connected": "on"}
    hass.data[PLAN] = FloorPlan(
        [(asset_id, key, name) for asset_id, key, _, name in plant.devices],
        described,
        {
            (asset_id, point.identifier): values[point.identifier]
            for asset_id, *_ in plant.devices
            for point in described
        },
    )
    return _entry(FLOOR, "Floor", {})


def _platform(data_type: str, *, writable: bool) -> Platform:
    if not writable:
        return Platform.SENSOR
    return {"BOOL": Platform.SWITCH, "ENUM": Platform.SELECT}.get(
        data_type, Platform.NUMBER
    )


async def add(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Add an entry and wait until its entities stand."""
    await hass.config_entries.async_add(entry)
    await hass.async_block_till_done()


async def unload(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Unload an entry as a stop of Home Assistant would: nothing is handed over."""
    await hass.config_entries.async_unload(entry.entry_id)
    hass.data.get(_HANDOVERS, {}).clear()
    for entity_id in hass.states.async_entity_ids():
        # What an unloaded entity leaves behind would make the next set-up cheaper.
        state = hass.states.get(entity_id)
        if state is not None and state.attributes.get("restored"):
            hass.states.async_remove(entity_id)
    await hass.async_block_till_done()


async def set_up(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Set up an entry that was unloaded, and wait until its entities stand."""
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()


# Meters.


@dataclass(slots=True)
class Reading:
    """What something took: seconds by the clock, seconds of CPU, longest stall (s), states written."""

    seconds: float = 0.0
    cpu: float = 0.0
    stall: float = 0.0
    states: int = 0
    changed: dict[str, float] = field(default_factory=dict)


@contextlib.contextmanager
def states_counted(hass: HomeAssistant, reading: Reading) -> Iterator[None]:
    """Count the state changes of entities."""

    @callback
    def count(event: Event[EventStateChangedData]) -> None:
        reading.states += 1

    stop = hass.bus.async_listen(EVENT_STATE_CHANGED, count)
    try:
        yield
    finally:
        stop()


@contextlib.asynccontextmanager
async def stalls_timed(reading: Reading) -> AsyncIterator[None]:
    """Find out for how long the event loop did not turn."""
    running = True

    async def watch() -> None:
        before = time.perf_counter()
        while running:
            await asyncio.sleep(0)
            now = time.perf_counter()
            reading.stall = max(reading.stall, now - before)
            before = now

    task = asyncio.create_task(watch())
    await asyncio.sleep(0)
    try:
        yield
    finally:
        running = False
        await task


async def measured(act: Callable[[], Awaitable[Any]]) -> Reading:
    """Do something and read clock and CPU.

    The garbage of before is collected first, so that nobody pays for another's.
    """
    reading = Reading()
    gc.collect()
    started, cpu = time.perf_counter(), time.process_time()
    await act()
    reading.seconds = time.perf_counter() - started
    reading.cpu = time.process_time() - cpu
    return reading


async def stall_of(act: Callable[[], Awaitable[Any]]) -> float:
    """Do something and return the longest stall in seconds."""
    reading = Reading()
    gc.collect()
    async with stalls_timed(reading):
        await act()
    return reading.stall


def resident() -> float:
    """Return this process's resident memory in bytes, after giving back what is free."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return float(line.split()[1]) * 1024
    raise RuntimeError("no VmRSS")
