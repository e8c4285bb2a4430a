"""The action that tells values of measurepoints, be they entities or not."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
import json
import time
from typing import Any, Final

from homeassistant.core import ServiceCall, ServiceResponse
from homeassistant.exceptions import HomeAssistantError
from homeassistant.util.json import JsonValueType

from .api.errors import CredentialsError, EnosError, RateLimitError, TokenRefusedError
from .api.models import DataType, JsonValue, Measurepoint, Reading
from .batches import BatchReader, PointKey
from .const import LOGGER
from .coordinator import EnosConfigEntry
from .knowledge import Source
from .memory import can_be_kept
from .polling import Batch
from .targets import (
    PointTarget,
    all_points,
    async_wording,
    device_targets,
    point_of,
    problem,
    request_failed,
    utc_text,
)
from .values import Value, item_of, parse

_RIGHT: Final = "Device Management: Read"
# Where a value comes from that was written and that no sample has shown yet.
_BY_COMMAND: Final = "command"
_AT_ONCE: Final = 4
# With these every other question would end as well.
_FOR_ALL: Final = (CredentialsError, TokenRefusedError, RateLimitError)


@dataclass(frozen=True, slots=True)
class _Answer:
    """A value, where it comes from, and for how many seconds we have had it."""

    reading: Reading
    source: str
    age: float | None


async def get_measurepoints(call: ServiceCall) -> ServiceResponse:
    """Return values of points: what is known, asked for where it is not or is to be fresh."""
    named: list[str] = call.data.get("measurepoint_id", [])
    targets: dict[str, list[PointTarget]] = {}
    for on in device_targets(call.hass, call.data["device_id"]):
        if on.device is None:
            raise problem(translation_key="device_not_in_enos", device=on.name)
        points = [point_of(on, point_id) for point_id in dict.fromkeys(named)]
        targets.setdefault(on.entry.entry_id, []).extend(points or all_points(on))
    inquiries = [
        _Inquiry(some[0].on.entry, some, fresh=call.data["fresh"])
        for some in targets.values()
    ]
    await asyncio.gather(*(inquiry.run() for inquiry in inquiries))
    errors = [err for inquiry in inquiries for err in inquiry.errors.values()]
    if errors and not any(inquiry.answers for inquiry in inquiries):
        raise errors[0]
    wording = await async_wording(call.hass)
    shown: list[JsonValueType] = []
    for inquiry in inquiries:
        for target in inquiry.targets:
            found = _shown(target, inquiry.answers.get(_key(target)))
            err = inquiry.errors.get(target.on.asset_id)
            if err is not None and found["source"] is None:
                found["error"] = wording(err)
            shown.append(found)
    return {"measurepoints": shown}


def _key(target: PointTarget) -> PointKey:
    """Return what is asked of EnOS: of an item the STRUCT."""
    return target.on.asset_id, target.source_id


def _shown(target: PointTarget, answer: _Answer | None) -> dict[str, Any]:
    """Return a point as the response has it."""
    description = target.description
    raw = answer.reading.value if answer else None
    if target.item:
        raw = item_of(raw, target.item)
    return {
        "device_id": target.on.device_id,
        "asset_id": target.on.asset_id,
        "measurepoint_id": target.point_id,
        "value": _plain(target.point, raw),
        "unit": description.unit if description else None,
        "time": utc_text(answer.reading.time) if answer else None,
        "source": answer.source if answer else None,
        "age": round(answer.age, 1) if answer and answer.age is not None else None,
    }


def _plain(point: Measurepoint, raw: JsonValue) -> JsonValue:
    """Return a value by the model's type as JSON has it; the raw one where it does not fit."""
    value: Value = parse(point, raw)
    if isinstance(value, date):
        return value.isoformat()
    if point.data_type in (DataType.ARRAY, DataType.STRUCT) and isinstance(raw, str):
        # The time series service tells them as text.
        try:
            found: JsonValue = json.loads(raw)
        except ValueError, RecursionError:
            return raw
        # Nested without end, nobody could write it down.
        return found if isinstance(found, list | dict) and can_be_kept(found) else raw
    return raw if value is None or isinstance(raw, list | dict) else value


class _Inquiry:
    """Finds out values of points of one account.

    `errors` are, by asset id, those of devices that could not be asked.
    """

    def __init__(
        self, entry: EnosConfigEntry, targets: list[PointTarget], *, fresh: bool
    ) -> None:
        """Take what is known, unless it is to be asked anew."""
        self._client = entry.runtime_data.client
        self._coordinator = entry.runtime_data.coordinator
        self._names = {target.on.asset_id: target.on.name for target in targets}
        self._fresh = fresh
        self.targets = targets
        self.answers: dict[PointKey, _Answer] = {}
        self.errors: dict[str, HomeAssistantError] = {}

    async def run(self) -> None:
        """Ask for what is not known: many devices at once, then those left one by one."""
        if not self._fresh:
            self._recall()
            if wanted := self._missing():
                await self._ask_for_many(wanted)
        gate = asyncio.Semaphore(_AT_ONCE)
        await asyncio.gather(
            *(
                self._ask(gate, asset_id, points)
                for asset_id, points in self._missing().items()
            )
        )

    def _missing(self) -> dict[str, list[str]]:
        """Return the points without an answer, by asset id."""
        missing: dict[str, list[str]] = {}
        for target in self.targets:
            if _key(target) not in self.answers:
                wanted = missing.setdefault(target.on.asset_id, [])
                if target.source_id not in wanted:
                    wanted.append(target.source_id)
        return missing

    def _recall(self) -> None:
        """Take what the entities show."""
        for target in self.targets:
            state = self._coordinator.state(*_key(target))
            if state is None:
                continue
            if state.mask is not None:
                since = state.mask.since
                self.answers[_key(target)] = _Answer(
                    Reading(state.mask.value),
                    _BY_COMMAND,
                    time.monotonic() - since if since is not None else None,
                )
            elif state.reading is not None and state.source is not None:
                self.answers[_key(target)] = _Answer(
                    state.reading, state.source.value, state.age
                )

    def _take(self, key: PointKey, source: Source, sample: Reading) -> None:
        """Take a sample; a point's entity shows it, too."""
        self.answers[key] = _Answer(sample, source.value, 0.0)
        self._coordinator.offer(key, source, sample)

    async def _ask_for_many(self, wanted: dict[str, list[str]]) -> None:
        """Ask the time series service; what it refuses or does not have stays open."""

        async def ask(batch: Batch) -> None:
            answered = await self._client.latest(batch.asset_ids, batch.point_ids)
            for key, sample in answered.items():
                if key[1] in wanted.get(key[0], ()):
                    self._take(key, Source.STORED, sample)

        reader = BatchReader(ask)
        reader.limit = self._coordinator.batches.limit
        for err in await reader.run(wanted):
            if err is not None:
                LOGGER.debug("Values could not be read at once: %s", err)
                if isinstance(err, _FOR_ALL):
                    self._give_up(err, wanted)

    def _give_up(self, err: EnosError, asset_ids: Iterable[str]) -> None:
        """Ask these devices no more."""
        for asset_id in asset_ids:
            self.errors.setdefault(
                asset_id, request_failed(err, self._names[asset_id], _RIGHT)
            )

    async def _ask(
        self, gate: asyncio.Semaphore, asset_id: str, points: list[str]
    ) -> None:
        """Ask for the newest values of one device."""
        async with gate:
            if asset_id in self.errors:
                return
            try:
                answered = await self._client.query_latest(asset_id, points)
            except EnosError as err:
                everybody = self._names if isinstance(err, _FOR_ALL) else (asset_id,)
                self._give_up(err, everybody)
                return
        for point_id, sample in answered.items():
            if point_id in points:
                self._take((asset_id, point_id), Source.DIRECT, sample)
