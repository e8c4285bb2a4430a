"""Lanes: every promise of theirs, whatever happens in whatever order.

A million steps: `python -m tests.unit.test_lanes --steps 1000000`.
"""

import argparse
from collections import Counter
from math import inf
import time
from typing import Final

from hypothesis import HealthCheck, Phase, given, seed, settings, strategies as st

from custom_components.enos.lanes import Dropped

from .lanes_world import (
    Close,
    Ending,
    Leave,
    LeaveClose,
    Life,
    Pass,
    Restart,
    Stall,
    Step,
    Submit,
    World,
)
from .virtual_time import run

_ROUND: Final = 200

# The simplest comes first: a failure is reported with as few other things as possible.
_LANES: Final = st.sampled_from(("a", "b", "c", "d"))
_KEYS: Final = st.sampled_from((None, "p", "q", "r"))
_PATIENCES: Final = st.sampled_from(
    (60.0, 60.0, 60.0, 10.0, 10.0, 3.0, 1.0, 0.5, 0.0, -1.0)
)
_DURATIONS: Final = st.sampled_from(
    (*2 * (1.0, None, 0.0, 0.3, 0.5, 2.5, 7.0), 20.0, 60.0, inf)
)
_ENDINGS: Final = st.sampled_from((Ending.RETURNS, Ending.RETURNS, *Ending))
_PAUSES: Final = st.sampled_from((None, 0.0, 0.0, 0.3, 0.5, 1.0, 1.0, 3.0, 10.0, 30.0))
_STALLS: Final = st.sampled_from((0.5, 3.0, 30.0))
_GRACES: Final = st.sampled_from((0.0, 5.0, 0.0, 1.0))
_BACK: Final = st.integers(0, 9)
_LANE_LIMITS: Final = st.sampled_from((50, 1, 2, 5))
_TOTAL_LIMITS: Final = st.sampled_from((250, 1, 2, 3))
_EIGHTH: Final = st.integers(0, 7)
_CHANCE: Final = st.integers(0, 99)


@st.composite
def submits(draw: st.DrawFn, *, simple: bool = False) -> Submit:
    """Somebody who submits; a simple one brings no others about."""
    special = 0 if simple else draw(_EIGHTH)
    return Submit(
        draw(_LANES),
        draw(_KEYS),
        draw(_PATIENCES),
        draw(_DURATIONS),
        draw(_ENDINGS),
        eager=draw(st.booleans()),
        inner=draw(_SIMPLE) if special in {1, 2} else None,
        inner_awaited=special == 1,
        on_drop=draw(_SIMPLE) if special == 3 else None,
    )


_SIMPLE: Final = submits(simple=True)
_ANY: Final = submits()


@st.composite
def steps(draw: st.DrawFn) -> Step:
    """Anything that can happen."""
    match draw(_CHANCE):
        case number if number < 25:
            return Pass(draw(_PAUSES))
        case number if number < 76:
            return draw(_ANY)
        case number if number < 91:
            return Leave(draw(_BACK), again=draw(st.booleans()))
        case number if number < 94:
            return Stall(draw(_STALLS))
        case number if number < 96:
            return Restart(draw(_GRACES))
        case 96:
            return Close(draw(_GRACES))
        case _:
            return LeaveClose()


LIVES: Final = st.builds(
    Life,
    lane_limit=_LANE_LIMITS,
    total_limit=_TOTAL_LIMITS,
    steps=st.lists(steps(), max_size=30) | st.lists(steps(), min_size=30, max_size=120),
    patient=st.booleans(),
)


def live(life: Life) -> Counter[str]:
    """Live it on a loop of its own; return what happened how often."""

    async def main() -> Counter[str]:
        world = World(life)
        await world.live()
        return world.counts

    return run(main)


def drive(number: int, first_seed: int) -> Counter[str]:
    """Have Hypothesis find lives of so many steps in all, and shorten one that fails.

    In rounds: what Hypothesis remembers of a search grows with it.
    """
    counts: Counter[str] = Counter()

    @settings(
        max_examples=_ROUND,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(LIVES)
    def look(life: Life) -> None:
        counts.update(live(life))
        counts["steps"] += len(life.steps)
        counts["lives"] += 1

    while counts["steps"] < number:
        try:
            seed(first_seed + counts["rounds"])(look)()
        except BaseException as err:
            err.add_note(f"--seed {first_seed + counts['rounds']}")
            raise
        counts["rounds"] += 1
    return counts


@given(LIVES)
@settings(deadline=None)
def test_promises(life: Life) -> None:
    """Nothing is lost, doubled, late, out of order or left over; everybody is answered."""
    live(life)


def test_everything_happens() -> None:
    """The same, the same each time; it would prove little if something never came about."""
    counts = drive(8_000, first_seed=1)
    for what in (
        *(reason.value for reason in Dropped),
        "sent",
        "hung",
        "abandoned",
        "caller left",
        "closing ended",
        "closing left",
        "restarted",
    ):
        assert counts[what] > 5, what


def _main() -> None:
    """Drive as far as told, and tell how it went."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    started = time.perf_counter()
    counts = drive(arguments.steps, arguments.seed)
    print(dict(counts))
    print(f"{time.perf_counter() - started:.1f} s")


if __name__ == "__main__":
    _main()
