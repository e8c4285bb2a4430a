"""A product or a device on its way into a subentry, and the choice of its points."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

from homeassistant.config_entries import ConfigSubentry, ConfigSubentryData
from homeassistant.const import CONF_NAME, CONF_OPTIONS

from .api.models import DataType, Measurepoint, ThingModel, ThingService
from .const import (
    CONF_ASSET_ID,
    CONF_CONTROLS,
    CONF_DATA_TYPE,
    CONF_DECLARED,
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
from .mapping import (
    Kind,
    control_kind,
    describe_control,
    describe_reading,
    option_labels,
    suggest_control,
    suggest_reading,
)
from .model_export import ExportedModel, ExportedPoint, ModelExport
from .selection import fields_of, in_order, manual_point, storable

# Fields of a measurepoint that is entered by hand; the others have names in `const`.
CONF_IDENTIFIER: Final = "identifier"
CONF_CONTROL: Final = "control"

# So many points of a list can be looked through; a suggestion is no longer.
REVIEWABLE: Final = 100


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
    `devices` are asset ids, empty for all of a product; `count` is how many devices there are,
    0 where nobody can tell, and `room` how many entities there may be of them, None where that
    does not matter. Without a `model` the points are entered by hand; `points` is how they were
    described. `stands_in` tells that the model is that of an export and will not be there
    later. `declared` is what exports said of points, `told` what the form says about the last
    one. `settled`: the points were chosen before, so that nothing is suggested.
    """

    kind: str
    name: str
    own_name: str = ""
    product_key: str = ""
    device_key: str = ""
    asset_id: str = ""
    devices: list[str] = field(default_factory=list)
    count: int = 0
    room: int | None = None
    model: ThingModel | None = None
    controls: list[str] = field(default_factory=list)
    sensors: list[str] = field(default_factory=list)
    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    points: dict[str, dict[str, Any]] = field(default_factory=dict)
    services: list[str] = field(default_factory=list)
    declared: dict[str, dict[str, Any]] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)
    stands_in: bool = False
    settled: bool = False
    # Points that the user has put into a list, or taken out of one, in this form.
    _decided: set[str] = field(default_factory=set, init=False)
    # The labels as they were before.
    _frozen: dict[str, dict[str, str]] = field(default_factory=dict, init=False)

    @classmethod
    def from_subentry(cls, subentry: ConfigSubentry) -> Self:
        """Return what a subentry holds, to be changed."""
        data = subentry.data
        target = cls(
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
                key: in_order(value) for key, value in data.get(CONF_POINTS, {}).items()
            },
            services=list(data.get(CONF_SERVICES, ())),
            declared={
                key: dict(value) for key, value in data.get(CONF_DECLARED, {}).items()
            },
            settled=True,
        )
        target._frozen = dict(target.labels)
        return target

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
        if self.declared:
            what[CONF_DECLARED] = {
                key: said
                for key, said in self.declared.items()
                if said and (key in self.controls or key in self.sensors)
            }
        return {
            **what,
            CONF_CONTROLS: self.controls,
            CONF_SENSORS: self.sensors,
            CONF_SERVICES: self.services,
            CONF_LABELS: self.labels,
            CONF_POINTS: {key: storable(said) for key, said in self.points.items()},
        }

    def data_over(self, held: Mapping[str, Any]) -> dict[str, Any]:
        """Return the data of a subentry that holds this by now.

        Labels that a repair has frozen anew since the form was opened stay so.
        """
        data = self.data()
        later: Mapping[str, Any] = held.get(CONF_LABELS, {})
        data[CONF_LABELS] = {
            key: later.get(key, labels) if labels == self._frozen.get(key) else labels
            for key, labels in self.labels.items()
        }
        return data

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

    @property
    def entities(self) -> int:
        """How many enabled entities the choice makes, connectivity included."""
        there = self.known.keys() | self.points.keys()
        points = {*self.controls, *self.sensors}
        made = len(points & there if self.model else points)
        return self.count * (1 + made + len(self.services))

    @property
    def readings(self) -> Mapping[str, Measurepoint]:
        """Return the points of the model that make sensible sensors."""
        points = self.model.measurepoints if self.model else {}
        return {key: point for key, point in points.items() if suggest_reading(point)}

    def fill(
        self, controls: Sequence[str], sensors: Sequence[str], *, everything: bool
    ) -> None:
        """Have all points read that show a value and are on neither list, or empty both."""
        filled: tuple[list[str], list[str]] = ([], [])
        if everything:
            points = self.model.measurepoints if self.model else {}
            others = [
                key
                for key, point in points.items()
                if key not in controls
                and key not in sensors
                and (suggest_reading(point) or suggest_control(point))
            ]
            filled = ([*controls], [*sensors, *others])
        for before, after in zip((self.controls, self.sensors), filled, strict=True):
            self._decided.update({*before} ^ {*after})
        self.controls, self.sensors = filled

    @property
    def is_large(self) -> bool:
        """Tell whether the model has more to read than can be looked through."""
        return len(self.readings) > REVIEWABLE

    @property
    def _most(self) -> int:
        """How many points may be chosen."""
        if self.room is None or not self.count:
            return len(self.known)
        return max(0, self.room // self.count - 1)

    def suggest(self, language: str, room: int | None = None) -> None:
        """Choose what looks sensible, of a large model or fleet less."""
        self.room = room
        points = self.model.measurepoints if self.model else {}
        controls, sensors = _fewer(
            [key for key, point in points.items() if suggest_control(point)],
            self.readings,
            self._most,
        )
        self._take(controls, sensors, language)

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
            if (point := known.get(key)) and key not in labels:
                describe = describe_control if key in controls else describe_reading
                description = describe(point, language=language)
                if point.enum or (description and description.options):
                    labels[key] = option_labels(point, language)
        self.labels = labels
        points = {key: value for key, value in self.points.items() if key in chosen}
        if self.stands_in:
            # What a person called a point is kept.
            self.points = points | {
                key: {
                    **fields_of(point, language),
                    **{
                        name: text
                        for name, text in points.get(key, {}).items()
                        if name == CONF_NAME
                    },
                }
                for key, point in known.items()
                if key in chosen
            }
        else:
            self.points = {key: points[key] for key in points if key not in known}

    def take_export(
        self,
        export: ModelExport,
        controls: Sequence[str],
        sensors: Sequence[str],
        *,
        decided: Iterable[str] = (),
    ) -> None:
        """Take what a file says of the points, and suggest anew what the user did not decide.

        `controls` and `sensors` are what the form holds. Without a model the file stands in for
        it. Raises `FlowProblem` where the file is about something else.
        """
        exported = self._its_model(export)
        if self.model is None or self.stands_in:
            self.stands_in = True
            # Neither services nor items of structs could be found again later.
            self.model = replace(
                exported.model,
                measurepoints={
                    key: replace(point, items=())
                    for key, point in exported.model.measurepoints.items()
                },
                services={},
            )
        points = self.model.measurepoints
        said = {key: each for key, each in exported.points.items() if key in points}
        facts = {
            key: _facts(each, points[key], exported.model.measurepoints[key])
            for key, each in said.items()
        }
        self.declared |= facts
        self.told = {
            "model": exported.model.model_id,
            "own_model": self.model.model_id,
            "points": str(len(said)),
            "read_only": str(sum(each.writable is False for each in said.values())),
            "ranges": str(
                sum("minimum" in each or "maximum" in each for each in facts.values())
            ),
        }
        self._decided.update(decided)
        for before, after in ((self.controls, controls), (self.sensors, sensors)):
            self._decided.update({*before} ^ {*after})
        self.controls, self.sensors = list(controls), list(sensors)
        if not self.settled:
            self._suggest_by(points, said)

    def _its_model(self, export: ModelExport) -> ExportedModel:
        """Return which model of a file is meant. Raises `FlowProblem`."""
        models = export.models
        if self.model is None or self.stands_in:
            if len(models) > 1:
                raise FlowProblem("export_several", models=", ".join(sorted(models)))
            return next(iter(models.values()))
        if self.model.model_id in models:
            return models[self.model.model_id]
        own = self.model.measurepoints.keys()
        likely = max(models.values(), key=lambda each: len(own & each.points.keys()))
        if not own & likely.points.keys():
            raise FlowProblem(
                "export_no_points",
                file_model=likely.model.model_id,
                own_model=self.model.model_id,
            )
        return likely

    def _suggest_by(
        self, points: Mapping[str, Measurepoint], said: Mapping[str, ExportedPoint]
    ) -> None:
        """Suggest anew what the user did not decide: by the file, then by tags, then by words."""
        controls = [key for key in self.controls if key in self._decided]
        sensors = [key for key in self.sensors if key in self._decided]
        writable: list[str] = []
        readings: dict[str, Measurepoint] = {}
        for key in points.keys() - self._decided:
            tags = said[key].tags if key in said else {}
            point = replace(points[key], tags={**points[key].tags, **tags})
            if suggest_control(point):
                writable.append(key)
            elif suggest_reading(point):
                readings[key] = point
        most = self._most - len(controls) - len(sensors)
        for chosen, more in zip(
            (controls, sensors), _fewer(writable, readings, most), strict=True
        ):
            chosen += more
        order = {key: number for number, key in enumerate(points)}
        for chosen in (controls, sensors):
            chosen.sort(key=lambda key: order.get(key, len(order)))
        self.controls, self.sensors = controls, sensors

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
            points[identifier] = fields = self._with_rest(
                identifier, _manual_fields(item)
            )
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

    def _with_rest(self, identifier: str, fields: dict[str, Any]) -> dict[str, Any]:
        """Add to a point of the form what an export said of it beyond the form's fields."""
        before = self.points.get(identifier, {})
        if before.get(CONF_DATA_TYPE) != fields[CONF_DATA_TYPE]:
            return fields
        rest = {key: value for key, value in before.items() if key not in _IN_FORM}
        if before.get(CONF_UNIT) != fields.get(CONF_UNIT):
            rest.pop("multiplier", None)
        return {**fields, **rest}

    def described(self) -> list[dict[str, Any]]:
        """Return the points entered by hand as their form shows them."""
        return [
            {
                CONF_IDENTIFIER: key,
                **{name: value for name, value in fields.items() if name in _IN_FORM},
                **(
                    {CONF_OPTIONS: options}
                    if (options := _option_lines(fields))
                    else {}
                ),
                CONF_CONTROL: key in self.controls,
            }
            for key, fields in self.points.items()
        ]


# What the form of a measurepoint has of a description.
_IN_FORM: Final = (CONF_DATA_TYPE, CONF_NAME, CONF_UNIT, CONF_OPTIONS)


def _facts(
    said: ExportedPoint, point: Measurepoint, exported: Measurepoint
) -> dict[str, Any]:
    """Return what is kept of an export: whether a point may be written, its range and step.

    Range and step count only in the unit that the point still has.
    """
    facts: dict[str, Any] = {"writable": said.writable}
    if (point.unit, point.multiplier) == (exported.unit, exported.multiplier):
        facts |= {
            "minimum": said.minimum,
            "maximum": said.maximum,
            "step": said.step,
        }
    return {key: value for key, value in facts.items() if value is not None}


def _fewer(
    controls: list[str], readings: Mapping[str, Measurepoint], most: int
) -> tuple[list[str], list[str]]:
    """Return as much of a suggestion as there is room for, and as can be looked through.

    A part of what may be written would be an arbitrary one: it is all or none. Of what is read
    it is all, else what has a class, else only what is wrong or runs, or none.
    """
    if len(controls) > most:
        controls = []
    most = min(REVIEWABLE, most - len(controls))
    if len(readings) <= most:
        return controls, [*readings]
    described = {
        key: describe_reading(point, language="") for key, point in readings.items()
    }
    classed = {
        key: each.kind for key, each in described.items() if each and each.device_class
    }
    binary = [key for key, kind in classed.items() if kind is Kind.BINARY_SENSOR]
    sensors = next((keys for keys in ([*classed], binary) if len(keys) <= most), [])
    return controls, sensors


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
