"""The profile of a product as text: what is used of its model, and what is said otherwise. Pure.

A profile is what another installation needs to show the same entities: the choice of points and
services, labels, corrections, what a console's export declared, points described by hand, and how
commands are sent. Neither secrets nor the organization are in it. `profile_read` reads it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from homeassistant.const import CONF_NAME, CONF_OPTIONS, CONF_TIMEOUT

from .api.models import Measurepoint, ThingService
from .const import (
    CONF_CONTROLS,
    CONF_CORRECTION_EXCEPTIONS,
    CONF_CORRECTIONS,
    CONF_DATA_TYPE,
    CONF_DECLARED,
    CONF_LABELS,
    CONF_LABELS_DECLINED,
    CONF_POINTS,
    CONF_POLICY,
    CONF_POLICY_EXCEPTIONS,
    CONF_QUEUE_MINUTES,
    CONF_SENSORS,
    CONF_SERVICES,
    CONF_UNIT,
    CONF_WHEN_OFFLINE,
)
from .corrections import corrections_from
from .profile_yaml import comment, entry, number, quoted
from .selection import Policy, exceptions_from, in_order, policies_from
from .units import resolve

VERSION: Final = 1

# What EnOS's console exported of a point.
DECLARED_WRITABLE: Final = "writable"
DECLARED_NUMBERS: Final = ("minimum", "maximum", "step")

# Keys of the file; those of a correction are the fields of `Correction`.
KEY_FORMAT: Final = "enos_profile"
KEY_PRODUCT: Final = "product"
KEY_MODEL: Final = "model"
KEY_COMMANDS: Final = "commands"
KEY_SERVICES: Final = "services"
KEY_POINTS: Final = "points"
KEY_DEVICES: Final = "devices"
KEY_USE: Final = "use"
KEY_DESCRIBED: Final = "described"
USE_CONTROL: Final = "control"
USE_SENSOR: Final = "sensor"

POLICY_KEYS: Final = (CONF_TIMEOUT, CONF_WHEN_OFFLINE, CONF_QUEUE_MINUTES)
# What `selection.manual_point` reads.
DESCRIBED_KEYS: Final = (
    CONF_DATA_TYPE,
    CONF_NAME,
    CONF_UNIT,
    "multiplier",
    CONF_OPTIONS,
    "text_codes",
    "bool_labels",
    "max_length",
    "item_type",
    "signal_type",
    "tags",
)
CORRECTION_KEYS: Final = (
    "kind",
    "name",
    "unit",
    "device_class",
    "state_class",
    "minimum",
    "maximum",
    "step",
    "on_value",
    "off_value",
    "press_value",
    "bool_form",
    "stale_after",
    "options",
)

PROFILE_KEYS: Final = (
    CONF_CONTROLS,
    CONF_SENSORS,
    CONF_SERVICES,
    CONF_LABELS,
    CONF_POINTS,
    CONF_CORRECTIONS,
    CONF_CORRECTION_EXCEPTIONS,
    CONF_DECLARED,
    CONF_LABELS_DECLINED,
    CONF_POLICY,
    CONF_POLICY_EXCEPTIONS,
)
"""What of a subentry's data is its profile."""
_ALWAYS: Final = PROFILE_KEYS[:5]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of the product or device that a profile comes from or goes to.

    `points` are those of the model and the items of its structs, `services` those without
    arguments. `devices` are names by asset id, None where nobody can tell which there are.
    `single` tells a single device, to which nothing said of other devices applies.
    """

    name: str
    product_key: str = ""
    model_id: str = ""
    points: Mapping[str, Measurepoint] = field(default_factory=dict)
    services: Mapping[str, ThingService] = field(default_factory=dict)
    devices: Mapping[str, str] | None = None
    single: bool = False


def replaced(data: Mapping[str, Any], profile: Mapping[str, Any]) -> dict[str, Any]:
    """Return a subentry's data with another profile; what is no profile stays."""
    kept = {key: value for key, value in data.items() if key not in PROFILE_KEYS}
    new = {
        key: profile.get(key) or ([] if key in _ALWAYS[:3] else {})
        for key in PROFILE_KEYS
        if profile.get(key) or key in _ALWAYS or (key in data and key != CONF_POLICY)
    }
    return kept | new


# Writing.


def write(data: Mapping[str, Any], known: Known, language: str) -> str:
    """Return the profile of a subentry's data; names are in a language, for comments only."""
    lines = [
        f"# EnOS profile of {comment(known.name)}",
        "# use: control (may be written) or sensor. What is left out of a point comes from the",
        f"# model; what can be said of it: {', '.join(CORRECTION_KEYS[:8])},",
        f"# {', '.join(CORRECTION_KEYS[8:])}.",
        "# labels are the model's names of options from the day they were chosen, labels_declined",
        "# newer ones that nobody wanted; names of your own belong under options.",
        entry(KEY_FORMAT, str(VERSION)),
    ]
    if known.product_key:
        lines.append(entry(KEY_PRODUCT, quoted(known.product_key)))
    if known.model_id:
        lines.append(entry(KEY_MODEL, quoted(known.model_id)))
    if isinstance(data.get(CONF_POLICY), Mapping):
        policy = Policy.from_data(data[CONF_POLICY])
        lines += ["", *_policy(policy, 0)]
    if services := list(data.get(CONF_SERVICES, ())):
        lines += ["", entry(KEY_SERVICES, "")]
        for key in services:
            service = known.services.get(key)
            lines.append(f"  - {quoted(key)}")
            if service and (name := comment(service.name.get(language))):
                lines[-1] += f"  # {name}"
    lines += ["", *_points(data, known, language)]
    if devices := list(_devices(data, known)):
        lines += ["", entry(KEY_DEVICES, ""), *devices]
    return "\n".join(lines) + "\n"


def _policy(policy: Policy, indent: int) -> Iterator[str]:
    yield entry(KEY_COMMANDS, "", indent)
    for key, value in policy.data().items():
        yield entry(key, str(value), indent + 2)


def _points(data: Mapping[str, Any], known: Known, language: str) -> Iterator[str]:
    """Yield the blocks of the points, and the names of those that are not used."""
    used = _mentioned(data)
    ordered = [key for key in known.points if key in used]
    ordered += [key for key in used if key not in known.points]
    yield entry(KEY_POINTS, "" if ordered else "{}")
    corrections = corrections_from(data.get(CONF_CORRECTIONS))
    for key in ordered:
        yield f"  # {_about(known.points.get(key), language)}"
        said = list(_point(key, data, known.points.get(key)))
        if key in corrections:
            said += _correction(corrections[key].data(), 4)
        yield entry(key, "" if said else "{}", 2)
        yield from said
    if rest := [key for key in known.points if key not in used]:
        yield "  # Not used:"
        for key in rest:
            about = _about(known.points[key], language)
            yield f"  # {entry(key, '')}  # {about}"


def _mentioned(data: Mapping[str, Any]) -> dict[str, None]:
    """Return the points of which the data say something."""
    return dict.fromkeys(
        (
            *data.get(CONF_CONTROLS, ()),
            *data.get(CONF_SENSORS, ()),
            *corrections_from(data.get(CONF_CORRECTIONS)),
            *(data.get(CONF_DECLARED) or {}),
            *(data.get(CONF_POINTS) or {}),
            *(data.get(CONF_LABELS) or {}),
            *(data.get(CONF_LABELS_DECLINED) or {}),
        )
    )


def _about(point: Measurepoint | None, language: str) -> str:
    """Return what a comment tells of a point: name, type, unit."""
    if point is None:
        return "not in the model"
    unit = resolve(point.unit, point.multiplier).text or ""
    return comment(point.name.get(language), f"{point.data_type} {unit}")


def _point(
    key: str, data: Mapping[str, Any], point: Measurepoint | None
) -> Iterator[str]:
    """Yield what is said of a point besides its correction."""
    control = key in data.get(CONF_CONTROLS, ())
    if control or key in data.get(CONF_SENSORS, ()):
        yield entry(KEY_USE, USE_CONTROL if control else USE_SENSOR, 4)
    labels = (data.get(CONF_LABELS) or {}).get(key)
    if labels is not None or (point is not None and point.enum):
        # Without any said, an import would freeze those of the model.
        yield from _texts(CONF_LABELS, labels or {}, 4)
    declared = (data.get(CONF_DECLARED) or {}).get(key)
    if isinstance(declared, Mapping):
        yield entry(CONF_DECLARED, "" if declared else "{}", 4)
        if isinstance(writable := declared.get(DECLARED_WRITABLE), bool):
            yield entry(DECLARED_WRITABLE, str(writable).lower(), 6)
        for name in DECLARED_NUMBERS:
            if isinstance(end := declared.get(name), int | float):
                yield entry(name, number(float(end)), 6)
    if declined := (data.get(CONF_LABELS_DECLINED) or {}).get(key):
        yield from _texts(CONF_LABELS_DECLINED, declined, 4)
    described = (data.get(CONF_POINTS) or {}).get(key)
    if isinstance(described, Mapping):
        described = in_order(described)
        yield entry(KEY_DESCRIBED, "", 4)
        for name in DESCRIBED_KEYS:
            value = described.get(name)
            if isinstance(value, Mapping):
                yield from _texts(name, value, 6)
            elif isinstance(value, bool):
                yield entry(name, str(value).lower(), 6)
            elif isinstance(value, int):
                yield entry(name, str(value), 6)
            elif value is not None:
                yield entry(name, quoted(str(value)), 6)


def _texts(key: str, texts: Mapping[str, str], indent: int) -> Iterator[str]:
    yield entry(key, "" if texts else "{}", indent)
    for code, label in texts.items():
        yield entry(str(code), quoted(str(label)), indent + 2)


def _correction(said: Mapping[str, Any], indent: int) -> Iterator[str]:
    """Yield the lines of a correction."""
    for key in CORRECTION_KEYS:
        value = said.get(key)
        if isinstance(value, Mapping):
            yield from _texts(key, value, indent)
        elif isinstance(value, int | float):
            yield entry(key, number(float(value)), indent)
        elif value is not None:
            yield entry(key, quoted(str(value)), indent)


def _devices(data: Mapping[str, Any], known: Known) -> Iterator[str]:
    """Yield what holds for single devices."""
    corrections = exceptions_from(data.get(CONF_CORRECTION_EXCEPTIONS))
    policies = policies_from(data.get(CONF_POLICY_EXCEPTIONS))
    names = known.devices or {}
    for asset_id in dict.fromkeys((*policies, *corrections)):
        if name := comment(names.get(asset_id, "")):
            yield f"  # {name}"
        yield entry(asset_id, "", 2)
        if asset_id in policies:
            yield from _policy(policies[asset_id], 4)
        if said := corrections.get(asset_id):
            yield entry(KEY_POINTS, "", 4)
            order = [key for key in known.points if key in said]
            for key in dict.fromkeys((*order, *said)):
                yield entry(key, "", 6)
                yield from _correction(said[key].data(), 8)


# Comparing.


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What an import changes: points, services, devices with exceptions, in the file's order.

    `writable` are the points that may be written then and may not now.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    writable: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    commands: bool = False

    def __bool__(self) -> bool:
        """Tell whether anything changes."""
        return any(getattr(self, name) for name in self.__slots__)


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Changes:
    """Return what changes from one subentry's data to another's."""
    before, after = _said(old), _said(new)
    used_before, used = _used(old), _used(new)
    return Changes(
        added=_missing(used, used_before),
        removed=_missing(used_before, used),
        changed=tuple(
            key
            for key in dict.fromkeys((*after, *before))
            if before.get(key) != after.get(key)
            and (key in used) == (key in used_before)
        ),
        writable=_missing(new.get(CONF_CONTROLS, ()), old.get(CONF_CONTROLS, ())),
        services=(
            *_missing(new.get(CONF_SERVICES, ()), old.get(CONF_SERVICES, ())),
            *_missing(old.get(CONF_SERVICES, ()), new.get(CONF_SERVICES, ())),
        ),
        devices=_different(_exceptions(old), _exceptions(new)),
        commands=Policy.from_data(old.get(CONF_POLICY))
        != Policy.from_data(new.get(CONF_POLICY)),
    )


def _missing(these: Iterable[str], there: Iterable[str]) -> tuple[str, ...]:
    """Return those of these that are not there."""
    there = set(there)
    return tuple(key for key in these if key not in there)


def _different(
    one: Mapping[str, object], other: Mapping[str, object]
) -> tuple[str, ...]:
    keys = dict.fromkeys((*other, *one))
    return tuple(key for key in keys if one.get(key) != other.get(key))


def _used(data: Mapping[str, Any]) -> dict[str, None]:
    return dict.fromkeys((*data.get(CONF_CONTROLS, ()), *data.get(CONF_SENSORS, ())))


def _said(data: Mapping[str, Any]) -> dict[str, tuple[object, ...]]:
    """Return all that is said of each point; the order of a correction's options is part of it."""
    corrections = corrections_from(data.get(CONF_CORRECTIONS))
    plain = (CONF_DECLARED, CONF_LABELS_DECLINED, CONF_POINTS)
    parts = [data.get(key) or {} for key in plain]
    labels = data.get(CONF_LABELS) or {}
    return {
        key: (
            key in data.get(CONF_CONTROLS, ()),
            corrections.get(key),
            list(corrections[key].options) if key in corrections else [],
            # Home Assistant's storage sorts them.
            labels.get(key) or {},
            *(part.get(key) for part in parts),
        )
        for key in _mentioned(data)
    }


def _exceptions(data: Mapping[str, Any]) -> dict[str, object]:
    """Return what holds for single devices."""
    corrections = exceptions_from(data.get(CONF_CORRECTION_EXCEPTIONS))
    policies = policies_from(data.get(CONF_POLICY_EXCEPTIONS))
    return {
        asset_id: (corrections.get(asset_id), policies.get(asset_id))
        for asset_id in dict.fromkeys((*corrections, *policies))
    }
