"""The time series service: the newest values of many points."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from typing import TYPE_CHECKING, Any

from .calls import Call, Endpoint, Result
from .devices import Sample, SimDevice
from .listing import known_fields
from .points import JsonObject
from .refusals import TSDB, Denied, InvalidArgument, Refusal
from .values import DIGITS, is_integer, to_tsdb

if TYPE_CHECKING:
    from .simulator import Simulator

ASSET_READ = "Asset: Read"
LARGEST = 3000
FIELDS = (
    "assetIds",
    "pointIds",
    "modelId",
    "timeWindow",
    "ifWithLocalTime",
    "localTimeAccuracy",
    "localTimeFormat",
    "itemFormat",
)


def _ids(body: JsonObject, name: str) -> list[str]:
    """Return the ids of a comma-separated string."""
    text = body.get(name)
    if not isinstance(text, str) or not text:
        raise InvalidArgument(name, f"{name} must be a comma-separated string")
    found = text.split(",")
    if any(not part or part != part.strip() for part in found):
        raise InvalidArgument(name, f"{name} has an empty id or blanks")
    if len(set(found)) != len(found):
        raise InvalidArgument(name, f"{name} names something twice")
    return found


def _flag(body: JsonObject, name: str) -> bool:
    value = body.get(name, False)
    if value in ("true", "false"):
        return bool(value == "true")
    if not isinstance(value, bool):
        raise InvalidArgument(name, f"{name} must be true or false")
    return value


def _choice(body: JsonObject, name: str, largest: int) -> int:
    value = body.get(name, 0)
    if not is_integer(value) or not 0 <= value <= largest:
        raise InvalidArgument(name, f"{name} must be 0..{largest}")
    return int(value)


def _window(body: JsonObject) -> int | None:
    value = body.get("timeWindow")
    if value in (None, ""):
        return None
    if isinstance(value, str) and DIGITS.match(value):
        return int(value)
    if not is_integer(value) or value < 0:
        raise InvalidArgument("timeWindow", "timeWindow must be minutes from 0")
    return int(value)


def _zone(text: str) -> timezone:
    sign = -1 if text.startswith("-") else 1
    hours, _, minutes = text.lstrip("+-").partition(":")
    return timezone(sign * timedelta(hours=int(hours), minutes=int(minutes or 0)))


def _local_time(milliseconds: int, zone: timezone, *, accurate: bool, iso: bool) -> str:
    try:
        moment = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds)
        moment = moment.astimezone(zone)
    except OverflowError:
        # A test gave a sample a time of no year.
        return ""
    if iso:
        return moment.isoformat(timespec="milliseconds" if accurate else "seconds")
    text = moment.strftime("%Y-%m-%d %H:%M:%S")
    return f"{text}.{milliseconds % 1000:03d}" if accurate else text


def _allowed(sim: Simulator, asset_ids: list[str]) -> list[SimDevice]:
    """Return the devices that may be read (guess G12)."""
    devices: list[SimDevice] = []
    denied: list[str] = []
    for asset_id in asset_ids:
        device = sim.devices.get(asset_id)
        if device is None or asset_id in sim.forbidden_assets:
            denied.append(asset_id)
        else:
            devices.append(device)
    if denied and (not devices or sim.guesses.G12 == "80401"):
        raise Denied("assetIds", f"no permission for {', '.join(denied[:5])}")
    return devices


async def latest(sim: Simulator, call: Call) -> Result:
    """Answer tsdb-service/v2.1/latest."""
    body = call.body
    known_fields(body, *FIELDS)
    asset_ids, point_ids = _ids(body, "assetIds"), _ids(body, "pointIds")
    if len(asset_ids) * len(point_ids) > LARGEST:
        raise Refusal(
            80400,
            "Invalid param error",
            why=f"{len(asset_ids)} assets x {len(point_ids)} points are over {LARGEST}",
            client_error=True,
        )
    model_id = body.get("modelId")
    if model_id is not None and model_id not in sim.models:
        raise InvalidArgument("modelId", "modelId does not exist")
    window = _window(body)
    with_local = _flag(body, "ifWithLocalTime")
    accurate = _flag(body, "localTimeAccuracy")
    iso = _choice(body, "localTimeFormat", 1) == 1
    item_format = _choice(body, "itemFormat", 2)
    devices = _allowed(sim, asset_ids)
    if model_id is not None:
        devices = [device for device in devices if device.model_id == model_id]
    now = sim.agenda.now
    newest = sim.server_ms()
    oldest = newest - window * 60_000 if window else None
    strings = sim.guesses.G13 == "all_strings"
    one_zero = sim.guesses.G15 == "one_zero"
    items: list[JsonObject] = []
    add = (_add_plain, _add_merged, _add_columns)[item_format]
    for device in devices:
        samples: dict[str, Sample] = {}
        held = device.tsdb(now)
        for point in point_ids:
            sample = held.get(point)
            if sample is not None and (
                oldest is None or oldest <= sample.time <= newest
            ):
                samples[point] = sample
        local: Callable[[int], str] | None = None
        if with_local:
            local = partial(
                _local_time, zone=_zone(device.timezone), accurate=accurate, iso=iso
            )
        add(
            items,
            device.asset_id,
            {
                point: Sample(
                    to_tsdb(
                        sample.value,
                        one_zero=one_zero,
                        strings=strings or item_format == 2,
                    ),
                    sample.time,
                )
                for point, sample in samples.items()
            },
            local,
        )
    return Result({"items": items})


type Local = Callable[[int], str] | None


def _add_plain(
    items: list[JsonObject], asset_id: str, samples: dict[str, Sample], local: Local
) -> None:
    """Add an item for each point."""
    for point, (value, when) in samples.items():
        item: JsonObject = {"assetId": asset_id, point: value, "timestamp": when}
        if local is not None:
            item["localtime"] = local(when)
        items.append(item)


def _add_merged(
    items: list[JsonObject], asset_id: str, samples: dict[str, Sample], local: Local
) -> None:
    """Add an item for each time."""
    by_time: dict[int, JsonObject] = {}
    for point, (value, when) in samples.items():
        item = by_time.get(when)
        if item is None:
            item = by_time[when] = {"assetId": asset_id, "timestamp": when}
            if local is not None:
                item["localtime"] = local(when)
            items.append(item)
        item[point] = value


def _add_columns(
    items: list[JsonObject], asset_id: str, samples: dict[str, Sample], local: Local
) -> None:
    """Add columns for each point."""
    for point, (value, when) in samples.items():
        columns: dict[str, Any] = {
            "assetId": asset_id,
            "pointId": point,
            "timestamp": [when],
            "value": [value],
            "dataQuality": [0],
        }
        if local is not None:
            columns["localTime"] = [local(when)]
        items.append(columns)


TSDB_ENDPOINTS = (
    Endpoint(
        "/tsdb-service/v2.1/latest",
        None,
        "POST",
        ASSET_READ,
        latest,
        family=TSDB,
    ),
)
