"""A real Home Assistant in this process, and the meters that are read off it."""

import asyncio
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Container,
    Iterator,
    Mapping,
)
import contextlib
import ctypes
from dataclasses import dataclass, field
import gc
from pathlib import Path
import sys
import time
from types import MappingProxyType
from typing import Any, Literal

from homeassistant import bootstrap, loader
from homeassistant.config_entries import ConfigEntry, ConfigSubentryData
from homeassistant.const import (
    CONF_URL,
    CONF_VERIFY_SSL,
    EVENT_HOMEASSISTANT_FINAL_WRITE,
    EVENT_STATE_CHANGED,
    EVENT_STATE_REPORTED,
    Platform,
)
from homeassistant.core import (
    Event,
    EventStateChangedData,
    EventStateReportedData,
    HomeAssistant,
    callback,
)
from homeassistant.helpers import entity_registry as er
from homeassistant.util import ulid

import custom_components
from custom_components.enos import _HANDOVERS
from custom_components.enos.const import (
    CONF_ACCESS_KEY,
    CONF_ORG_ID,
    CONF_SECRET_KEY,
    DOMAIN,
    SUBENTRY_PRODUCT,
    point_unique_id,
)
from scripts._develop import ROOT, store
from tests.e2e.house import free_port

from .floor import DOMAIN as FLOOR, PLAN, FloorPlan, FloorPoint
from .plant import Plant

# Of the plant's modes, by their codes.
_OPTIONS = ("Off", "Cool", "Heat")
# Entities of an entry that Home Assistant takes.
_LIMIT = 10_000
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
    """Return an entry of the floor with the same devices and points."""
    # For each device's connectivity.
    connected = FloorPoint("connected", Platform.SENSOR, "Connected", None, None, None)
    described = {
        product_key: [
            *(
                FloorPoint(
                    identifier=identifier,
                    platform=_platform(data_type, writable=writable),
                    name=name,
                    unit=unit,
                    device_class={"°C": "temperature", "kW": "power"}.get(unit or ""),
                    state_class=None if writable or not unit else "measurement",
                )
                for identifier, data_type, name, unit, writable in points
            ),
            connected,
        ]
        for product_key, points in plant.points.items()
    }
    values = {**plant.values, connected.identifier: "on"}
    hass.data[PLAN] = FloorPlan(
        [(asset_id, key, name) for asset_id, key, _, name in plant.devices],
        {asset_id: described[product] for asset_id, _, product, _ in plant.devices},
        {
            (asset_id, point.identifier): values[point.identifier]
            for asset_id, _, product, _ in plant.devices
            for point in described[product]
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


async def settle(hass: HomeAssistant) -> None:
    """Have everything written that Home Assistant would save some seconds later."""
    hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await hass.async_block_till_done()


def entities_of(hass: HomeAssistant, entry: ConfigEntry) -> dict[str, str]:
    """Return the entity ids of an entry by unique id."""
    found = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    return {each.unique_id: each.entity_id for each in found}


def points_of(
    hass: HomeAssistant, plant: Plant, entry: ConfigEntry
) -> dict[tuple[str, str], str]:
    """Return the entity ids of the plant's points by asset id and point id.

    Fails where one is missing, but for a few beyond the 10,000 that Home Assistant takes: an
    account has entities of its own.
    """
    found = entities_of(hass, entry)
    points = {
        (asset_id, point_id): point_unique_id(plant.org_id, asset_id, point_id)
        for asset_id, _, product_key, _ in plant.devices
        for point_id, *_ in plant.points[product_key]
    }
    missing = points.values() - found.keys()
    assert len(missing) <= (5 if len(found) >= _LIMIT else 0), list(missing)[:5]
    return {key: found[text] for key, text in points.items() if text in found}


def check_values(
    hass: HomeAssistant,
    entities: Mapping[tuple[str, str], str],
    values: Mapping[tuple[str, str], Any],
) -> None:
    """Fail unless the entities show these values, by asset id and point id."""
    wrong = [
        f"{entity_id} shows {state} instead of {values[key]}"
        for key, entity_id in entities.items()
        if (state := hass.states.get(entity_id)) is None
        or not _shows(state.state, values[key])
    ]
    assert entities and not wrong, f"{len(wrong)} of {len(entities)}: {wrong[:5]}"


def _shows(state: str, value: bool | float) -> bool:
    if isinstance(value, bool):
        return state == ("on" if value else "off")
    if state in _OPTIONS:
        return _OPTIONS.index(state) == value
    try:
        return float(state) == value
    except ValueError:
        return False


# Meters.


@dataclass(slots=True)
class Reading:
    """What something took: seconds by the clock, seconds of CPU, longest stall (s), states written.

    `apart` is the longest stall (s) less what Python's collections took of it, `busy` the CPU (s) of
    that turn, collections and all; `collections` are their generations and seconds.
    """

    seconds: float = 0.0
    cpu: float = 0.0
    stall: float = 0.0
    states: int = 0
    apart: float = 0.0
    busy: float = 0.0
    collections: list[tuple[int, float]] = field(default_factory=list)


@contextlib.contextmanager
def states_counted(
    hass: HomeAssistant, reading: Reading, entity_ids: Container[str]
) -> Iterator[None]:
    """Count the states that are written for some entities, also those that change nothing."""

    @callback
    def count(
        event: Event[EventStateChangedData] | Event[EventStateReportedData],
    ) -> None:
        reading.states += event.data["entity_id"] in entity_ids

    @callback
    def wanted(data: EventStateReportedData) -> bool:
        return data["entity_id"] in entity_ids

    stops = [
        hass.bus.async_listen(EVENT_STATE_CHANGED, count),
        # Home Assistant wants a filter for these: there are many.
        hass.bus.async_listen(EVENT_STATE_REPORTED, count, event_filter=wanted),
    ]
    try:
        yield
    finally:
        for stop in stops:
            stop()


@contextlib.contextmanager
def collections_noted(reading: Reading) -> Iterator[None]:
    """Note what Python collects: the generation and seconds of each."""
    begun = 0.0

    def note(phase: Literal["start", "stop"], info: dict[str, int]) -> None:
        nonlocal begun
        now = time.perf_counter()
        if phase == "start":
            begun = now
        else:
            reading.collections.append((info["generation"], now - begun))

    gc.callbacks.append(note)
    try:
        yield
    finally:
        gc.callbacks.remove(note)


@contextlib.asynccontextmanager
async def stalls_timed(reading: Reading) -> AsyncIterator[None]:
    """Find out for how long the event loop did not turn, and what Python collected meanwhile."""
    running = True

    async def watch() -> None:
        before, cpu = time.perf_counter(), time.process_time()
        noted = len(reading.collections)
        while running:
            await asyncio.sleep(0)
            now, used = time.perf_counter(), time.process_time()
            took = now - before
            apart = took - sum(each for _, each in reading.collections[noted:])
            reading.stall = max(reading.stall, took)
            if apart > reading.apart:
                reading.apart, reading.busy = apart, used - cpu
            before, cpu, noted = now, used, len(reading.collections)

    with collections_noted(reading):
        task = asyncio.create_task(watch())
        await asyncio.sleep(0)
        try:
            yield
        finally:
            running = False
            await task


def say(text: str) -> None:
    """Tell a person who waits what is going on."""
    print(text, file=sys.stderr, flush=True)


async def measured(act: Callable[[], Awaitable[Any]]) -> Reading:
    """Do something and read clock and CPU.

    The garbage of before is collected first, so that nobody pays for another's.
    """
    reading = Reading()
    gc.collect()
    with collections_noted(reading):
        started, cpu = time.perf_counter(), time.process_time()
        await act()
        reading.seconds = time.perf_counter() - started
        reading.cpu = time.process_time() - cpu
    return reading


async def watched(act: Callable[[], Awaitable[Any]], *, collect: bool) -> Reading:
    """Do something and read for how long the event loop did not turn.

    With `collect` the garbage of before is collected first, so that it is in nobody's way.
    """
    reading = Reading()
    if collect:
        gc.collect()
    async with stalls_timed(reading):
        await act()
    return reading


def resident() -> float:
    """Return this process's resident memory in bytes, after giving back what is free."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return float(line.split()[1]) * 1024
    raise RuntimeError("no VmRSS")
