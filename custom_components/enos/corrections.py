"""What a person says otherwise than the thing model, point by point.

Models are never right: units, ranges, names and what may be told from a type are corrected here.
A correction is an edit of the measurepoint before it is described (`mapping`), so that device
classes follow a corrected unit and ranges bind as those of the model do. Pure.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from math import isfinite
from typing import Any, Final, Self

from .api.models import LocalizedText, Measurepoint
from .classes import TAG_DEVICE_CLASS
from .mapping import (
    TAG_BOOL,
    TAG_OFF,
    TAG_ON,
    TAG_PLATFORM,
    TAG_PRESS,
    TAG_STALE,
    TAG_STATE_CLASS,
    Kind,
    PointDescription,
    describe_control,
    describe_reading,
    option_labels,
)
from .values import TAG_MAXIMUM, TAG_MINIMUM, TAG_STEP, declared_number, parse

ITEM_MARK: Final = "#"
"""Between the identifiers of a STRUCT and of its item."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What is said of a point; None (and no options) where the model is left to say it.

    `name` is a text, `unit` a symbol of EnOS or Home Assistant, empty for none. `device_class`
    and `state_class` are Home Assistant's or `none`. `minimum`, `maximum` and `step` are in
    `unit`. `on_value`, `off_value` and `press_value` are values of the point as text. `options`
    are labels by code, in the order to show them. `bool_form` is `number` or `boolean`.
    `stale_after` is in seconds.
    """

    kind: Kind | None = None
    name: str | None = None
    unit: str | None = None
    device_class: str | None = None
    state_class: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    on_value: str | None = None
    off_value: str | None = None
    press_value: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    bool_form: str | None = None
    stale_after: float | None = None

    @classmethod
    def from_data(cls, data: object) -> Self:
        """Read a correction of a subentry; what makes no sense is left out."""
        if not isinstance(data, Mapping):
            return cls()
        kind = data.get("kind")
        said: dict[str, Any] = {
            key: text for key in _TEXTS if isinstance(text := data.get(key), str)
        }
        said |= {
            key: float(number)
            for key in _NUMBERS
            if isinstance(number := data.get(key), int | float)
            and not isinstance(number, bool)
            and isfinite(number)
        }
        return cls(
            kind=next((each for each in Kind if each == kind), None),
            options=_options_from(data.get("options")),
            **said,
        )

    def stored(self) -> dict[str, Any]:
        """Return the correction as a subentry holds it.

        Home Assistant sorts the keys of what it keeps, so options are pairs there: their order
        is what a person wants to see.
        """
        said = self.data()
        if self.options:
            said["options"] = [[code, label] for code, label in self.options.items()]
        return said

    def data(self) -> dict[str, Any]:
        """Return what is said, field by field, and nothing else."""
        said = {each.name: getattr(self, each.name) for each in fields(self)}
        return {
            key: dict(value) if key == "options" else value
            for key, value in said.items()
            if value is not None and value != {}
        } | ({"kind": self.kind.value} if self.kind else {})

    def __bool__(self) -> bool:
        """Tell whether anything is said."""
        return bool(self.data())

    def over(self, other: Self) -> Self:
        """Return what both say; this one has the last word."""
        mine = {each.name: getattr(self, each.name) for each in fields(self)}
        return replace(
            other,
            **{
                key: value
                for key, value in mine.items()
                if value is not None and value != {}
            },
        )


def _options_from(data: object) -> dict[str, str]:
    """Read labels by code, from pairs or a mapping."""
    pairs: Iterable[Any] = ()
    if isinstance(data, Mapping):
        pairs = data.items()
    elif isinstance(data, list | tuple):
        pairs = (pair for pair in data if isinstance(pair, list | tuple))
    return {str(pair[0]): str(pair[1]) for pair in pairs if len(pair) == 2}


_TEXTS: Final = (
    "name",
    "unit",
    "device_class",
    "state_class",
    "on_value",
    "off_value",
    "press_value",
    "bool_form",
)
_NUMBERS: Final = ("minimum", "maximum", "step", "stale_after")
_TAGS: Final[Mapping[str, str]] = {
    "kind": TAG_PLATFORM,
    "device_class": TAG_DEVICE_CLASS,
    "state_class": TAG_STATE_CLASS,
    "minimum": TAG_MINIMUM,
    "maximum": TAG_MAXIMUM,
    "step": TAG_STEP,
    "on_value": TAG_ON,
    "off_value": TAG_OFF,
    "press_value": TAG_PRESS,
    "bool_form": TAG_BOOL,
    "stale_after": TAG_STALE,
}


def corrections_from(data: object) -> dict[str, Correction]:
    """Read the corrections of a subentry, by point; empty ones are left out."""
    if not isinstance(data, Mapping):
        return {}
    found = {str(key): Correction.from_data(said) for key, said in data.items()}
    return {key: correction for key, correction in found.items() if correction}


def corrected(point: Measurepoint, correction: Correction) -> Measurepoint:
    """Return a point as a person says it is."""
    if not correction:
        return point
    said = correction.data()
    tags = {tag: _as_tag(said[key]) for key, tag in _TAGS.items() if key in said}
    changes: dict[str, Any] = {"tags": {**_beside(point, correction), **tags}}
    if correction.name is not None:
        changes["name"] = LocalizedText(correction.name)
    if correction.unit is not None:
        changes |= {"unit": correction.unit, "multiplier": "ONE"}
    if correction.options:
        # Codes that only the person knows of are options as well.
        new = {
            code: LocalizedText(label)
            for code, label in correction.options.items()
            if code not in point.enum
        }
        changes["enum"] = {**point.enum, **new}
    return replace(point, **changes)


def _beside(point: Measurepoint, said: Correction) -> Mapping[str, str]:
    """Return a point's tags without an end of a range that a person has moved the other end past.

    Both would leave no range, and then none would bind. Nor with a value for on that a person
    says is off.
    """
    low, high = (declared_number(point, key) for key in (TAG_MINIMUM, TAG_MAXIMUM))
    past = set()
    if said.minimum is not None and high is not None and high <= said.minimum:
        past.add(TAG_MAXIMUM)
    if said.maximum is not None and low is not None and low >= said.maximum:
        past.add(TAG_MINIMUM)
    if said.off_value is not None and said.on_value is None:
        on_value, off_value = (
            parse(point, text.strip())
            for text in (point.tags.get(TAG_ON, ""), said.off_value)
        )
        if on_value == off_value:
            past.add(TAG_ON)
    return {key: text for key, text in point.tags.items() if key not in past}


def _as_tag(value: object) -> str:
    return repr(value) if isinstance(value, float) else str(value)


def describe(
    point: Measurepoint,
    correction: Correction,
    *,
    writable: bool,
    language: str,
    labels: Mapping[str, str],
) -> tuple[Measurepoint, PointDescription | None]:
    """Return a point as corrected, and how it is shown; None where it can be nothing.

    `labels` are the option labels that were frozen when the point was chosen.
    """
    said = corrected(point, correction)
    describe_it = describe_control if writable else describe_reading
    description = describe_it(
        said,
        language=language,
        labels={**correction.options, **_rest(said, labels, correction, language)},
    )
    if TAG_STEP in said.tags and not (description and description.step_declared):
        # Half of it would pass for what was written, though codes have no halves.
        tags = {key: text for key, text in said.tags.items() if key != TAG_STEP}
        said = replace(said, tags=tags)
    return said, description


def _rest(
    said: Measurepoint,
    labels: Mapping[str, str],
    correction: Correction,
    language: str,
) -> dict[str, str]:
    """Return the frozen labels that were not corrected, in the order of the model.

    Theirs is lost: Home Assistant sorts the keys of what it keeps.
    """
    if not labels:
        return {}
    return {
        code: labels[code]
        for code in option_labels(said, language)
        if code in labels and code not in correction.options
    }


# Items of structs.


def with_items(points: Iterable[Measurepoint]) -> dict[str, Measurepoint]:
    """Return points by identifier, and after each STRUCT its items as points of their own."""
    found: dict[str, Measurepoint] = {}
    for point in points:
        found[point.identifier] = point
        for item in point.items:
            key = f"{point.identifier}{ITEM_MARK}{item.identifier}"
            found.setdefault(
                key, replace(item, identifier=key, name=_joined(point.name, item))
            )
    return found


def _joined(name: LocalizedText, item: Measurepoint) -> LocalizedText:
    """Return the name of a struct's item: that of the struct, and its own."""
    locales = dict.fromkeys((*name.i18n, *item.name.i18n))

    def join(first: str, second: str) -> str:
        return f"{first} {second or item.identifier}".strip()

    return LocalizedText(
        join(name.default, item.name.default),
        {
            locale: join(
                name.i18n.get(locale) or name.default,
                item.name.i18n.get(locale) or item.name.default,
            )
            for locale in locales
        },
    )
