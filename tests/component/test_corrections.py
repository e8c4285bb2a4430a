"""Corrections: what entities make of them, and what reaches the device."""

import json
import time
from typing import Any, Final

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigSubentryData
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.enos.const import DOMAIN
from simulator import SimDevice, Simulator

from .common import (
    device_subentry,
    entity_id_of,
    entry_for,
    poll,
    poll_devices,
    product_subentry,
    set_up,
    state_of,
)
from .correcting import answer, correct, corrections, exceptions, first, open_form
from .reading import loud
from .writing import Control

CONTROLS: Final = (
    "int_setpoint",
    "int_flag",
    "float_open",
    "bool_switch",
    "enum_int",
    "enum_chinese",
    "string_onoff",
)
SENSORS: Final = ("float_measured", "int_measured", "bool_measured", "string_measured")
LABELS: Final = {
    "enum_int": {"0": "Stopped", "1": "Low", "2": "High"},
    "enum_chinese": {"1": "自动", "5": "手动", "20": "检修"},
}


class Bench:
    """Two test benches, seen from Home Assistant."""

    def __init__(self, hass: HomeAssistant, sim: Simulator) -> None:
        """Bring the benches in."""
        self.hass = hass
        self.sim = sim
        self.lab, self.other = sim.add_device("lab"), sim.add_device("lab")
        self.entry = entry_for(
            sim,
            product_subentry(
                sim, "lab", controls=CONTROLS, sensors=SENSORS, labels=LABELS
            ),
        )

    def state(self, domain: str, point: str, device: SimDevice | None = None) -> State:
        """Return the state of a point."""
        return state_of(self.hass, self.sim, domain, device or self.lab, point)

    def control(
        self, domain: str, point: str, device: SimDevice | None = None
    ) -> Control:
        """Return a control."""
        return Control(self.hass, self.sim, domain, device or self.lab, point)

    def gone(self, domain: str, point: str) -> bool:
        """Tell whether a point has no entity of a domain any more."""
        unique_id = f"{self.sim.org_id}_{self.lab.asset_id}_{point}"
        registry = er.async_get(self.hass)
        return registry.async_get_entity_id(domain, DOMAIN, unique_id) is None

    async def correct(self, point: str, **answers: Any) -> None:
        """Correct a point, and let the account load anew."""
        await correct(self.hass, self.entry, point, **answers)
        await self.hass.async_block_till_done(wait_background_tasks=True)

    async def correct_twice(
        self, point: str, answers: dict[str, Any], more: dict[str, Any]
    ) -> None:
        """Correct a point in a form that comes again for what a kind needs."""
        form = await open_form(self.hass, self.entry, point)
        form = await answer(self.hass, form, **answers)
        done = await answer(self.hass, form, **more)
        assert done["reason"] == "reconfigure_successful"
        await self.hass.async_block_till_done(wait_background_tasks=True)

    async def report(self, device: SimDevice | None = None, **values: Any) -> None:
        """Have a device report values, and read them."""
        await self.sim.report(device or self.lab, values)
        await poll(self.hass)


@pytest.fixture
async def bench(hass: HomeAssistant, sim: Simulator) -> Bench:
    """Set the benches up."""
    found = Bench(hass, sim)
    await set_up(hass, found.entry)
    return found


async def test_wrong_unit(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """The numbers stay, the class and the statistics follow the unit."""
    before = bench.state("sensor", "float_measured")
    assert before.attributes["device_class"] == "temperature"
    await bench.correct("float_measured", unit="kWh")
    after = bench.state("sensor", "float_measured")
    assert (after.entity_id, after.state) == (before.entity_id, before.state)
    assert after.attributes["unit_of_measurement"] == "kWh"
    assert after.attributes["device_class"] == "energy"
    assert after.attributes["state_class"] == "total_increasing"
    # A control as well; what is written is in the corrected unit.
    await bench.correct("float_open", unit="kPa")
    control = bench.control("number", "float_open")
    assert control.full_state.attributes["unit_of_measurement"] == "kPa"
    assert control.full_state.attributes["device_class"] == "pressure"
    await control.write(250.5)
    assert control.written == [250.5]
    # A unit of nobody's is shown, and has no class.
    await bench.correct("float_measured", unit="furlong")
    after = bench.state("sensor", "float_measured")
    assert after.attributes["unit_of_measurement"] == "furlong"
    assert "device_class" not in after.attributes
    assert loud(caplog) == []


async def test_no_unit(bench: Bench) -> None:
    """A unit can be taken away."""
    await bench.correct("int_measured", unit="none", state_class="none")
    attributes = bench.state("sensor", "int_measured").attributes
    assert {"unit_of_measurement", "state_class"}.isdisjoint(attributes)


async def test_wrong_range(bench: Bench) -> None:
    """What is outside of the corrected range is refused, and the range is named."""
    control = bench.control("number", "int_setpoint")
    assert control.full_state.attributes["max"] == 100
    await bench.correct("int_setpoint", minimum=10, maximum=80, step=10)
    attributes = control.full_state.attributes
    assert [attributes[key] for key in ("min", "max", "step")] == [10, 80, 10]
    for value in (81, 100, 9):
        error = str(await control.refuse(value))
        assert "10" in error
        assert "80" in error
    # The step is declared now, so it binds; it counts from the minimum.
    assert "10" in str(await control.refuse(25))
    assert control.sent == []
    await control.write(80)
    assert control.written == [80]


async def test_swapped(bench: Bench) -> None:
    """On is what the device calls off, in the state and on the wire."""
    assert bench.lab.values["bool_switch"] is False
    control = bench.control("switch", "bool_switch")
    assert control.state == "off"
    await bench.correct("bool_switch", swapped=True)
    assert control.state == "on"
    await control.write(value=False)
    assert (control.written, control.state) == ([True], "off")
    await control.write(value=True)
    assert (control.written, control.state) == ([True, False], "on")
    # What is read only as well.
    assert bench.state("binary_sensor", "bool_measured").state == "off"
    await bench.correct("bool_measured", swapped=True)
    assert bench.state("binary_sensor", "bool_measured").state == "on"
    await bench.report(bool_measured=True)
    assert bench.state("binary_sensor", "bool_measured").state == "off"


@pytest.mark.parametrize(("form", "sent"), [("number", 1), ("boolean", True)])
async def test_form_of_a_bool(bench: Bench, form: str, sent: Any) -> None:
    """A BOOL is written in the form that was chosen, whatever EnOS gave."""
    control = bench.control("switch", "bool_switch")
    bench.sim.put(bench.lab.asset_id, "bool_switch", 0 if form == "boolean" else False)
    await poll(bench.hass)
    await bench.correct("bool_switch", bool_form=form)
    await control.write(value=True)
    (request,) = control.sent
    value = request.body["value"]
    assert (type(value), value) == (type(sent), sent)


async def test_number_as_a_switch(bench: Bench) -> None:
    """INT 0/1 is a switch; what is neither is not known."""
    await bench.correct("int_flag", kind="switch")
    control = bench.control("switch", "int_flag")
    assert control.state == "off"
    await control.write(value=True)
    assert (control.written, control.state) == ([1], "on")
    await bench.correct("int_flag", on_value="0", off_value="1")
    assert control.state == "off"
    await bench.report(int_flag=0)
    assert control.state == "on"


async def test_number_as_a_select(bench: Bench) -> None:
    """An INT with names is a select; numbers go out."""
    await bench.correct_twice(
        "int_flag", {"kind": "select"}, {"options": "1 = Go\n0 = Stay"}
    )
    control = bench.control("select", "int_flag")
    assert control.state == "Stay"
    assert control.full_state.attributes["options"] == ["Go", "Stay"]
    await control.write("Go")
    assert (control.written, control.state) == ([1], "Go")


async def test_codes_as_a_switch(bench: Bench) -> None:
    """Two codes of an ENUM are on and off; a third one is neither."""
    await bench.correct_twice(
        "enum_int", {"kind": "switch"}, {"on_value": "2", "off_value": "0"}
    )
    control = bench.control("switch", "enum_int")
    assert control.state == "unknown"
    await control.write(value=True)
    assert (control.written, control.state) == ([2], "on")
    await control.write(value=False)
    assert (control.written, control.state) == ([2, 0], "off")
    assert bench.gone("select", "enum_int")


async def test_text_with_a_number(bench: Bench) -> None:
    """A STRING that was said to carry a number is a sensor with unit, class and statistics."""
    await bench.correct("string_measured", state_class="measurement", unit="°C")
    assert bench.state("sensor", "string_measured").state == "unknown"
    await bench.report(string_measured="21.5")
    state = bench.state("sensor", "string_measured")
    assert float(state.state) == 21.5
    assert state.attributes["state_class"] == "measurement"
    assert state.attributes["device_class"] == "temperature"
    await bench.report(string_measured="n/a")
    assert bench.state("sensor", "string_measured").state == "unknown"


async def test_numbers_with_names(bench: Bench) -> None:
    """A register of codes is read by names; a code without one is shown as it is."""
    await bench.correct("int_measured", options="0 = Stopped\n1450 = Running")
    state = bench.state("sensor", "int_measured")
    assert state.state == "Running"
    assert state.attributes["device_class"] == "enum"
    assert "unit_of_measurement" not in state.attributes
    await bench.report(int_measured=7)
    assert bench.state("sensor", "int_measured").state == "7"
    await bench.correct("int_measured", options=None)
    assert bench.state("sensor", "int_measured").attributes["unit_of_measurement"]


async def test_options_in_chinese(bench: Bench) -> None:
    """Names and their order are what a person says; codes go out."""
    control = bench.control("select", "enum_chinese")
    assert control.full_state.attributes["options"] == ["自动", "手动", "检修"]
    await bench.correct("enum_chinese", options="20 = Service\n5 = Manual")
    # What was left out keeps its name, and comes last.
    assert control.full_state.attributes["options"] == ["Service", "Manual", "自动"]
    assert control.state == "Manual"
    await control.write("Service")
    assert (control.written, control.state) == ([20], "Service")


async def test_kind_carries_over(bench: Bench) -> None:
    """What a person gave the number belongs to the switch."""
    registry = er.async_get(bench.hass)
    number = entity_id_of(bench.hass, bench.sim, "number", bench.lab, "int_flag")
    registry.async_update_entity(
        number,
        name="Night release",
        area_id="plant",
        labels={"winter"},
        icon="mdi:fan",
        new_entity_id="number.release_of_the_night",
    )
    await bench.correct("int_flag", kind="switch")
    await poll_devices(bench.hass)
    assert bench.gone("number", "int_flag")
    switch = registry.async_get("switch.release_of_the_night")
    assert switch is not None
    assert (switch.name, switch.area_id) == ("Night release", "plant")
    assert (switch.labels, switch.icon) == ({"winter"}, "mdi:fan")
    state = bench.state("switch", "int_flag")
    assert (state.entity_id, state.state) == (switch.entity_id, "off")
    assert bench.hass.states.get("number.release_of_the_night") is None


async def test_stale(bench: Bench, freezer: FrozenDateTimeFactory) -> None:
    """A sample that is too old is not shown; a new one is, though its value is the same."""
    await bench.correct("float_measured", stale_after=300)
    await bench.correct("int_setpoint", stale_after=300)
    await bench.report(float_measured=20.5, int_setpoint=50)
    assert bench.state("sensor", "float_measured").state == "20.5"
    freezer.tick(400)
    await poll(bench.hass)
    assert bench.state("sensor", "float_measured").state == "unavailable"
    # Home Assistant would drop calls to a control that is unavailable.
    assert bench.state("number", "int_setpoint").state == "unknown"
    await bench.report(float_measured=20.5, int_setpoint=50)
    assert bench.state("sensor", "float_measured").state == "20.5"
    assert bench.state("number", "int_setpoint").state == "50"
    # What was just written is no old sample.
    freezer.tick(400)
    await poll(bench.hass)
    await bench.control("number", "int_setpoint").write(60)
    assert bench.state("number", "int_setpoint").state == "60"
    # It is the time of the device that counts.
    late = round((time.time() - 3600) * 1000)
    await bench.sim.report(bench.other, {"float_measured": 7.5}, time_ms=late)
    await poll(bench.hass)
    state = bench.state("sensor", "float_measured", bench.other)
    assert state.state == "unavailable"


async def test_one_device_differs(bench: Bench) -> None:
    """What is said of a device goes before what is said of all."""
    await bench.correct("int_setpoint", maximum=80, name="Fan")
    await bench.correct("int_setpoint", device=bench.lab.asset_id, maximum=60)
    await bench.correct("bool_switch", device=bench.other.asset_id, swapped=True)
    one, other = (
        bench.control("number", "int_setpoint", device)
        for device in (bench.lab, bench.other)
    )
    assert one.full_state.attributes["max"] == 60
    assert other.full_state.attributes["max"] == 80
    names = {control.full_state.name.rsplit(" ", 1)[-1] for control in (one, other)}
    assert names == {"Fan"}
    assert "60" in str(await one.refuse(70))
    await other.write(70)
    assert (one.sent, other.written) == ([], [70])
    assert bench.state("switch", "bool_switch").state == "off"
    assert bench.state("switch", "bool_switch", bench.other).state == "on"
    # The general one follows, the exception stays.
    await bench.correct("int_setpoint", maximum=90)
    assert one.full_state.attributes["max"] == 60
    assert other.full_state.attributes["max"] == 90
    await bench.correct("int_setpoint", of=bench.lab, forget=True)
    assert one.full_state.attributes["max"] == 90


async def test_kind_of_one_device(bench: Bench) -> None:
    """Even the kind can be another one for a single device."""
    await bench.correct("int_flag", device=bench.lab.asset_id, kind="switch")
    await poll_devices(bench.hass)
    assert bench.state("switch", "int_flag").state == "off"
    assert bench.gone("number", "int_flag")
    assert float(bench.state("number", "int_flag", bench.other).state) == 0


async def start_anew(
    hass: HomeAssistant, entry: MockConfigEntry, sim: Simulator
) -> MockConfigEntry:
    """Set an account up with what is on disk, where keys are sorted."""
    (subentry,) = entry.subentries.values()
    data = json.loads(json.dumps(dict(subentry.data), sort_keys=True, default=dict))
    await hass.config_entries.async_remove(entry.entry_id)
    again = entry_for(
        sim,
        ConfigSubentryData(
            data=data,
            subentry_type=subentry.subentry_type,
            title=subentry.title,
            unique_id=subentry.unique_id,
        ),
    )
    await set_up(hass, again)
    return again


async def test_corrections_survive(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    """Reload, restart with a new version of the model: what a person says holds."""
    hass, sim = bench.hass, bench.sim
    await bench.correct("float_measured", unit="kWh")
    await bench.correct("bool_switch", swapped=True)
    await bench.correct("int_flag", kind="switch")
    await bench.correct("enum_chinese", options="20 = Service\n5 = Manual\n1 = Auto")
    await bench.correct("int_setpoint", device=bench.lab.asset_id, maximum=60)
    kept = corrections(bench.entry), exceptions(bench.entry)

    def check() -> None:
        assert (corrections(bench.entry), exceptions(bench.entry)) == kept
        unit = bench.state("sensor", "float_measured").attributes
        assert unit["unit_of_measurement"] == "kWh"
        assert bench.state("switch", "bool_switch").state == "on"
        assert bench.state("switch", "int_flag").state == "off"
        select = bench.state("select", "enum_chinese")
        assert select.attributes["options"] == ["Service", "Manual", "Auto"]
        assert select.state == "Manual"
        assert bench.state("number", "int_setpoint").attributes["max"] == 60

    check()
    await hass.config_entries.async_reload(bench.entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    check()
    # A new version of the model, wrong in the same way and in another one.
    sim.change_point("lab", "float_measured", unit="K", en="Heat")
    sim.change_point("lab", "int_setpoint", high=200)
    bench.entry = await start_anew(hass, bench.entry, sim)
    check()
    other = bench.state("number", "int_setpoint", bench.other)
    assert other.attributes["max"] == 200
    assert loud(caplog) == []


async def test_reset(bench: Bench) -> None:
    """What is forgotten is as the model has it, at once."""
    before = bench.state("sensor", "float_measured")
    await bench.correct(
        "float_measured", unit="kWh", name="Meter", state_class="none", stale_after=60
    )
    assert bench.state("sensor", "float_measured").name.endswith("Meter")
    await bench.correct("float_measured", forget=True)
    after = bench.state("sensor", "float_measured")
    assert (after.state, after.attributes) == (before.state, before.attributes)
    assert first(bench.entry).data["corrections"] == {}


async def test_single_device(hass: HomeAssistant, sim: Simulator) -> None:
    """A device that was brought in by itself is corrected like a product."""
    lab = sim.add_device("lab")
    entry = entry_for(sim, device_subentry(lab, controls=["bool_switch"]))
    await set_up(hass, entry)
    await correct(hass, entry, "bool_switch", swapped=True, name="Lamp")
    await hass.async_block_till_done(wait_background_tasks=True)
    control = Control(hass, sim, "switch", lab, "bool_switch")
    assert control.full_state.name.endswith("Lamp")
    assert control.state == "on"
    await control.write(value=False)
    assert control.written == [True]


async def test_hostile_name(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever a name is, the entity has it, and nothing else happens."""
    name = "<img src=x onerror=alert(1)> {{ states }} 😀 " + "长" * 200
    await bench.correct("float_measured", name=name)
    state = bench.state("sensor", "float_measured")
    assert state.name.endswith(name)
    assert float(state.state) == 23.25
    assert loud(caplog) == []
