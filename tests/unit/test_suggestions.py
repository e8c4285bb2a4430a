"""Suggestions: which points look as if they should be written."""

from typing import Final

import pytest

from custom_components.enos.api.models import DataType, LocalizedText, Measurepoint
from custom_components.enos.mapping import (
    describe_control,
    suggest_control,
    suggest_reading,
)
from custom_components.enos.words import momentary, words_of

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
AHU-1_SA-T_SP||FLOAT|°C
CHW_Supply_Temp_Setpoint||FLOAT|°C
CHWST_SP||FLOAT|°C
DPSetpoint||FLOAT|Pa
StaticPressureSetpoint||FLOAT|Pa
CO2_Setpoint||INT|ppm
occ_cool_sp||FLOAT|°C
UnoccHeatSetpt||FLOAT|°C
ZN-T-SET||FLOAT|°C
FCU_01_SetTemp||FLOAT|°C
VFD_FREQ_SET||FLOAT|Hz
PumpStartStop||BOOL|
Pump_Start_Stop_Cmd||BOOL|
CHWP1_S_S_CMD||BOOL|
EnableCmd||BOOL|
ControlMode||ENUM|
SysMode||ENUM|
season_mode||ENUM|
workMode||ENUM|
set_mode||INT|
fan_speed_set||ENUM|
fanSpeed||ENUM|
FanLevel||ENUM|
light_switch||BOOL|
lamp_onoff||BOOL|
dimming_level_set||INT|%
Valve_Cmd||FLOAT|%
OA_Damper_Cmd||FLOAT|%
demand_limit_setpoint||FLOAT|%
charge_current_limit_set||FLOAT|A
ActivePowerLimitSet||FLOAT|kW
reactive_power_set||FLOAT|kVar
PowerFactorSetpoint||FLOAT|
target_soc||FLOAT|%
ess_mode_set||ENUM|
PCS_OnOff||BOOL|
hot_water_target_temp||FLOAT|°C
defrost_enable||BOOL|
lock_enable||BOOL|
QF1_remote_switch||BOOL|
irrigation_switch||BOOL|
curtain_ctrl||ENUM|
w1|冷冻水出水温度设定|FLOAT|°C
w2|冷冻水供水温度设定值|FLOAT|°C
w3|冷却水回水温度设定|FLOAT|°C
w4|送风静压设定值|FLOAT|Pa
w5|启停命令|BOOL|
w6|水泵启停控制|BOOL|
w7|冷水机组启停|BOOL|
w8|远程启停|BOOL|
w9|手自动切换|BOOL|
w11|频率设定|FLOAT|Hz
w12|阀门开度给定|FLOAT|%
w13|阀门开度设定|FLOAT|%
w14|风阀控制|FLOAT|%
w15|水阀调节|FLOAT|%
w16|新风阀开度控制|FLOAT|%
w17|照明回路1开关|BOOL|
w18|窗帘控制|ENUM|
w19|空调模式|ENUM|
w20|冷热模式切换|ENUM|
w21|制冷/制热模式|ENUM|
w22|定时开关|BOOL|
w23|面板锁定设置|BOOL|
w24|风机频率手动给定|FLOAT|Hz
w25|CO2浓度设定|FLOAT|ppm
w26|目标SOC|FLOAT|%
w27|充放电功率设定|FLOAT|kW
w28|有功功率下发|FLOAT|kW
w29|无功功率指令值|FLOAT|kVar
w30|储能运行模式设置|ENUM|
w31|开机命令|BOOL|
w32|关机命令|BOOL|
w33|远程开机|BOOL|
w34|亮度调节|INT|%
w35|色温设定|INT|K
w36|夜间模式|BOOL|
w37|节能模式|ENUM|
w38|除湿使能|BOOL|
w39|水箱液位上限设定|FLOAT|m
w40|压差设定|FLOAT|kPa
w41|机组控制命令|ENUM|
w42|给水压力设定|FLOAT|Mpa
w43|最小频率设定|FLOAT|Hz
w44|回风CO2设定值|FLOAT|ppm
w45|新风机启停指令|BOOL|
w46|インバータ周波数設定|FLOAT|Hz
w47|電源スイッチ|BOOL|
w48|空調設定溫度|FLOAT|°C
w49|風機啟停|BOOL|
w51|制冷设定温度|FLOAT|°C
w52|变频器启停控制|BOOL|
w53|风机盘管风速|ENUM|
w54|档位|ENUM|
damper_control_1||FLOAT|%
valve_ctrl2||FLOAT|%
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
AHU-1_SA-T||FLOAT|°C
CHWST||FLOAT|°C
CHWP1_STS||BOOL|
CHWP1_FLT||BOOL|
CHWP1_A_M||BOOL|
CHWP1_HOA||ENUM|
CHWP1_TRIP||BOOL|
CHWP1_RUN||BOOL|
Pump_Status||BOOL|
HandAutoStatus||BOOL|
VFD_FREQ_FB||FLOAT|Hz
VFD_Freq||FLOAT|Hz
Valve_FB||FLOAT|%
Damper_Pos||FLOAT|%
filter_dp_switch||BOOL|
FilterAlarm||BOOL|
freezestat||BOOL|
LowTempAlarm||BOOL|
RunHours||FLOAT|h
StartCount||INT|
ActiveEnergy||DOUBLE|kWh
import_energy_total||DOUBLE|kWh
Uab||FLOAT|V
PhaseACurrent||FLOAT|A
TotalActivePower||FLOAT|kW
PowerFactor||FLOAT|
SOC||FLOAT|%
SOH||FLOAT|%
cell_temp_max||FLOAT|°C
bms_mode_state||ENUM|
comm_status||ENUM|
online||BOOL|
motion||BOOL|
presence||BOOL|
door_contact||BOOL|
water_leak||BOOL|
smoke||BOOL|
set_point_status||INT|
actual_setpoint||FLOAT|°C
effective_setpoint||FLOAT|°C
CurrentMode||ENUM|
current_mode||ENUM|
setpoint_deviation||FLOAT|°C
mode_fb||ENUM|
WROT.TurSpd||FLOAT|rpm
WTUR.TurSt||ENUM|
INV.GenActivePW||FLOAT|kW
health_level||INT|
cycle_number||INT|
accumulating_power||DOUBLE|Ah
discharge_energy||DOUBLE|Wh
UpperLimitTemp||FLOAT|°C
max_temperature||FLOAT|°C
lift_floor||INT|
lift_direction||ENUM|
door_open||BOOL|
charger_plug_state||ENUM|
transformer_tap_position||INT|
setback||FLOAT|°C
asset_name||INT|
subset||INT|
settled||BOOL|
input_offset_voltage||FLOAT|V
r1|冷冻水出水温度|FLOAT|°C
r2|冷冻水供水温度|FLOAT|°C
r3|水泵运行状态|BOOL|
r4|水泵故障|BOOL|
r5|手自动状态|BOOL|
r6|频率反馈|FLOAT|Hz
r7|运行频率|FLOAT|Hz
r8|阀门开度反馈|FLOAT|%
r9|新风阀开度|FLOAT|%
r10|负荷率|FLOAT|%
r11|压缩机电流百分比|FLOAT|%
r12|累计运行时间|FLOAT|h
r13|启动次数|INT|
r14|正向有功总电能|DOUBLE|kWh
r15|A相电压|FLOAT|V
r16|总有功功率|FLOAT|kW
r17|功率因数|FLOAT|
r18|过滤网压差报警|BOOL|
r19|防冻开关|BOOL|
r20|防冻报警|BOOL|
r21|远程/本地状态|BOOL|
r22|远方就地|BOOL|
r23|高压断路器合闸状态|BOOL|
r24|开关量输入1|BOOL|
r25|室内CO2浓度|FLOAT|ppm
r26|液位|FLOAT|m
r27|水箱液位开关|BOOL|
r28|电梯运行方向|ENUM|
r29|电梯当前楼层|INT|
r30|充电桩状态|ENUM|
r31|通讯故障|BOOL|
r32|设备在线|BOOL|
r33|设定值反馈|FLOAT|°C
r34|运行模式反馈|ENUM|
r35|实际温度|FLOAT|°C
r36|瞬时流量|FLOAT|m³/h
r37|累计流量|DOUBLE|m³
r38|剩余电量|FLOAT|%
r39|告警等级|ENUM|
r40|烟感报警|BOOL|
r41|人体感应|BOOL|
r42|照度|FLOAT|lx
r43|变频器故障代码|INT|
r44|压缩机1运行|BOOL|
r45|開關狀態|BOOL|
r46|運轉狀態|BOOL|
r47|消防联动控制|BOOL|
r48|进线开关|BOOL|
r49|负荷开关|BOOL|
r50|刀开关|BOOL|
r51|模式状态|ENUM|
r52|控制柜温度|FLOAT|°C
r53|控制电源电压|FLOAT|V
r54|控制方式|ENUM|
r55|设备模式号|INT|
r56|电源故障|BOOL|
r58|开关柜温度|FLOAT|°C
r59|门禁状态|ENUM|
r60|母联开关|BOOL|
r61|复位次数|INT|
r62|市电电源|BOOL|
r63|电源指示|BOOL|
r64|主电源|BOOL|
switch_cabinet_door||BOOL|
mode_switching_time||FLOAT|s
smoke_switch||BOOL|
transfer_switch||BOOL|
ats_switch_source||ENUM|
main_switch_closed||BOOL|
grid_mode||BOOL|
island_mode||BOOL|
r65|手/自动转换|ENUM|
r66|双电源切换|ENUM|
SpeedRef||FLOAT|%
"""

# Names of a BOOL that is pressed.
PULSES: Final = """
reset
Reset
alarm_reset
FaultReset
FaultReset2
fault_rst
AlarmResetCmd
CH1.Fault_Reset
reset_fault
ResetAlarm
reset_filter
ack
ack_alarm
AlarmAck
alarm acknowledge
clear_alarms
FaultClear
restart
reboot
RestartDevice
scene_trigger
trigger_cmd
filter_reset_btn
meter reset
故障复位
报警复位
报警确认
告警清除
电能清零
复位
复位按钮
复位命令
1#泵故障复位
2号冷机故障复位1
故障復位
重启设备
网关重启
场景触发
清除故障
"""
NO_PULSES: Final = """
reset status
reset_status
reset_enable
reset_mode
reset_time
reset_count
ResetDone
reset_feedback
auto_reset
auto_restart
supply_air_temp_reset
setpoint_reset
preset
preset_mode
offset
clearance
door_clear
path clear
confirmed
trigger_level
triggered
acknowledged
power switch
onoff
复位状态
已复位
未复位
未确认
是否确认
自动复位
复位时间
复位次数
复位反馈
允许复位
触发条件
确认状态
开关
启停
"""


def table(text: str) -> list[tuple[str, str, str, str]]:
    """Return the rows of a table of points."""
    rows = [tuple(line.split("|")) for line in text.strip().splitlines()]
    assert len(set(rows)) == len(rows)
    return rows  # type: ignore[return-value]


def test_tables_are_big_enough() -> None:
    """Many more than sixty real identifiers, both languages on both sides."""
    rows = table(WRITABLE) + table(READ_ONLY)
    assert len(rows) >= 300
    for half in (table(WRITABLE), table(READ_ONLY)):
        assert sum(not name.isascii() for _, name, _, _ in half) >= 60


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
    "tags", [{"ha/access": "maybe"}, {"ha/platform": "light"}, {"ha/access": ""}]
)
def test_tags_without_sense_decide_nothing(tags: dict[str, str]) -> None:
    """A tag that cannot be meant leaves it to the words."""
    assert suggest_control(point("temp_setpoint", tags=tags)) is True
    assert suggest_control(point("room_temp", tags=tags)) is False


@pytest.mark.parametrize("data_type", ["ARRAY", "STRUCT", "FILE", "UNKNOWN"])
def test_types_without_control(data_type: str) -> None:
    """What cannot be a control is never suggested, whatever it is called."""
    model = point("temp_setpoint", data_type, tags={"ha/access": "rw"})
    assert suggest_control(model) is None
    assert describe_control(model, language="en") is None


@pytest.mark.parametrize("text", PULSES.strip().splitlines())
def test_pulse(text: str) -> None:
    """What is pressed and comes back by itself is told from what is switched."""
    assert momentary(words_of(text))
    assert momentary(words_of("p1", text))


@pytest.mark.parametrize("text", NO_PULSES.strip().splitlines())
def test_no_pulse(text: str) -> None:
    """What tells of a pulse, allows or schedules it is none."""
    assert not momentary(words_of(text))


@pytest.mark.parametrize("name", ["复位状态", "Reset status", "已复位"])
def test_one_name_that_denies_a_pulse_is_enough(name: str) -> None:
    """Identifier and names must agree."""
    assert momentary(words_of("fault_reset"))
    assert not momentary(words_of("fault_reset", name))


def test_pulse_input_is_no_control() -> None:
    """A counter's signal is not set."""
    assert suggest_control(point("energy_set", signal_type="PI")) is False


def test_library_suggests_no_control() -> None:
    """The library's features are properties of parts: nothing of it may be preselected."""
    suggested = [model.identifier for model in library() if suggest_control(model)]
    assert suggested == []
