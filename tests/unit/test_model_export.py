"""The console's export of a model: access, ranges, and the model itself."""

from collections.abc import Mapping
import json
from typing import Any, Final

from hypothesis import given, strategies as st
import pytest

from custom_components.enos.api.models import DataType
from custom_components.enos.mapping import describe_control, suggest_control
from custom_components.enos.model_export import (
    MAX_SIZE,
    ExportedModel,
    ExportedPoint,
    ModelExportError,
    parse_model_export,
)
from custom_components.enos.values import DOUBLE_MAX

from .points import patient

DATA: Final = "com.envisioniot.enos.model_service.share.data.tsl"
DOUBLE_ENDS: Final = {
    "minimum": -1.7976931348623157e308,
    "maximum": 1.7976931348623157e308,
}
FLOAT_ENDS: Final = {"minimum": -3.4028235e38, "maximum": 3.4028235e38}
INT_ENDS: Final = {"minimum": -2147483648, "maximum": 2147483647}


def exported(kind: str, identifier: str = "p", **fields: Any) -> dict[str, Any]:
    """Return a measurepoint as the console writes it."""
    return {
        "exclusiveMinimum": False,
        "exclusiveMaximum": False,
        "signalType": "AI",
        "hasQuality": False,
        "required": False,
        "accessMode": True,
        "identifier": identifier,
        "name": {"defaultValue": identifier, "i18nValue": {"en_US": "", "zh_CN": ""}},
        "desc": "",
        "i18nDesc": {"defaultValue": "", "i18nValue": {}},
        "tags": {"tagMap": {}},
        "createTime": "1700000000000",
        "priority": 0,
        "$class": f"{DATA}.measurepoint.TSL{kind}Measurepoint",
        **fields,
    }


def model(
    *points: dict[str, Any], model_id: str = "fcu", **fields: Any
) -> dict[str, Any]:
    """Return a model as the console writes it."""
    return {
        "thingModelId": model_id,
        "ou": "o1",
        "thingModelName": {"defaultValue": "FCU", "i18nValue": {"zh_CN": "风机盘管"}},
        "thingModelDesc": "",
        "thingModelCatagory": "HVAC",
        "thingAttributeMap": {},
        "thingMeasurepointMap": {point["identifier"]: point for point in points},
        "thingServiceMap": {},
        "thingEventMap": {},
        "tag": {"tagMap": {}},
        **fields,
    }


def parsed(content: object) -> ExportedModel:
    """Return the only model of a file."""
    models = parse_model_export(json.dumps(content, ensure_ascii=False)).models
    assert len(models) == 1
    return next(iter(models.values()))


def refused(content: str | bytes) -> ModelExportError:
    """Return the error for a file."""
    with pytest.raises(ModelExportError) as caught:
        parse_model_export(content)
    return caught.value


def outcome(content: str | bytes) -> tuple[str, Mapping[str, ExportedModel]]:
    """Return the reason why a file is refused, or its models."""
    try:
        return "", parse_model_export(content).models
    except ModelExportError as err:
        return err.reason, {}


def test_model() -> None:
    """The export stands in for the model that the service gives."""
    labels = {"defaultValue": "cool", "i18nValue": {"zh_CN": "制冷"}}
    found = parsed(
        model(
            exported(
                "Double",
                "temp",
                unit={"unitId": "°C", "multiplier": "ONE"},
                **DOUBLE_ENDS,
            ),
            exported("Int", "count", signalType="PI", **INT_ENDS),
            exported(
                "Enum",
                "mode",
                specsMap={
                    "0": '{"defaultValue":"off","i18nValue":{}}',
                    "1": json.dumps(labels),
                },
                valueType=True,
            ),
            exported(
                "Enum",
                "scene",
                specsMap={"1": {"defaultValue": "day"}, "2": "night"},
                valueType=False,
            ),
            exported(
                "Bool",
                "power",
                specsMap={"true": "on", "false": {"defaultValue": "off"}},
            ),
            exported(
                "String", "text", maxLength=64, tags={"tagMap": {"ha/access": "r"}}
            ),
            exported("Array", "list", itemType="FLOAT"),
            exported(
                "Struct",
                "pair",
                items=[{"identifier": "a", "$class": f"{DATA}.datapoint.TSLInt"}],
            ),
            exported("Timestamp", "at"),
            exported("Wave", "odd"),
            thingServiceMap={
                "reset": {"identifier": "reset", "name": "Reset", "inputData": []}
            },
        )
    ).model
    assert (found.model_id, found.name.default) == ("fcu", "FCU")
    assert found.name.get("zh-Hans") == "风机盘管"
    points = found.measurepoints
    assert {key: point.data_type.value for key, point in points.items()} == {
        "temp": "DOUBLE",
        "count": "INT",
        "mode": "ENUM",
        "scene": "ENUM",
        "power": "BOOL",
        "text": "STRING",
        "list": "ARRAY",
        "pair": "STRUCT",
        "at": "TIMESTAMP",
        "odd": "UNKNOWN",
    }
    assert (points["temp"].unit, points["temp"].multiplier) == ("°C", "ONE")
    assert points["count"].signal_type == "PI"
    assert points["mode"].enum["1"].get("zh") == "制冷"
    assert points["mode"].enum_is_int is True
    assert points["scene"].enum_is_int is False
    assert points["scene"].enum["2"].default == "night"
    assert points["power"].bool_labels == {True: "on", False: "off"}
    assert (points["text"].max_length, points["text"].tags) == (64, {"ha/access": "r"})
    assert points["list"].item_type is DataType.FLOAT
    assert [item.identifier for item in points["pair"].items] == ["a"]
    assert points["pair"].items[0].data_type is DataType.INT
    assert found.services["reset"].name.default == "Reset"


def test_served_form() -> None:
    """A model in the service's own form is read as well, with a range if it has one."""
    found = parsed(
        {
            "modelId": "fcu",
            "measurepoints": {
                "sp": {
                    "identifier": "sp",
                    "dataType": "FLOAT",
                    "unit": {"unitId": "°C", "multiplier": "ONE"},
                    "minimum": 16,
                    "maximum": 30,
                    "accessMode": "r",
                },
                "mode": {
                    "dataType": "ENUM",
                    "dataDefinition": '{"enumDesc":{"a":{"defaultValue":"A"}},"enumType":"STRING"}',
                },
            },
        }
    )
    assert found.points["sp"] == ExportedPoint(writable=False, minimum=16, maximum=30)
    assert found.model.measurepoints["mode"].enum["a"].default == "A"


@pytest.mark.parametrize(
    ("kind", "fields", "expected"),
    [
        # The types' own limits, as Java writes them
        ("Double", DOUBLE_ENDS, (None, None)),
        ("Float", FLOAT_ENDS, (None, None)),
        ("Double", FLOAT_ENDS, (None, None)),
        ("Int", INT_ENDS, (None, None)),
        ("Int", {"minimum": -(2**63), "maximum": 2**63 - 1}, (None, None)),
        (
            "Int",
            {**INT_ENDS, "exclusiveMinimum": True, "exclusiveMaximum": True},
            (None, None),
        ),
        (
            "Double",
            {"minimum": 4.9e-324, "maximum": 1.7976931348623157e308},
            (None, None),
        ),
        ("Float", {"minimum": 1.4e-45, "maximum": 3.4028235e38}, (None, None)),
        ("Float", {}, (None, None)),
        ("Float", {"minimum": None, "maximum": None}, (None, None)),
        # Narrowed
        ("Float", {"minimum": 16.0, "maximum": 30.5}, (16.0, 30.5)),
        ("Double", {**DOUBLE_ENDS, "minimum": 0}, (0.0, None)),
        ("Double", {**DOUBLE_ENDS, "maximum": "100"}, (None, 100.0)),
        ("Int", {**INT_ENDS, "maximum": 9}, (None, 9.0)),
        (
            "Int",
            {"minimum": -2147483647, "maximum": 2147483646},
            (-2147483647.0, 2147483646.0),
        ),
        # Ends that do not belong to the range
        ("Int", {"minimum": 0, "maximum": 10, "exclusiveMinimum": True}, (1.0, 10.0)),
        ("Int", {"minimum": 0, "maximum": 10, "exclusiveMaximum": True}, (0.0, 9.0)),
        ("Int", {"minimum": 0, "maximum": 10, "exclusiveMaximum": "true"}, (0.0, 9.0)),
        ("Int", {"minimum": 0.5, "maximum": 9.5}, (1.0, 9.0)),
        (
            "Int",
            {
                "minimum": 0.5,
                "maximum": 9.5,
                "exclusiveMinimum": True,
                "exclusiveMaximum": True,
            },
            (1.0, 9.0),
        ),
        (
            "Float",
            {
                "minimum": 0,
                "maximum": 10,
                "exclusiveMinimum": True,
                "exclusiveMaximum": True,
            },
            (0.0, 10.0),
        ),
        ("Int", {"exclusiveMinimum": 0, "maximum": 10}, (1.0, 10.0)),
        ("Int", {"exclusiveMaximum": 10, "minimum": 3}, (3.0, 9.0)),
        # No range at all
        ("Float", {"minimum": 0, "maximum": 0}, (None, None)),
        ("Float", {"minimum": 30, "maximum": 16}, (None, None)),
        ("Int", {"minimum": 0, "maximum": 1, "exclusiveMaximum": True}, (None, None)),
        ("Int", {"minimum": 3000000000}, (None, None)),
        ("Int", {"maximum": -3000000000}, (None, None)),
        ("Float", {"minimum": 3.5e38}, (None, None)),
        ("Float", {"minimum": "warm", "maximum": [1]}, (None, None)),
        ("Float", {"minimum": True, "maximum": {}}, (None, None)),
        ("Float", {"minimum": "NaN", "maximum": "Infinity"}, (None, None)),
        ("String", {"minimum": 0, "maximum": 10}, (None, None)),
        ("Wave", {"minimum": 0, "maximum": 10}, (None, None)),
    ],
)
def test_range(kind: str, fields: dict[str, Any], expected: object) -> None:
    """An end counts where it is narrower than the type's; ends of an INT are whole."""
    found = parsed(model(exported(kind, **fields))).points["p"]
    assert (found.minimum, found.maximum) == expected


@pytest.mark.parametrize(
    ("kind", "fields", "expected"),
    [
        ("Float", {"step": 0.5}, (0.5, None)),
        ("Float", {"step": "0.5"}, (0.5, None)),
        ("Float", {"multipleOf": 0.1, "precision": 1}, (0.1, 1)),
        ("Int", {"step": 5}, (5.0, None)),
        ("Int", {"step": 0.5}, (None, None)),
        ("Float", {"step": 0}, (None, None)),
        ("Float", {"step": -1, "precision": -1}, (None, None)),
        ("Float", {"precision": "2"}, (None, 2)),
        ("Float", {"precision": 0.01}, (None, None)),
        ("Float", {"precision": 99, "step": 1e39}, (None, None)),
        ("String", {"precision": 2, "step": 1}, (None, None)),
    ],
)
def test_step(kind: str, fields: dict[str, Any], expected: object) -> None:
    """A step is positive, and whole for an INT; decimals are a small number."""
    found = parsed(model(exported(kind, **fields))).points["p"]
    assert (found.step, found.precision) == expected


@pytest.mark.parametrize(
    ("access", "writable"),
    [
        (True, True),
        ("true", True),
        ("rw", True),
        ("RW", True),
        (" r/w ", True),
        ("READ_WRITE", True),
        ("ReadWrite", True),
        ("read-write", True),
        ("w", True),
        (1, True),
        (False, False),
        ("r", False),
        ("R", False),
        ("READ", False),
        ("READ_ONLY", False),
        ("readonly", False),
        (0, False),
        ("maybe", None),
        ("", None),
        (None, None),
        (7, None),
        (["rw"], None),
        ({}, None),
    ],
)
def test_access(access: object, writable: bool | None) -> None:
    """Access is said in many words; next to a point that is only read, all of them count."""
    found = parsed(
        model(
            exported("Int", "a", accessMode=access),
            exported("Int", "b", accessMode="r"),
        )
    )
    assert found.points["a"].writable is writable
    assert found.points["b"].writable is False


@pytest.mark.parametrize("access", [True, "rw", None])
def test_same_access_for_all_says_nothing(access: object) -> None:
    """In the known export every point is writable, readings included."""
    points = [exported("Int", name, accessMode=access) for name in "ab"]
    assert {found.writable for found in parsed(model(*points)).points.values()} == {
        None
    }
    # Nor does it where some say nothing, or another model of the file says more.
    points[0].pop("accessMode")
    other = model(exported("Int", "a", accessMode="r"), model_id="other")
    models = parse_model_export(json.dumps([model(*points), other])).models
    assert {found.writable for found in models["fcu"].points.values()} == {None}
    assert models["other"].points["a"].writable is False


def test_only_readings_count() -> None:
    """That all are only read is information: nobody writes that by default."""
    points = [exported("Int", name, accessMode=False) for name in "ab"]
    assert {found.writable for found in parsed(model(*points)).points.values()} == {
        False
    }


def test_tags() -> None:
    """What an export says works as tags do: the range binds, the access decides."""
    fields = {"minimum": 16, "maximum": 30.5, "step": 0.5, "accessMode": "rw"}
    found = parsed(
        model(exported("Float", "x", **fields), exported("Int", "y", accessMode="r"))
    )
    point = found.model.measurepoints["x"]
    assert suggest_control(point) is False
    tagged = type(point)(
        identifier="x", data_type=point.data_type, tags=found.points["x"].tags
    )
    assert suggest_control(tagged) is True
    number = describe_control(tagged, language="en")
    assert number is not None
    assert (number.minimum, number.maximum, number.step) == (16.0, 30.5, 0.5)
    assert number.range_declared
    assert number.step_declared
    assert found.points["y"].tags == {"ha/access": "r"}
    assert ExportedPoint().tags == {}
    # No range said: the type's own, and no tag that could say otherwise.
    free = parsed(model(exported("Double", "sp", **DOUBLE_ENDS)))
    assert free.points["sp"].tags == {}
    number = describe_control(free.model.measurepoints["sp"], language="en")
    assert number is not None
    assert (number.minimum, number.maximum) == (-DOUBLE_MAX, DOUBLE_MAX)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda one, two: [one, two],
        lambda one, two: {"models": [one, two]},
        lambda one, two: {"data": [one, two]},
        lambda one, two: {"code": 0, "data": {"items": [one, two]}},
        lambda one, two: {"data": {"fcu": one, "ahu": two}},
        lambda one, two: {"fcu": one, "ahu": two},
        lambda one, two: [[one], {"model": two}],
        lambda one, two: {"models": [one, two, None, 5, "x", {"thingModelId": 7}]},
    ],
)
def test_several_models(wrap: Any) -> None:
    """Models come alone, in lists, by id and in envelopes."""
    one = model(exported("Int", "a"))
    two = model(exported("Int", "b"), model_id="ahu")
    found = parse_model_export(json.dumps(wrap(one, two))).models
    assert set(found) == {"fcu", "ahu"}
    assert set(found["ahu"].points) == {"b"}
    assert set(found["ahu"].model.measurepoints) == {"b"}


def test_points_in_a_list() -> None:
    """Points may be a list, too; what is no point is passed over."""
    points = [exported("Int", "a"), exported("Int", "b"), {"name": "c"}, None, 1]
    assert set(parsed(model(thingMeasurepointMap=points)).points) == {"a", "b"}
    points_by_id: dict[str, object] = {"a": exported("Int", "a"), "b": None, "c": []}
    assert set(parsed(model(thingMeasurepointMap=points_by_id)).points) == {"a"}


def test_the_later_of_two() -> None:
    """A file with two states of a model gives the later one."""
    both = [model(exported("Int", "old")), model(exported("Int", "new"))]
    assert set(parsed(both).points) == {"new"}


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gbk", "gb18030"],
)
def test_encodings(encoding: str) -> None:
    """Files saved by any editor are read."""
    text = json.dumps(model(exported("Int", "温度设定")), ensure_ascii=False)
    found = parse_model_export(text.encode(encoding))
    assert found.models["fcu"].model.name.get("zh-Hans") == "风机盘管"
    assert set(found.models["fcu"].points) == {"温度设定"}
    # A text is taken as well, byte order mark or not.
    assert parse_model_export(text) == parse_model_export("\ufeff" + text) == found


@pytest.mark.parametrize(
    ("content", "line", "column"),
    [
        ("", 1, 1),
        (b"", 1, 1),
        ("model", 1, 1),
        ('{\n  "thingModelId": "fcu",\n  "ou" "o1"\n}', 3, 8),
        (b'{\n"a": }', 2, 6),
        ('{"a": 1,}', 1, 8),
        ('[{"a": 1}', 1, 10),
        (b'{"a": "\xff\xff"}', 1, 8),
        (b"\xff\xfe{", 1, 3),
        (b"PK\x03\x04\x14\x00\x06\x00\x08\x00", 1, 1),
        ("[" * 200_000, 1, 1),
        ("<html><script>alert(1)</script></html>", 1, 1),
    ],
)
def test_not_json(content: str | bytes, line: int, column: int) -> None:
    """What is broken is told with its place."""
    error = refused(content)
    assert error.reason == "not_json"
    assert error.placeholders == {"line": str(line), "column": str(column)}


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ({}, "{}"),
        ([], "[0]"),
        ([1, 2], "[2]"),
        (5, "5"),
        ("a\nmodel", "a model"),
        (None, "None"),
        ({"entries": [], "version": 1}, "entries, version"),
        ({"<b>x</b>": 1, "y" * 80: 2}, f"b x b, {'y' * 40}"),
        ({"thingModelId": "fcu"}, "thingModelId"),
        ({"thingModelId": " ", "measurepoints": {}}, "thingModelId, measurepoints"),
        ({"thingModelId": 7, "measurepoints": {}}, "thingModelId, measurepoints"),
        ({"thingModelId": "fcu", "measurepoints": "no"}, "thingModelId, measurepoints"),
        ([[[[[[[[{"modelId": "deep", "measurepoints": {}}]]]]]]]], "[1]"),
    ],
)
def test_no_model(content: object, found: str) -> None:
    """JSON without a model is told with what it has instead."""
    error = refused(json.dumps(content))
    assert error.reason == "no_model"
    assert error.placeholders == {"found": found}
    assert str(error) == f"no_model (found={found})"


@pytest.mark.parametrize("form", [str, str.encode])
def test_too_large(form: Any) -> None:
    """A file of more than five megabytes is not even looked at."""
    error = refused(form("[" * (MAX_SIZE + 1)))
    assert error.reason == "too_large"
    assert error.placeholders == {"size": "5.0", "max": "5"}
    assert refused(form("x" * MAX_SIZE)).reason == "not_json"
    # It is the bytes that count.
    assert refused("水" * (MAX_SIZE // 3 + 1)).reason == "too_large"


def test_half_a_character_is_replaced() -> None:
    """What cannot be stored becomes a question mark, in labels within texts, too."""
    point = exported("Enum", "p", specsMap={"0": '{"defaultValue":"\\ud800"}'})
    content = json.dumps(model(point, thingModelName="a")).replace('"a"', '"\\ud800b"')
    found = parse_model_export(content).models["fcu"].model
    assert found.name.default == "?b"
    assert found.measurepoints["p"].enum["0"].default.encode()


def test_number_of_ten_thousand_digits() -> None:
    """A number beyond Python's own limit is no range and no error."""
    content = json.dumps(model(exported("Double", maximum=1))).replace(
        '"maximum": 1', f'"minimum": 2, "maximum": {"9" * 10_000}'
    )
    found = parse_model_export(content).models["fcu"].points["p"]
    assert (found.minimum, found.maximum) == (2.0, None)


def test_structs_in_structs_without_end() -> None:
    """A hostile nesting is refused, not followed."""
    item: dict[str, Any] = {"identifier": "p", "dataType": "STRUCT"}
    text = json.dumps({"modelId": "m", "measurepoints": [{**item, "items": ["@"]}]})
    inner = json.dumps({**item, "items": ["@"]})
    for _ in range(400):
        text = text.replace('"@"', inner)
    reason, models = outcome(text)
    assert (reason, set(models)) in [("not_json", set()), ("", {"m"})]


HOSTILE: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    *(
                        "thingModelId",
                        "modelId",
                        "thingMeasurepointMap",
                        "measurepoints",
                    ),
                    *(
                        "thingServiceMap",
                        "inputData",
                        "identifier",
                        "name",
                        "defaultValue",
                    ),
                    *("i18nValue", "dataType", "$class", "dataDefinition", "specsMap"),
                    *("enumDesc", "boolDesc", "unit", "unitId", "multiplier", "tags"),
                    *("tagMap", "minimum", "maximum", "exclusiveMinimum", "step"),
                    *(
                        "precision",
                        "accessMode",
                        "items",
                        "itemType",
                        "valueType",
                        "data",
                    ),
                ]
            ),
            inner
            | st.sampled_from(["INT", "STRUCT", "TSLEnumMeasurepoint", "{", "1e999"]),
            max_size=8,
        )
    ),
    max_leaves=40,
)


@patient
@given(HOSTILE, HOSTILE)
def test_hostile(point: object, content: object) -> None:
    """Whatever stands where: a model, or the one error."""
    for file in (
        content,
        {"modelId": "m", "measurepoints": {"p": point, "q": content}},
        {
            "modelId": "m",
            "measurepoints": [{"identifier": "p", "dataType": "INT", "unit": point}],
        },
        model(thingServiceMap=point, thingModelName=content),
    ):
        reason, models = outcome(json.dumps(file))
        assert reason in {"", "no_model", "not_json"}
        for found in models.values():
            assert set(found.points) == set(found.model.measurepoints)
            for limits in found.points.values():
                if limits.minimum is not None and limits.maximum is not None:
                    assert limits.minimum < limits.maximum


@patient
@given(st.binary(max_size=200))
def test_hostile_bytes(content: bytes) -> None:
    """No bytes make another error."""
    for file in (
        content,
        b'{"modelId": "m", "measurepoints": {"p": {"name": "' + content,
    ):
        assert refused(file).reason in {"no_model", "not_json"}
