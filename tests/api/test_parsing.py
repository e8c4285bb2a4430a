"""Replies as EnOS's documents show them where they disagree, through the client."""

from typing import Any

import aiohttp
import pytest

from custom_components.enos.api.errors import ReplyLostError
from custom_components.enos.api.models import (
    DataType,
    Device,
    DeviceStatus,
    LocalizedText,
    Measurepoint,
    Product,
    Reading,
)

from .common import Scripted, ok


@pytest.fixture
def answering(gateway: Scripted, session: aiohttp.ClientSession) -> Answering:
    """Ask the client about replies of a test's own."""
    return Answering(gateway, session)


class Answering:
    """Gives the client one reply and returns what it makes of it."""

    def __init__(self, gateway: Scripted, session: aiohttp.ClientSession) -> None:
        """Note the gateway."""
        self._gateway = gateway
        self._client = gateway.client(session)

    def raw(self, text: str | bytes) -> None:
        """Let the gateway answer this text."""
        body = text.encode() if isinstance(text, str) else text
        self._gateway.answer = lambda _: aiohttp.web.Response(
            body=body, content_type="application/json"
        )

    async def device(self, data: Any) -> Device:
        """Return the only device of a list."""
        self._gateway.answer = lambda _: ok([data], pagination={"totalSize": 1})
        (device,) = await self._client.search_devices()
        return device

    async def product(self, data: Any) -> Product:
        """Return the only product of a list."""
        self._gateway.answer = lambda _: ok([data], pagination={"totalSize": 1})
        (product,) = await self._client.search_products()
        return product

    async def point(self, **fields: Any) -> Measurepoint:
        """Return the only measurepoint of a model."""
        model = {"modelId": "m", "measurepoints": {"p": fields}}
        self._gateway.answer = lambda _: ok([model])
        models = await self._client.thing_models(["m"])
        return models["m"].measurepoints["p"]

    async def latest(self, *items: Any) -> dict[tuple[str, str], Reading]:
        """Return the readings of a time series reply."""
        self._gateway.answer = lambda _: ok({"items": list(items)})
        return await self.read_latest()

    async def read_latest(self) -> dict[tuple[str, str], Reading]:
        """Return the readings of what the gateway answers by itself."""
        return await self._client.latest(
            ["a", "b"], ["p", "q", "timestamp", "localtime", "assetId"]
        )

    async def query(self, data: Any) -> dict[str, Reading]:
        """Return the readings of a `queryLatest` reply."""
        self._gateway.answer = lambda _: ok(data)
        return await self._client.query_latest("a", ["p"])

    async def write(self, data: Any) -> str:
        """Return the command id of a write's reply."""
        self._gateway.answer = lambda _: ok(data)
        return await self._client.set_measurepoint("a", "p", 1)


# ------------------------------------------------------------ devices and products


async def test_bare_device(answering: Answering) -> None:
    """A device of which only the id is told."""
    assert await answering.device({"assetId": "a"}) == Device(asset_id="a")


async def test_device_of_nulls(answering: Answering) -> None:
    """A device whose every other field is null, or no text where a text belongs."""
    names = ("deviceKey", "deviceName", "productKey", "modelId", "status", "dataFormat")
    values: tuple[Any, ...] = (None, 5, [], {})
    for value in values:
        data = {**dict.fromkeys(names, value), "assetId": "a", "productType": value}
        assert await answering.device(data) == Device(asset_id="a")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("online", DeviceStatus.ONLINE),
        ("ONLINE", DeviceStatus.ONLINE),
        ("offline", DeviceStatus.OFFLINE),
        ("inactive", DeviceStatus.INACTIVE),
        ("disabled", DeviceStatus.DISABLED),
        ("disable", DeviceStatus.DISABLED),
        ("Disable", DeviceStatus.DISABLED),
        ("sleeping", DeviceStatus.UNKNOWN),
        ("unknown", DeviceStatus.UNKNOWN),
        ("", DeviceStatus.UNKNOWN),
    ],
)
async def test_status(answering: Answering, text: str, expected: DeviceStatus) -> None:
    """Each spelling of a status is known; another one is unknown, not an error."""
    device = await answering.device({"assetId": "a", "status": text})
    assert device.status is expected


async def test_kinds_of_products(answering: Answering) -> None:
    """Gateways and custom formats are told in either case of letters."""
    data = {"productKey": "p", "productType": "GATEWAY", "dataFormat": "custom"}
    product = await answering.product(data)
    assert product.is_gateway
    assert product.custom_format
    device = await answering.device({"assetId": "a", **data})
    assert device.is_gateway
    assert device.custom_format
    product = await answering.product({**data, "productType": "Device"})
    assert not product.is_gateway


async def test_products_without_a_key(
    gateway: Scripted, session: aiohttp.ClientSession
) -> None:
    """A product without a key is passed over."""
    gateway.answer = lambda _: ok([{"productKey": ""}, {}, {"productKey": "p"}])
    found = await gateway.client(session).search_products()
    assert found == (Product(product_key="p", name=LocalizedText(), model_id=""),)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Plain ", LocalizedText("Plain")),
        (None, LocalizedText()),
        ({}, LocalizedText()),
        ({"defaultValue": None, "i18nValue": None}, LocalizedText()),
        ({"defaultValue": " D ", "i18nValue": {}}, LocalizedText("D")),
        ({"defaultValue": "D", "i18nValue": []}, LocalizedText("D")),
        (
            {"defaultValue": "D", "i18nValue": {"en_US": " ", "zh_CN": None}},
            LocalizedText("D", {"en_US": ""}),
        ),
        (
            {"i18nValue": {"en_US": "E", "es_ES": "S", "ja_JP": 5}},
            LocalizedText("", {"en_US": "E", "es_ES": "S"}),
        ),
    ],
)
async def test_name(answering: Answering, value: Any, expected: LocalizedText) -> None:
    """A name comes in several shapes, and with holes."""
    device = await answering.device({"assetId": "a", "deviceName": value})
    assert device.name == expected


# ------------------------------------------------------------ models

ENUM = {
    "enumDesc": {"1": {"defaultValue": "one", "i18nValue": {}}, "2": "two"},
    "enumType": "INT",
}


@pytest.mark.parametrize(
    "definition",
    [
        ENUM,
        '{"enumDesc":{"1":{"defaultValue":"one","i18nValue":{}},"2":"two"},"enumType":"INT"}',
    ],
)
async def test_definition_as_text_and_as_object(
    answering: Answering, definition: Any
) -> None:
    """A dataDefinition means the same as text and as an object."""
    point = await answering.point(dataType="ENUM", dataDefinition=definition)
    assert point.data_type is DataType.ENUM
    assert point.enum == {"1": LocalizedText("one"), "2": LocalizedText("two")}
    assert point.enum_is_int


@pytest.mark.parametrize("definition", [None, "", "{}", {}, "null", "no JSON", [], 5])
async def test_definition_that_says_nothing(
    answering: Answering, definition: Any
) -> None:
    """Without a dataDefinition a point of each type is a point all the same."""
    for data_type in DataType:
        point = await answering.point(
            dataType=data_type.value, dataDefinition=definition
        )
        assert point == Measurepoint(
            identifier="p", data_type=data_type, enum_is_int=True
        )


async def test_definition_is_absent(answering: Answering) -> None:
    """A point of which nothing at all is told is there, of unknown type."""
    point = await answering.point()
    assert point.data_type is DataType.UNKNOWN
    assert (point.unit, point.multiplier) == ("", "ONE")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("float", DataType.FLOAT),
        ("Double", DataType.DOUBLE),
        ("DATA", DataType.DATE),
        ("date", DataType.DATE),
        ("LONG", DataType.UNKNOWN),
        ("", DataType.UNKNOWN),
        (None, DataType.UNKNOWN),
        (7, DataType.UNKNOWN),
    ],
)
async def test_data_type(answering: Answering, text: Any, expected: DataType) -> None:
    """A type is known in either case of letters; a new one is unknown, not an error."""
    point = await answering.point(dataType=text)
    assert point.data_type is expected


@pytest.mark.parametrize(
    ("definition", "is_int"),
    [
        ({"enumDesc": {"1": "a"}, "enumType": "INT"}, True),
        ({"enumDesc": {"1": "a"}, "enumType": "string"}, False),
        ({"enumDesc": {"1": "a"}, "enumType": "STRING"}, False),
        ({"enumDesc": {"1": "a", "-2": "b"}}, True),
        ({"enumDesc": {"1": "a", "auto": "b"}}, False),
        ({"enumDesc": {"1": "a", "auto": "b"}, "enumType": "INT"}, False),
    ],
)
async def test_type_of_codes(
    answering: Answering, definition: Any, is_int: bool
) -> None:
    """Codes are numbers on the wire where the model says so, or where all look so."""
    point = await answering.point(dataType="ENUM", dataDefinition=definition)
    assert point.enum_is_int is is_int


async def test_labels_of_a_bool(answering: Answering) -> None:
    """Labels that are empty or no text are left out."""
    for labels, expected in (
        ({"true": "on", "false": "off"}, {True: "on", False: "off"}),
        ({"true": "on", "false": ""}, {True: "on"}),
        ({"true": None}, {}),
        ("on/off", {}),
    ):
        point = await answering.point(
            dataType="BOOL", dataDefinition={"boolDesc": labels}
        )
        assert point.bool_labels == expected


async def test_other_definitions(answering: Answering) -> None:
    """Length of a text, type of an array's items, items of a struct."""
    point = await answering.point(
        dataType="STRING", dataDefinition='{"maxLength":"64"}'
    )
    assert point.max_length == 64
    point = await answering.point(dataType="ARRAY", dataDefinition={"itemType": "int"})
    assert point.item_type is DataType.INT
    point = await answering.point(
        dataType="STRUCT",
        dataDefinition={
            "items": [
                {
                    "identifier": "delta",
                    "name": "Delta",
                    "dataType": "int",
                    "unit": "rpm",
                },
                {
                    "identifier": "power",
                    "dataType": "DOUBLE",
                    "unit": {"unitId": "W", "multiplier": "KILO"},
                },
                "nonsense",
            ]
        },
    )
    assert point.items == (
        Measurepoint(
            identifier="delta",
            name=LocalizedText("Delta"),
            data_type=DataType.INT,
            unit="rpm",
            enum_is_int=True,
        ),
        Measurepoint(
            identifier="power",
            name=LocalizedText(),
            data_type=DataType.DOUBLE,
            unit="W",
            multiplier="KILO",
            enum_is_int=True,
        ),
    )


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        (None, ("", "ONE")),
        ({"unitId": "°C", "multiplier": "ONE"}, ("°C", "ONE")),
        ({"unitId": "W", "multiplier": "kilo"}, ("W", "KILO")),
        ({"unitId": " W ", "multiplier": None}, ("W", "ONE")),
        ({"unitId": None}, ("", "ONE")),
        ({"unitId": "W", "multiplier": ""}, ("W", "ONE")),
        (" rpm ", ("rpm", "ONE")),
        ([], ("", "ONE")),
    ],
)
async def test_unit(answering: Answering, unit: Any, expected: tuple[str, str]) -> None:
    """A unit comes as an object or a text, or not at all."""
    point = await answering.point(dataType="DOUBLE", unit=unit)
    assert (point.unit, point.multiplier) == expected


async def test_tags(answering: Answering) -> None:
    """Tags that are no texts are left out."""
    point = await answering.point(tags={"ha/access": "rw", "n": 5, "none": None})
    assert point.tags == {"ha/access": "rw"}
    point = await answering.point(tags=None)
    assert point.tags == {}


async def test_odd_models(gateway: Scripted, session: aiohttp.ClientSession) -> None:
    """Models without id, without points, with points that are none."""
    gateway.answer = lambda _: ok(
        [
            {"modelId": None, "measurepoints": {}},
            {"modelId": "bare"},
            {"modelId": "odd", "measurepoints": {"p": None, "q": {}, "r": "x"}},
            {"modelId": "list", "measurepoints": []},
        ]
    )
    models = await gateway.client(session).thing_models(["bare", "odd", "list"])
    assert {key: list(model.measurepoints) for key, model in models.items()} == {
        "bare": [],
        "odd": ["q"],
        "list": [],
    }


# ------------------------------------------------------------ values


async def test_values_as_they_come(answering: Answering) -> None:
    """A value stays what it was, quoted or not; times are numbers, quoted or not."""
    found = await answering.latest(
        {"assetId": "a", "p": "1.1236", "timestamp": "1585670399000"},
        {"assetId": "a", "q": 2, "timestamp": 1585670399001},
        {"assetId": "b", "p": None, "timestamp": None},
        {"assetId": "b", "q": [1, {"x": None}], "timestamp": "soon"},
    )
    assert found == {
        ("a", "p"): Reading("1.1236", 1585670399000),
        ("a", "q"): Reading(2, 1585670399001),
        ("b", "p"): Reading(None, None),
        ("b", "q"): Reading([1, {"x": None}], None),
    }


async def test_merged_items(answering: Answering) -> None:
    """Several points may share an item (item format 1)."""
    found = await answering.latest(
        {"assetId": "a", "p": 1, "q": True, "timestamp": 5, "localtime": "x"}
    )
    assert found["a", "p"] == Reading(1, 5)
    assert found["a", "q"] == Reading(True, 5)


async def test_points_called_as_keys_of_an_item(answering: Answering) -> None:
    """An item's own keys are never taken for points of the same name."""
    found = await answering.latest({"assetId": "a", "p": 1, "timestamp": 5})
    assert found == {("a", "p"): Reading(1, 5)}


@pytest.mark.parametrize(
    "data", [None, [], {}, {"items": None}, {"items": {}}, {"items": ["x", None, {}]}]
)
async def test_no_values(
    gateway: Scripted, session: aiohttp.ClientSession, data: Any
) -> None:
    """Where there are no items, there are no values."""
    gateway.answer = lambda _: ok(data)
    client = gateway.client(session)
    assert await client.latest(["a"], ["p"]) == {}
    assert await client.query_latest("a", ["p"]) == {}


async def test_what_was_not_asked(answering: Answering) -> None:
    """Points that were not asked for and items without an asset are passed over."""
    found = await answering.latest(
        {"assetId": "a", "other": 1, "timestamp": 5},
        {"p": 1, "timestamp": 5},
        {"assetId": 7, "p": 1, "timestamp": 5},
    )
    assert found == {}


async def test_query_latest(answering: Answering) -> None:
    """The time is a text there; what lacks its id is passed over."""
    found = await answering.query(
        [
            {"id": "p", "time": "1579590343468", "value": 0.3084426},
            {"id": "q", "time": 1579590343468.0, "value": "0.5"},
            {"id": "r"},
            {"id": 5, "value": 1},
            {"value": 1},
            "x",
        ]
    )
    assert found == {
        "p": Reading(0.3084426, 1579590343468),
        "q": Reading("0.5", 1579590343468),
        "r": Reading(None, None),
    }


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
async def test_numbers_that_json_does_not_know(
    answering: Answering, literal: str
) -> None:
    """One device's NaN is an unknown value and costs the others nothing."""
    answering.raw(
        '{"code":0,"data":{"items":['
        f'{{"assetId":"a","p":{literal},"timestamp":1585670399000}},'
        '{"assetId":"b","p":2.5,"timestamp":1585670399001}]}}'
    )
    assert await answering.read_latest() == {
        ("a", "p"): Reading(None, 1585670399000),
        ("b", "p"): Reading(2.5, 1585670399001),
    }


@pytest.mark.parametrize(
    "raw",
    [b'"\\ud83d x"', '"温度'.encode()[:-1] + b'"', '"温度"'.encode("gbk")],
    ids=["half a pair", "cut", "another code page"],
)
async def test_text_that_is_none(answering: Answering, raw: bytes) -> None:
    """One device's broken text is readable in part and costs the others nothing."""
    answering.raw(
        b'{"code":0,"data":{"items":[{"assetId":"a","p":' + raw + b',"timestamp":1},'
        b'{"assetId":"b","p":"\xe6\xb8\xa9","timestamp":2}]}}'
    )
    found = await answering.read_latest()
    assert found["b", "p"] == Reading("温", 2)
    broken = found["a", "p"].value
    assert isinstance(broken, str)
    assert broken.encode()


async def test_byte_order_mark(answering: Answering) -> None:
    """A byte order mark before the JSON does no harm."""
    answering.raw(b'\xef\xbb\xbf{"code":0,"data":{"items":[]}}')
    assert await answering.read_latest() == {}


@pytest.mark.parametrize("literal", ["NaN", "5"])
@pytest.mark.parametrize(
    ("depth", "kept"),
    [(3, True), (64, True), (65, False), (900, False), (1500, False)],
)
async def test_value_that_nests_without_end(
    answering: Answering, depth: int, kept: bool, literal: str
) -> None:
    """What nobody could write down is unknown as a whole, and costs the others nothing."""
    deep = "[" * depth + "]" * depth
    answering.raw(
        f'{{"code":0,"data":{{"items":[{{"assetId":"a","p":{deep},"timestamp":1}},'
        f'{{"assetId":"b","p":{literal},"timestamp":2}}]}}}}'
    )
    found = await answering.read_latest()
    assert found["b", "p"].value == (5 if literal == "5" else None)
    assert (found["a", "p"].value is not None) is kept


async def test_half_a_reply_is_none(answering: Answering) -> None:
    """What is liberal with values does not take half a reply for a whole one."""
    text = '{"code":0,"data":{"items":[{"assetId":"a","p":NaN,"timestamp":1}]}}'
    for end in range(0, len(text), 3):
        answering.raw(text[:end])
        with pytest.raises(ReplyLostError):
            await answering.read_latest()
    answering.raw(text)
    assert len(await answering.read_latest()) == 1


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"commandId": "2078724684846989312"}, "2078724684846989312"),
        ({"commandId": 2078724684846989312}, "2078724684846989312"),
        ({"commandId": None}, ""),
        ({}, ""),
        (None, ""),
        ([], ""),
        ("2078724684846989312", ""),
    ],
)
async def test_command_id(answering: Answering, data: Any, expected: str) -> None:
    """A command id keeps all its digits; a write without one has succeeded all the same."""
    assert await answering.write(data) == expected
