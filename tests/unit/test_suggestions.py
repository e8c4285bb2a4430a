"""Suggestions: which points look as if they should be written."""

from typing import Final

import pytest

from custom_components.enos.api.models import DataType, LocalizedText, Measurepoint
from custom_components.enos.mapping import (
    describe_control,
    suggest_control,
    suggest_reading,
)

from .points import TWO, library, point

# Identifier | name | type | unit, as building and plant models write them.
WRITABLE: Final = """
setpoint||FLOAT|°C
room_temp_setpoint||FLOAT|°C
RoomTempSetpoint||DOUBLE|°C
roomTempSetPoint||FLOAT|°C
SupplyAirTempSP||FLOAT|°C
zone1_temp_sp||FLOAT|°C
AHU1.SAT_SP||FLOAT|°C
HeatSP|Heating setpoint|FLOAT|°C
cool_set||FLOAT|°C
temp_set||INT|°C
set_temp||FLOAT|°C
SetTemp||FLOAT|°C
TempSet||FLOAT|°C
TempSet2||FLOAT|°C
fan_speed_cmd||FLOAT|%
SF1.OnOffCmd||BOOL|
AHU1_SF_Cmd||BOOL|
target_temperature||FLOAT|°C
TargetHumidity||FLOAT|%
mode||ENUM|
OperationMode||ENUM|
fan_mode||ENUM|
HVACMode||ENUM|
eco_mode||BOOL|
onoff||BOOL|
OnOff||BOOL|
ac_on_off||BOOL|
power_switch||BOOL|
switch1||BOOL|
Switch_2||BOOL|
ChillerEnable||BOOL|
enable||BOOL|
lighting_control||BOOL|
LightCtrl||ENUM|
damper_control||FLOAT|%
valve_ctrl||FLOAT|%
FreqSet||FLOAT|Hz
ActivePowerSetPoint||FLOAT|kW
INV.PSet||FLOAT|kW
charge_power_setting||FLOAT|kW
power|Switch|BOOL|
power||BOOL|
brightness_setpoint||INT|%
p1|室温设定|FLOAT|°C
p2|温度设定值|FLOAT|°C
p3|送风温度设定|FLOAT|°C
p4|回风湿度设定值|FLOAT|%
p5|运行模式|ENUM|
p6|风速模式设置|ENUM|
p7|空调开关|BOOL|
p8|照明开关控制|BOOL|
p9|启停控制|BOOL|
p10|冷机启停|BOOL|
p11|频率给定|FLOAT|Hz
p12|阀门开度控制|FLOAT|%
p13|有功功率设定值|FLOAT|kW
p14|目标温度|FLOAT|°C
p15|制热使能|BOOL|
p16|运转模式設定|ENUM|
p17|开关机|BOOL|
p18|变频器频率设定|FLOAT|Hz
Sollwert_Raum||FLOAT|°C
scene||ENUM|
q22|风速|ENUM|
"""
READ_ONLY: Final = """
offset||FLOAT|°C
temp_offset||FLOAT|°C
dataset||INT|
DataSet||INT|
reset||BOOL|
asset_id||INT|
setpoint_feedback||FLOAT|°C
RoomTempSP_FB||FLOAT|°C
mode_status||ENUM|
ModeFeedback||ENUM|
run_status||BOOL|
running||BOOL|
fault||BOOL|
HighTempAlarm||BOOL|
FaultReset||BOOL|
alarm_enable||BOOL|
door_switch||BOOL|
FlowSwitch||BOOL|
switch_status||BOOL|
Switch_Position||ENUM|
room_temp||FLOAT|°C
SupplyAirTemp||FLOAT|°C
valve_position||FLOAT|%
ValveFeedback||FLOAT|%
energy_total||DOUBLE|kWh
ActivePower||FLOAT|kW
control_voltage||FLOAT|V
control_power||FLOAT|W
switching_frequency||FLOAT|Hz
common-mode_rejection_ratio||FLOAT|dB
set-up_time||FLOAT|s
spare||INT|
special||INT|
speed||FLOAT|m/s
model||ENUM|
modem||BOOL|
CabinetType||ENUM|
occupied||BOOL|
breaker_switch||BOOL|
EmergencyStopCmd||BOOL|
q1|室内温度|FLOAT|°C
q2|回风温度|FLOAT|°C
q3|运行状态|BOOL|
q4|故障报警|BOOL|
q5|开关状态|BOOL|
q6|阀门反馈|FLOAT|%
q7|水流开关|BOOL|
q8|手自动状态|ENUM|
q9|设定温度反馈|FLOAT|°C
q10|当前运行模式|ENUM|
q11|断路器分合位|ENUM|
q12|累计电量|DOUBLE|kWh
q13|压差开关|BOOL|
q14|通讯状态|BOOL|
q15|门开关|BOOL|
q16|设备类型|ENUM|
q17|开关损耗|FLOAT|W
q18|控制电压|FLOAT|V
q19|远程控制|BOOL|
q20|运行时间|FLOAT|h
q21|风速|FLOAT|m/s
q23|风速状态|ENUM|
q24|消防泵启停|BOOL|
total_power_set_count||INT|
set_time||FLOAT|s
instruction_rate|指令速度|DOUBLE|1/s
brightness||INT|%
setting_accuracy||FLOAT|%
range_of_setting||FLOAT|A
switch_type|开关类型|ENUM|
SpO2||FLOAT|%
"""


def table(text: str) -> list[tuple[str, str, str, str]]:
    """Return the rows of a table of points."""
    rows = [tuple(line.split("|")) for line in text.strip().splitlines()]
    assert len(set(rows)) == len(rows)
    return rows  # type: ignore[return-value]


def test_tables_are_big_enough() -> None:
    """Sixty real identifiers at least, both languages on both sides."""
    rows = table(WRITABLE) + table(READ_ONLY)
    assert len(rows) >= 120
    for half in (table(WRITABLE), table(READ_ONLY)):
        assert sum(not name.isascii() for _, name, _, _ in half) >= 15


@pytest.mark.parametrize(
    ("row", "expected"),
    [(row, True) for row in table(WRITABLE)]
    + [(row, False) for row in table(READ_ONLY)],
)
def test_suggest_control(row: tuple[str, str, str, str], expected: bool) -> None:
    """What is meant to be set is suggested, everything in doubt is not."""
    identifier, name, data_type, unit = row
    model = point(
        identifier,
        data_type,
        name or identifier,
        unit=unit,
        enum=TWO if data_type == "ENUM" else {},
    )
    assert suggest_control(model) is expected
    assert suggest_reading(model) is not expected


def test_chinese_translation_counts() -> None:
    """A name in any language may tell."""
    name = LocalizedText("p1", {"zh_CN": "温度设定", "en_US": ""})
    model = Measurepoint(identifier="p1", name=name, data_type=DataType.FLOAT)
    assert suggest_control(model) is True
    feedback = LocalizedText("temp_set", {"zh_CN": "温度设定反馈"})
    model = Measurepoint(identifier="p1", name=feedback, data_type=DataType.FLOAT)
    assert suggest_control(model) is False


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"ha/access": "rw"}, True),
        ({"ha/access": " RW "}, True),
        ({"ha/access": "w"}, True),
        ({"ha/access": "r"}, False),
        ({"ha/access": "r", "ha/platform": "number"}, False),
        ({"ha/access": "rw", "ha/platform": "sensor"}, True),
        ({"ha/platform": "number"}, True),
        ({"ha/platform": "sensor"}, False),
        ({"ha/platform": "binary_sensor"}, False),
    ],
)
@pytest.mark.parametrize("identifier", ["temp_setpoint", "room_temp"])
def test_tags_decide(identifier: str, tags: dict[str, str], expected: bool) -> None:
    """What the author of the model says beats every guess."""
    assert suggest_control(point(identifier, tags=tags)) is expected


@pytest.mark.parametrize(
    "tags", [{"ha/access": "maybe"}, {"ha/platform": "switch"}, {"ha/access": ""}]
)
def test_tags_without_sense_decide_nothing(tags: dict[str, str]) -> None:
    """A tag that cannot be meant leaves it to the words."""
    assert suggest_control(point("temp_setpoint", tags=tags)) is True
    assert suggest_control(point("room_temp", tags=tags)) is False


@pytest.mark.parametrize(
    "data_type", ["STRING", "TIMESTAMP", "DATE", "ARRAY", "STRUCT", "FILE", "UNKNOWN"]
)
def test_types_without_control(data_type: str) -> None:
    """What cannot be a control is never suggested, whatever it is called."""
    model = point("temp_setpoint", data_type, tags={"ha/access": "rw"})
    assert suggest_control(model) is None
    assert describe_control(model, language="en") is None


def test_pulse_input_is_no_control() -> None:
    """A counter's signal is not set."""
    assert suggest_control(point("energy_set", signal_type="PI")) is False


def test_library_suggests_no_control() -> None:
    """The library's features are properties of parts: nothing of it may be preselected."""
    suggested = [model.identifier for model in library() if suggest_control(model)]
    assert suggested == []
