"""Devices and models that change while the building lives."""

import json
from typing import Any

import pytest

from simulator import Guesses, Point, Simulator
from simulator.points import boolean, enum
from simulator.values import read_definition

from .conftest import Connect
from .helper import DEVICES, MODELS, NODES, PATHS, Client, until


async def test_rekey(client: Client) -> None:
    """A device has another key and is the same asset."""
    sim, device = client.sim, client.sim.device("fcu", 0)
    old, other = device.device_key, sim.device("fcu", 1).device_key
    sim.rekey_device(device.asset_id, "swapped-1")
    data = (await client.get(DEVICES, assetId=device.asset_id)).data
    assert data["deviceKey"] == "swapped-1"
    params = {"productKey": device.product_key, "deviceKey": "swapped-1"}
    assert (await client.get(DEVICES, **params)).data["assetId"] == device.asset_id
    params["deviceKey"] = old
    assert (await client.get(DEVICES, **params)).code == 99404
    sim.rekey_device(device.asset_id, "swapped-1")
    for asset_id, key in (
        (device.asset_id, other),
        (device.asset_id, ""),
        ("nothing8", "x"),
    ):
        with pytest.raises(ValueError, match="device"):
            sim.rekey_device(asset_id, key)
    assert len(sim.by_key) == len(sim.devices)


async def test_remodel(client: Client) -> None:
    """A device has another model; its asset id and product stay."""
    sim, device = client.sim, client.sim.device("fcu", 0)
    await sim.report(device, {"power": False})
    sim.put(device.asset_id, "co2", "?")
    product = device.product_key
    sim.remodel_device(device.asset_id, "ahu")
    data = (await client.get(DEVICES, assetId=device.asset_id)).data
    assert (data["modelId"], data["productKey"]) == ("hvac_ahu", product)
    assert data["modelIdPath"] == "/hvac_base/hvac_ahu"
    points = {point.identifier for point in sim.kind("ahu").points}
    found = {item["id"] for item in (await client.query(device)).data}
    assert found == points == set(device.values)
    assert await client.tsdb(device, "co2") is None
    assert (await client.set(device, "fan_speed", "low")).code == 99400
    assert sim.device(product, 0) is device
    assert sim.device("ahu", 0) is device
    assert sim.device("fcu", 0) is not device
    sim.step(60)
    sim.remodel_device(device.asset_id, "lab")
    model = (await client.get(MODELS, modelId="lab_bench")).data
    assert set(model["measurepoints"]) == set(device.values)
    for asset_id, kind in ((device.asset_id, "toaster"), ("nothing8", "lab")):
        with pytest.raises(ValueError, match="there is no"):
            sim.remodel_device(asset_id, kind)


async def test_remodel_keeps_what_fits(client: Client) -> None:
    """Values of points that both models have are kept, where their types agree."""
    sim, device = client.sim, client.sim.device("chiller")
    sim.add_point("fcu", Point("cop", "STRING", "COP", "", "none"))
    await sim.report(device, {"power": 77.5, "cop": 4.5})
    device.status = "offline"
    sim.remodel_device(device.asset_id, "meter")
    assert device.values["power"] == 77.5
    assert device.connect_latest["power"].value == 77.5
    assert "energy" not in device.connect_latest
    sim.remodel_device(device.asset_id, "fcu")
    # A number is no switch.
    assert device.values["power"] is True
    assert device.values["cop"] == "none"


async def test_commands_for_what_is_gone(client: Client) -> None:
    """A queued write to a point that went away leaves no ghost."""
    sim, device = client.sim, client.sim.device("fcu")
    device.status = "offline"
    await client.set(device, "mode", 2, pendingTtl="60")
    await client.call(
        "POST",
        "/connect-service/v2.1/commands",
        {
            "action": "invokeService",
            "assetId": device.asset_id,
            "serviceId": "reset",
            "pendingTtl": "60",
        },
        {"inputData": {"delay": 1}},
    )
    sim.remodel_device(device.asset_id, "light")
    device.status = "online"
    await until(lambda: all(command.done for command in sim.commands))
    assert [command.state for command in sim.commands] == [5, 5]
    assert "mode" not in device.values
    assert "mode" not in device.connect_latest


async def test_move(client: Client) -> None:
    """The asset tree shows where a device stands now."""
    sim, device = client.sim, client.sim.device("fcu", 0)
    tree = {"treeId": sim.building.tree_id}

    async def path() -> list[str]:
        body = {"to": {"assetIds": [device.asset_id]}}
        reply = await client.search(PATHS, body, **tree)
        found: list[str] = reply.data["assetPaths"][0]
        return found

    before = await path()
    target = sim.building.places[sim.device("meter").parent_id]
    assert before[-2] != target.asset_id
    sim.move_device(device.asset_id, target)
    assert (await path())[-2:] == [target.asset_id, device.asset_id]
    sim.move_device(device.asset_id, before[-2])
    assert await path() == before
    reply = await client.call(
        "POST",
        NODES,
        {"action": "searchRelatedAsset", **tree},
        {"filter": {"isChildOfAssetId": target.asset_id}},
    )
    assert device.asset_id not in {node["assetId"] for node in reply.data}
    for asset_id, place in (
        (device.asset_id, "nothing8"),
        (device.asset_id, device.asset_id),
        ("nothing8", target.asset_id),
    ):
        with pytest.raises(ValueError, match="there is no"):
            sim.move_device(asset_id, place)


async def model(client: Client, model_id: str = "hvac_fcu") -> dict[str, Any]:
    """Return the measurepoints of a model."""
    found: dict[str, Any] = (await client.get(MODELS, modelId=model_id)).data[
        "measurepoints"
    ]
    return found


async def test_a_point_more(client: Client) -> None:
    """A new version has a point more: model, values, writes, storage."""
    sim, device = client.sim, client.sim.device("fcu")
    away = sim.device("fcu", 1)
    away.status = "offline"
    sim.add_point(
        "fcu",
        Point("boost", "INT", "Boost", "强劲", 3, access="rw", low=0, high=5),
    )
    sim.add_point("hvac_fcu", Point("hidden", "INT", "H", "", 1, stored=False))
    points = await model(client)
    assert list(points)[-2:] == ["boost", "hidden"]
    assert points["boost"]["tags"]["ha/max"] == "5"
    assert await client.tsdb(device, "boost") == 3
    assert await client.value(device, "hidden") == 1
    assert await client.tsdb(device, "hidden") is None
    assert await client.tsdb(away, "boost") is None
    assert (await client.set(device, "boost", 5)).code == 0
    assert (await client.set(device, "boost", 6)).code == 99400
    later = sim.add_device("fcu")
    assert await client.tsdb(later, "boost") == 3
    sim.step(600)
    with pytest.raises(ValueError, match="already"):
        sim.add_point(device.product_key, Point("boost", "INT", "B", "", 0))
    with pytest.raises(ValueError, match="no kind"):
        sim.add_point("toaster", Point("boost", "INT", "B", "", 0))


async def test_a_point_less(client: Client) -> None:
    """A new version is without a point: nothing of it is left anywhere."""
    sim, device = client.sim, client.sim.device("fcu")
    sim.drop_point(device.product_key, "co2")
    sim.drop_point("fcu", "fault_code")
    assert not {"co2", "fault_code"} & set(await model(client))
    assert await client.tsdb(device, "co2") is None
    assert await client.value(device, "co2") is None
    assert (await client.set(device, "co2", 5)).code == 99400
    with pytest.raises(ValueError, match="no measurepoint"):
        await sim.report(device, {"co2": 5})
    assert "co2" not in sim.add_device("fcu").values
    with pytest.raises(ValueError, match="no measurepoint"):
        sim.drop_point("fcu", "co2")
    # It may come back as something else, stored by now.
    sim.add_point("fcu", Point("fault_code", "STRING", "Fault", "", "none"))
    assert await client.tsdb(device, "fault_code") == "none"


async def test_a_point_changed(client: Client) -> None:
    """Unit, range, labels, codes and type change; what fits is kept."""
    sim, device = client.sim, client.sim.device("fcu")
    await sim.report(device, {"temp_setpoint": 25.0, "co2": 700, "mode": 3})
    sim.change_point("fcu", "room_temp", unit="K", en="Air", zh="")
    sim.change_point("fcu", "temp_setpoint", high=24, step=1.0, data_type="DOUBLE")
    codes = enum("INT", _1=("Cool", "冷"), _2=("Heat", "热"), _7=("Dry", "除湿"))
    sim.change_point("fcu", "mode", definition=codes)
    sim.change_point("fcu", "co2", data_type="STRING")
    sim.change_point("fcu", "filter_hours", stored=False)
    sim.change_point("fcu", "fault_code", stored=True)
    sim.change_point("fcu", "power", definition=boolean("Off", "On"))
    points = await model(client)
    assert list(points)[0] == "power"
    assert points["room_temp"]["unit"] == {"unitId": "K", "multiplier": "ONE"}
    assert points["room_temp"]["name"]["i18nValue"] == {"en_US": "Air"}
    assert points["temp_setpoint"]["dataType"] == "DOUBLE"
    assert points["temp_setpoint"]["tags"]["ha/max"] == "24"
    assert set(read_definition(points["mode"]["dataDefinition"])["enumDesc"]) == {
        *("1", "2", "7")
    }
    assert device.values["temp_setpoint"] == 25.0
    assert await client.tsdb(device, "fault_code") == 0
    assert await client.tsdb(sim.add_device("fcu"), "filter_hours") is None
    # 3 is no code, 700 no text any more: the first values, or blanks.
    assert await client.tsdb(device, "mode") == 1
    assert await client.tsdb(device, "co2") == ""
    assert (await client.set(device, "temp_setpoint", 24.5)).code == 99400
    assert (await client.set(device, "mode", 7)).code == 0
    assert (await client.set(device, "mode", 3)).code == 99400
    sim.change_point("fcu", "mode", data_type="INT")
    points = await model(client)
    assert points["mode"]["dataDefinition"] is None
    assert device.values["mode"] == 7
    for identifier, changes, error in (
        ("typo", {"unit": "K"}, ValueError),
        ("mode", {"colour": "red"}, TypeError),
    ):
        with pytest.raises(error):
            sim.change_point("fcu", identifier, **changes)


async def test_before_the_first_device(client: Client) -> None:
    """The model of a kind without devices can be changed, too."""
    sim = client.sim
    sim.change_point("lab", "int_open", unit="min")
    assert (await model(client, "lab_bench"))["int_open"]["unit"]["unitId"] == "min"
    device = sim.add_device("lab")
    assert device.values["int_open"] == 120
    sim.drop_point("lab_bench", "int_open")
    assert "int_open" not in device.values


@pytest.mark.parametrize("form", ["text", "object", "absent"])
async def test_two_simulators(connect: Connect, form: str) -> None:
    """What happens to one building happens to that one only."""
    guesses = Guesses.from_dict({"G14": form})
    changed = Simulator(devices=9, guesses=guesses)
    before = json.dumps(Simulator(devices=9, guesses=guesses).models)
    changed.add_point("fcu", Point("boost", "INT", "Boost", "", 0))
    changed.drop_point("fcu", "co2")
    changed.change_point("light", "scene", data_type="INT")
    changed.remodel_device(changed.device("pv").asset_id, "lab")
    changed.add_device("lab")
    for thing in changed.models.values():
        for point in thing["measurepoints"].values():
            definition = point.get("dataDefinition")
            if isinstance(definition, dict):
                definition.clear()
            point["name"]["i18nValue"].clear()
            point["tags"].clear()
        for service in thing["services"].values():
            service["inputData"].clear()
    changed.device("fcu").values["mode"] = 99
    client = await connect(devices=9, guesses=guesses)
    assert json.dumps(client.sim.models) == before
    reply = await client.search(MODELS, {"pagination": {"pageSize": 200}})
    assert len(reply.data) == len(client.sim.models)
    assert "lab_bench" not in {each["modelId"] for each in reply.data}


async def pages(client: Client, size: int) -> tuple[list[list[str]], list[int]]:
    """Return the asset ids of all pages, as a client goes on, and their totals."""
    found: list[list[str]] = []
    totals: list[int] = []
    while not totals or len(found) * size < totals[-1]:
        body = {"pagination": {"pageNo": len(found) + 1, "pageSize": size}}
        reply = await client.search(DEVICES, body)
        found.append([device["assetId"] for device in reply.data])
        totals.append(reply.json["pagination"]["totalSize"])
    return found, totals


async def test_a_list_grows_while_it_is_paged(client: Client) -> None:
    """A device is on two pages; all others are on one."""
    client.sim.faults.add("shift", path="devices", action="search")
    found, totals = await pages(client, 4)
    assert totals == [16, 17, 17, 17, 17]
    assert found[0][-1] == found[1][0]
    flat = [asset_id for page in found for asset_id in page]
    assert len(flat) == 17
    assert set(flat) == set(client.sim.devices)
    client.sim.faults.clear()
    found, totals = await pages(client, 4)
    assert sum(map(len, found)) == 16


async def test_a_list_shrinks_while_it_is_paged(client: Client) -> None:
    """A device is on no page."""
    client.sim.faults.add("shift", path="devices", by=-1)
    found, totals = await pages(client, 5)
    flat = [asset_id for page in found for asset_id in page]
    assert totals == [16, 15, 15]
    assert len(flat) == len(set(flat)) == 15
    assert client.sim.listed()[5].asset_id not in flat
    with pytest.raises(ValueError, match="whole number"):
        client.sim.faults.add("shift", by="1")
    with pytest.raises(ValueError, match="takes no"):
        client.sim.faults.add("shift", to=1)


@pytest.mark.parametrize("count", [0, 1, 199, 200, 201, 1000])
async def test_sizes_of_fleets(connect: Connect, count: int) -> None:
    """Fleets of any size are paged to their end."""
    client = await connect(devices=count)
    found, _ = await pages(client, 200)
    flat = [asset_id for page in found for asset_id in page]
    assert len(flat) == len(set(flat)) == count
