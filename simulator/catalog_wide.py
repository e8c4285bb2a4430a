"""A controller of a whole plant room: 500 measurepoints."""

from collections.abc import Iterator

from .points import ON_OFF, JsonObject, Kind, Point, boolean, enum, struct_item

COUNT = 500
FAULT = boolean("Fault", "Normal")
LOCAL = boolean("Remote", "Local")
RUN = enum(
    "INT",
    _0=("Stopped", "停机"),
    _1=("Starting", "启动中"),
    _2=("Running", "运行"),
    _9=("Fault", "故障"),
)
STRATEGY = enum(
    "STRING",
    efficiency=("Efficiency", "高效"),
    comfort=("Comfort", "舒适"),
    night=("Night", "夜间"),
)
# Lowest, highest, step.
type Limits = tuple[float, float, float]
type Row = tuple[str, str, str, str, object, str | None]

# What each machine of a sort has: suffix, type, English, Chinese, value, unit.
CHILLER: tuple[Row, ...] = (
    ("chw_supply_temp", "DOUBLE", "chilled water supply", "冷冻水供水温度", 7.2, "°C"),
    ("chw_return_temp", "DOUBLE", "chilled water return", "冷冻水回水温度", 12.1, "°C"),
    ("cw_supply_temp", "DOUBLE", "cooling water supply", "冷却水供水温度", 30.4, "°C"),
    ("cw_return_temp", "DOUBLE", "cooling water return", "冷却水回水温度", 35.2, "°C"),
    ("power", "DOUBLE", "power", "功率", 182.5, "kW"),
    ("current", "FLOAT", "current", "电流", 305.5, "A"),
    ("load", "FLOAT", "load", "负荷率", 63.5, "%"),
    ("cop", "DOUBLE", "COP", "能效比", 5.4, None),
    ("evap_pressure", "FLOAT", "evaporator pressure", "蒸发压力", 350.5, "kPa"),
    ("cond_pressure", "FLOAT", "condenser pressure", "冷凝压力", 920.5, "kPa"),
    ("oil_temp", "FLOAT", "oil temperature", "油温", 52.5, "°C"),
    ("run_hours", "INT", "run hours", "运行时间", 8123, "h"),
    ("starts", "INT", "starts", "启动次数", 412, None),
    ("fault_code", "INT", "fault code", "故障代码", 0, None),
    ("message", "STRING", "message", "报文", "", None),
    ("energy", "DOUBLE", "energy", "累计电量", 90210.5, "kWh"),
)
PUMP: tuple[Row, ...] = (
    ("frequency", "FLOAT", "frequency", "频率", 42.5, "Hz"),
    ("power", "DOUBLE", "power", "功率", 22.5, "kW"),
    ("current", "FLOAT", "current", "电流", 41.5, "A"),
    ("dp", "FLOAT", "differential pressure", "压差", 180.5, "kPa"),
    ("run_hours", "INT", "run hours", "运行时间", 6301, "h"),
    ("energy", "DOUBLE", "energy", "累计电量", 30110.5, "kWh"),
)
TOWER: tuple[Row, ...] = (
    ("inlet_temp", "DOUBLE", "inlet temperature", "进水温度", 35.1, "°C"),
    ("outlet_temp", "DOUBLE", "outlet temperature", "出水温度", 30.2, "°C"),
    ("level", "FLOAT", "basin level", "水位", 71.5, "%"),
    ("vibration", "FLOAT", "vibration", "振动", 2.5, "mm/s"),
    ("run_hours", "INT", "run hours", "运行时间", 5120, "h"),
)
FEEDER: tuple[Row, ...] = (
    ("energy", "DOUBLE", "energy", "电量", 120300.5, "kWh"),
    ("reactive_energy", "DOUBLE", "reactive energy", "无功电量", 20300.5, "kvarh"),
    ("power", "DOUBLE", "power", "有功功率", 88.5, "kW"),
    ("reactive", "DOUBLE", "reactive power", "无功功率", 12.5, "kVar"),
    ("pf", "FLOAT", "power factor", "功率因数", 0.97, None),
    ("frequency", "FLOAT", "frequency", "频率", 50.0, "Hz"),
    ("ua", "FLOAT", "voltage A", "A相电压", 231.5, "V"),
    ("ub", "FLOAT", "voltage B", "B相电压", 230.5, "V"),
    ("uc", "FLOAT", "voltage C", "C相电压", 232.5, "V"),
    ("ia", "FLOAT", "current A", "A相电流", 130.5, "A"),
    ("ib", "FLOAT", "current B", "B相电流", 128.5, "A"),
    ("ic", "FLOAT", "current C", "C相电流", 131.5, "A"),
)
COUNTERS = ("energy", "reactive_energy", "run_hours", "starts")


def _measured(prefix: str, en: str, zh: str, rows: tuple[Row, ...]) -> Iterator[Point]:
    for suffix, data_type, name, chinese, value, unit in rows:
        signal = "PI" if suffix in COUNTERS else "AI"
        yield Point(
            *(f"{prefix}_{suffix}", data_type, f"{en} {name}", f"{zh}{chinese}"),
            value,
            unit,
            signal="Generic" if data_type == "STRING" else signal,
            definition={"maxLength": 128} if data_type == "STRING" else None,
        )


def _flag(
    identifier: str,
    en: str,
    zh: str,
    *,
    access: str = "r",
    definition: JsonObject | None = None,
) -> Point:
    return Point(
        *(identifier, "BOOL", en, zh, access == "rw"),
        access=access,
        signal="DI",
        definition=definition or ON_OFF,
    )


def _number(
    identifier: str, en: str, zh: str, value: float, unit: str, limits: Limits
) -> Point:
    low, high, step = limits
    return Point(
        *(identifier, "FLOAT", en, zh, value, unit),
        access="rw",
        low=low,
        high=high,
        step=step,
    )


def _machines() -> Iterator[Point]:
    """Yield the points of all machines."""
    for number in range(1, 7):
        name, en, zh = f"ch{number}", f"Chiller {number}", f"{number}号冷机"
        yield _flag(f"{name}_enable", f"{en} enable", f"{zh}启停", access="rw")
        yield _number(
            f"{name}_chw_setpoint",
            f"{en} setpoint",
            f"{zh}出水温度设定",
            7,
            "°C",
            (5, 15, 0.1),
        )
        yield Point(
            *(f"{name}_status", "ENUM", f"{en} status", f"{zh}状态", 2),
            signal="DI",
            definition=RUN,
        )
        yield _flag(f"{name}_alarm", f"{en} alarm", f"{zh}报警", definition=FAULT)
        yield from _measured(name, en, zh, CHILLER)
    for sort, english, chinese in (
        ("chwp", "Chilled water pump", "冷冻泵"),
        ("cwp", "Cooling water pump", "冷却泵"),
    ):
        for number in range(1, 9):
            name, en = f"{sort}{number}", f"{english} {number}"
            zh = f"{number}号{chinese}"
            yield _flag(f"{name}_start_cmd", f"{en} start", f"{zh}启停", access="rw")
            yield _number(
                f"{name}_freq_set",
                f"{en} frequency setpoint",
                f"{zh}频率设定",
                42.5,
                "Hz",
                (20, 50, 0.5),
            )
            yield _flag(f"{name}_run", f"{en} running", f"{zh}运行状态")
            yield _flag(f"{name}_fault", f"{en} fault", f"{zh}故障", definition=FAULT)
            yield _flag(f"{name}_remote", f"{en} remote", f"{zh}远程", definition=LOCAL)
            yield from _measured(name, en, zh, PUMP)
    for number in range(1, 7):
        name, en, zh = f"ct{number}", f"Cooling tower {number}", f"{number}号冷却塔"
        yield _flag(f"{name}_fan_cmd", f"{en} fan", f"{zh}风机启停", access="rw")
        yield _flag(f"{name}_fault", f"{en} fault", f"{zh}故障", definition=FAULT)
        yield from _measured(name, en, zh, TOWER)
    for number in range(1, 11):
        name, en, zh = f"feeder{number}", f"Feeder {number}", f"{number}号回路"
        yield from _measured(name, en, zh, FEEDER)


def _plant() -> Iterator[Point]:
    """Yield what the plant room has once."""
    generic = "Generic"
    yield Point("outdoor_temp", "DOUBLE", "Outdoor temperature", "室外温度", 31.5, "°C")
    yield Point("outdoor_humidity", "FLOAT", "Outdoor humidity", "室外湿度", 62.5, "%")
    yield Point(
        *("strategy", "ENUM", "Strategy", "运行策略", "comfort"),
        access="rw",
        signal=generic,
        definition=STRATEGY,
    )
    yield Point(
        *("stages", "INT", "Stages allowed", "允许台数", 4),
        access="rw",
        low=0,
        high=6,
        step=1,
    )
    yield Point(
        *("operator_note", "STRING", "Operator note", "值班备注", ""),
        access="rw",
        signal=generic,
        definition={"maxLength": 256},
    )
    yield Point(
        *("last_service", "DATE", "Last service", "上次保养", "2026-05-06"),
        signal=generic,
    )
    yield Point(
        *("last_start", "TIMESTAMP", "Last start", "上次启动", "1767225600000"),
        signal=generic,
    )
    yield Point(
        *("schedule_file", "FILE", "Schedule", "时间表", "enos-connect://plant/s.csv"),
        signal=generic,
    )
    yield Point(
        *("header_temps", "ARRAY", "Header temperatures", "集管温度", [7.1, 12.2]),
        "°C",
        signal=generic,
        definition={"itemType": "DOUBLE"},
    )
    yield Point(
        *("header", "STRUCT", "Header", "集管", {"flow": 412.5, "dp": 152.5}),
        signal=generic,
        definition={
            "items": [
                struct_item("flow", "DOUBLE", "Flow", "流量", "m³/h"),
                struct_item("dp", "FLOAT", "Differential pressure", "压差", "kPa"),
            ]
        },
    )


def _points() -> tuple[Point, ...]:
    """Return exactly as many points as wanted; room temperatures fill up."""
    points = [*_plant(), *_machines()]
    points.extend(
        Point(
            f"zone{number:02d}_temp",
            *("FLOAT", f"Zone {number} temperature", f"{number}区温度"),
            *(23.5, "°C"),
        )
        for number in range(1, COUNT - len(points) + 1)
    )
    return tuple(points)


WIDE = Kind(
    "wide",
    "plant_controller",
    "plant_base",
    "Plant controller",
    "机房控制器",
    "Plant",
    "机房",
    "HVAC",
    "room",
    _points(),
)
