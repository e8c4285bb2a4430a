"""Large models and large fleets: short suggestions, and no more entities than are taken."""

from homeassistant.config_entries import ConfigEntry, ConfigSubentry, FlowType
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity_platform import MAX_ENABLED_ENTITIES_PER_CONFIG_ENTRY
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.enos.const import DOMAIN
from simulator import Simulator

from .common import device_subentry, entry_for, product_subentry, set_up
from .flows import (
    Step,
    account,
    begin,
    begin_subentry,
    choose,
    fill,
    fill_subentry,
    offered,
    review_subentry,
    suggested,
)

LIMIT = MAX_ENABLED_ENTITIES_PER_CONFIG_ENTRY
MANAGE = "Device Management: Read"
MODELS = "Model Management: Read"
ALARMS = {"ch1_alarm", "chwp1_fault", "cwp8_fault", "ct6_fault", "chwp1_run"}


def fleet(**kinds: int) -> Simulator:
    """Return a building of nothing but these."""
    return Simulator(seed=1, devices=0, kinds=kinds, physics=False)


async def begin_with(hass: HomeAssistant, sim: Simulator, *kinds: str) -> Step:
    """Connect, and choose the products of some kinds."""
    result = await begin(hass, account(sim))
    products = [sim.device(kind).product_key for kind in kinds]
    return await fill(hass, result, {"products": products})


def crowd(hass: HomeAssistant, entry: ConfigEntry, enabled: int) -> None:
    """Let an entry have this many enabled entities, besides its own, and some disabled ones."""
    registry = er.async_get(hass)
    for number in range(enabled + 50):
        registry.async_get_or_create(
            "sensor",
            DOMAIN,
            f"o1_crowd{number}_x",
            config_entry=entry,
            disabled_by=None if number < enabled else er.RegistryEntryDisabler.USER,
        )


def enabled(hass: HomeAssistant, entry: ConfigEntry) -> list[er.RegistryEntry]:
    """Return the entities of an entry that Home Assistant counts."""
    registry = er.async_get(hass)
    return [
        entity
        for entity in er.async_entries_for_config_entry(registry, entry.entry_id)
        if entity.disabled_by is None
    ]


def subentry_of(entry: ConfigEntry, unique_id: str) -> ConfigSubentry:
    """Return a subentry."""
    return next(
        each for each in entry.subentries.values() if each.unique_id == unique_id
    )


async def test_large_model(hass: HomeAssistant) -> None:
    """Of 500 points what is wrong or runs is suggested; everything is two clicks away."""
    async with fleet(wide=1, light=1) as sim:
        result = await begin_with(hass, sim, "wide", "light")
        result = await choose(hass, result, "measurepoints")
        chosen = suggested(result)
        assert len(chosen["controls"]) == 53
        assert set(chosen["sensors"]) > ALARMS
        assert len(chosen["sensors"]) < 60
        placeholders = result["description_placeholders"]
        assert (placeholders["count"], placeholders["devices"]) == ("502", "1")

        everything = await fill(hass, result, {"fill": "all", **chosen})
        assert everything["step_id"] == "measurepoints"
        sensors = suggested(everything)["sensors"]
        assert sensors[: len(chosen["sensors"])] == chosen["sensors"]
        assert len(sensors) == 444
        assert suggested(everything)["controls"] == chosen["controls"]

        nothing = await fill(hass, everything, {"fill": "none", "sensors": sensors})
        assert suggested(nothing) == {"controls": [], "sensors": []}
        # What was left out of the first list may be read.
        other = await fill(hass, nothing, {"fill": "all", "controls": ["ch1_enable"]})
        assert len(suggested(other)["sensors"]) == 496

        # What is put on one of the lists then is taken from the other.
        moved = {
            "fill": "keep",
            "controls": ["ch1_enable", "ch2_enable"],
            "sensors": suggested(other)["sensors"],
        }
        assert "ch2_enable" in moved["sensors"]
        result = await fill(hass, other, moved)
        assert result["description_placeholders"]["name"] == "Lighting circuit"
        # What can be looked through needs no such help.
        assert "fill" not in result["data_schema"].schema
        await sim.stop()
        result = await fill(hass, result, suggested(result))
        assert result["type"] is FlowResultType.CREATE_ENTRY
        assert "next_flow" not in result
        wide, _ = result["result"].subentries.values()
        assert wide.data["controls"] == ["ch1_enable", "ch2_enable"]
        assert "ch2_enable" not in wide.data["sensors"]
        assert len(wide.data["sensors"]) == 495


async def test_large_fleet(hass: HomeAssistant) -> None:
    """A thousand devices have room for eight points; a ninth is refused, nothing is lost."""
    async with fleet(wide=1000) as sim:
        result = await begin_with(hass, sim, "wide")
        assert result["description_placeholders"] == {
            "controls": "- **Plant controller**: –",
            "sensors": "0",
        }
        result = await choose(hass, result, "measurepoints")
        assert result["description_placeholders"]["devices"] == "1,000"
        assert suggested(result) == {"controls": [], "sensors": []}
        assert len(offered(result, "sensors")) == 501
        nine = {
            "controls": ["ch1_enable", "ch1_chw_setpoint"],
            "sensors": [f"zone0{number}_temp" for number in range(1, 8)],
        }
        for _ in range(2):
            result = await fill(hass, result, nine)
            assert result["errors"] == {"base": "too_many_entities"}
            placeholders = result["description_placeholders"]
            assert {
                key: placeholders[key] for key in ("count", "entities", "limit", "most")
            } == {
                "count": "502",
                "entities": "10,002",
                "limit": "10,000",
                "most": "8",
            }
            assert suggested(result) == nine
        await sim.stop()
        eight = {**nine, "sensors": nine["sensors"][1:]}
        result = await fill(hass, result, eight)
        assert result["type"] is FlowResultType.CREATE_ENTRY
        (subentry,) = result["result"].subentries.values()
        assert subentry.data["sensors"] == eight["sensors"]
        # Nobody is asked for a thousand names and areas.
        kind, flow_id = result["next_flow"]
        assert kind is FlowType.OPTIONS_FLOW
        options = hass.config_entries.options.async_get(flow_id)
        assert options["step_id"] == "init"


async def test_suggestions_share_the_room(hass: HomeAssistant) -> None:
    """Whatever is taken unseen makes no more entities than are taken."""
    async with fleet(wide=98, fcu=60, light=100) as sim:
        result = await begin_with(hass, sim, "wide", "fcu", "light")
        await sim.stop()
        result = await choose(hass, result, "suggestions")
        assert result["type"] is FlowResultType.CREATE_ENTRY
        wide, fcu, light = result["result"].subentries.values()
        points = [
            len(each.data["controls"]) + len(each.data["sensors"])
            for each in (wide, fcu, light)
        ]
        assert points == [97, 3, 0]
        # Part of what may be written would be an arbitrary one.
        assert fcu.data["controls"] == []


async def test_those_to_come_make_room(hass: HomeAssistant) -> None:
    """Who chooses more of the first product gets shorter suggestions of the next one."""
    async with fleet(wide=19, fcu=100) as sim:
        result = await begin_with(hass, sim, "wide", "fcu")
        result = await choose(hass, result, "measurepoints")
        controls = suggested(result)["controls"]
        result = await fill(hass, result, {"fill": "all", "controls": controls})
        result = await fill(hass, result, {"fill": "keep", **suggested(result)})
        assert result["description_placeholders"]["name"] == "Fan coil unit"
        # 19 of 498 entities, 2 of the account, 100 of connectivity.
        suggestion = suggested(result)
        assert len(suggestion["controls"]) + len(suggestion["sensors"]) <= 4
        result = await fill(
            hass, result, {"sensors": list(offered(result, "sensors"))[:5]}
        )
        assert result["errors"] == {"base": "too_many_entities"}
        assert result["description_placeholders"]["most"] == "4"
        assert result["description_placeholders"]["entities"] == "10,064"


async def test_more_devices_than_entities(hass: HomeAssistant) -> None:
    """Each device has at least one entity."""
    async with fleet(light=9999) as sim:
        result = await begin_with(hass, sim, "light")
        assert result["step_id"] == "products"
        assert result["errors"] == {"base": "too_many_devices"}
        assert result["description_placeholders"]["devices"] == "9,999"
        assert result["description_placeholders"]["most"] == "9,998"
        assert suggested(result) == {"products": [sim.device("light").product_key]}


async def test_nobody_counts(hass: HomeAssistant) -> None:
    """Where devices may not be listed nothing is refused for their number."""
    async with fleet(wide=1000) as sim:
        sim.rights.discard(MANAGE)
        result = await begin(hass, account(sim))
        # Without that right EnOS lists no products, either.
        assert result["step_id"] == "device"
        asset_id = sim.device("wide").asset_id
        result = await fill(hass, result, {"asset_id": asset_id})
        assert result["step_id"] == "manual_points"


async def test_points_by_hand(hass: HomeAssistant, sim: Simulator) -> None:
    """Points that are entered by hand are counted, too."""
    light = sim.device("light")
    sim.rights.discard(MODELS)
    entry = entry_for(sim)
    await set_up(hass, entry)
    crowd(hass, entry, LIMIT - 4)
    result = await begin_subentry(hass, entry, "device")
    result = await fill_subentry(hass, result, {"asset_id": light.asset_id})
    assert result["step_id"] == "manual_points"
    points = [
        {"identifier": name, "data_type": "BOOL"} for name in ("switch", "status")
    ]
    refused = await fill_subentry(hass, result, {"points": points})
    assert refused["errors"] == {"base": "too_many_entities"}
    assert refused["description_placeholders"]["entities"] == "10,001"
    assert suggested(refused) == {"points": points}
    done = await fill_subentry(hass, refused, {"points": points[:1]})
    assert done["type"] is FlowResultType.CREATE_ENTRY


async def crowded(hass: HomeAssistant, sim: Simulator, left: int) -> MockConfigEntry:
    """Return an entry that has room for so many more entities."""
    entry = entry_for(sim)
    await set_up(hass, entry)
    assert len(enabled(hass, entry)) == 2
    crowd(hass, entry, LIMIT - left - 2)
    return entry


async def test_product_added_to_a_full_entry(hass: HomeAssistant) -> None:
    """What the entry has counts, except what is disabled."""
    async with fleet(light=10) as sim:
        entry = await crowded(hass, sim, 29)
        key = sim.device("light").product_key
        devices = [device.asset_id for device in sim.devices.values()]
        result = await begin_subentry(hass, entry, "product")
        result = await fill_subentry(hass, result, {"product_key": key})
        result = await fill_subentry(hass, result, {"devices": devices[:9]})
        # Three times nine fit: one point that may be written is among five.
        chosen = suggested(result)
        assert result["description_placeholders"]["devices"] == "9"
        assert len(chosen["controls"]) + len(chosen["sensors"]) <= 2
        points = list(offered(result, "sensors"))
        refused = await fill_subentry(hass, result, {"sensors": points[:3]})
        assert refused["errors"] == {"base": "too_many_entities"}
        assert refused["description_placeholders"]["entities"] == "10,007"
        assert refused["description_placeholders"]["most"] == "2"
        done = await fill_subentry(hass, refused, {"sensors": points[:2]})
        assert done["type"] is FlowResultType.CREATE_ENTRY
        await hass.async_block_till_done(wait_background_tasks=True)
        # What was counted is what there is, or somebody has added kinds of entities.
        assert len(enabled(hass, entry)) == LIMIT - 2


async def test_devices_of_a_full_entry(hass: HomeAssistant) -> None:
    """A form with too many devices says so before any point is chosen."""
    async with fleet(light=10) as sim:
        entry = await crowded(hass, sim, 9)
        key = sim.device("light").product_key
        result = await begin_subentry(hass, entry, "product")
        result = await fill_subentry(hass, result, {"product_key": key})
        result = await fill_subentry(hass, result, {})
        assert result["step_id"] == "devices"
        assert result["errors"] == {"base": "too_many_devices"}
        assert result["description_placeholders"]["devices"] == "10"
        assert result["description_placeholders"]["most"] == "9"


async def test_full_entry_is_made_smaller(hass: HomeAssistant) -> None:
    """An entry that has grown too large can be changed as long as it grows no further."""
    async with fleet(light=4) as sim:
        key = sim.device("light").product_key
        chosen = {"controls": ["switch"], "sensors": ["power"]}
        entry = entry_for(sim, product_subentry(sim, "light", **chosen))
        await set_up(hass, entry)
        crowd(hass, entry, LIMIT)
        subentry = subentry_of(entry, f"product:{key}")

        result = await review_subentry(hass, entry, subentry)
        result = await fill_subentry(hass, result, {})
        more = {"controls": ["switch"], "sensors": ["power", "brightness"]}
        result = await fill_subentry(hass, result, more)
        assert result["errors"] == {"base": "too_many_entities"}
        assert result["description_placeholders"]["most"] == "0"
        result = await fill_subentry(hass, result, {"controls": ["switch"]})
        assert result["reason"] == "reconfigure_successful"


@pytest.mark.parametrize("disabled", [True, False])
async def test_disabled_makes_room(hass: HomeAssistant, *, disabled: bool) -> None:
    """What a person disabled of the same points is no reason to refuse."""
    async with fleet(light=4) as sim:
        key = sim.device("light").product_key
        entry = entry_for(sim, product_subentry(sim, "light", controls=["switch"]))
        await set_up(hass, entry)
        registry = er.async_get(hass)
        if disabled:
            for entity in enabled(hass, entry):
                if entity.unique_id.endswith("#connectivity"):
                    registry.async_update_entity(
                        entity.entity_id, disabled_by=er.RegistryEntryDisabler.USER
                    )
            await hass.async_block_till_done(wait_background_tasks=True)
        # Room for two points of each of the four devices, without connectivity.
        crowd(hass, entry, LIMIT - 2 - 8)
        result = await review_subentry(
            hass, entry, subentry_of(entry, f"product:{key}")
        )
        result = await fill_subentry(hass, result, {})
        chosen = {"controls": ["switch"], "sensors": ["power"]}
        result = await fill_subentry(hass, result, chosen)
        if disabled:
            assert result["reason"] == "reconfigure_successful"
        else:
            assert result["errors"] == {"base": "too_many_entities"}


async def test_queueing_has_a_sensor(hass: HomeAssistant) -> None:
    """Where commands may wait, each device with controls tells how many do."""
    policy = {"timeout": 30, "when_offline": "queue", "queue_minutes": 5}
    async with fleet(light=4) as sim:
        key = sim.device("light").product_key
        entry = entry_for(
            sim, product_subentry(sim, "light", sensors=["power"], policy=policy)
        )
        await set_up(hass, entry)
        assert len(enabled(hass, entry)) == 2 + 4 * 2
        crowd(hass, entry, LIMIT - 2 - 11)
        result = await review_subentry(
            hass, entry, subentry_of(entry, f"product:{key}")
        )
        result = await fill_subentry(hass, result, {})
        refused = await fill_subentry(hass, result, {"controls": ["switch"]})
        assert refused["errors"] == {"base": "too_many_entities"}
        done = await fill_subentry(hass, refused, {"sensors": ["brightness"]})
        assert done["reason"] == "reconfigure_successful"


async def test_single_device(hass: HomeAssistant, sim: Simulator) -> None:
    """A single device of a large model; its form can be filled as well."""
    wide = sim.add_device("wide")
    entry = await crowded(hass, sim, 50)
    result = await begin_subentry(hass, entry, "device")
    result = await fill_subentry(hass, result, {"asset_id": wide.asset_id})
    # Neither the 53 that may be written fit, nor 50 that are read.
    chosen = suggested(result)
    assert chosen["controls"] == []
    assert set(chosen["sensors"]) > ALARMS
    result = await fill_subentry(hass, result, {"fill": "all"})
    result = await fill_subentry(hass, result, {"fill": "keep", **suggested(result)})
    assert result["errors"] == {"base": "too_many_entities"}
    assert result["description_placeholders"]["most"] == "49"
    result = await fill_subentry(hass, result, {"fill": "none"})
    result = await fill_subentry(hass, result, {"controls": ["ch1_enable"]})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    done = subentry_of(entry, f"device:{wide.asset_id}")
    assert (done.data["controls"], done.data["sensors"]) == (["ch1_enable"], [])


async def test_what_is_counted_is_what_there_is(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """An entry just full by our count is full by Home Assistant's."""
    fcu, ahu = sim.device("fcu"), sim.device("ahu")
    entry = entry_for(sim, device_subentry(ahu, controls=["mode"], sensors=["co2"]))
    await set_up(hass, entry)
    there = len(enabled(hass, entry))
    crowd(hass, entry, LIMIT - there - 1 - 5)
    result = await begin_subentry(hass, entry, "device")
    result = await fill_subentry(hass, result, {"asset_id": fcu.asset_id})
    points = {
        "controls": ["mode", "power", "fan_speed"],
        "sensors": ["room_temp", "fault_code", "co2"],
    }
    refused = await fill_subentry(hass, result, points)
    assert refused["errors"] == {"base": "too_many_entities"}
    assert refused["description_placeholders"]["entities"] == "10,001"
    points["sensors"].remove("co2")
    done = await fill_subentry(hass, refused, points)
    assert done["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done(wait_background_tasks=True)
    assert len(enabled(hass, entry)) == LIMIT


async def test_what_goes_makes_room_for_what_comes(hass: HomeAssistant) -> None:
    """Devices that are left out are gone before the points of the others come."""
    async with fleet(light=100) as sim:
        key = sim.device("light").product_key
        entry = entry_for(sim, product_subentry(sim, "light", sensors=["power"]))
        await set_up(hass, entry)
        crowd(hass, entry, LIMIT - len(enabled(hass, entry)))
        result = await review_subentry(
            hass, entry, subentry_of(entry, f"product:{key}")
        )
        devices = list(offered(result, "devices"))[:20]
        result = await fill_subentry(hass, result, {"devices": devices})
        sensors = list(offered(result, "sensors"))
        result = await fill_subentry(hass, result, {"sensors": sensors})
        assert result["reason"] == "reconfigure_successful"
        await hass.async_block_till_done(wait_background_tasks=True)
        own = [each for each in enabled(hass, entry) if "crowd" not in each.unique_id]
        assert len(own) == 2 + 20 * (1 + len(sensors))


async def test_device_among_many(hass: HomeAssistant) -> None:
    """A long list of devices can be searched; what is not in it is refused."""
    async with fleet(light=30) as sim:
        key = sim.device("light").product_key
        entry = entry_for(sim, product_subentry(sim, "light", controls=["switch"]))
        await set_up(hass, entry)
        subentry = subentry_of(entry, f"product:{key}")
        result = await review_subentry(hass, entry, subentry, "commands")
        fields = result["data_schema"].schema["exceptions"].config["fields"]
        # The frontend searches in a single choice only where this is set.
        selector = fields["device"]["selector"]
        config = selector["select"] if isinstance(selector, dict) else selector.config
        assert config["custom_value"] is True
        policy = {"timeout": 5, "when_offline": "fail", "queue_minutes": 15}
        names = [option["value"] for option in config["options"]]
        wrong = {**policy, "exceptions": [{"device": "Light 99", **policy}]}
        result = await fill_subentry(hass, result, wrong)
        assert result["errors"] == {"base": "device_not_among"}
        assert result["description_placeholders"]["device"] == "Light 99"
        assert suggested(result) == wrong
        right = {**policy, "exceptions": [{"device": names[7], **policy}]}
        result = await fill_subentry(hass, result, right)
        assert result["reason"] == "reconfigure_successful"
        (asset_id,) = subentry_of(entry, f"product:{key}").data["policy_exceptions"]
        assert sim.devices[asset_id].device_key in names[7]


async def test_points_are_exchanged(hass: HomeAssistant) -> None:
    """In a full entry other points can be chosen instead of those that were."""
    async with fleet(light=20) as sim:
        key = sim.device("light").product_key
        entry = entry_for(
            sim, product_subentry(sim, "light", sensors=["power", "burn_hours"])
        )
        await set_up(hass, entry)
        crowd(hass, entry, LIMIT - len(enabled(hass, entry)))
        result = await review_subentry(
            hass, entry, subentry_of(entry, f"product:{key}")
        )
        result = await fill_subentry(hass, result, {})
        others = ["brightness", "scene"]
        result = await fill_subentry(hass, result, {"sensors": others})
        assert result["reason"] == "reconfigure_successful"
        await hass.async_block_till_done(wait_background_tasks=True)
        own = [each for each in enabled(hass, entry) if "crowd" not in each.unique_id]
        assert len(own) == 2 + 20 * 3
        assert sum(each.unique_id.endswith("_scene") for each in own) == 20
