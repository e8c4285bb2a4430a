"""The switches themselves."""

import pytest

from simulator import Guesses

from .conftest import Connect
from .helper import DEVICES


def test_choices() -> None:
    """Every guess of the register that a client can see is there."""
    numbers = [*range(1, 16), 17, 18]
    names = {f"G{number}" for number in numbers} | {"instant_behind_cached"}
    choices = Guesses.choices()
    assert set(choices) == names
    for name, values in choices.items():
        assert getattr(Guesses(), name) == values[0]


def test_variants() -> None:
    """Each other value comes once, alone."""
    variants = dict(Guesses.variants())
    assert "G1=apim_status" in variants
    assert "instant_behind_cached=waits" in variants
    assert len(variants) == sum(len(v) - 1 for v in Guesses.choices().values())
    for name, guesses in variants.items():
        different = {
            f"{field}={getattr(guesses, field)}"
            for field, values in Guesses.choices().items()
            if getattr(guesses, field) != values[0]
        }
        assert different == {name}


def test_all_non_default() -> None:
    """All others together."""
    guesses = Guesses.all_non_default()
    for name, values in Guesses.choices().items():
        if len(values) > 1:
            assert getattr(guesses, name) == values[1]


def test_parse() -> None:
    """Guesses are read from texts."""
    guesses = Guesses.parse(["G1=apim_status", "G13 = all_strings"])
    assert guesses == Guesses(G1="apim_status", G13="all_strings")
    for text in ("G1", "G1=", "G16=counter", "G99=x", "G1=nothing"):
        with pytest.raises(ValueError):
            Guesses.parse([text])


@pytest.mark.parametrize("name", [name for name, _ in Guesses.variants()])
async def test_every_variant_serves(connect: Connect, name: str) -> None:
    """A good client gets along with each variant."""
    client = await connect(guesses=Guesses.parse([name]))
    device = client.sim.device("fcu")
    assert (await client.search(DEVICES)).code == 0
    assert (await client.set(device, "temp_setpoint", 21.5)).code == 0
    assert await client.tsdb(device, "co2") is not None
    assert client.sim.rejections == []


async def test_all_together_serve(connect: Connect) -> None:
    """A good client gets along with all of them."""
    client = await connect(guesses=Guesses.all_non_default())
    device = client.sim.device("fcu")
    assert (await client.set(device, "power", 1)).code == 0
    assert await client.value(device, "mode") == 1
