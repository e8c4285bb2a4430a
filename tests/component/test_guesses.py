"""Every open question about a real gateway, answered either way: writing works with both."""

from typing import Any, NamedTuple

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
import pytest

from simulator import Guesses, Simulator

from .common import entry_for, product_subentry, set_up
from .writing import Control, elapse, records, sets


class Case(NamedTuple):
    """A point that may be written, two values for it, and how they are shown."""

    domain: str
    kind: str
    point: str
    first: tuple[Any, str]
    second: tuple[Any, str]


CASES = [
    Case("switch", "fcu", "power", (False, "off"), (True, "on")),
    Case("select", "fcu", "mode", ("Heating",) * 2, ("Cooling",) * 2),
    Case("select", "fcu", "fan_speed", ("Low",) * 2, ("High",) * 2),
    Case("number", "fcu", "temp_setpoint", (21.5, "21.5"), (23, "23.0")),
    Case("number", "light", "brightness", (55, "55"), (60, "60")),
    Case("switch", "fcu_basic", "onOffSet", (False, "off"), (True, "on")),
    Case("number", "fcu_basic", "tempSet", (21.25, "21.25"), (22.1, "22.1")),
    Case("number", "battery", "power_setpoint", (-12.3, "-12.3"), (4.5, "4.5")),
]

VARIANTS = {
    "defaults": Guesses(),
    **dict(Guesses.variants()),
    "all-at-once": Guesses.all_non_default(),
}


@pytest.mark.parametrize("guesses", VARIANTS.values(), ids=VARIANTS.keys())
async def test_writing_under_a_guess(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, guesses: Guesses
) -> None:
    """Each kind of control is written and read back, and again after the token ended."""
    # Without definitions nobody knows the codes of an ENUM.
    cases = [
        case for case in CASES if case.domain != "select" or guesses.G14 != "absent"
    ]
    points: dict[str, list[str]] = {}
    for case in CASES:
        points.setdefault(case.kind, []).append(case.point)
    async with Simulator(devices=9, physics=False, guesses=guesses) as sim:
        subentries = (
            product_subentry(sim, kind, controls=found)
            for kind, found in points.items()
        )
        entry = entry_for(sim, *subentries)
        await set_up(hass, entry)
        controls = [
            Control(hass, sim, case.domain, sim.device(case.kind), case.point)
            for case in cases
        ]
        for control, case in zip(controls, cases, strict=True):
            await control.write(case.first[0])
            assert control.state == case.first[1]
        assert len(sets(sim)) == len(controls)
        await elapse(sim, freezer, 2)
        fates = [record["read_back"] for record in await records(hass, entry)]
        assert fates == ["confirmed"] * len(controls)

        await sim.expire_tokens()
        for control, case in zip(controls, cases, strict=True):
            await control.write(case.second[0])
            assert control.state == case.second[1]
        assert len(sets(sim)) == 2 * len(controls) + 1, "one was repeated"

        # Polls go on as well, and turn nothing back.
        await sim.expire_tokens()
        await elapse(sim, freezer, 65)
        for control, case in zip(controls, cases, strict=True):
            assert control.state == case.second[1]
        assert sim.rejections == []
