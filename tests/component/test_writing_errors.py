"""Writes that fail: whoever asked hears of it, and nothing else moves."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.translation import async_get_translations
import pytest

from custom_components.enos.api.client import EnosClient
from simulator import Simulator

from .common import entry_for, product_subentry, set_up, state_of
from .writing import (
    FCU,
    Control,
    elapse,
    fcu_control,
    quiet,
    read_backs,
    records,
    set_up_fcus,
    sets,
    until,
)

type Arrange = Callable[[Control], Awaitable[None]]

_SET = "setMeasurepoint"


def fault(kind: Any, **params: Any) -> Arrange:
    """Return what lets the gateway fail the next write."""

    async def arrange(control: Control) -> None:
        control.sim.faults.add(kind, action=_SET, count=1, **params)

    return arrange


def answer(code: int, message: str = "as told") -> Arrange:
    """Return what lets EnOS answer the next write with a code."""
    body = {"code": code, "msg": message, "data": None}
    return fault("status", status=200, body=body)


async def offline(control: Control) -> None:
    """Take the device off the line."""
    control.device.status = "offline"


async def inactive(control: Control) -> None:
    """Have a device that never was connected."""
    control.device.status = "inactive"


async def custom_format(control: Control) -> None:
    """Have a product for which commands cannot be encoded."""
    control.device.behaviour.custom_format = True


async def refusing(control: Control) -> None:
    """Have a device that answers every command with a failure."""
    control.device.behaviour.reject_code = 4711


async def forbidden(control: Control) -> None:
    """Take the device out of the application's hands."""
    control.sim.forbidden_assets.add(control.device.asset_id)


async def no_right(control: Control) -> None:
    """Take the right to control from the application."""
    control.sim.rights.discard("Asset: Control")


async def no_device(control: Control) -> None:
    """Remove the device from EnOS."""
    control.sim.remove_device(control.device.asset_id)


async def no_gateway(control: Control) -> None:
    """Pull the gateway's plug."""
    await control.sim.stop()


async def wrong_keys(control: Control) -> None:
    """Give the application another secret in EnOS."""
    control.sim.secret_key = control.sim.tokens.secret_key = "another"


async def clock_wrong(control: Control) -> None:
    """Set the gateway's clock ten minutes ahead."""
    control.sim.clock_offset = 600


async def no_token_service(control: Control) -> None:
    """Let the token expire while no other is to be had."""
    await control.sim.expire_tokens()
    control.sim.faults.add("status", path="/token/", status=503)


async def token_limit(control: Control) -> None:
    """Let the token expire while the token service takes no more requests."""
    await control.sim.expire_tokens()
    control.sim.faults.add("rate_limit", path="/token/")


@dataclass(frozen=True)
class Failure:
    """How a write may fail: what is told, how often it was sent, whether it happened."""

    arrange: Arrange
    key: str
    code: str = "-"
    outcome: str = ""
    sent: int = 1
    executed: bool = False


FAILURES = {
    # The six codes of the Set Measurepoint page; 11904 and 11915 once more below.
    "11900": Failure(offline, "device_offline", "11900"),
    "11888": Failure(inactive, "device_inactive", "11888"),
    "11810": Failure(custom_format, "not_encodable", "11810"),
    "11902": Failure(answer(11902), "queue_full", "11902"),
    "11904": Failure(answer(11904), "not_sent", "11904"),
    "11915": Failure(answer(11915), "no_reply", "11915"),
    # Rights.
    "99403-asset": Failure(forbidden, "permission_denied", "99403"),
    "99403-right": Failure(no_right, "permission_denied", "99403"),
    "80401": Failure(answer(80401), "permission_denied", "80401"),
    "403-address": Failure(
        fault("status", status=403), "address_refused", "403", "permission_denied"
    ),
    # Refusals.
    "99400": Failure(answer(99400), "rejected", "99400"),
    "99404": Failure(no_device, "rejected", "99404"),
    "11404": Failure(answer(11404), "rejected", "11404"),
    "11795": Failure(answer(11795), "rejected", "11795"),
    "404-route": Failure(fault("status", status=404), "rejected", "404"),
    "413": Failure(fault("status", status=413), "rejected", "413"),
    "429": Failure(fault("rate_limit"), "rate_limited", "429"),
    "429-seconds": Failure(fault("rate_limit", retry_after="7"), "rate_limited", "429"),
    "429-absurd": Failure(
        fault("rate_limit", retry_after="soon"), "rate_limited", "429"
    ),
    # Nothing was sent.
    "refused-connection": Failure(
        no_gateway, "cannot_connect", outcome="not_sent", sent=0
    ),
    "no-token": Failure(no_token_service, "cannot_connect", "503", "not_sent"),
    "token-limit": Failure(token_limit, "rate_limited", "429"),
    # Who we are is not believed: the write is repeated once, with a new token.
    "wrong-keys": Failure(wrong_keys, "invalid_auth", "1003", "rejected"),
    "clock": Failure(clock_wrong, "clock_skew", "401", "rejected", sent=2),
    # Nobody knows what became of it.
    "drop": Failure(fault("drop"), "unknown_outcome", outcome="unknown"),
    "drop-after": Failure(
        fault("drop_after"), "unknown_outcome", outcome="unknown", executed=True
    ),
    "html": Failure(fault("html"), "unknown_outcome", "200", "unknown"),
    "html-after": Failure(
        fault("html", execute=True), "unknown_outcome", "200", "unknown", executed=True
    ),
    "cut-json": Failure(
        fault("cut_json"), "unknown_outcome", "200", "unknown", executed=True
    ),
    "500": Failure(fault("status", status=500), "unknown_outcome", "500", "unknown"),
    "502-html": Failure(
        fault("status", status=502, body="html"), "unknown_outcome", "502", "unknown"
    ),
    "504-after": Failure(
        fault("status", status=504, body="html", execute=True),
        *("unknown_outcome", "504", "unknown"),
        executed=True,
    ),
    "302": Failure(fault("status", status=302), "unknown_outcome", "302", "unknown"),
    "99500": Failure(answer(99500), "unknown_outcome", "99500", "unknown"),
    "device": Failure(refusing, "unknown_code", "4711", "unknown"),
    "new-code": Failure(answer(31337), "unknown_code", "31337", "unknown"),
}

VALUES = {"power": False, "mode": "Heating", "temp_setpoint": 21.5}


@pytest.mark.parametrize(
    ("failure", "point"),
    [
        pytest.param(failure, list(VALUES)[number % len(VALUES)], id=name)
        for number, (name, failure) in enumerate(FAILURES.items())
    ],
)
async def test_failure_reaches_the_caller(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    failure: Failure,
    point: str,
) -> None:
    """A write that fails says so, names device and point, was sent once, and moves nothing."""
    entry = await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim, point)
    before = control.full_state
    await failure.arrange(control)

    error = await control.refuse(VALUES[point])

    assert not isinstance(error, ServiceValidationError)
    assert (error.translation_domain, error.translation_key) == ("enos", failure.key)
    assert error.translation_placeholders is not None
    told = dict(error.translation_placeholders)
    assert told["device"] == "FCU 3F East"
    assert told["point"] in ("Power", "Mode", "Temperature setpoint")
    assert told["code"] == failure.code
    assert str(error).startswith(f"{told['device']} – {told['point']}: ")
    assert "{" not in str(error)
    for secret in (sim.secret_key, sim.access_key, sim.tokens.current or "-" * 9):
        assert secret not in str(error)
        assert secret not in str(told)

    assert len(sets(sim)) == failure.sent
    assert bool(control.written) is failure.executed
    after = control.full_state
    assert (after.state, after.last_changed) == (before.state, before.last_changed)
    assert after.attributes["command_outcome"] == (failure.outcome or failure.key)
    (record,) = await records(hass, entry)
    outcome = failure.outcome or failure.key
    assert (record["measurepoint_id"], record["outcome"]) == (point, outcome)
    assert str(record["code"] or "-") == failure.code

    # Only a write of which nobody knows is looked after, and none is sent again.
    await elapse(sim, freezer, 15)
    unknown = outcome in ("unknown", "no_reply")
    assert bool(read_backs(sim, control.device)) is unknown
    assert len(sets(sim)) == failure.sent
    assert (control.state != before.state) is failure.executed
    assert control.full_state.state != STATE_UNAVAILABLE


async def test_nothing_sent_in_time(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """Another application keeps the device busy until our command's time is up: 11904."""
    await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    control.device.behaviour.silent = True
    other = EnosClient(
        async_get_clientsession(hass),
        url=sim.url,
        org_id=sim.org_id,
        access_key=sim.access_key,
        secret_key=sim.secret_key,
    )
    theirs = hass.async_create_background_task(
        other.set_measurepoint(control.device.asset_id, "power", False, timeout=60),
        "another application",
    )
    await until(lambda: sim.commands)
    ours = control.start(21.5)
    await until(lambda: len(sim.commands) == 2)
    await elapse(sim, freezer, 31)
    with pytest.raises(HomeAssistantError) as caught:
        await ours
    assert caught.value.translation_key == "not_sent"
    assert (control.state, control.written) == ("24.0", [])
    theirs.cancel()


@pytest.mark.parametrize("applies", [False, True])
async def test_no_answer_in_time(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory, applies: bool
) -> None:
    """A device that does not answer: 11915; the state follows what it then reports."""
    entry = await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    control.device.behaviour.silent = True
    control.device.behaviour.silent_applies = applies
    control.device.behaviour.echo_delay = 36
    task = control.start(21.5)
    await until(lambda: sim.commands)
    await elapse(sim, freezer, 25)
    assert not task.done()
    await elapse(sim, freezer, 6)
    with pytest.raises(HomeAssistantError) as caught:
        await task
    assert caught.value.translation_key == "no_reply"
    assert control.state == "24.0"
    assert (await records(hass, entry))[0]["duration"] == pytest.approx(30, abs=2)
    await elapse(sim, freezer, 20)
    assert control.state == ("21.5" if applies else "24.0")
    assert read_backs(sim, control.device) == [["temp_setpoint"]] * 3
    assert len(sets(sim)) == 1


async def test_gateway_that_never_answers(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """A gateway that holds a write is given up on 15 s after the device's time."""
    await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    sim.faults.add("delay", action=_SET, seconds=50)
    task = control.start(21.5)
    await until(lambda: sets(sim))
    await elapse(sim, freezer, 44)
    assert not task.done()
    await elapse(sim, freezer, 2)
    with pytest.raises(HomeAssistantError) as caught:
        await task
    assert caught.value.translation_key == "unknown_outcome"
    assert control.state == "24.0"
    # It comes through after all, and is seen.
    await elapse(sim, freezer, 11)
    assert control.state == "21.5"
    assert len(sets(sim)) == 1


@pytest.mark.parametrize("revoked", [False, True], ids=["expired", "revoked"])
async def test_refused_token(
    hass: HomeAssistant, sim: Simulator, revoked: bool
) -> None:
    """A token that ended or was taken away costs one more request, and nobody hears of it."""
    await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    if revoked:
        sim.revoke_token()
    else:
        await sim.expire_tokens()
    await control.write(21.5)
    assert [request.http_status for request in control.sent] == [401, 200]
    assert (control.state, control.written) == ("21.5", [21.5])
    assert sim.rejections == []


async def test_wrong_keys_on_the_write_itself(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """With keys that EnOS refuses, also after polls have failed, a write still says so."""
    await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    await wrong_keys(control)
    await elapse(sim, freezer, 95)
    assert hass.config_entries.flow.async_progress_by_handler("enos")
    error = await control.refuse(21.5)
    assert error.translation_key == "invalid_auth"
    assert control.state == "24.0"


AWAY: dict[str, Arrange] = {
    "offline": offline,
    "inactive": inactive,
    "no-gateway": no_gateway,
    "wrong-keys": wrong_keys,
    "clock": clock_wrong,
}


@pytest.mark.parametrize("arrange", AWAY.values(), ids=AWAY.keys())
async def test_controls_stay_available(
    hass: HomeAssistant,
    sim: Simulator,
    freezer: FrozenDateTimeFactory,
    arrange: Arrange,
) -> None:
    """Whatever is away, a call to a control is not dropped by Home Assistant: it raises."""
    await set_up_fcus(hass, sim, sensors=["room_temp"])
    control = fcu_control(hass, sim)
    await arrange(control)
    await elapse(sim, freezer, 130)
    sensor = state_of(hass, sim, "sensor", control.device, "room_temp")
    assert sensor.state == STATE_UNAVAILABLE, "what is only read says so"
    for point in FCU:
        assert fcu_control(hass, sim, point).state != STATE_UNAVAILABLE
    await control.refuse(21.5)
    assert control.state == "24.0"


async def test_controls_without_any_sample(hass: HomeAssistant, sim: Simulator) -> None:
    """A control of which nothing was ever read can be written, and then shows the value."""
    device = sim.device("fcu")
    device.connect_latest.clear()
    device.tsdb_latest.clear()
    await set_up_fcus(hass, sim)
    for point, value in {**VALUES, "fan_speed": "Low"}.items():
        control = fcu_control(hass, sim, point)
        assert control.state == "unknown"
        await control.write(value)
        assert control.state not in ("unknown", STATE_UNAVAILABLE)


async def test_offline_is_remembered_for_a_moment(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """For 10 s after an 11900 the answer comes from memory, for each point of that device."""
    entry = await set_up_fcus(hass, sim)
    controls = [fcu_control(hass, sim, point) for point in ("temp_setpoint", "power")]
    controls[0].device.status = "offline"
    first = await controls[0].refuse(21.5)
    assert len(sets(sim)) == 1
    await elapse(sim, freezer, 9)
    for control, value in zip(controls, (22, False), strict=True):
        again = await control.refuse(value)
        assert again.translation_key == first.translation_key == "device_offline"
        assert again.translation_placeholders is not None
        assert again.translation_placeholders["code"] == "11900"
    assert len(sets(sim)) == 1, "refused without a request"
    assert [record["outcome"] for record in await records(hass, entry)] == [
        "device_offline"
    ] * 3
    # Another device is none of this one's business.
    await fcu_control(hass, sim, index=1).write(20)
    # The memory does not renew itself.
    await elapse(sim, freezer, 1.5)
    await controls[0].refuse(22)
    assert len(controls[0].sent) == 2


async def test_device_list_ends_the_memory(
    hass: HomeAssistant, sim: Simulator, freezer: FrozenDateTimeFactory
) -> None:
    """Once the device list says online, a write goes out at once."""
    await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    await elapse(sim, freezer, 57)
    control.device.status = "offline"
    await control.refuse(21.5)
    control.device.status = "online"
    await control.refuse(21.5)
    assert len(control.sent) == 1
    await elapse(sim, freezer, 8)
    await control.write(21.5)
    assert (control.state, len(control.sent)) == ("21.5", 2)


async def test_device_that_a_command_met_offline(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """EnOS's word to a command counts at once: read-only points go, controls stay."""
    await set_up_fcus(hass, sim, sensors=["room_temp"])
    control = fcu_control(hass, sim)
    control.device.status = "offline"
    await control.refuse(21.5)
    assert (
        state_of(hass, sim, "binary_sensor", control.device, "#connectivity").state
        == "off"
    )
    sensor = state_of(hass, sim, "sensor", control.device, "room_temp")
    assert sensor.state == STATE_UNAVAILABLE
    assert control.state == "24.0"
    other = state_of(hass, sim, "sensor", sim.device("fcu", 1), "room_temp")
    assert other.state != STATE_UNAVAILABLE


async def test_one_forbidden_device_harms_no_other(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """One call for many: the error names the device that failed, the others are written."""
    await set_up_fcus(hass, sim)
    controls = [fcu_control(hass, sim, index=index) for index in range(4)]
    sim.forbidden_assets.add(controls[2].device.asset_id)
    with pytest.raises(HomeAssistantError) as caught:
        await hass.services.async_call(
            "number",
            "set_value",
            {"entity_id": [control.entity_id for control in controls], "value": 20},
            blocking=True,
        )
    assert caught.value.translation_key == "permission_denied"
    assert controls[2].device.name["i18nValue"]["en_US"] in str(caught.value)
    await until(lambda: len(sim.writes) == 3)
    await quiet(sim)
    assert [control.state for control in controls] == ["20.0", "20.0", "24.0", "20.0"]


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "the device is offline (EnOS code 11900)"), ("zh-Hans", "设备离线")],
)
async def test_texts(
    hass: HomeAssistant, sim: Simulator, language: str, words: str
) -> None:
    """Every reason has a text in each language, and it names device and point."""
    await set_up_fcus(hass, sim)
    texts = await async_get_translations(hass, language, "exceptions", {"enos"})
    keys = {failure.key for failure in FAILURES.values()}
    keys |= {"busy", "unloading", "cancelled", "token_refused", "ssl_error"}
    keys |= {"off_step", "not_integral", "not_finite", "unknown_option"}
    for key in sorted(keys):
        text = texts[f"component.enos.exceptions.{key}.message"]
        assert "{device}" in text
        assert "{point}" in text
    offline_text = texts["component.enos.exceptions.device_offline.message"]
    assert words.replace("11900", "{code}") in offline_text


async def test_value_that_only_enos_refuses(
    hass: HomeAssistant, sim: Simulator
) -> None:
    """A range that no tag declares is EnOS's to keep; its own words are passed on."""
    subentry = product_subentry(sim, "fcu_basic", controls=["tempSet"])
    await set_up(hass, entry_for(sim, subentry))
    control = Control(hass, sim, "number", sim.device("fcu_basic"), "tempSet")
    before = control.state
    error = await control.refuse(50)
    assert error.translation_key == "rejected"
    assert "Invalid Argument" in str(error)
    assert control.state == before
