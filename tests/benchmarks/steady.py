"""1,000 writes a minute for ten minutes."""

from . import child, write
from .plant import Plant, Shape
from .table import Section


async def run(*, quick: bool = False) -> list[Section]:
    """Write for ten minutes, or for a moment."""
    async with (
        Plant.running(Shape.of(250 if quick else 1000)) as plant,
        write.home_of(plant, {}) as (hass, entry),
    ):
        rows = await write.steadily(hass, entry, plant, 0.6 if quick else 600)
        rejected = await plant.ask("rejections")
        assert not rejected, rejected
    return [
        Section(
            "Writes for ten minutes",
            tuple(rows),
            (
                (
                    "The time counts from the moment at which a call was due. The devices "
                    "answer after 0.2 s."
                ),
            ),
        )
    ]


if __name__ == "__main__":
    child.main(run)
