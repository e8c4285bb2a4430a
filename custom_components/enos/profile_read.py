"""A profile's text back into what a subentry holds, with all mistakes by their lines. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from homeassistant.const import CONF_OPTIONS, CONF_TIMEOUT

from .api.models import DataType, LocalizedText, Measurepoint
from .checks import Problem, did_you_mean, problems_of, without_effect
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
    CONF_WHEN_OFFLINE,
    OFFLINE_FAIL,
    OFFLINE_QUEUE,
)
from .corrections import ITEM_MARK, Correction, corrected
from .mapping import Kind, control_kind, option_labels, reading_kinds
from .profile import (
    CORRECTION_KEYS,
    DECLARED_NUMBERS,
    DECLARED_WRITABLE,
    DESCRIBED_KEYS,
    KEY_COMMANDS,
    KEY_DESCRIBED,
    KEY_DEVICES,
    KEY_FORMAT,
    KEY_MODEL,
    KEY_POINTS,
    KEY_PRODUCT,
    KEY_SERVICES,
    KEY_USE,
    POLICY_KEYS,
    PROFILE_KEYS,
    USE_CONTROL,
    USE_SENSOR,
    VERSION,
    Known,
)
from .profile_nodes import FieldReader, Fields, Where, at_line
from .profile_yaml import Block, FileError, LineProblem, List, Node, Text, load
from .selection import (
    MAX_QUEUE_MINUTES,
    MAX_TIMEOUT,
    Policy,
    Selection,
    declared_from,
    manual_point,
    storable,
)
from .units import MULTIPLIERS

_TYPES: Final = tuple(kind for kind in DataType if kind is not DataType.UNKNOWN)
_TOP_KEYS: Final = (
    KEY_FORMAT,
    KEY_PRODUCT,
    KEY_MODEL,
    KEY_COMMANDS,
    KEY_SERVICES,
    KEY_POINTS,
    KEY_DEVICES,
)
_POINT_KEYS: Final = (
    KEY_USE,
    *CORRECTION_KEYS,
    CONF_LABELS,
    CONF_LABELS_DECLINED,
    CONF_DECLARED,
    KEY_DESCRIBED,
)
_NUMBERS: Final = frozenset({"minimum", "maximum", "step", "stale_after"})

_NONE: Final = Correction()


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a file brings: the part of a subentry's data that is its profile.

    `notes` are no mistakes, but a person should know them before the profile is taken.
    """

    data: Mapping[str, Any]
    notes: tuple[LineProblem, ...]


def read(
    content: str | bytes, known: Known, held: Mapping[str, Any], language: str
) -> Profile:
    """Return the profile of a file. Raises `FileError` with all that is wrong.

    `held` are the data of the subentry as they are: points, codes and devices that EnOS does
    not have any more are let through where they are there already. `language` is that of the
    labels of options for which the file has none. A large file takes seconds.
    """
    return _Reader(known, held, language).profile(load(content))


@dataclass(slots=True)
class _Said:
    """A correction of the file, and the lines where its fields and codes stand."""

    line: int
    where: Where
    correction: Correction = _NONE
    lines: dict[tuple[str, str], int] = field(default_factory=dict)

    def line_of(self, problem: Problem) -> int | None:
        """Return where a problem is; None where its field is not in this block."""
        field_line = self.lines.get((problem.field, ""))
        return self.lines.get((problem.field, problem.detail), field_line)


class _Reader(FieldReader):
    """Reads one file, and collects what is wrong with it."""

    def __init__(self, known: Known, held: Mapping[str, Any], language: str) -> None:
        """Start with nothing read."""
        super().__init__()
        self._known = known
        self._held = held
        self._language = language
        self._points: dict[str, Measurepoint] = {}
        self._said: dict[str, _Said] = {}
        self._data: dict[str, Any] = {
            key: [] if key in {CONF_CONTROLS, CONF_SENSORS, CONF_SERVICES} else {}
            for key in PROFILE_KEYS
            if key != CONF_POLICY
        }

    def profile(self, root: Node) -> Profile:
        """Return what the file says. Raises `FileError`."""
        if not isinstance(root, Block) or all(
            key.text != KEY_FORMAT for key, _ in root.items
        ):
            raise FileError([LineProblem(line=root.line, key="file_no_profile")])
        top = self.fields(root, (), _TOP_KEYS)
        line, version = top[KEY_FORMAT]
        if not isinstance(version, Text) or version.text != str(VERSION):
            found = version.text if isinstance(version, Text) else "?"
            raise FileError([at_line(line, "file_version", (KEY_FORMAT,), value=found)])
        other_product = self._origin(top)
        if KEY_COMMANDS in top:
            self._data[CONF_POLICY] = self._policy(top[KEY_COMMANDS][1], ())
        if KEY_SERVICES in top:
            self._services(top[KEY_SERVICES][1])
        if KEY_POINTS in top:
            where: Where = (KEY_POINTS,)
            for key, (at, node) in self.fields(top[KEY_POINTS][1], where).items():
                self._point(key, at, node)
        if KEY_DEVICES in top:
            self._devices(*top[KEY_DEVICES], other_product=other_product)
        if self.problems:
            raise FileError(self.problems + self._model_notes())
        return Profile(data=self._data, notes=tuple(self.notes))

    def _origin(self, top: Fields) -> bool:
        """Note that a file is of another model; tell whether it is of another product."""
        said = {
            key: (top[key][0], self.text(top[key][1], (key,)) or "")
            for key in (KEY_PRODUCT, KEY_MODEL)
            if key in top
        }
        line, model = said.get(KEY_MODEL, (0, ""))
        if model and self._known.model_id and model != self._known.model_id:
            self.note(
                line,
                "file_other_model",
                (KEY_MODEL,),
                value=model,
                here=self._known.model_id,
            )
        _, product = said.get(KEY_PRODUCT, (0, ""))
        return bool(product) and product != self._known.product_key

    def _model_notes(self) -> list[LineProblem]:
        """Return the note about another model: it explains why points are unknown."""
        return [note for note in self.notes if note.key == "file_other_model"]

    # What the parts of a profile say.

    def _policy(self, node: Node, where: Where) -> dict[str, Any]:
        """Return how commands are sent; what is left out is the default."""
        where = (*where, KEY_COMMANDS)
        most = {CONF_TIMEOUT: MAX_TIMEOUT, CONF_QUEUE_MINUTES: MAX_QUEUE_MINUTES}
        said: dict[str, Any] = {}
        for key, (_line, value) in self.fields(node, where, POLICY_KEYS).items():
            here = (*where, key)
            if key == CONF_WHEN_OFFLINE:
                said[key] = self.choice(value, here, (OFFLINE_FAIL, OFFLINE_QUEUE))
            else:
                said[key] = self.whole(value, here, most[key])
        return Policy.from_data(said).data()

    def _services(self, node: Node) -> None:
        """Take the services that have a button."""
        where: Where = (KEY_SERVICES,)
        if isinstance(node, Text) and node.is_nothing:
            return
        if not isinstance(node, List):
            self.wrong(node.line, "file_needs_list", where)
            return
        known = {*self._known.services, *self._held.get(CONF_SERVICES, ())}
        chosen: list[str] = self._data[CONF_SERVICES]
        for item in node.items:
            key = self.text(item, where)
            if key is None:
                continue
            here = (*where, key)
            if key in chosen:
                self.wrong(item.line, "file_service_twice", here)
            elif key not in known:
                near = did_you_mean(key, sorted(known))
                self.wrong(item.line, "file_service_unknown", here, known=near)
            else:
                chosen.append(key)

    def _point(self, key: str, line: int, node: Node) -> None:
        """Take the block of a point."""
        where: Where = (KEY_POINTS, key)
        said = self.fields(node, where, _POINT_KEYS)
        described = None
        if KEY_DESCRIBED in said:
            described = self._described(key, *said[KEY_DESCRIBED], where)
        if CONF_DECLARED in said:
            self._declared(key, *said[CONF_DECLARED], where)
        point = self._known.points.get(key, described)
        if point is None and KEY_DESCRIBED not in said and key not in self._held_points:
            undescribed = (
                "file_point_unknown" if self._known.points else "file_no_model"
            )
            near = did_you_mean(key, self._known.points)
            self.wrong(line, undescribed, where, known=near)
        if point is not None:
            self._points[key] = point
        correction = self._correction(line, said, where)
        self._said[key] = correction
        if correction.correction:
            self._data[CONF_CORRECTIONS][key] = correction.correction.stored()
        use = None
        if KEY_USE in said:
            here = (*where, KEY_USE)
            use = self.choice(said[KEY_USE][1], here, (USE_CONTROL, USE_SENSOR))
        if use is not None:
            self._use(key, use, said[KEY_USE][0], correction.correction)
        if point is not None:
            self._judge(point, correction, use)
        if CONF_LABELS_DECLINED in said:
            here = (*where, CONF_LABELS_DECLINED)
            labels = self.labels(said[CONF_LABELS_DECLINED][1], here)
            self._data[CONF_LABELS_DECLINED][key] = {
                code: label for code, (_, label) in labels.items()
            }
        self._take_labels(key, point, said, used=use is not None)

    @property
    def _held_points(self) -> set[str]:
        """The points that are used or described so far."""
        keys = (CONF_CONTROLS, CONF_SENSORS, CONF_CORRECTIONS, CONF_DECLARED)
        return {key for each in keys for key in self._held.get(each) or ()}

    def _use(self, key: str, use: str, line: int, correction: Correction) -> None:
        """Choose a point, if it can be used so."""
        where = (KEY_POINTS, key, KEY_USE)
        list_of = {USE_CONTROL: CONF_CONTROLS, USE_SENSOR: CONF_SENSORS}[use]
        self._data[list_of].append(key)
        if (point := self._points.get(key)) is None:
            return
        said = corrected(point, correction)
        kind = said.data_type.value
        if use == USE_SENSOR and not reading_kinds(said):
            self.wrong(line, "file_not_readable", where, type=kind)
        elif use == USE_CONTROL and key.partition(ITEM_MARK)[0] in (
            self._known.points.keys() - {key}
        ):
            self.wrong(line, "file_item_not_writable", where)
        elif use == USE_CONTROL and control_kind(said) is None:
            no_codes = said.data_type is DataType.ENUM
            reason = "file_codes_missing" if no_codes else "file_not_writable"
            self.wrong(line, reason, where, type=kind)

    def _judge(self, point: Measurepoint, said: _Said, use: str | None) -> None:
        """Tell what is wrong with a correction; of an unused point it may be for either use."""
        uses = {USE_CONTROL: (True,), USE_SENSOR: (False,)}.get(
            use or "", (False, True)
        )
        both = self._in_effect(point.identifier, said.correction)
        found = [problems_of(point, both, writable=writable) for writable in uses]
        # What an export has wrong by itself is not the correction's mistake.
        problems = [
            problem
            for problem in min(found, key=len)
            if said.line_of(problem) is not None
        ]
        self._tell(said, problems)
        if problems or use is None:
            return
        if idle := without_effect(point, said.correction, writable=uses[0]):
            line = min(said.lines.get((name, ""), said.line) for name in idle)
            fields_ = ", ".join(idle)
            self.note(line, "file_without_effect", said.where, fields=fields_)

    def _in_effect(
        self, key: str, general: Correction, special: Correction = _NONE
    ) -> Correction:
        """Return what holds for a point in the end, an export's range included."""
        declared = self._data[CONF_DECLARED].get(key)
        selection = Selection(
            subentry_id="",
            product_key="",
            asset_id=None,
            asset_ids=frozenset(),
            name="",
            own_name="",
            controls=(),
            sensors=(),
            corrections={key: special.over(general)},
            declared=declared_from({key: declared}),
        )
        return selection.correction_of(key)

    def _tell(self, said: _Said, problems: Iterable[Problem]) -> None:
        for problem in problems:
            detail = (problem.detail,) if problem.detail else ()
            self.wrong(
                said.line_of(problem) or said.line,
                problem.key,
                (*said.where, problem.field, *detail),
                **problem.placeholders,
            )

    def _correction(self, line: int, said: Fields, where: Where) -> _Said:
        """Return the correction of a block."""
        result = _Said(line, where)
        values: dict[str, Any] = {}
        for key in CORRECTION_KEYS:
            if key not in said:
                continue
            at, node = said[key]
            here = (*where, key)
            result.lines[key, ""] = at
            value: Any
            if key == CONF_OPTIONS:
                labels = self.labels(node, here)
                result.lines |= {(key, code): at for code, (at, _) in labels.items()}
                value = {code: label for code, (_, label) in labels.items()}
            elif key == "kind":
                kind = self.choice(node, here, Kind)
                value = None if kind is None else Kind(kind)
            elif key in _NUMBERS:
                value = self.number(node, here)
            else:
                value = self.text(node, here)
            if value is not None:
                values[key] = value
        result.correction = Correction(**values)
        return result

    def _take_labels(
        self, key: str, point: Measurepoint | None, said: Fields, *, used: bool
    ) -> None:
        """Freeze the labels of options: those of the file, else those of the model."""
        where = (KEY_POINTS, key, CONF_LABELS)
        if CONF_LABELS not in said:
            if used and point is not None and point.enum:
                self._data[CONF_LABELS][key] = option_labels(point, self._language)
            return
        line, node = said[CONF_LABELS]
        labels = self.labels(node, where)
        held = (self._held.get(CONF_LABELS) or {}).get(key) or {}
        lines = {(CONF_OPTIONS, code): at for code, (at, _) in labels.items()}
        if point is not None:
            options = self._said[key].correction.options
            for code, (at, _label) in labels.items():
                if code not in point.enum and code not in options and code not in held:
                    near = did_you_mean(code, point.enum)
                    here = (*where, code)
                    self.wrong(at, "code_unknown", here, value=code, known=near)
        plain = Correction(options={code: label for code, (_, label) in labels.items()})
        # Whether the codes are right was the question above.
        coded = Measurepoint(
            identifier=key,
            data_type=DataType.ENUM,
            enum={code: LocalizedText() for code in labels},
        )
        about_labels = problems_of(coded, plain, writable=False)
        for problem in about_labels:
            at = lines.get((problem.field, problem.detail), line)
            here = (*where, problem.detail)
            self.wrong(at, problem.key, here, **problem.placeholders)
        if labels:
            self._data[CONF_LABELS][key] = dict(plain.options)

    def _described(
        self, key: str, line: int, node: Node, where: Where
    ) -> Measurepoint | None:
        """Take the description of a point by hand, or by an export."""
        where = (*where, KEY_DESCRIBED)
        before = len(self.problems)
        kept: dict[str, Any] = {}
        for name, (_, value) in self.fields(node, where, DESCRIBED_KEYS).items():
            here = (*where, name)
            if name in {CONF_DATA_TYPE, "item_type"}:
                kept[name] = self.choice(value, here, _TYPES)
            elif name == "multiplier":
                kept[name] = self.choice(value, here, MULTIPLIERS)
            elif name == "text_codes":
                kept[name] = self.truth(value, here)
            elif name == "max_length":
                kept[name] = self.whole(value, here, 10**9)
            elif name in {CONF_OPTIONS, "bool_labels", "tags"}:
                labels = self.labels(value, here)
                kept[name] = {code: label for code, (_, label) in labels.items()}
            else:
                kept[name] = self.text(value, here)
        kept = {name: value for name, value in kept.items() if value}
        if CONF_DATA_TYPE not in kept:
            if len(self.problems) == before:
                self.wrong(line, "file_type_missing", where, known=", ".join(_TYPES))
            return None
        self._data[CONF_POINTS][key] = storable(
            {name: kept[name] for name in DESCRIBED_KEYS if name in kept}
        )
        return manual_point(key, self._data[CONF_POINTS][key])

    def _declared(self, key: str, line: int, node: Node, where: Where) -> None:
        """Take what a console's export said of a point."""
        where = (*where, CONF_DECLARED)
        allowed = (DECLARED_WRITABLE, *DECLARED_NUMBERS)
        said: dict[str, Any] = {}
        for name, (_, value) in self.fields(node, where, allowed).items():
            here = (*where, name)
            read_it = self.truth if name == DECLARED_WRITABLE else self.number
            if (result := read_it(value, here)) is not None:
                said[name] = result
        low, high = said.get("minimum"), said.get("maximum")
        if low is not None and high is not None and low >= high:
            ends = {"minimum": f"{low:g}", "maximum": f"{high:g}"}
            self.wrong(line, "minimum_not_below", where, **ends)
        self._data[CONF_DECLARED][key] = said

    def _devices(self, line: int, node: Node, *, other_product: bool) -> None:
        """Take what holds for single devices."""
        where: Where = (KEY_DEVICES,)
        known = self._known.devices
        left: list[str] = []
        for asset_id, (at, block) in self.fields(node, where).items():
            here = (*where, asset_id)
            if self._known.single or (
                other_product and known is not None and asset_id not in known
            ):
                left.append(asset_id)
                continue
            if known is not None and asset_id not in {*known, *self._held_devices}:
                near = did_you_mean(asset_id, known)
                self.wrong(at, "file_device_unknown", here, known=near)
            self._device(asset_id, block, here)
        if left:
            names = ", ".join(left)
            self.note(line, "file_devices_left_out", where, devices=names)

    @property
    def _held_devices(self) -> set[str]:
        """The devices to which something else applies so far."""
        keys = (CONF_CORRECTION_EXCEPTIONS, CONF_POLICY_EXCEPTIONS)
        return {asset_id for key in keys for asset_id in self._held.get(key) or ()}

    def _device(self, asset_id: str, block: Node, where: Where) -> None:
        """Take the block of a device."""
        said = self.fields(block, where, (KEY_COMMANDS, KEY_POINTS))
        if KEY_COMMANDS in said:
            policy = self._policy(said[KEY_COMMANDS][1], where)
            self._data[CONF_POLICY_EXCEPTIONS][asset_id] = policy
        if KEY_POINTS not in said:
            return
        where = (*where, KEY_POINTS)
        corrections: dict[str, Any] = {}
        for key, (line, node) in self.fields(said[KEY_POINTS][1], where).items():
            here = (*where, key)
            special = self._correction(
                line, self.fields(node, here, CORRECTION_KEYS), here
            )
            if special.correction:
                corrections[key] = special.correction.stored()
            self._judge_special(key, special)
        if corrections:
            self._data[CONF_CORRECTION_EXCEPTIONS][asset_id] = corrections

    def _judge_special(self, key: str, special: _Said) -> None:
        """Tell what is wrong with a correction of one device, and is not with that of all."""
        point = self._points.get(key, self._known.points.get(key))
        if point is None:
            if key not in self._said:
                near = did_you_mean(key, self._known.points)
                self.wrong(
                    special.line, "file_point_unknown", special.where, known=near
                )
            return
        general = self._said.get(key, _Said(0, ()))
        writable = key in self._data[CONF_CONTROLS]
        before = {
            (problem.field, problem.detail)
            for problem in problems_of(
                point,
                self._in_effect(key, general.correction),
                writable=writable,
            )
        }
        both = self._in_effect(key, general.correction, special.correction)
        self._tell(
            special,
            (
                problem
                for problem in problems_of(point, both, writable=writable)
                if special.line_of(problem) is not None
                or (
                    general.line_of(problem) is not None
                    and (problem.field, problem.detail) not in before
                )
            ),
        )
