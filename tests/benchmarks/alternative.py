"""What a user would pick instead: core's `rest_command` and trigger-based `template` entities.

`PYTHONPATH=. .venv-latest/bin/python -m tests.benchmarks.alternative [--quick]`
"""

import asyncio
from collections.abc import AsyncIterator
import contextlib
import logging
from pathlib import Path
import statistics
import tempfile
import time
from typing import Any, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er

from . import home
from .child import main
from .plant import MODES, POINTS, Plant, Shape
from .table import Row, Section
from .wire import COMMANDS, TOKEN, percentile

POLL = "enos_poll"
"""The event that has the templates poll."""

_OPTIONS = [name["defaultValue"] for name in MODES["enumDesc"].values()]

# What Jinja has to do for a signature. The secret is a macro: as data of an action it would
# go over the event bus.
_MACROS = """\
{%- macro enos_secret() -%}SECRET{%- endmacro -%}
{%- macro enos_query(query) -%}
{%- for name, value in query.items() | sort -%}
{{ name }}={{ value | urlencode }}{{ '&' if not loop.last }}
{%- endfor -%}
{%- endmacro -%}
{%- macro enos_sign(token, query, body, ts) -%}
{%- set all = namespace(text='') -%}
{%- for name, value in query.items() | sort -%}
{%- set all.text = all.text ~ name ~ value -%}
{%- endfor -%}
{{- (token ~ all.text ~ body ~ ts ~ enos_secret()) | sha256 -}}
{%- endmacro -%}
{%- macro enos_point(items, asset, point) -%}
{%- for item in items if item.assetId == asset and point in item -%}
{{ item[point] }}
{%- endfor -%}
{%- endmacro -%}
"""
_NOW = "{{ (as_timestamp(now()) * 1000) | int }}"
_HELD = "{{ state_attr('sensor.enos_token', 'token') }}"
_GOOD = "r is defined and r.status == 200 and r['content']['code'] == 0"
# One index for all points, instead of a search by each of them.
_INDEX = (
    "{% if "
    + _GOOD
    + " %}{% set items = r['content']['data']['items'] %}"
    + "{{ dict(zip(zip(items | map(attribute='assetId'), items | map(attribute='pointId')),"
    + " items | map(attribute='value') | map('first'))) }}{% else %}{}{% endif %}"
)


def configuration(
    plant: Plant, folder: Path, *, indexed: bool = True, every: int | None = None
) -> dict[str, Any]:
    """Return the configuration for all points of a plant of one product.

    `folder` is Home Assistant's and gets the macros. Unless `indexed`, each point searches
    all that was read. `every` is how many seconds are between polls; None: the event only.
    """
    macros = folder / "custom_templates"
    macros.mkdir()
    (macros / "enos.jinja").write_text(
        _MACROS.replace("SECRET", plant.secret_key), encoding="utf-8"
    )
    (points,) = plant.points.values()
    body = {
        "assetIds": ",".join(asset_id for asset_id, *_ in plant.devices),
        "pointIds": ",".join(identifier for identifier, *_ in points),
        "itemFormat": 2 if indexed else 0,
    }
    triggers: list[dict[str, Any]] = [{"trigger": "event", "event_type": POLL}]
    if every:
        triggers.append({"trigger": "time_pattern", "seconds": f"/{every}"})
    poll: dict[str, Any] = {
        "triggers": triggers,
        "conditions": [
            {
                "condition": "template",
                "value_template": _HELD.replace("}}", "not in (none, '') }}"),
            }
        ],
        "actions": [
            {
                "variables": {
                    "token": _HELD,
                    "ts": _NOW,
                    "q": {"orgId": plant.org_id},
                    "body": f"{{{{ {body!r} | to_json }}}}",
                }
            },
            _call("/tsdb-service/v2.1/latest", continue_on_error=True),
            {
                "variables": {"points": _INDEX}
                if indexed
                else {
                    "points": f"{{{{ r['content']['data']['items'] if {_GOOD} else [] }}}}"
                }
            },
        ],
        "number": [],
        "switch": [],
        "select": [],
        "sensor": [],
    }
    for asset_id, *_, device in plant.devices:
        for identifier, data_type, name, unit, writable in points:
            platform, entity = _entity(asset_id, identifier, data_type, unit, indexed)
            if not writable:
                platform = "sensor"
            entity["name"] = f"{device} {name}"
            poll[platform].append(entity)
    return {
        "rest_command": _rest_command(plant),
        "script": {"enos_send": _send(plant), "enos_set_point": _script()},
        "template": [_token(), poll],
    }


def _rest_command(plant: Plant) -> dict[str, Any]:
    """Return the calls, signed by templates."""
    head = "{% from 'enos.jinja' import "
    proof = "{{ {'appKey': KEY, 'encryption': (KEY ~ ts ~ enos_secret()) | sha256,"
    proof = proof.replace("KEY", repr(plant.access_key))
    return {
        "enos_token": {
            "url": plant.url + TOKEN,
            "method": "post",
            "content_type": "application/json",
            "payload": f"{head}enos_secret %}}{proof} 'timestamp': ts | int}} | to_json }}}}",
        },
        "enos_call": {
            "url": f"{head}enos_query %}}{plant.url}{{{{ path }}}}?{{{{ enos_query(q) }}}}",
            "method": "post",
            "content_type": "application/json",
            "timeout": 70,
            "headers": {
                "apim-accesstoken": "{{ token }}",
                "apim-timestamp": "{{ ts }}",
                "apim-signature": f"{head}enos_sign %}}{{{{ enos_sign(token, q, body, ts) }}}}",
            },
            "payload": "{{ body }}",
        },
    }


def _call(path: str, **more: Any) -> dict[str, Any]:
    return {
        "action": "rest_command.enos_call",
        "data": {
            "path": path,
            "q": "{{ q }}",
            "body": "{{ body }}",
            "token": "{{ token }}",
            "ts": "{{ ts }}",
        },
        "response_variable": "r",
        **more,
    }


_FIELDS = ("asset", "point", "value")


def _script() -> dict[str, Any]:
    """Return the script that writes a point and then polls, as soon as that shows the value."""
    data = {name: f"{{{{ {name} }}}}" for name in _FIELDS}
    return _parallel(
        {"action": "script.enos_send", "data": data}, {"delay": 1}, {"event": POLL}
    )


def _parallel(*sequence: dict[str, Any]) -> dict[str, Any]:
    return {
        "mode": "parallel",
        "max": 100,
        # A trace goes on into the poll, whose index has keys that cannot be saved as JSON.
        "trace": {"stored_traces": 0},
        "fields": {name: {"required": True} for name in _FIELDS},
        "sequence": list(sequence),
    }


def _send(plant: Plant) -> dict[str, Any]:
    """Return the script that writes a point."""
    return _parallel(
        *[
            {
                "variables": {
                    "token": _HELD,
                    "ts": _NOW,
                    "q": {
                        "action": "setMeasurepoint",
                        "orgId": plant.org_id,
                        "assetId": "{{ asset }}",
                        "measurepointId": "{{ point }}",
                        "pendingTtl": "{{ '0' }}",
                        "timeout": "{{ '30' }}",
                    },
                    "body": "{{ {'value': value} | to_json }}",
                }
            },
            _call(COMMANDS),
            {
                "if": "{{ r.status != 200 or r.content.code | int(-1) != 0 }}",
                "then": [{"stop": "EnOS refused the command", "error": True}],
            },
        ]
    )


def _token() -> dict[str, Any]:
    """Return the entity that holds the token."""
    return {
        # It is not renewed: it is good for two hours, and triggers outlive their Home Assistant.
        "triggers": [{"trigger": "homeassistant", "event": "start"}],
        "actions": [
            {"variables": {"ts": _NOW}},
            {
                "action": "rest_command.enos_token",
                "data": {"ts": "{{ ts }}"},
                "response_variable": "r",
            },
            {"event": POLL},
        ],
        "sensor": [
            {
                "name": "EnOS token",
                "unique_id": "enos_token",
                "device_class": "timestamp",
                "state": "{{ now() + timedelta(seconds=r.content.data.expire | int) }}",
                "attributes": {"token": "{{ r.content.data.accessToken }}"},
            }
        ],
    }


def _entity(
    asset_id: str, identifier: str, data_type: str, unit: str | None, indexed: bool
) -> tuple[str, dict[str, Any]]:
    """Return the platform of a writable point, and its entity without a name."""
    if indexed:
        head, read = "", f"points[{asset_id!r}, {identifier!r}]"
    else:
        head = "{% from 'enos.jinja' import enos_point %}"
        read = f"enos_point(points, {asset_id!r}, {identifier!r})"

    def write(value: Any) -> list[dict[str, Any]]:
        data = {"asset": asset_id, "point": identifier, "value": value}
        return [{"action": "script.enos_set_point", "data": data}]

    entity: dict[str, Any] = {
        "unique_id": _unique_id(asset_id, identifier),
        "availability": "{{ points | count > 0 }}",
    }
    if data_type == "BOOL":
        entity["state"] = f"{head}{{{{ {read} | string | lower in ('1', 'true') }}}}"
        entity["turn_on"], entity["turn_off"] = write(1), write(0)
        return "switch", entity
    if data_type == "ENUM":
        entity["options"] = f"{{{{ {_OPTIONS} }}}}"
        entity["state"] = f"{head}{{{{ {_OPTIONS}[{read} | int(0)] }}}}"
        entity["select_option"] = write(f"{{{{ {_OPTIONS}.index(option) }}}}")
        return "select", entity
    entity["state"] = f"{head}{{{{ {read} }}}}"
    if unit is not None:
        entity["unit_of_measurement"] = unit
        entity["device_class"] = {"°C": "temperature"}.get(unit, "power")
    if "setpoint" in identifier:
        entity |= {"min": 0, "max": 100, "step": 0.5, "set_value": write("{{ value }}")}
        return "number", entity
    entity["state_class"] = "measurement"
    return "sensor", entity


def _unique_id(asset_id: str, identifier: str) -> str:
    return f"{asset_id}_{identifier}"


# Whether it works at all.

_PARTS = ("template", "rest_command", "script", "trigger")


class _Complaints(logging.Handler):
    """What is logged of the alternative's parts."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        if any(part in record.name for part in _PARTS):
            self.texts.append(f"{record.name}: {record.getMessage()}")


@contextlib.asynccontextmanager
async def running(
    plant: Plant, *, indexed: bool = True, every: int | None = None
) -> AsyncIterator[HomeAssistant]:
    """Run a Home Assistant with the alternative; raise if it complained of anything."""
    complaints = _Complaints()
    logging.getLogger().addHandler(complaints)
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            config = configuration(plant, folder, indexed=indexed, every=every)
            async with home.running(folder, config) as hass:
                yield hass
    finally:
        logging.getLogger().removeHandler(complaints)
    if complaints.texts:
        raise AssertionError("\n".join(complaints.texts[:5]))
    if rejected := await plant.ask("rejections"):
        raise AssertionError(rejected)


def entities(hass: HomeAssistant, plant: Plant) -> dict[tuple[str, str], str]:
    """Return the entity ids of the alternative by asset id and point id."""
    registry = er.async_get(hass)
    found = {
        each.unique_id: each.entity_id
        for each in registry.entities.values()
        if each.platform == "template"
    }
    return {
        (asset_id, identifier): found[_unique_id(asset_id, identifier)]
        for asset_id, _, product_key, _ in plant.devices
        for identifier, *_ in plant.points[product_key]
    }


# What a poll costs.

_NOTE = """\
The alternative is `rest_command` with one signed call for all points and a trigger-based template \
entity for each; what was read is indexed once. All points are reported anew before each poll; \
medians of {rounds} rounds in turn, in one process."""


class _Bench:
    """Both in one Home Assistant."""

    def __init__(self, hass: HomeAssistant, plant: Plant, entry: ConfigEntry) -> None:
        """Take over a Home Assistant in which both stand."""
        self._hass = hass
        self._plant = plant
        self._entry = entry
        self._held: dict[tuple[str, str], Any] = {}

    async def _ours(self) -> None:
        await self._entry.runtime_data.coordinator.async_refresh()
        await self._hass.async_block_till_done()

    async def _theirs(self) -> None:
        self._hass.bus.async_fire(POLL)
        await self._hass.async_block_till_done()

    async def polls(self, share: float, rounds: int) -> tuple[float, float]:
        """Return the CPU (s) of a poll of ours and of theirs, in turn; medians.

        Devices report what did not change as well.
        """
        taken: dict[Any, list[float]] = {self._ours: [], self._theirs: []}
        for number in range(rounds + 1):
            await self._plant.ask("repeat")
            changed = await self._plant.ask("change", share=share)
            self._held |= {(asset, point): value for asset, point, value in changed}
            for act in sorted(
                taken, key=lambda act: act is self._ours, reverse=number % 2 > 0
            ):
                reading = await home.measured(act)
                if number:
                    taken[act].append(reading.cpu)
        return (
            statistics.median(taken[self._ours]),
            statistics.median(taken[self._theirs]),
        )

    def check(self) -> None:
        """Fail unless both show what the devices hold."""
        hass, plant = self._hass, self._plant
        for found in entities(hass, plant), home.points_of(hass, plant, self._entry):
            values = {key: plant.values[key[1]] for key in found} | self._held
            home.check_values(hass, found, values)


async def run(*, quick: bool = False) -> list[Section]:
    """Compare the CPU of a poll of 1,000 points; `quick` is a trial with few."""
    shape, rounds = (Shape.of(100), 2) if quick else (Shape.of(1000), 12)
    rows: list[Row] = []
    notes = [_NOTE.format(rounds=rounds)]
    if not quick:
        home.say("  alternative: each template searches for its point")
        async with Plant.running(shape) as plant, running(plant, indexed=False) as hass:
            entry = home.enos_entry(plant)
            await home.add(hass, entry)
            bench = _Bench(hass, plant, entry)
            _, searched = await bench.polls(0.01, 2)
            bench.check()
        notes.append(
            "Without the index each template searches all that was read for its point, which is "
            f"shorter to write: the alternative's poll then takes {searched * 1000:,.0f} ms "
            "(1% changed)."
        )
    async with Plant.running(shape) as plant, running(plant) as hass:
        entry = home.enos_entry(plant)
        await home.add(hass, entry)
        bench = _Bench(hass, plant, entry)
        for share in 0, 0.01, 0.2:
            home.say(f"  alternative: {share:.0%} changed, {rounds} rounds")
            ours, theirs = await bench.polls(share, rounds)
            bench.check()
            rows.append(
                Row(
                    what=f"CPU of a poll of {len(plant.devices) * POINTS:,} points, "
                    f"{share:.0%} changed",
                    ours=f"{ours * 1000:.1f} ms",
                    alternative=f"{theirs * 1000:.1f} ms",
                    ratio=f"{ours / theirs:.2f}",
                    target="≤ alternative",
                    met=ours <= theirs,
                )
            )
    return [Section("Beside templates", tuple(rows), tuple(notes))]


async def until_right(*, every: int = 10, writes: int = 12) -> str:
    """Return how long (s) after the answer the alternative's states were right.

    Both with the script that polls after it wrote, and with the one that leaves it to the next
    poll; those come `every` so many seconds, over which the writes are then spread evenly.
    """
    shown: dict[tuple[str, float], float] = {}

    @callback
    def note(event: Event[EventStateChangedData]) -> None:
        new = event.data["new_state"]
        with contextlib.suppress(ValueError):
            if new is not None:
                shown.setdefault((new.entity_id, float(new.state)), time.time())

    async with (
        # A device for each write.
        Plant.running(Shape.of(25 * writes)) as plant,
        running(plant, every=every) as hass,
    ):
        found = entities(hass, plant)
        hass.bus.async_listen(EVENT_STATE_CHANGED, note)

        async def delays(script: str, value: float, pause: float) -> list[float]:
            await plant.ask("requests")
            written: dict[str, str] = {}
            for asset_id, *_ in plant.devices:
                data = {"asset": asset_id, "point": "p0_setpoint_0", "value": value}
                await hass.services.async_call("script", script, data, blocking=True)
                written[asset_id] = found[asset_id, "p0_setpoint_0"]
                # The poll after this write must not be the one that shows the next.
                await asyncio.sleep(pause)
            async with asyncio.timeout(2 * every):
                while not all((each, value) in shown for each in written.values()):
                    await asyncio.sleep(0.1)
            return [
                shown[written[each["asset"]], value] - each["answered"]
                for each in await plant.ask("requests")
                if each["path"] == COMMANDS
            ]

        texts: list[str] = []
        for script, value, pause in (
            ("enos_set_point", 70.5, 0.3),
            ("enos_send", 71.5, every / writes),
        ):
            home.say(f"  write: {writes} by the alternative's script {script}")
            taken = await delays(script, value, pause)
            assert len(taken) == writes
            texts.append(f"{percentile(taken, 0.5):.1f} / {max(taken):.1f} s")
    return f"{texts[0]} ({writes} writes; without a poll after the write {texts[1]})"


if __name__ == "__main__":
    main(run)
