"""Repairs of devices, points and rights: told once, true, withdrawn by themselves."""

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
import pytest

from custom_components.enos.issues import KINDS
from simulator import Guesses, Simulator

from .common import (
    device_subentry,
    entry_for,
    poll,
    poll_devices,
    product_subentry,
    set_up,
)
from .reading import all_of
from .repairs import Watch
from .texts import ENGLISH
from .writing import FCU, fcu_control, quiet, set_up_fcus

RIGHTS = (
    "Device Management: Read",
    "Model Management: Read",
    "Asset: Read",
    "Asset: Control",
)


@pytest.fixture
def watch(hass: HomeAssistant) -> Watch:
    """Watch the repairs of a test."""
    return Watch(hass)


def test_texts_have_a_use() -> None:
    """There is a text for each kind of repair, and none that nobody ever sees."""
    clocks = {"clock_skew_behind", "clock_skew_ahead"}
    assert set(ENGLISH["issues"]) == ({*KINDS} - {"clock_skew"}) | clocks


async def test_all_is_well(hass: HomeAssistant, sim: Simulator, watch: Watch) -> None:
    """Where nothing is wrong, nothing is told; offline devices are no repair."""
    entry = await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    await control.write(21.5)
    control.device.status = "offline"
    await control.refuse(22)
    await poll_devices(hass)
    assert watch.events == []
    assert watch.told(entry) == []


async def test_not_activated(hass: HomeAssistant, sim: Simulator, watch: Watch) -> None:
    """Once a command met a device that is not activated, until all such are active."""
    fcus = all_of(sim, "fcu")
    for device in fcus[:2]:
        device.status = "inactive"
    entry = await set_up_fcus(hass, sim)
    await poll_devices(hass)
    assert watch.events == [], "no command met one"
    error = await fcu_control(hass, sim).refuse(21.5)
    assert error.translation_key == "device_inactive"
    assert watch.events == [("create", "devices_not_activated")]
    words = watch.words(entry, "devices_not_activated")
    assert words == {
        "account": entry.title,
        "count": "1",
        "devices": "FCU 3F East",
    }
    assert watch.issue(entry, "devices_not_activated").severity is (
        ir.IssueSeverity.WARNING
    )
    for _ in range(2):
        await fcu_control(hass, sim).refuse(22)
        await poll_devices(hass)
    assert len(watch.events) == 1, "it is told once"

    await fcu_control(hass, sim, index=1).refuse(22)
    words = watch.words(entry, "devices_not_activated")
    assert (words["count"], words["devices"]) == ("2", "FCU 3F East, FCU 3F West")
    fcus[0].status = "online"
    await poll_devices(hass)
    assert watch.words(entry, "devices_not_activated")["devices"] == "FCU 3F West"
    sim.remove_device(fcus[1].asset_id)
    await poll_devices(hass)
    assert watch.told(entry) == []
    assert watch.events[-1] == ("remove", "devices_not_activated")
    assert len(watch.events) == 4


async def test_not_activated_though_queued(
    hass: HomeAssistant, sim: Simulator, watch: Watch
) -> None:
    """A command that waits until its device is activated met it as well."""
    fcus = all_of(sim, "fcu")
    fcus[0].status, fcus[1].status = "inactive", "offline"
    policy = {"when_offline": "queue", "queue_minutes": 15}
    entry = await set_up_fcus(hass, sim, policy=policy)
    await fcu_control(hass, sim, index=1).write(21.5)
    assert watch.told(entry) == [], "offline is another matter"
    await fcu_control(hass, sim).write(21.5)
    assert watch.words(entry, "devices_not_activated")["devices"] == "FCU 3F East"
    fcus[0].status = "offline"
    await poll_devices(hass)
    assert watch.told(entry) == []


async def test_many_devices(hass: HomeAssistant, sim: Simulator, watch: Watch) -> None:
    """Of many devices the first few are named, and all are counted."""
    for _ in range(5):
        sim.add_device("fcu")
    fcus = all_of(sim, "fcu")
    entry = await set_up_fcus(hass, sim)
    for index, device in enumerate(fcus[:7]):
        device.status = "inactive"
        await fcu_control(hass, sim, index=index).refuse(22)
    words = watch.words(entry, "devices_not_activated")
    assert words["count"] == "7"
    assert words["devices"].count(",") == 5
    assert words["devices"].endswith(", …")


async def test_status_that_cannot_be_read(
    hass: HomeAssistant, sim: Simulator, watch: Watch
) -> None:
    """Where the status may not be read, only a command tells that a device is active."""
    sim.rights.discard("Device Management: Read")
    device = sim.device("fcu")
    point = {"temp_setpoint": {"name": "Setpoint", "data_type": "DOUBLE"}}
    entry = entry_for(
        sim, device_subentry(device, controls=["temp_setpoint"], points=point)
    )
    await set_up(hass, entry)
    device.status = "inactive"
    await fcu_control(hass, sim).refuse(22)
    assert "devices_not_activated" in watch.told(entry)
    await poll_devices(hass)
    assert "devices_not_activated" in watch.told(entry)
    device.status = "online"
    for seconds in (40, 80):
        await poll(hass, seconds)
    entry.runtime_data.commands._away.clear()
    await fcu_control(hass, sim).write(22)
    assert "devices_not_activated" not in watch.told(entry)


async def test_custom_format(hass: HomeAssistant, sim: Simulator, watch: Watch) -> None:
    """Products whose commands cannot be encoded, until one can."""
    entry = await set_up_fcus(
        hass, sim, product_subentry(sim, "light", controls=["switch"])
    )
    control, other = fcu_control(hass, sim), fcu_control(hass, sim, "power", index=1)
    control.device.behaviour.custom_format = True
    await other.write(False)
    for _ in range(3):
        error = await control.refuse(21.5)
        assert error.translation_key == "not_encodable"
        await poll_devices(hass)
    assert watch.events == [("create", "custom_format")]
    words = watch.words(entry, "custom_format")
    assert words["count"] == "1"
    assert words["products"] == "Fan coil unit"

    control.device.behaviour.custom_format = False
    await control.write(22)
    assert watch.events[1:] == [("remove", "custom_format")]


async def test_some_commands_can_be_encoded(
    hass: HomeAssistant, sim: Simulator, watch: Watch
) -> None:
    """A command that goes through all the time withdraws nothing again and again."""
    entry = await set_up_fcus(hass, sim)
    control, other = fcu_control(hass, sim), fcu_control(hass, sim, "power", index=1)
    control.device.behaviour.custom_format = True
    for number in range(4):
        await control.refuse(20 + number)
        await other.write(bool(number % 2))
    assert watch.told(entry) == ["custom_format"]
    assert watch.events == [
        ("create", "custom_format"),
        ("remove", "custom_format"),
        ("create", "custom_format"),
    ]


async def test_custom_format_of_a_product_that_goes(
    hass: HomeAssistant, sim: Simulator, watch: Watch
) -> None:
    """A product that was taken out has no repair."""
    entry = await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    control.device.behaviour.custom_format = True
    await control.refuse(21.5)
    (subentry_id,) = entry.subentries
    hass.config_entries.async_remove_subentry(entry, subentry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert entry.state is ConfigEntryState.LOADED
    await poll_devices(hass)
    assert watch.told(entry) == []


@pytest.mark.parametrize("right", RIGHTS[:3])
async def test_right_taken_away(
    hass: HomeAssistant, sim: Simulator, watch: Watch, right: str
) -> None:
    """Each right that reading needs is named while it is missing, and no other."""
    entry = entry_for(
        sim, product_subentry(sim, "fcu", controls=list(FCU), sensors=["room_temp"])
    )
    sim.rights.discard(right)
    await set_up(hass, entry)
    assert entry.state is ConfigEntryState.LOADED, "it loads, and nobody is told why"
    await poll_devices(hass)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await poll_devices(hass)
    assert watch.events == [("create", "permission_missing")]
    words = watch.words(entry, "permission_missing")
    assert words == {"account": entry.title, "rights": right}
    assert watch.issue(entry, "permission_missing").severity is ir.IssueSeverity.ERROR
    sim.rights.add(right)
    if right == "Model Management: Read":
        # Models that are missing are asked for every ten minutes.
        entry.runtime_data.coordinator.discovery._models_at.clear()
    await poll_devices(hass)
    assert watch.told(entry) == []
    assert watch.events[1:] == [("remove", "permission_missing")]


async def test_no_right_at_all(
    hass: HomeAssistant, sim: Simulator, watch: Watch
) -> None:
    """An account without rights loads with what is known, and says what it lacks."""
    sim.rights.clear()
    device = sim.device("fcu")
    point = {"temp_setpoint": {"name": "Setpoint", "data_type": "DOUBLE"}}
    entry = entry_for(
        sim, device_subentry(device, controls=["temp_setpoint"], points=point)
    )
    await set_up(hass, entry)
    await fcu_control(hass, sim).refuse(22)
    await poll_devices(hass)
    words = watch.words(entry, "permission_missing")
    assert words["rights"] == f"{RIGHTS[0]}, {RIGHTS[2]}, {RIGHTS[3]}"
    assert watch.issue(entry, "permission_missing").severity is ir.IssueSeverity.ERROR
    sim.rights.update(RIGHTS[1:])
    await fcu_control(hass, sim).write(22)
    await poll_devices(hass)
    # It works, but for the status.
    assert watch.words(entry, "permission_missing")["rights"] == RIGHTS[0]
    assert watch.issue(entry, "permission_missing").severity is (
        ir.IssueSeverity.WARNING
    )


async def test_single_assets_refused(
    hass: HomeAssistant, sim: Simulator, watch: Watch
) -> None:
    """Devices out of the application's scope are no missing right."""
    sim.guesses = Guesses(G12="80401")
    entry = await set_up_fcus(hass, sim)
    fcus = all_of(sim, "fcu")
    sim.forbidden_assets.update(device.asset_id for device in fcus[:2])
    await poll_devices(hass)
    await fcu_control(hass, sim, index=2).write(22)
    for index in (0, 1, 0):
        error = await fcu_control(hass, sim, index=index).refuse(22)
        assert error.translation_key == "permission_denied"
    await poll_devices(hass)
    refused = entry.runtime_data.coordinator.batches.refused_assets
    assert len(refused) == 2
    assert watch.events == []


async def test_control_is_denied(
    hass: HomeAssistant, sim: Simulator, watch: Watch
) -> None:
    """A single refusal may be the device's matter; two and no success are a right."""
    entry = await set_up_fcus(hass, sim)
    sim.rights.discard("Asset: Control")
    await fcu_control(hass, sim).refuse(22)
    await fcu_control(hass, sim).refuse(23)
    assert watch.told(entry) == []
    for _ in range(3):
        await fcu_control(hass, sim, index=1).refuse(22)
        await poll_devices(hass)
    assert watch.words(entry, "permission_missing")["rights"] == "Asset: Control"
    sim.rights.add("Asset: Control")
    await fcu_control(hass, sim, index=2).write(22)
    assert watch.told(entry) == []
    assert len(watch.events) == 2


async def test_old_success_proves_nothing(
    hass: HomeAssistant,
    sim: Simulator,
    watch: Watch,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A device that obeyed days ago does not speak for the right."""
    entry = await set_up_fcus(hass, sim)
    await fcu_control(hass, sim, index=2).write(22)
    sim.rights.discard("Asset: Control")
    await fcu_control(hass, sim).refuse(22)
    await fcu_control(hass, sim, index=1).refuse(22)
    assert watch.told(entry) == []
    freezer.tick(25 * 3600)
    await quiet(sim)
    await fcu_control(hass, sim).refuse(22)
    assert watch.told(entry) == ["permission_missing"]


async def test_the_last_command_counts(
    hass: HomeAssistant,
    sim: Simulator,
    watch: Watch,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Of each device only what became of the last command speaks for or against the right."""
    entry = await set_up_fcus(hass, sim)
    first, second = (fcu_control(hass, sim, index=index) for index in (0, 1))
    # Both obeyed a moment ago; then neither is allowed.
    for control in (first, second):
        await control.write(22)
    sim.rights.discard("Asset: Control")
    await first.refuse(23)
    assert watch.told(entry) == []
    await second.refuse(23)
    assert watch.told(entry) == ["permission_missing"]
    # Both obey again; a day later one is refused, which says nothing of the other.
    sim.rights.add("Asset: Control")
    for control in (first, second):
        await control.write(24)
    assert watch.told(entry) == []
    freezer.tick(25 * 3600)
    await quiet(sim)
    sim.rights.discard("Asset: Control")
    await second.refuse(25)
    assert watch.told(entry) == []


async def test_a_device_that_went_refuses_nothing(
    hass: HomeAssistant, sim: Simulator, watch: Watch
) -> None:
    """What a device refused that EnOS has no more says nothing of the right."""
    entry = await set_up_fcus(hass, sim)
    sim.rights.discard("Asset: Control")
    gone = fcu_control(hass, sim)
    await gone.refuse(22)
    sim.remove_device(gone.device.asset_id)
    await poll_devices(hass)
    assert gone.device.asset_id not in entry.runtime_data.coordinator.devices
    # The next one is the first in the simulator's list now.
    await fcu_control(hass, sim).refuse(22)
    assert watch.told(entry) == []


async def test_points_gone(hass: HomeAssistant, sim: Simulator, watch: Watch) -> None:
    """Chosen points that the model does not have, until they are chosen no more."""
    entry = await set_up_fcus(
        hass,
        sim,
        product_subentry(sim, "light", controls=["switch"]),
        sensors=["room_temp", "humidity_2", "co3"],
    )
    for _ in range(2):
        await poll_devices(hass)
    assert watch.events == [("create", "points_gone")]
    words = watch.words(entry, "points_gone")
    assert words["count"] == "2"
    assert words["points"] == "- fcu: `co3`, `humidity_2`"
    subentry = next(item for item in entry.subentries.values() if item.title == "fcu")
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, "sensors": ["room_temp"]}
    )
    await hass.async_block_till_done(wait_background_tasks=True)
    await poll_devices(hass)
    assert watch.events[1:] == [("remove", "points_gone")]


async def test_points_of_an_unread_model(
    hass: HomeAssistant, sim: Simulator, watch: Watch
) -> None:
    """Of a model that could not be read nobody knows what is gone; what is by hand is there."""
    device = sim.device("fcu")
    sim.rights.discard("Model Management: Read")
    entry = entry_for(
        sim,
        device_subentry(
            device,
            controls=["temp_setpoint"],
            sensors=["nothing", "by_hand"],
            points={
                "temp_setpoint": {"name": "", "data_type": "DOUBLE"},
                "by_hand": {"name": "", "data_type": "DOUBLE"},
            },
        ),
    )
    await set_up(hass, entry)
    await poll_devices(hass)
    assert watch.told(entry) == [], "what was described by hand needs no model"
    sim.rights.add("Model Management: Read")
    entry.runtime_data.coordinator.discovery._models_at.clear()
    await poll_devices(hass)
    assert watch.words(entry, "points_gone")["points"] == (
        f"- {device.device_key}: `nothing`"
    )
