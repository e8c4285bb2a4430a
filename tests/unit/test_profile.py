"""A profile goes to a file and comes back the same; each mistake is told with its line."""

from dataclasses import fields, replace
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.enos.api.models import (
    DataType,
    LocalizedText,
    Measurepoint,
    ThingService,
)
from custom_components.enos.checks import problems_of
from custom_components.enos.corrections import Correction, with_items
from custom_components.enos.mapping import Kind, control_kind, option_labels
from custom_components.enos.profile import (
    CORRECTION_KEYS,
    PROFILE_KEYS,
    Changes,
    Known,
    changes,
    replaced,
    write,
)
from custom_components.enos.profile_read import read
from custom_components.enos.profile_yaml import FileError, LineProblem

from .points import TWO, patient, point

ITEM = point("delta", "FLOAT", "Delta", unit="°C")
MODEL = with_items(
    [
        point("sp", "FLOAT", "Setpoint", unit="°C"),
        point("speed", "INT", "Fan speed"),
        point("switch", "BOOL", "Switch"),
        point("mode", "ENUM", "Mode", enum=TWO, enum_is_int=True),
        point("word", "STRING", "Word"),
        replace(point("pv", "STRUCT", "Process value"), items=(ITEM,)),
        point("odd", "UNKNOWN", "Odd"),
    ]
)
KNOWN = Known(
    name="Fan coil unit",
    product_key="prod1",
    model_id="model1",
    points=MODEL,
    services={"reset": ThingService(identifier="reset", name=LocalizedText("Reset"))},
    devices={"dev1": "FCU 3F East (fcu-1)", "dev2": ""},
)
HEAD = "enos_profile: 1\npoints:\n"
EMPTY: dict[str, Any] = {
    "controls": [],
    "sensors": [],
    "services": [],
    "labels": {},
    "points": {},
}
FULL: dict[str, Any] = {
    "controls": ["sp", "mode"],
    "sensors": ["speed", "pv#delta", "byhand"],
    "services": ["reset"],
    "labels": {"mode": {"1": "Heat: on", "0": "Off"}, "byhand": {"1": "#1"}},
    "points": {
        "byhand": {"data_type": "ENUM", "name": "By hand", "options": {"1": "#1"}},
        "exported": {
            "data_type": "ARRAY",
            "unit": "kWh",
            "multiplier": "KILO",
            "text_codes": True,
            "bool_labels": {"0": "off", "1": "on"},
            "max_length": 20,
            "item_type": "INT",
            "signal_type": "PI",
            "tags": {"ha/access": "r"},
        },
    },
    "labels_declined": {"mode": {"3": "Three"}},
    "corrections": {
        "sp": {"name": "Set-point", "minimum": 16.0, "maximum": 30.5, "step": 0.5},
        "switch": {"kind": "button"},
        "mode": {"options": [["2", "Dry"], ["0", "Off"]]},
    },
    "correction_exceptions": {"dev1": {"sp": {"maximum": 25.0}}},
    "declared": {"sp": {"writable": True, "minimum": 5.0}},
    "policy": {"timeout": 20, "when_offline": "queue", "queue_minutes": 60},
    "policy_exceptions": {
        "dev2": {"timeout": 10, "when_offline": "fail", "queue_minutes": 15}
    },
}


def there_and_back(data: dict[str, Any], known: Known = KNOWN) -> dict[str, Any]:
    """Return what an empty subentry becomes by importing what was exported."""
    text = write(data, known, "en")
    return replaced(EMPTY, read(text.encode(), known, EMPTY, "en").data)


def ordered(data: dict[str, Any]) -> dict[str, Any]:
    """Return data whose lists of points are in the order of the model, empty parts left out."""
    order = [*MODEL, "byhand"]
    kept = {key: value for key, value in data.items() if value or key in EMPTY}
    for key in ("controls", "sensors"):
        kept[key] = sorted(kept[key], key=order.index)
    return kept


def listed(labels: Any) -> Any:
    """Return dictionaries as lists, so that their order counts."""
    return [(key, list(each.items())) for key, each in sorted(labels.items())]


def mistakes(text: str | bytes, held: dict[str, Any] | None = None) -> list[Any]:
    """Return line, place and key of each mistake in a file."""
    found = found_in(text, held)
    assert found
    return found


def found_in(text: str | bytes, held: dict[str, Any] | None = None) -> list[Any]:
    """Return the same, and nothing for a file without mistakes."""
    return [
        (problem.line, ".".join(problem.where), problem.key)
        for problem in problems_in(text, held)
    ]


def problems_in(
    text: str | bytes, held: dict[str, Any] | None = None
) -> list[LineProblem]:
    """Return what is wrong with a file."""
    try:
        read(text, KNOWN, held or EMPTY, "en")
    except FileError as err:
        return err.problems
    return []


# There and back.


def test_full() -> None:
    """Everything that a profile has comes back, the order of labels included."""
    back = there_and_back(FULL)
    assert back == FULL
    assert listed(back["labels"]) == listed(FULL["labels"])


def test_empty() -> None:
    """A profile without anything is one, too."""
    assert there_and_back(EMPTY) == EMPTY


def test_all_fields() -> None:
    """No field of a correction is forgotten in the file."""
    assert {each.name for each in fields(Correction)} == set(CORRECTION_KEYS)


def test_text_is_for_people() -> None:
    """Points come in the model's order, with name and type; what is not used can be found."""
    text = write(FULL, KNOWN, "en")
    lines = text.splitlines()
    keys = [line for line in lines if line.startswith("  ") and line[2] not in " #-"]
    assert keys[3:9] == [
        "  sp:",
        "  speed:",
        "  switch:",
        "  mode:",
        '  "pv#delta":',
        "  byhand:",
    ]
    assert lines[lines.index("  sp:") - 1] == "  # Setpoint · FLOAT °C"
    assert "  # word:  # Word · STRING" in lines
    assert "  # FCU 3F East (fcu-1)" in lines
    assert "null" not in text


def test_no_secrets() -> None:
    """Of a subentry only the profile is in the file."""
    data = {**FULL, "asset_id": "asset9", "product_key": "other", "devices": ["dev9"]}
    text = write(data, KNOWN, "en")
    assert not {"asset9", "other", "dev9"} & set(text.split())


TEXTS = st.text(min_size=1, max_size=12).filter(lambda text: text.strip())
CODES = st.sampled_from(["0", "1"])
NUMBERS = st.floats(-1e6, 1e6).map(lambda number: round(number, 3))
SAID = st.fixed_dictionaries(
    {},
    optional={
        "kind": st.sampled_from(sorted(set(Kind))),
        "name": TEXTS,
        "unit": st.one_of(st.just(""), TEXTS, st.sampled_from(["°C", "kWh", "%"])),
        "device_class": st.sampled_from(["none", "energy", "temperature", "outlet"]),
        "state_class": st.sampled_from(["none", "measurement", "total"]),
        "minimum": NUMBERS,
        "maximum": NUMBERS,
        "step": st.floats(1e-3, 10),
        "on_value": CODES,
        "off_value": CODES,
        "press_value": CODES,
        "options": st.dictionaries(CODES, TEXTS, max_size=2),
        "bool_form": st.sampled_from(["number", "boolean"]),
        "stale_after": st.floats(1, 1e6),
    },
)


def sound(key: str, said: dict[str, Any], *, writable: bool) -> dict[str, Any]:
    """Return a correction without what is wrong with it, field by field."""
    correction = Correction.from_data(said)
    while problems := problems_of(MODEL[key], correction, writable=writable):
        said = dict(correction.data().items())
        said.pop(problems[0].field)
        correction = Correction.from_data(said)
    return correction.stored()


@st.composite
def profiles(draw: st.DrawFn) -> dict[str, Any]:
    """Return the data of subentries that forms and repairs can leave behind."""
    readable = [key for key in MODEL if key != "odd"]
    writable = [key for key in readable if control_kind(MODEL[key]) and "#" not in key]
    controls = draw(st.lists(st.sampled_from(writable), unique=True))
    sensors = draw(
        st.lists(
            st.sampled_from([key for key in readable if key not in controls]),
            unique=True,
        )
    )
    said = draw(st.dictionaries(st.sampled_from(readable), SAID))
    corrections = {
        key: found
        for key, each in said.items()
        if (found := sound(key, each, writable=key in controls))
    }
    mode = draw(st.permutations(["0", "1"]))
    data: dict[str, Any] = {
        **EMPTY,
        "controls": controls,
        "sensors": sensors,
        "services": draw(st.sampled_from([[], ["reset"]])),
        "corrections": corrections,
        "labels": {"mode": {code: f"{code}: {draw(TEXTS)}" for code in mode}}
        if "mode" in {*controls, *sensors} and draw(st.booleans())
        else {},
    }
    labels = data["labels"].get("mode", {})
    if len({" ".join(label.split()).casefold() for label in labels.values()}) < 2:
        data["labels"] = {}
    return data


@patient
@given(data=profiles())
def test_any_profile(data: dict[str, Any]) -> None:
    """Whatever the forms allow comes back as it was."""
    back = there_and_back(data)
    assert back == ordered(data)
    assert listed(back["labels"]) == listed(data["labels"])
    assert not changes(data, back)
    # And once more, letter by letter.
    assert write(back, KNOWN, "en") == write(data, KNOWN, "en")


@patient
@given(text=st.text(), code=st.text())
def test_any_text(text: str, code: str) -> None:
    """Names and codes of any letters come back as they were, and comments break nothing."""
    one = point("sp", "ENUM", text, unit=text, enum={code: LocalizedText(text)})
    known = replace(KNOWN, name=text, points={"sp": one})
    data = {**EMPTY, "sensors": ["sp"], "labels": {"sp": {code: f"x{text}"[:200]}}}
    assert there_and_back(data, known) == data


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
        lambda text: text.encode("utf-16"),
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text + "\n\n# the end",
    ],
)
def test_other_editors(change: Any) -> None:
    """Line ends and byte order marks of other systems make no difference."""
    assert (
        replaced(EMPTY, read(change(write(FULL, KNOWN, "en")), KNOWN, EMPTY, "en").data)
        == FULL
    )


def test_json() -> None:
    """JSON is YAML, and its mistakes have lines as well."""
    text = '{\n "enos_profile": 1,\n "points": {\n  "sp": {"use": "control"}}}'
    assert read(text, KNOWN, EMPTY, "en").data["controls"] == ["sp"]
    assert mistakes(text.replace('"sp"', '"spp"'))[0][0] == 4


def test_labels_are_frozen() -> None:
    """A point that is new in the file takes the labels of the model, as in the form."""
    text = "enos_profile: 1\npoints:\n  mode: {use: control}\n"
    data = read(text, KNOWN, EMPTY, "en").data
    assert data["labels"] == {"mode": option_labels(MODEL["mode"], "en")}
    # Unless the file says that there are none.
    text = "enos_profile: 1\npoints:\n  mode: {use: control, labels: {}}\n"
    assert read(text, KNOWN, EMPTY, "en").data["labels"] == {}


def test_words_mean_themselves() -> None:
    """What YAML has several meanings for stays the text that it is."""
    text = """
enos_profile: 1
points:
  mode:
    use: control
    name: off
    labels: {0: no, 1: 1e3}
  word: {use: sensor, name: "null", unit: ""}
"""
    data = read(text, KNOWN, EMPTY, "en").data
    assert data["labels"] == {"mode": {"0": "no", "1": "1e3"}}
    assert data["corrections"] == {
        "mode": {"name": "off"},
        "word": {"name": "null", "unit": ""},
    }


# What EnOS does not have any more, and where a file comes from.


def test_what_is_held_may_stay() -> None:
    """Points, codes, services and devices that are gone are no mistake where they are held."""
    gone = {
        **EMPTY,
        "sensors": ["gone"],
        "services": ["old"],
        "labels": {"mode": {"9": "Nine"}},
        "corrections": {"gone": {"name": "Gone"}},
        "correction_exceptions": {"dev8": {"gone": {"name": "Gone too"}}},
        "policy_exceptions": {
            "dev9": {"timeout": 5, "when_offline": "fail", "queue_minutes": 15}
        },
    }
    text = write(gone, KNOWN, "en")
    assert "  # not in the model\n  gone:" in text
    assert replaced(gone, read(text, KNOWN, gone, "en").data) == gone
    assert [key for _, _, key in mistakes(text)] == [
        "file_service_unknown",
        "code_unknown",
        "file_point_unknown",
        "file_device_unknown",
        "file_device_unknown",
    ]


def test_another_product() -> None:
    """Exceptions for devices of another product are left out, which is told."""
    text = write(FULL, KNOWN, "en")
    other = replace(KNOWN, product_key="prod2", devices={"dev7": ""})
    profile = read(text, other, EMPTY, "en")
    assert [note.key for note in profile.notes] == ["file_devices_left_out"]
    rest: dict[str, Any] = {"correction_exceptions": {}, "policy_exceptions": {}}
    assert {**FULL, **rest} == {**profile.data}
    # A single device has no exceptions.
    profile = read(text, replace(KNOWN, single=True), EMPTY, "en")
    assert {**FULL, **rest} == {**profile.data}
    # Where nobody knows the devices, they are believed.
    profile = read(text, replace(KNOWN, devices=None), EMPTY, "en")
    assert {**profile.data} == FULL


def test_another_model() -> None:
    """Another model is told; whether its points fit is what counts."""
    text = write(FULL, KNOWN, "en")
    other = replace(KNOWN, model_id="model2")
    (note,) = read(text, other, EMPTY, "en").notes
    assert note.key == "file_other_model"
    assert note.placeholders == {"value": "model1", "here": "model2"}
    few = replace(other, points={"sp": MODEL["sp"]})
    with pytest.raises(FileError) as raised:
        read(text, few, EMPTY, "en")
    assert raised.value.problems[0].key == "file_other_model"
    assert "file_point_unknown" in {problem.key for problem in raised.value.problems}


def test_no_effect_is_told() -> None:
    """What a kind has none of is kept and told."""
    text = HEAD + "  switch:\n    use: control\n    minimum: 5\n"
    profile = read(text, KNOWN, EMPTY, "en")
    (note,) = profile.notes
    assert (note.line, note.key) == (5, "file_without_effect")
    assert profile.data["corrections"] == {"switch": {"minimum": 5.0}}


def test_without_a_model() -> None:
    """Where the model cannot be read, points have to be described."""
    blind = replace(KNOWN, points={}, model_id="")
    text = HEAD + "  sp:\n    use: control\n    described: {data_type: FLOAT}\n"
    data = read(text, blind, EMPTY, "en").data
    assert data["points"] == {"sp": {"data_type": "FLOAT"}}
    with pytest.raises(FileError) as raised:
        read(HEAD + "  sp: {use: control}", blind, EMPTY, "en")
    assert raised.value.problems[0].key == "file_no_model"


# Comparing.


def test_changes() -> None:
    """What an import changes is told, points that may be written above all."""
    new = {
        **FULL,
        "controls": ["mode", "speed"],
        "sensors": ["byhand", "word"],
        "services": [],
        "corrections": {"mode": {"options": [["0", "Off"], ["2", "Dry"]]}},
        "policy": {"timeout": 21},
        "correction_exceptions": {},
    }
    assert changes(FULL, new) == Changes(
        added=("word",),
        removed=("sp", "pv#delta"),
        changed=("mode", "speed", "switch"),
        writable=("speed",),
        services=("reset",),
        devices=("dev1",),
        commands=True,
    )
    assert not changes(FULL, FULL)
    assert not changes(EMPTY, {**EMPTY, "policy": {"timeout": 30}})


def test_replaced() -> None:
    """What is no profile stays; what the file does not say goes."""
    data = {**FULL, "product_key": "prod1", "devices": ["dev1"]}
    assert replaced(data, {}) == {
        **EMPTY,
        "product_key": "prod1",
        "devices": ["dev1"],
        "corrections": {},
        "correction_exceptions": {},
        "declared": {},
        "labels_declined": {},
        "policy_exceptions": {},
    }
    assert set(replaced(data, FULL)) == {"product_key", "devices", *PROFILE_KEYS}


def test_size() -> None:
    """A model of 500 points, all corrected, takes a moment."""
    points = {
        f"p{number}": Measurepoint(identifier=f"p{number}", data_type=DataType.FLOAT)
        for number in range(500)
    }
    known = replace(KNOWN, points=points)
    data = {
        **EMPTY,
        "controls": list(points),
        "corrections": dict.fromkeys(points, FULL["corrections"]["sp"]),
    }
    assert there_and_back(data, known) == data
