"""Helpers of the tests that watch what is read of the gateway, and how."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.device_registry import DeviceEntry
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.enos.const import DOMAIN
from custom_components.enos.coordinator import EnosCoordinator
from simulator import SimDevice, Simulator
from simulator.calls import Call, Result
from simulator.faults import RequestRecord
from simulator.routes import ROUTES

from .common import state_of

LATEST = "/tsdb-service/v2.1/latest"
DIRECT = "queryLatest"


def requests_for(
    sim: Simulator, part: str, action: str | None = None
) -> list[RequestRecord]:
    """Return the requests whose path holds `part`."""
    return [
        request
        for request in sim.requests
        if part in request.path and action in (None, request.action)
    ]


def values_asked(sim: Simulator) -> list[RequestRecord]:
    """Return the batched requests for values."""
    return requests_for(sim, LATEST)


def asked_directly(sim: Simulator) -> list[str]:
    """Return the asset ids that were asked for single values, in order."""
    return [
        request.query["assetId"]
        for request in requests_for(sim, "/measurepoints", DIRECT)
    ]


def pairs_of(request: RequestRecord) -> list[tuple[str, str]]:
    """Return the assets × points of a request for values."""
    return [
        (asset, point)
        for asset in request.body["assetIds"].split(",")
        for point in request.body["pointIds"].split(",")
    ]


def pairs_asked(sim: Simulator) -> Counter[tuple[str, str]]:
    """Count how often each point was asked for in batches."""
    return Counter(pair for request in values_asked(sim) for pair in pairs_of(request))


def all_of(sim: Simulator, kind: str) -> list[SimDevice]:
    """Return all devices of a kind."""
    wanted = sim.kind(kind)
    return [device for device in sim.devices.values() if device.kind is wanted]


def grow(sim: Simulator, kind: str, count: int) -> list[SimDevice]:
    """Have at least that many devices of a kind; return all of them."""
    while len(all_of(sim, kind)) < count:
        sim.add_device(kind)
    return all_of(sim, kind)


def text_of(
    hass: HomeAssistant,
    sim: Simulator,
    device: SimDevice,
    point: str,
    domain: str = "sensor",
) -> str:
    """Return what the state of a point says."""
    return state_of(hass, sim, domain, device, point).state


def shown(hass: HomeAssistant, sim: Simulator, device: SimDevice, point: str) -> bool:
    """Tell whether a point's sensor shows a value."""
    return text_of(hass, sim, device, point) not in (STATE_UNAVAILABLE, STATE_UNKNOWN)


def coordinator_of(entry: MockConfigEntry) -> EnosCoordinator:
    """Return what reads for an entry."""
    return cast("EnosCoordinator", entry.runtime_data.coordinator)


def device_entry_of(
    hass: HomeAssistant, sim: Simulator, device: SimDevice, entry: MockConfigEntry
) -> DeviceEntry | None:
    """Return a device of the registry."""
    return dr.async_get(hass).async_get_device_by_identifier(
        (DOMAIN, f"{sim.org_id}_{device.asset_id}"), entry.entry_id
    )


def devices_of(hass: HomeAssistant, entry: MockConfigEntry) -> list[DeviceEntry]:
    """Return the devices of an account in the registry, without the account's own."""
    return [
        device
        for device in dr.async_entries_for_config_entry(
            dr.async_get(hass), entry.entry_id
        )
        if device.entry_type is None
    ]


def lines(caplog: pytest.LogCaptureFixture, *levels: str) -> list[str]:
    """Return the log's lines of some levels, those of the simulator and of slow machines left out."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelname in levels
        and not record.name.startswith("simulator")
        # Of every custom integration it says that nobody tested it, and of this machine that
        # a faster library is missing.
        and record.name not in {"homeassistant.loader", "aiohttp_fast_zlib"}
        # On a busy machine asyncio's debug mode tells of every step that took 100 ms.
        and not record.getMessage().startswith("Executing <")
    ]


def loud(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what a person would be alarmed by."""
    return lines(caplog, "WARNING", "ERROR", "CRITICAL")


def check_values(
    monkeypatch: pytest.MonkeyPatch,
    check: Callable[[list[str], list[str]], Exception | None],
) -> None:
    """Have the time series service refuse what `check` says, by assets and points."""
    actions = cast("dict[str | None, Any]", ROUTES[LATEST])
    endpoint = actions[None]

    async def handler(sim: Simulator, call: Call) -> Result:
        error = check(
            call.body["assetIds"].split(","), call.body["pointIds"].split(",")
        )
        if error is not None:
            raise error
        return cast("Result", await endpoint.handler(sim, call))

    monkeypatch.setitem(actions, None, replace(endpoint, handler=handler))
