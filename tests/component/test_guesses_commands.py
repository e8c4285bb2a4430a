"""Every open question about a real gateway, answered either way: commands come to their ends."""

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
import pytest

from simulator import Guesses, Simulator

from .queueing import world_of
from .test_guesses import VARIANTS


@pytest.mark.parametrize("guesses", VARIANTS.values(), ids=VARIANTS.keys())
async def test_commands_under_a_guess(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, guesses: Guesses
) -> None:
    """One is replaced and delivered, one expires, one loses its reply and is found."""
    async with Simulator(seed=1, devices=16, physics=False, guesses=guesses) as sim:
        world = await world_of(hass, sim, freezer)
        older = await world.queue(20.5)
        newer = await world.queue(21.5)
        await sim.expire_tokens()
        await world.come_back()
        assert world.outcomes(older) == ["queued…", "superseded"]
        assert world.outcomes(newer) == ["queued…", "succeeded"]
        assert world.control().state == "21.5"

        late = await world.queue(22.5, index=1)
        sim.jump(901)
        await world.elapse(905)
        assert world.outcomes(late) == ["queued…", "expired"]

        sim.faults.add("drop_after", action="setMeasurepoint", count=1)
        lost = world.call(23.5)
        assert await lost.error() == "unknown_outcome"
        await world.elapse(66)
        assert world.outcomes(lost) == ["unknown…", "succeeded"]
        assert world.control().state == "23.5"
        assert [command.value for command in world.of_enos()] == [20.5, 21.5, 23.5]
        assert sim.rejections == []
