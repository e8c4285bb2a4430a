"""What a plan of floors and areas looks like, for whoever is to say yes to it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
import re
from typing import Any, Final, Self

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.selector import (
    BooleanSelector,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)
from homeassistant.helpers.translation import async_get_translations
import probatio

from .const import DOMAIN
from .places import Layer, Left, Plan, Spot, in_order

CONF_FLOORS: Final = "floors"
CONF_AGAIN: Final = "again"
NO_FLOORS: Final = "none"

MOST_LINES: Final = 60
_MOST_NAMES: Final = 5
_GAP: Final = " · "
_MOST_SAMPLES: Final = 4
_MARKDOWN: Final = re.compile(r"([\\`*_\[\]<>|~#])")


def plain(name: str) -> str:
    """Return a name as Markdown that shows it as it is."""
    return _MARKDOWN.sub(r"\\\1", " ".join(name.split()))


def _some(names: Iterable[str], most: int) -> str:
    """Return the first names of many."""
    listed = list(names)
    more = " …" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more


class PlacesText:
    """Tells of plans in Home Assistant's language."""

    def __init__(self, words: Mapping[str, str]) -> None:
        """Keep the words."""
        self._words = words

    @classmethod
    async def async_load(cls, hass: HomeAssistant) -> Self:
        """Read the words of Home Assistant's language."""
        texts = await async_get_translations(
            hass, hass.config.language, "common", [DOMAIN]
        )
        prefix = f"component.{DOMAIN}.common.places_"
        return cls(
            {
                key.removeprefix(prefix): text
                for key, text in texts.items()
                if key.startswith(prefix)
            }
        )

    def word(self, key: str, **values: object) -> str:
        """Return a text with what goes into it."""
        return self._words[key].format(**values)

    def schema(self, layers: Iterable[Layer], *, again: bool) -> probatio.Schema:
        """Return the choices: which layer is the floors, and whether to place anew."""
        options = [
            SelectOptionDict(
                value=str(layer.depth),
                label=f"{_some(layer.names, _MOST_SAMPLES)} ({len(layer.names)})",
            )
            for layer in layers
        ]
        fields: dict[probatio.Marker, Any] = {}
        if options:
            options.append(
                SelectOptionDict(value=NO_FLOORS, label=self.word("no_floors"))
            )
            fields[probatio.Required(CONF_FLOORS)] = SelectSelector(
                SelectSelectorConfig(options=options, mode=SelectSelectorMode.LIST)
            )
        if again:
            fields[probatio.Required(CONF_AGAIN)] = BooleanSelector()
        return probatio.Schema(fields)

    @callback
    def preview(self, plan: Plan, floor_names: Mapping[str, str]) -> str:
        """Return all that will be done, at most `MOST_LINES` lines of it."""
        lines = list(self._lines(plan, floor_names))
        if not lines:
            return self.word("nothing")
        if len(lines) > MOST_LINES:
            more = len(lines) - MOST_LINES
            lines[MOST_LINES:] = [f"- {self.word('more', count=more)}"]
        return "\n".join(lines)

    def _lines(self, plan: Plan, floor_names: Mapping[str, str]) -> Iterator[str]:
        counts: dict[str, int] = {}
        for _asset_id, node in plan.moves:
            counts[node] = counts.get(node, 0) + 1
        floors = {spot.node: spot for spot in plan.floors}
        # By name, for a floor that is made has no id; no two floors have the same.
        groups: dict[str, list[str]] = {
            spot.name: []
            for spot in plan.floors
            if spot.entry_id is None or spot.before is not None
        }
        # A floor that gets another name is listed under this one only.
        names = {**floor_names}
        for spot in plan.floors:
            if spot.entry_id is not None:
                names[spot.entry_id] = spot.name
        loose: list[str] = []
        for spot in sorted(plan.areas, key=lambda spot: in_order(spot.name)):
            what = self._what(spot, counts.get(spot.node, 0))
            if not what:
                continue
            line = f"- **{plain(spot.name)}** · {_GAP.join(what)}"
            if spot.floor is not None:
                groups.setdefault(floors[spot.floor].name, []).append(line)
            elif spot.on in names:
                groups.setdefault(names[spot.on], []).append(line)
            else:
                loose.append(line)
        heads = {spot.name: self._state(spot) for spot in plan.floors}
        for name in sorted(groups, key=in_order):
            state = _GAP.join((self.word("floor"), *heads.get(name, ())))
            yield f"- **{plain(name)}** · {state}"
            yield from (f"  {line}" for line in groups[name])
        if loose and groups:
            yield f"- {self.word('without_floor')}"
            yield from (f"  {line}" for line in loose)
        else:
            yield from loose

    def _state(self, spot: Spot) -> list[str]:
        """Tell whether a floor or area is new or gets another name."""
        if spot.entry_id is None:
            return [self.word("new")]
        if spot.before is not None:
            return [self.word("renamed", name=plain(spot.before))]
        return [self.word("found")] if spot.found else []

    def _what(self, spot: Spot, count: int) -> list[str]:
        """Tell what becomes of an area; nothing where it and its devices stay."""
        what = self._state(spot)
        if spot.floor is not None and spot.entry_id is not None:
            what.append(self.word("put"))
        if count:
            what.append(self.word("devices", count=count))
        return what

    @callback
    def left(self, plan: Plan, name_of: Callable[[str], str]) -> str:
        """Return which devices are left alone, and why; nothing where none are."""
        if not plan.left:
            return ""
        lines = [f"{self.word('left')}\n"]
        for reason, devices in plan.left.items():
            line = f"- {self.word(f'left_{reason}', count=len(devices))}"
            if reason is not Left.RIGHT:
                names = sorted(plain(name_of(each)) for each in devices)
                line += f" ({_some(names, _MOST_NAMES)})"
            lines.append(line)
        return "\n".join(lines)
