"""Whatever is asked of a control: what its point cannot take is refused, and never leaves."""

from typing import Any, Final

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
import probatio
import pytest

from simulator import Simulator

from .actions import do, refused
from .bench import CONTROLS, bench, bench_control, bench_world, set_up_bench
from .common import poll
from .queueing import QUEUE
from .reading import loud
from .writing import Control, sets

NAN: Final = float("nan")
INF: Final = float("inf")

# By control: what its own action is asked for, and the reason that it gives. Reasons that do not
# begin with `not_in_schema` are ours or Home Assistant's, with a text that can be translated.
BY_ENTITY: Final[dict[str, tuple[tuple[Any, str], ...]]] = {
    "int_setpoint": (
        (NAN, "not_finite"),
        (INF, "out_of_range"),
        ("nan", "not_finite"),
        (101, "out_of_range"),
        (-5, "out_of_range"),
        (52, "off_step"),
        (50.5, "off_step"),
        ("warm", "not_in_schema"),
        ("1,5", "not_in_schema"),
        (None, "not_in_schema"),
        ([50], "not_in_schema"),
    ),
    "int_open": (
        (1.5, "not_integral"),
        (2**31, "out_of_range"),
        (-(2**31) - 1, "out_of_range"),
        ("9" * 400, "out_of_range"),
    ),
    "float_open": ((1e39, "out_of_range"), (NAN, "not_finite"), (-INF, "out_of_range")),
    "double_open": ((1e301, "out_of_range"), (INF, "out_of_range")),
    "enum_int": (
        ("high", "not_valid_option"),
        ("2", "not_valid_option"),
        ("", "not_valid_option"),
        ("unknown", "not_valid_option"),
        ("x" * 300, "not_valid_option"),
        (None, "not_in_schema"),
    ),
    "enum_text": (("running", "not_valid_option"), ("RUNNING", "not_valid_option")),
    "bool_bare": (("2", "not_valid_option"), ("on", "not_valid_option")),
    "string_note": (
        ("x" * 33, "value_error"),
        ("汉" * 100_001, "value_error"),
        ("\ud83d", "invalid_value"),
        (None, "not_in_schema"),
    ),
    "timestamp_start": (
        ("soon", "not_in_schema"),
        ("2026-02-30 10:00:00", "not_in_schema"),
        (1767225600000, "not_in_schema"),
        # Nobody could tell these from numbers of another meaning.
        ("1970-01-01T00:00:00Z", "invalid_value"),
        ("0001-01-01T00:00:00+00:00", "invalid_value"),
        ("0001-01-01T00:00:00+14:00", "invalid_value"),
        ("9999-12-31T23:59:59-12:00", "invalid_value"),
        ("2600-01-01T00:00:00Z", "invalid_value"),
    ),
    "date_due": (
        ("2026-02-30", "not_in_schema"),
        ("soon", "not_in_schema"),
        (20260507, "not_in_schema"),
    ),
}

# The same of `enos.set_measurepoint`, which takes any JSON.
ODD: Final[tuple[Any, ...]] = ([], {}, [[1]], {"value": 1})
BY_ACTION: Final[dict[str, tuple[tuple[Any, str], ...]]] = {
    "int_setpoint": (
        *((value, "invalid_value") for value in (*ODD, None, "", " ", True, "1,5")),
        *((value, "invalid_value") for value in ("0x10", "१२", "NaN", "1e400")),
        (52, "off_step"),
        ("1e3", "out_of_range"),
    ),
    "int_open": (
        ("1.5", "not_integral"),
        (2**31, "out_of_range"),
        (2**70, "out_of_range"),
        (10**400, "invalid_value"),
    ),
    "float_open": ((1e39, "out_of_range"), ("-1e39", "out_of_range")),
    "double_open": ((1.7e308, "out_of_range"), (False, "invalid_value")),
    "bool_switch": (
        *((value, "invalid_value") for value in (*ODD, None, 2, -1, 0.5, "yes", "")),
    ),
    "int_flag": (
        *((value, "invalid_value") for value in (*ODD, None, "yes", "")),
        (0.5, "not_integral"),
    ),
    "enum_int": (
        *((value, "unknown_option") for value in (*ODD, 7, 1.5, True, "", "high", "7")),
        (None, "invalid_value"),
    ),
    "enum_text": (*((value, "unknown_option") for value in (*ODD, 1, "RUNNING", "")),),
    "bool_bare": (*((value, "unknown_option") for value in (*ODD, 2, "yes", "")),),
    "string_note": (
        *((value, "invalid_value") for value in (*ODD, None, 5, True, "\ud83d")),
        ("x" * 33, "text_too_long"),
    ),
    "timestamp_start": (
        *((value, "invalid_value") for value in (*ODD, None, True, 0, -1, "", "soon")),
        *((value, "invalid_value") for value in (20260507083000, 10**17, 1e300)),
        ("2026-05-07 08:30:00", "invalid_value"),
        ("0001-01-01T00:00:00Z", "invalid_value"),
    ),
    "date_due": (
        *((value, "invalid_value") for value in (*ODD, None, 20260507, "", "20260507")),
        *((value, "invalid_value") for value in ("2026-02-30", "2026-W19-4")),
    ),
    "reset_cmd": (*((value, "invalid_value") for value in (*ODD, None, 7, "on!")),),
}


def reason_of(err: BaseException) -> str:
    """Return the translation key of an error, `not_in_schema` for one of an action's fields."""
    if isinstance(err, probatio.Invalid):
        return "not_in_schema"
    assert isinstance(err, ServiceValidationError), repr(err)
    # Home Assistant's own check of a text has no key.
    return err.translation_key or "value_error"


async def test_refused_by_the_entity(
    hass: HomeAssistant, sim: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    """What an entity is asked for and cannot be is refused at once."""
    await set_up_bench(hass, sim)
    caplog.clear()
    wrong = []
    for point, asked in BY_ENTITY.items():
        control = bench_control(hass, sim, point)
        before = control.full_state
        for value, reason in asked:
            try:
                await control.write(value)
            except (HomeAssistantError, probatio.Invalid, ValueError) as err:
                found = "value_error" if type(err) is ValueError else reason_of(err)
            else:
                found = "nothing"
            if found != reason:
                wrong.append(f"{point} {str(value)[:40]}: {found}, not {reason}")
        assert control.full_state == before
    assert not wrong, "\n".join(wrong)
    assert sets(sim) == []
    assert loud(caplog) == []


async def test_refused_by_the_action(
    hass: HomeAssistant, sim: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    """So is what the action is given, with a reason in words, and whatever it is given."""
    await set_up_bench(hass, sim)
    assert set(BY_ENTITY) < set(CONTROLS) and set(BY_ACTION) < set(CONTROLS)
    caplog.clear()
    wrong = []
    for point, asked in BY_ACTION.items():
        control = bench_control(hass, sim, point)
        before = control.full_state
        for value, reason in asked:
            try:
                await do(
                    hass, "set_measurepoint", entity_id=control.entity_id, value=value
                )
            except (HomeAssistantError, probatio.Invalid) as err:
                found = reason_of(err)
            else:
                found = "nothing"
            if found != reason:
                wrong.append(f"{point} {str(value)[:40]}: {found}, not {reason}")
        assert control.full_state == before
    assert not wrong, "\n".join(wrong)
    assert sets(sim) == []
    assert loud(caplog) == []


@pytest.mark.parametrize("depth", [300, 5_000])
async def test_value_that_nests_without_end(
    hass: HomeAssistant, sim: Simulator, depth: int
) -> None:
    """What nobody could write down is refused, too."""
    await set_up_bench(hass, sim)
    deep: list[Any] = []
    for _ in range(depth):
        deep = [deep]
    for point in ("string_note", "int_open", "enum_int"):
        entity_id = bench_control(hass, sim, point).entity_id
        with pytest.raises((ServiceValidationError, probatio.Invalid)):
            await do(hass, "set_measurepoint", entity_id=entity_id, value=deep)
    assert sets(sim) == []


async def test_code_that_only_the_device_knows(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """It is shown and listed while it lasts, but never written."""
    options = {
        "int_open": {"1": "One", "2": "Two"},
        "string_onoff": {"on": "On", "off": "Off"},
    }
    said = {
        point: {"kind": "select", "options": labels}
        for point, labels in options.items()
    }
    await set_up_bench(hass, sim, corrections=said)
    for point, raw in (
        ("enum_int", 42),
        ("enum_text", "turbo"),
        ("int_open", 42),
        ("string_onoff", "turbo"),
    ):
        control = Control(hass, sim, "select", bench(sim), point)
        sim.put(bench(sim).asset_id, point, raw)
        await poll(hass)
        assert control.state == str(raw)
        assert str(raw) in control.full_state.attributes["options"]
        err = await control.refuse(str(raw))
        assert err.translation_key == "unknown_option"
        action: dict[str, Any] = {"entity_id": control.entity_id, "value": raw}
        err = await refused(hass, "set_measurepoint", **action)
        assert err.translation_key == "unknown_option"
    assert sets(sim) == []


async def test_hostile_reading_does_not_harm_what_is_kept(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """A command to a point of which the device told nonsense is on disk like any other."""
    world = await bench_world(hass, sim, freezer, policy=QUEUE)
    device = bench(sim)
    deep: list[Any] = []
    for _ in range(900):
        deep = [deep]
    for point, raw in (
        ("string_note", deep),
        ("int_open", "\ud83d"),
        ("date_due", 1e308),
    ):
        sim.put(device.asset_id, point, raw)
    await world.elapse(61)
    device.status = "offline"
    for point, value in (
        ("string_note", "a"),
        ("int_open", 7),
        ("date_due", "2026-05-07"),
    ):
        assert (
            await world.call_on(bench_control(hass, sim, point), value).error() is None
        )
    await world.reload(forget=True)
    assert len(world.commands.queued(device.asset_id)) == 3
    await world.come_back(device)
    assert {point: value for _, point, value in sim.writes} == {
        "string_note": "a",
        "int_open": 7,
        "date_due": "2026-05-07",
    }
