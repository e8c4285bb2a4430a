"""What is read: products, devices, models and values, as the simulator gives them."""

import pytest

from custom_components.enos.api.client import EnosClient
from custom_components.enos.api.errors import PermissionDeniedError
from custom_components.enos.api.models import (
    AWAY,
    DataType,
    DeviceStatus,
    LocalizedText,
    Reading,
)
from simulator import Simulator
from simulator.catalog import KINDS

from .common import LATEST_PATH, calls


async def test_products(sim: Simulator, client: EnosClient) -> None:
    """Products come with key, name and model."""
    found = {product.product_key: product for product in await client.search_products()}
    assert set(found) == set(sim.products)
    for key, product in found.items():
        raw = sim.products[key]
        assert product.model_id == raw["modelId"]
        assert product.name.default == raw["productName"]["defaultValue"]
        assert product.name.get("zh-Hans") == raw["productName"]["i18nValue"]["zh_CN"]
        assert not product.is_gateway
        assert not product.custom_format
    assert sim.rejections == []


async def test_devices(sim: Simulator, client: EnosClient) -> None:
    """Devices come with keys, names, model, format and status."""
    sim.device("fcu").status = "offline"
    sim.device("light").status = "inactive"
    sim.device("ahu").status = "disabled"
    sim.device("meter").behaviour.custom_format = True
    found = {device.asset_id: device for device in await client.search_devices()}
    assert set(found) == set(sim.devices)
    for asset_id, device in found.items():
        real = sim.devices[asset_id]
        assert device.device_key == real.device_key
        assert device.product_key == real.product_key
        assert device.model_id == real.model_id
        assert device.status == real.status
        assert (device.status in AWAY) == (real.status != "online")
        assert device.custom_format == (real is sim.device("meter"))
        assert device.name.get("en") == real.name["i18nValue"]["en_US"]
        product = sim.products[real.product_key]
        assert device.product_name.get("en") == product["productName"]["defaultValue"]
    assert sim.rejections == []


async def test_models(sim: Simulator, client: EnosClient) -> None:
    """Models come with all measurepoints, their types, units, codes and tags."""
    models = await client.thing_models([kind.model_id for kind in KINDS.values()])
    for kind in KINDS.values():
        model = models[kind.model_id]
        assert model.name.get("zh") == kind.zh
        assert list(model.measurepoints) == [point.identifier for point in kind.points]
        for point in kind.points:
            found = model.measurepoints[point.identifier]
            assert found.identifier == point.identifier
            assert found.data_type == point.data_type
            assert found.name.get("en-GB") == point.en
            assert found.unit == (point.unit or "")
            assert found.multiplier == point.multiplier
            assert found.signal_type == point.signal
            assert found.tags.get("ha/access") == (
                point.access if kind.tagged else None
            )
            definition = point.definition or {}
            assert list(found.enum) == list(definition.get("enumDesc", {}))
            if found.enum:
                assert found.enum_is_int == (definition["enumType"] == "INT")
            labels = definition.get("boolDesc", {})
            assert found.bool_labels == {
                key == "true": label for key, label in labels.items()
            }
            assert found.max_length == definition.get("maxLength")
            assert len(found.items) == len(definition.get("items", ()))
            assert found.item_type == (
                DataType(definition["itemType"]) if "itemType" in definition else None
            )
    assert sim.rejections == []


async def test_latest(sim: Simulator, client: EnosClient) -> None:
    """Values of many devices and points come in one request, with their times."""
    fcu, light = sim.device("fcu"), sim.device("light")
    await sim.report(fcu, {"room_temp": 21.25}, time_ms=1585670399123)
    found = await client.latest(
        [fcu.asset_id, light.asset_id], ["room_temp", "power", "unheard_of"]
    )
    assert set(found) == {
        (fcu.asset_id, "room_temp"),
        (fcu.asset_id, "power"),
        (light.asset_id, "power"),
    }
    assert found[fcu.asset_id, "room_temp"] == Reading(21.25, 1585670399123)
    sample = light.tsdb_latest["power"]
    assert found[light.asset_id, "power"] == Reading(sample.value, sample.time)
    assert calls(sim, LATEST_PATH) == 1
    assert sim.rejections == []


async def test_latest_of_all_types(sim: Simulator, client: EnosClient) -> None:
    """Each type's value comes as the time series has it: what is no number as JSON text."""
    ahu, meter = sim.device("ahu"), sim.device("meter")
    found = await client.latest(
        [ahu.asset_id, meter.asset_id],
        ["damper", "zone_temps", "last_filter_change", "fan_enable", "mode", "serial"],
    )
    values = {point: reading.value for (_, point), reading in found.items()}
    assert values == {
        "damper": '{"position":30.0,"forced":false}',
        "zone_temps": "[25.0,25.0,25.0,25.0]",
        "last_filter_change": "2026-05-06",
        "fan_enable": True,
        "mode": 0,
        "serial": meter.values["serial"],
    }


async def test_latest_without_storage(sim: Simulator, client: EnosClient) -> None:
    """A point without a storage policy is missing there, and read from the device's side."""
    device = sim.device("fcu")
    point = "fault_code"
    assert await client.latest([device.asset_id], [point]) == {}
    found = await client.query_latest(device.asset_id, [point])
    assert found == {point: Reading(0, device.connect_latest[point].time)}
    assert sim.rejections == []


async def test_latest_of_a_forbidden_device(sim: Simulator, client: EnosClient) -> None:
    """A device that may not be read is missing; alone it is an error."""
    fcu, light = sim.device("fcu"), sim.device("light")
    sim.forbidden_assets.add(light.asset_id)
    found = await client.latest([fcu.asset_id, light.asset_id], ["power"])
    assert set(found) == {(fcu.asset_id, "power")}
    with pytest.raises(PermissionDeniedError) as caught:
        await client.latest([light.asset_id], ["power"])
    assert caught.value.code == 80401
    assert sim.rejections == []


async def test_query_latest(sim: Simulator, client: EnosClient) -> None:
    """The points of one device come with value and time; unknown ones are missing."""
    device = sim.device("ahu")
    points = [*device.values, "unheard_of"]
    found = await client.query_latest(device.asset_id, points)
    assert found == {
        point: Reading(sample.value, sample.time)
        for point, sample in device.connect_latest.items()
    }
    assert sim.rejections == []


async def test_ids_stay_texts(sim: Simulator, client: EnosClient) -> None:
    """Ids that look like numbers stay texts, also those beyond 2^53."""
    device = sim.device("fcu")
    device.device_key = "00012345678901234567890"
    found = await client.search_devices(asset_ids=[device.asset_id])
    assert found[0].device_key == "00012345678901234567890"
    command_id = await client.set_measurepoint(device.asset_id, "mode", 2)
    assert isinstance(command_id, str)
    assert command_id == sim.commands[0].command_id
    assert int(command_id) > 2**53


async def test_status_that_changes(sim: Simulator, client: EnosClient) -> None:
    """Each search tells the present status."""
    device = sim.device("fcu")
    for status in ("offline", "online", "disabled", "inactive"):
        device.status = status
        found = await client.search_devices(asset_ids=[device.asset_id])
        assert found[0].status is DeviceStatus(status)


async def test_renamed_device(sim: Simulator, client: EnosClient) -> None:
    """A new name shows in each language."""
    device = sim.device("fcu")
    sim.rename_device(device.asset_id, "Corner office", "角落办公室")
    (found,) = await client.search_devices(asset_ids=[device.asset_id])
    assert found.name.get("en") == "Corner office"
    assert found.name.get("zh-Hans") == "角落办公室"
    assert found.name.get("fr") == found.name.default


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        (LocalizedText("d", {"en_US": "e", "zh_CN": "z"}), "en", "e"),
        (LocalizedText("d", {"en_US": "e", "zh_CN": "z"}), "zh-Hans", "z"),
        (LocalizedText("d", {"en_US": "e", "zh_CN": "z"}), "EN_gb", "e"),
        (LocalizedText("d", {"en_US": "e"}), "ja", "d"),
        (LocalizedText("d", {"en_US": ""}), "en", "d"),
        (LocalizedText("", {"en_US": "", "zh_CN": "z"}), "en", "z"),
        (LocalizedText("", {"en_US": "", "en_GB": "g"}), "en", "g"),
        (LocalizedText("d"), "en", "d"),
        (LocalizedText(), "en", ""),
    ],
)
def test_names(text: LocalizedText, language: str, expected: str) -> None:
    """A name comes in the language asked for, else by default, else in any language."""
    assert text.get(language) == expected
