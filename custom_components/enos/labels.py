"""Labels of options that a newer model has, against those that were frozen. Pure.

Labels are states: automations compare them. So what a model says after a point was chosen
changes nothing until a person accepts it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from .api.models import Measurepoint, ThingModel
from .corrections import describe, with_items
from .mapping import option_labels
from .selection import Selection

# In one of these a label may have been frozen, whatever locales the model names.
_USUAL: Final = ("en", "zh")


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelNews:
    """What is new about the options of a point.

    `added` are labels of codes that have none yet; `changed` are those of the model that differ
    from the frozen ones, which are `before`. All are by code.
    """

    point_id: str
    name: str
    added: Mapping[str, str] = field(default_factory=dict)
    changed: Mapping[str, str] = field(default_factory=dict)
    before: Mapping[str, str] = field(default_factory=dict)

    def accepted(
        self, frozen: Mapping[str, str], *, changed_too: bool
    ) -> dict[str, str]:
        """Return the labels to freeze: each only once, present ones as they are if possible."""
        wanted = {**frozen, **(self.changed if changed_too else {}), **self.added}
        result: dict[str, str] = {}
        taken: set[str] = set()
        # What stays first, new ones last: a label that is taken gets the code appended.
        for code in sorted(
            wanted,
            key=lambda code: (code in self.added, wanted[code] != frozen.get(code)),
        ):
            label = wanted[code]
            if label.casefold() in taken:
                label = f"{label} ({code})"
            taken.add(label.casefold())
            result[code] = label
        result = {code: result[code] for code in wanted}
        if all(_is_number(code) for code in result) and [*frozen] == sorted(
            frozen, key=int
        ):
            return {code: result[code] for code in sorted(result, key=int)}
        return result


def news_of(
    selection: Selection, models: Iterable[ThingModel], language: str
) -> list[LabelNews]:
    """Return what the models of a selection's devices have new for its points."""
    views = [with_items(model.measurepoints.values()) for model in models]
    found = (
        _news(selection, key, [view[key] for view in views if key in view], language)
        for key in (*selection.controls, *selection.sensors)
    )
    return [each for each in found if each and (each.added or each.changed)]


def _news(
    selection: Selection, key: str, points: Collection[Measurepoint], language: str
) -> LabelNews | None:
    """Return what is new about a point; None where nothing was frozen, or no label shows."""
    frozen = selection.labels.get(key, {})
    correction = selection.correction_of(key)
    points = [
        point
        for point in points
        if (
            description := describe(
                point,
                correction,
                writable=key in selection.controls,
                language=language,
                labels=frozen,
            )[1]
        )
        and description.options
    ]
    if not frozen or not points:
        return None
    added: dict[str, str] = {}
    # Where devices have different models, one that still has the frozen label will do.
    unchanged: set[str] = set()
    changed: dict[str, str] = {}
    for point in points:
        labels = option_labels(point, language)
        possible = [
            option_labels(point, locale) for locale in _locales(point, language)
        ]
        for code, label in labels.items():
            said = {
                f"{each[code]}{end}" for each in possible for end in ("", f" ({code})")
            }
            if code in correction.options:
                continue
            if code not in frozen:
                added.setdefault(code, label)
            elif frozen[code] in said or key in selection.points:
                unchanged.add(code)
            elif selection.declined.get(key, {}).get(code) not in said:
                changed.setdefault(code, label)
    changed = {code: label for code, label in changed.items() if code not in unchanged}
    return LabelNews(
        point_id=key,
        name=correction.name or next(iter(points)).name.get(language) or key,
        added=added,
        changed=changed,
        before={code: frozen[code] for code in changed},
    )


def _locales(point: Measurepoint, language: str) -> Iterator[str]:
    """Yield each language in which a label may have been frozen."""
    yield language
    yield from _USUAL
    yield from dict.fromkeys(
        locale for text in point.enum.values() for locale in text.i18n
    )


def _is_number(code: str) -> bool:
    digits = code.removeprefix("-")
    return digits.isascii() and digits.isdigit()
