"""A product or a device on its way into a subentry, and the choice of its points."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

from homeassistant.config_entries import ConfigSubentry, ConfigSubentryData
from homeassistant.const import CONF_NAME, CONF_OPTIONS

from .api.models import DataType, Measurepoint, ThingModel, ThingService
from .const import (
    CONF_ASSET_ID,
    CONF_CONTROLS,
    CONF_DATA_TYPE,
    CONF_DEVICE_KEY,
    CONF_DEVICES,
    CONF_LABELS,
    CONF_POINTS,
    CONF_PRODUCT_KEY,
    CONF_SENSORS,
    CONF_SERVICES,
    CONF_UNIT,
    SUBENTRY_DEVICE,
    SUBENTRY_PRODUCT,
)
from .corrections import with_items
from .mapping import control_kind, option_labels, suggest_control, suggest_reading
from .selection import manual_point

# Fields of a measurepoint that is entered by hand; the others have names in `const`.
CONF_IDENTIFIER: Final = "identifier"
CONF_CONTROL: Final = "control"


class FlowProblem(Exception):
    """What a form has to tell: the key of its text, and what goes into the text."""

    def __init__(self, key: str, **placeholders: str) -> None:
        """Keep key and placeholders."""
        super().__init__(key)
        self.key = key
        self.placeholders = placeholders


@dataclass(slots=True, kw_only=True)
class Target:
    """A product or a device on its way into a subentry.

    `own_name` is what the user wants a device to be called, empty for its name in EnOS.
    `devices` are asset ids, empty for all of a product. Without a `model` the points are
    entered by hand; `points` is how they were described.
    """

    kind: str
    name: str
    own_name: str = ""
    product_key: str = ""
    device_key: str = ""
    asset_id: str = ""
    devices: list[str] = field(default_factory=list)
    model: ThingModel | None = None
    controls: list[str] = field(default_factory=list)
    sensors: list[str] = field(default_factory=list)
    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    points: dict[str, dict[str, Any]] = field(default_factory=dict)
    services: list[str] = field(default_factory=list)

    @classmethod
    def from_subentry(cls, subentry: ConfigSubentry) -> Self:
        """Return what a subentry holds, to be changed."""
        data = subentry.data
        return cls(
            kind=subentry.subentry_type,
            name=data.get(CONF_NAME) or subentry.title,
            own_name=data.get(CONF_NAME, ""),
            product_key=data.get(CONF_PRODUCT_KEY, ""),
            device_key=data.get(CONF_DEVICE_KEY, ""),
            asset_id=data.get(CONF_ASSET_ID, ""),
            devices=list(data.get(CONF_DEVICES, ())),
            controls=list(data.get(CONF_CONTROLS, ())),
            sensors=list(data.get(CONF_SENSORS, ())),
            labels={
                key: dict(value) for key, value in data.get(CONF_LABELS, {}).items()
            },
            points={
                key: dict(value) for key, value in data.get(CONF_POINTS, {}).items()
            },
            services=list(data.get(CONF_SERVICES, ())),
        )

    @property
    def unique_id(self) -> str:
        """Return the subentry's unique id."""
        key = self.asset_id if self.kind == SUBENTRY_DEVICE else self.product_key
        return f"{self.kind}:{key}"

    @property
    def undescribed(self) -> bool:
        """Tell whether points were chosen of which nothing is known without the model."""
        return not self.points.keys() >= {*self.controls, *self.sensors}

    def data(self) -> dict[str, Any]:
        """Return the subentry's data."""
        what: dict[str, Any]
        if self.kind == SUBENTRY_PRODUCT:
            what = {CONF_PRODUCT_KEY: self.product_key, CONF_DEVICES: self.devices}
        else:
            what = {
                CONF_ASSET_ID: self.asset_id,
                CONF_PRODUCT_KEY: self.product_key,
                CONF_DEVICE_KEY: self.device_key,
                CONF_NAME: self.own_name,
            }
        return {
            **what,
            CONF_CONTROLS: self.controls,
            CONF_SENSORS: self.sensors,
            CONF_SERVICES: self.services,
            CONF_LABELS: self.labels,
            CONF_POINTS: self.points,
        }

    def subentry(self) -> ConfigSubentryData:
        """Return the subentry, for an entry that is being created."""
        return ConfigSubentryData(
            data=self.data(),
            subentry_type=self.kind,
            title=self.name,
            unique_id=self.unique_id,
        )

    @property
    def known(self) -> Mapping[str, Measurepoint]:
        """Return the points of the model, and items of structs as points of their own."""
        return with_items(self.model.measurepoints.values()) if self.model else {}

    @property
    def writable(self) -> Mapping[str, Measurepoint]:
        """Return the points of the model that could be written."""
        points = self.model.measurepoints if self.model else {}
        return {key: point for key, point in points.items() if control_kind(point)}

    @property
    def known_services(self) -> Mapping[str, ThingService]:
        """Return the services of the model that need no arguments."""
        services = self.model.services if self.model else {}
        return {key: each for key, each in services.items() if not each.inputs}

    def controls_text(self, language: str) -> str:
        """Return the names of the points that may be written."""
        known = self.known
        names = (f"{known[key].name.get(language)} `{key}`" for key in self.controls)
        return ", ".join(name.strip() for name in names) or "–"

    def suggest(self, language: str) -> None:
        """Choose what looks sensible."""
        points = self.model.measurepoints.items() if self.model else ()
        self._take(
            [key for key, point in points if suggest_control(point)],
            [key for key, point in points if suggest_reading(point)],
            language,
        )

    def choose(
        self, controls: Sequence[str], sensors: Sequence[str], language: str
    ) -> None:
        """Take what was chosen. Raises `FlowProblem` for points chosen twice.

        Who adds to one list a point that stood in the other one before wants it moved.
        """
        twice = {*controls} & {*sensors}
        unclear = {
            key for key in twice if (key in self.controls) == (key in self.sensors)
        }
        if unclear:
            raise FlowProblem("point_in_both", points=", ".join(sorted(unclear)))
        self._take(
            [key for key in controls if key not in twice or key not in self.controls],
            [key for key in sensors if key not in twice or key not in self.sensors],
            language,
        )

    def _take(self, controls: list[str], sensors: list[str], language: str) -> None:
        """Keep the choice; labels of options are frozen when a point is chosen."""
        self.controls, self.sensors = controls, sensors
        chosen = {*controls, *sensors}
        known = self.known
        labels = {key: value for key, value in self.labels.items() if key in chosen}
        for key in chosen:
            if (point := known.get(key)) and key not in labels and point.enum:
                labels[key] = option_labels(point, language)
        self.labels = labels
        self.points = {
            key: value
            for key, value in self.points.items()
            if key in chosen and key not in known
        }

    def describe(self, items: Iterable[Mapping[str, Any]], language: str) -> None:
        """Take points that were entered by hand. Raises `FlowProblem`."""
        points: dict[str, dict[str, Any]] = {}
        labels: dict[str, dict[str, str]] = {}
        controls: list[str] = []
        for item in items:
            identifier = item[CONF_IDENTIFIER].strip()
            if not identifier:
                raise FlowProblem("point_without_id")
            if identifier in points:
                raise FlowProblem("point_twice", point=identifier)
            points[identifier] = fields = _manual_fields(item)
            point = manual_point(identifier, fields)
            if point.enum:
                labels[identifier] = option_labels(point, language)
            if item.get(CONF_CONTROL):
                if control_kind(point) is None:
                    # Of what may be entered only an ENUM may lack something.
                    raise FlowProblem("options_missing", point=identifier)
                controls.append(identifier)
        self.points, self.labels = points, labels
        self.controls = controls
        self.sensors = [key for key in points if key not in controls]

    def described(self) -> list[dict[str, Any]]:
        """Return the points entered by hand as their form shows them."""
        return [
            {
                CONF_IDENTIFIER: key,
                **fields,
                **(
                    {CONF_OPTIONS: options}
                    if (options := _option_lines(fields))
                    else {}
                ),
                CONF_CONTROL: key in self.controls,
            }
            for key, fields in self.points.items()
        ]


def _manual_fields(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is kept of a point entered by hand, beside its identifier."""
    fields: dict[str, Any] = {CONF_DATA_TYPE: item[CONF_DATA_TYPE]}
    for key in (CONF_NAME, CONF_UNIT):
        if text := (item.get(key) or "").strip():
            fields[key] = text
    if item[CONF_DATA_TYPE] == DataType.ENUM:
        if options := _parse_options(item.get(CONF_OPTIONS) or ()):
            fields[CONF_OPTIONS] = options
    return fields


def _parse_options(lines: Iterable[str]) -> dict[str, str]:
    """Return code and label from lines such as `1 = Cooling`; a bare code is its label."""
    options: dict[str, str] = {}
    for line in lines:
        code, _, label = line.partition("=")
        if code := code.strip():
            options[code] = label.strip() or code
    return options


def _option_lines(fields: Mapping[str, Any]) -> list[str]:
    """Return the options of a point as the lines of its form."""
    options: Mapping[str, str] = fields.get(CONF_OPTIONS, {})
    return [f"{code} = {label}" for code, label in options.items()]
