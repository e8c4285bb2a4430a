"""The test bench: measurepoints of every type, to read and to write.

A building has none of its own accord; ``Simulator.add_device("lab")`` adds one.
The identifiers say the type first. What is written stays as it is: the bench has
no physics.
"""

from .points import ON_OFF, JsonObject, Kind, Point, boolean, enum, i18n, struct_item

LONG_TEXT = 1024
SPEEDS = enum("INT", _0=("Stopped", "停止"), _1=("Low", "低速"), _2=("High", "高速"))
STATES = enum(
    "STRING",
    idle=("Idle", "空闲"),
    running=("Running", "运行"),
    fault=("Fault", "故障"),
)
# No English anywhere; the codes neither begin at 0 nor follow one another.
CHINESE = enum("INT", _1=("", "自动"), _5=("", "手动"), _20=("", "检修"))


def datapoint(
    identifier: str,
    data_type: str,
    en: str,
    zh: str,
    unit: str | None = None,
    definition: JsonObject | None = None,
) -> JsonObject:
    """Return an input or an output of a service."""
    return {
        "identifier": identifier,
        "name": i18n(en, zh),
        "desc": "",
        "tags": {},
        "dataType": data_type,
        "dataDefinition": definition,
        "unit": None if unit is None else {"unitId": unit, "multiplier": "ONE"},
    }


def service(
    identifier: str,
    en: str,
    zh: str,
    inputs: tuple[JsonObject, ...] = (),
    outputs: tuple[JsonObject, ...] = (),
) -> JsonObject:
    """Return a service."""
    return {
        "identifier": identifier,
        "name": i18n(en, zh),
        "desc": "",
        "tags": {},
        "inputData": list(inputs),
        "outputData": list(outputs),
        "callType": "ASYNC",
    }


_NUMBERS = (
    # INT: with a declared range, without one, a measured one, and 0/1 flags.
    Point(
        *("int_setpoint", "INT", "Speed setpoint", "转速设定", 50, "%"),
        access="rw",
        low=0,
        high=100,
        step=5,
    ),
    Point("int_open", "INT", "Run-on time", "延时时间", 120, "s", access="rw"),
    Point("int_measured", "INT", "Speed", "转速", 1450, "rpm", has_quality=True),
    Point("int_total", "INT", "Starts", "启动次数", 812, signal="PI"),
    Point("int_unstored", "INT", "Error register", "错误寄存器", 0, stored=False),
    Point(
        *("int_flag", "INT", "Release", "允许运行", 0),
        access="rw",
        low=0,
        high=1,
        step=1,
        signal="DI",
    ),
    Point(
        *("int_flag_untagged", "INT", "", "风机启停", 1),
        access="rw",
        low=0,
        high=1,
        signal="DI",
        tagged=False,
    ),
    Point("int_flag_measured", "INT", "Running", "运行反馈", 1, signal="DI"),
    Point(
        *("float_setpoint", "FLOAT", "Temperature setpoint", "温度设定", 22.5, "°C"),
        access="rw",
        low=10,
        high=40,
        step=0.5,
    ),
    Point(
        *("float_open", "FLOAT", "Pressure setpoint", "压力设定", 2.5, "bar"),
        access="rw",
        tagged=False,
    ),
    Point(
        *("float_measured", "FLOAT", "Temperature", "温度", 23.25, "°C"),
        has_quality=True,
    ),
    Point(
        *("double_setpoint", "DOUBLE", "Power setpoint", "功率设定", 12.5, "W", "KILO"),
        access="rw",
        low=0,
        high=500,
        step=0.001,
    ),
    Point("double_open", "DOUBLE", "Gain", "增益", 0.125, access="rw"),
    Point("double_measured", "DOUBLE", "Power", "功率", 12.375, "W", "KILO"),
    Point(
        *("double_energy", "DOUBLE", "Energy", "电量", 3.0625, "Wh", "MEGA"),
        signal="PI",
    ),
)

_CHOICES = (
    Point(
        *("bool_switch", "BOOL", "Lamp switch", "灯开关", False),
        access="rw",
        signal="DI",
        definition=ON_OFF,
    ),
    Point("bool_bare", "BOOL", "Fan enable", "", True, access="rw", signal="DI"),
    Point(
        *("bool_measured", "BOOL", "Door contact", "门磁", False),
        signal="DI",
        definition=boolean("Open", "Closed"),
    ),
    Point(
        *("reset_cmd", "BOOL", "Reset command", "复位命令", False),
        access="rw",
        signal="DI",
        definition=boolean("复位", "-"),
        pulse=True,
    ),
    Point(
        *("enum_int", "ENUM", "Fan speed", "风速", 1),
        access="rw",
        signal="DI",
        definition=SPEEDS,
    ),
    Point(
        *("enum_int_measured", "ENUM", "Fan speed feedback", "风速反馈", 1),
        signal="DI",
        definition=SPEEDS,
    ),
    Point(
        *("enum_text", "ENUM", "Wanted state", "目标状态", "idle"),
        access="rw",
        signal="Generic",
        definition=STATES,
    ),
    Point(
        *("enum_text_measured", "ENUM", "State", "状态", "idle"),
        signal="Generic",
        definition=STATES,
    ),
    Point(
        *("enum_chinese", "ENUM", "", "控制模式", 5),
        access="rw",
        signal="DI",
        definition=CHINESE,
        # An entry that is there and empty.
        name={
            "defaultValue": "控制模式",
            "i18nValue": {"en_US": "", "zh_CN": "控制模式"},
        },
    ),
)

_TEXTS = (
    Point(
        *("string_note", "STRING", "Operator note", "运行备注", ""),
        access="rw",
        signal="Generic",
        definition={"maxLength": 32},
    ),
    Point(
        *("string_onoff", "STRING", "Heater command", "加热命令", "off"),
        access="rw",
        signal="Generic",
        definition={"maxLength": 8},
    ),
    Point(
        *("string_measured", "STRING", "Serial number", "序列号", "LAB-0001"),
        signal="Generic",
        definition={"maxLength": 32},
    ),
    Point(
        *("string_long", "STRING", "Protocol", "试验记录", "试" * LONG_TEXT),
        signal="Generic",
        definition={"maxLength": LONG_TEXT},
        stored=False,
    ),
    Point(
        *("timestamp_start", "TIMESTAMP", "Start at", "启动时间", "1767225600000"),
        access="rw",
        signal="Generic",
    ),
    Point(
        *("timestamp_measured", "TIMESTAMP", "Last run", "上次运行", "1767225600123"),
        signal="Generic",
    ),
    Point(
        *("date_due", "DATE", "Service due", "下次保养", "2027-01-31"),
        access="rw",
        signal="Generic",
    ),
    Point(
        *("date_measured", "DATE", "Last service", "上次保养", "2026-01-31 08:30:00"),
        signal="Generic",
    ),
    Point(
        *("file_program", "FILE", "Program", "试验程序", "enos-connect://lab/a.json"),
        access="rw",
        signal="Generic",
    ),
    Point(
        *("file_report", "FILE", "Report", "试验报告", "ftp://lab.example/report.pdf"),
        signal="Generic",
    ),
)

_COMPOUND = (
    Point(
        *("array_double", "ARRAY", "Curve", "曲线", [18.0, 20.5, 22.0], "°C"),
        access="rw",
        signal="Generic",
        definition={"itemType": "DOUBLE"},
    ),
    Point(
        *("array_string", "ARRAY", "Shifts", "班次", ["early", "晚班"]),
        access="rw",
        signal="Generic",
        definition={"itemType": "STRING"},
    ),
    Point(
        *("array_int", "ARRAY", "Alarm codes", "报警代码", []),
        signal="Generic",
        definition={"itemType": "INT"},
    ),
    Point(
        *("array_measured", "ARRAY", "Winding temperatures", "绕组温度"),
        [61.5, 62.0, 60.5],
        "°C",
        signal="Generic",
        definition={"itemType": "FLOAT"},
    ),
    Point(
        "struct_plan",
        "STRUCT",
        "Test plan",
        "试验计划",
        {"rounds": 3, "target": 35.5, "hold": True, "mode": 1, "label": "早"},
        access="rw",
        signal="Generic",
        definition={
            "items": [
                struct_item("rounds", "INT", "Rounds", "次数"),
                struct_item("target", "FLOAT", "Target", "目标温度", "°C"),
                struct_item("hold", "BOOL", "Hold", "保持", definition=ON_OFF),
                struct_item("mode", "ENUM", "Mode", "模式", definition=SPEEDS),
                struct_item(
                    *("label", "STRING", "Label", "标签"),
                    required=False,
                    definition={"maxLength": 16},
                ),
            ]
        },
    ),
    Point(
        "struct_measured",
        "STRUCT",
        "Drive",
        "变频器",
        {
            "errors": 0,
            "current": 4.5,
            "energy": 1234.5,
            "local": False,
            "state": "idle",
            "firmware": "2.1",
        },
        signal="Generic",
        definition={
            "items": [
                struct_item("errors", "INT", "Errors", "故障数"),
                struct_item("current", "FLOAT", "Current", "电流", "A"),
                struct_item("energy", "DOUBLE", "Energy", "电量", "kWh"),
                struct_item("local", "BOOL", "Local", "就地"),
                struct_item("state", "ENUM", "State", "状态", definition=STATES),
                struct_item("firmware", "STRING", "", "固件版本"),
            ]
        },
    ),
)

LAB = Kind(
    "lab",
    "lab_bench",
    "lab_base",
    "Test bench",
    "测试台架",
    "Test bench",
    "测试台架",
    "Lab",
    "room",
    (*_NUMBERS, *_CHOICES, *_TEXTS, *_COMPOUND),
    services=(
        service("self_test", "Self-test", "自检"),
        service(
            "restart",
            "Restart",
            "重启",
            outputs=(datapoint("took", "DOUBLE", "Took", "用时", "s"),),
        ),
        service(
            "calibrate",
            "Calibrate",
            "校准",
            (
                datapoint("offset", "FLOAT", "Offset", "偏移", "°C"),
                datapoint("mode", "ENUM", "Mode", "模式", definition=SPEEDS),
                datapoint("keep", "BOOL", "Keep", "保存", definition=ON_OFF),
                datapoint("by", "STRING", "By", "人员", definition={"maxLength": 16}),
            ),
            (
                datapoint("passed", "BOOL", "Passed", "通过"),
                datapoint("report", "STRING", "Report", "报告"),
            ),
        ),
    ),
)
