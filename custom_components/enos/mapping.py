"""Measurepoints as entities: which kind, device class, unit, range, options.

EnOS's thing model says type, unit, names and tags of a point, not whether it may be written nor
what its number means in Home Assistant. The tables here decide by unit first and by words of
identifier and names second, and take a class only where it is certain. Everything is pure.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
import re
from typing import Final

from homeassistant.components.binary_sensor import BinarySensorDeviceClass
from homeassistant.components.number import NumberDeviceClass
from homeassistant.components.number.const import DEVICE_CLASS_UNITS as NUMBER_UNITS
from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
from homeassistant.components.sensor.const import (
    DEVICE_CLASS_STATE_CLASSES,
    DEVICE_CLASS_UNITS,
)
from homeassistant.components.switch import SwitchDeviceClass
from homeassistant.const import UnitOfTemperature

from .api.models import DataType, LocalizedText, Measurepoint
from .units import NO_UNIT, Quantity, Unit, resolve
from .values import FLOAT_MAX, INT_MAX, INT_MIN, declared_number, declared_step

TAG_ACCESS: Final = "ha/access"
TAG_MINIMUM: Final = "ha/min"
TAG_MAXIMUM: Final = "ha/max"
TAG_PLATFORM: Final = "ha/platform"
TAG_DEVICE_CLASS: Final = "ha/device_class"

# A double reaches further, but Home Assistant's unit conversion of a number's limits does not.
DOUBLE_MAX: Final = 1e300

MAX_STATE_LENGTH: Final = 255


class Kind(StrEnum):
    """Kinds of entities; the values are Home Assistant's platforms."""

    NUMBER = "number"
    SWITCH = "switch"
    SELECT = "select"
    SENSOR = "sensor"
    BINARY_SENSOR = "binary_sensor"


@dataclass(frozen=True, slots=True, kw_only=True)
class PointDescription:
    """What an entity of a point looks like.

    `minimum`, `maximum`, `step` are in `unit`; they are set for numbers only, whether declared
    by tags or guessed (`range_declared`: both ends are declared). `options` are code and label.
    """

    kind: Kind
    device_class: str | None = None
    state_class: str | None = None
    unit: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    range_declared: bool = False
    step_declared: bool = False
    options: tuple[tuple[str, str], ...] = field(default=())
    enabled_default: bool = True


# --- words -------------------------------------------------------------------------------------

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@dataclass(frozen=True, slots=True)
class Words:
    """Words of a point: English ones split and lower case, all texts joined for Chinese."""

    phrase: str
    text: str
    endings: tuple[str, ...]

    def any(self, terms: Iterable[str]) -> bool:
        """Tell whether a term occurs: English as whole words in a row, Chinese anywhere."""
        return any(
            f" {term} " in self.phrase if term.isascii() else term in self.text
            for term in terms
        )

    def ends(self, terms: Iterable[str]) -> bool:
        """Tell whether identifier or a name ends with a term."""
        return any(
            ending.endswith(f" {term} " if term.isascii() else term)
            for term in terms
            for ending in self.endings
        )


def _split(text: str) -> str:
    """Return a text's English words in lower case, with a blank around each."""
    return "".join(f" {word.lower()}" for word in _WORD.findall(text)) + " "


@lru_cache(maxsize=4096)
def _words(texts: tuple[str, ...]) -> Words:
    """Return the words of identifier and names."""
    splits = [_split(text) for text in texts]
    joined = "|".join(texts).lower()
    return Words(
        phrase="|".join(splits),
        text=joined,
        endings=(*splits, *(text.strip().lower() for text in texts)),
    )


def words(point: Measurepoint) -> Words:
    """Return the words of a point's identifier and of its names in all languages."""
    names = dict.fromkeys((point.name.default, *point.name.i18n.values()))
    return _words((point.identifier, *(name for name in names if name)))


# --- suggestions -------------------------------------------------------------------------------

# Words that mark a reading, whatever else is there. They come first.
_READ_ONLY: Final = (
    *(
        "status",
        "state",
        "states",
        "stat",
        "sts",
        "stt",
        "feedback",
        "fb",
        "fbk",
        "fdbk",
    ),
    *(
        "alarm",
        "alm",
        "alert",
        "fault",
        "flt",
        "error",
        "err",
        "warning",
        "warn",
        "trip",
    ),
    *(
        "fail",
        "failed",
        "failure",
        "actual",
        "act",
        "measured",
        "measurement",
        "readback",
    ),
    *(
        "rb",
        "count",
        "counter",
        "cnt",
        "total",
        "online",
        "offline",
        "running",
        "health",
    ),
    *(
        "available",
        "availability",
        "rated",
        "nominal",
        "detected",
        "detection",
        "signal",
    ),
    *(
        "breaker",
        "isolator",
        "disconnector",
        "emergency",
        "estop",
        "e stop",
        "protection",
    ),
    *("limit switch", "door switch", "flow switch", "float switch", "level switch"),
    *(
        "pressure switch",
        "tamper switch",
        "reed switch",
        "proximity switch",
        "micro switch",
    ),
    *("switch position", "switching", "switched", "remote control", "local control"),
    *(
        "data set",
        "set up",
        "set id",
        "sp o 2",
        "common mode",
        "failure mode",
        "is set",
    ),
    *(
        "reached",
        "in position",
        "statistics",
        "history",
        "version",
        "deviation",
        "tolerance",
    ),
    *(
        "反馈",
        "状态",
        "报警",
        "告警",
        "警报",
        "故障",
        "异常",
        "实际",
        "实测",
        "测量",
        "检测",
    ),
    *(
        "返回",
        "回读",
        "当前",
        "是否",
        "已",
        "次数",
        "时长",
        "累计",
        "统计",
        "信号",
        "在线",
    ),
    *(
        "离线",
        "额定",
        "保护",
        "急停",
        "紧急",
        "断路器",
        "隔离开关",
        "刀闸",
        "接地",
        "位置",
    ),
    *("分位", "合位", "分合", "限位", "行程开关", "水流开关", "压差开关", "压力开关"),
    *(
        "浮球开关",
        "液位开关",
        "微动开关",
        "接近开关",
        "门磁",
        "开关量",
        "开关频率",
        "损耗",
    ),
    *("到位", "偏差", "公差", "历史", "版本", "设备", "装置", "位移", "设计"),
)
# Words that mark a control of any type.
_WRITABLE: Final = (
    *(
        "set",
        "sp",
        "setpoint",
        "setpt",
        "stpt",
        "set point",
        "set pt",
        "setting",
        "settings",
    ),
    *(
        "cmd",
        "command",
        "target",
        "setvalue",
        "setval",
        "set value",
        "settemp",
        "tempset",
    ),
    *("tempsp", "setmode", "modeset", "setspeed", "setpower", "setvalve", "desired"),
    *("temperaturesetpoint", "tempsetpoint", "humiditysetpoint", "pressuresetpoint"),
    *("设定", "设置", "给定", "目标", "指令", "下发", "遥控", "遥调"),
)
# Words that mark a control of type BOOL or ENUM.
_SWITCHING: Final = (
    *("switch", "enable", "mode", "control", "ctrl", "on off", "onoff", "start stop"),
    *("startstop", "power on", "power on off"),
    *("开关", "控制", "模式", "启停", "使能", "启用", "开启关闭", "开关机", "启动停止"),
)
# A number that ends with one of these, in a unit that is usual for controls, is a control.
_CONTROL_ENDINGS: Final = ("control", "ctrl", "控制", "调节")
_CONTROL_UNITS: Final = frozenset({"", "%", "°C", "Hz"})
# A name that is only this, on a BOOL.
_BARE_SWITCHES: Final = frozenset({"power", "on", "onoff", "switch", "电源"})

_ACCESS: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("rw", "w", "wr", "read_write", "readwrite", "write"), True),
    **dict.fromkeys(("r", "ro", "read", "readonly", "read_only", "none"), False),
}
_CONTROL_KINDS: Final = {
    DataType.BOOL: Kind.SWITCH,
    DataType.ENUM: Kind.SELECT,
    DataType.INT: Kind.NUMBER,
    DataType.FLOAT: Kind.NUMBER,
    DataType.DOUBLE: Kind.NUMBER,
}


def control_kind(point: Measurepoint) -> Kind | None:
    """Return the kind of control that a point could be; None for what has none yet."""
    if point.data_type is DataType.ENUM and not point.enum:
        return None
    return _CONTROL_KINDS.get(point.data_type)


def suggest_control(point: Measurepoint) -> bool | None:
    """Tell whether a point looks as if it should be written; None where it cannot be.

    Tags decide (`ha/access`, then `ha/platform`), then words. In doubt it is not: a wrong yes
    lets people write to a plant, a wrong no costs a tick in a form.
    """
    if (kind := control_kind(point)) is None:
        return None
    access = _ACCESS.get(point.tags.get(TAG_ACCESS, "").strip().lower())
    if access is not None:
        return access
    if platform := point.tags.get(TAG_PLATFORM, "").strip().lower():
        if platform in {Kind.SENSOR, Kind.BINARY_SENSOR}:
            return False
        if platform == kind:
            return True
    if point.signal_type.upper() == "PI":
        return False
    found = words(point)
    if found.any(_READ_ONLY):
        return False
    if found.any(_WRITABLE):
        return True
    if kind is Kind.NUMBER:
        return point.unit in _CONTROL_UNITS and found.ends(_CONTROL_ENDINGS)
    if found.any(_SWITCHING):
        return True
    names = (point.identifier, point.name.default)
    return kind is Kind.SWITCH and any(
        name.strip().lower() in _BARE_SWITCHES for name in names
    )


def suggest_reading(point: Measurepoint) -> bool:
    """Tell whether a point makes a sensible sensor: it can be one and is no control."""
    if describe_reading(point, language="en") is None:
        return False
    return not suggest_control(point)


# --- classes -----------------------------------------------------------------------------------

# Counters: values that only grow (a reset at midnight or on New Year counts as growing).
_COUNTING: Final = (
    *("cumulative", "cumulated", "accumulated", "accumulative", "accumulation", "acc"),
    *(
        "total",
        "totalized",
        "totalizer",
        "lifetime",
        "consumption",
        "consumed",
        "production",
    ),
    *(
        "produced",
        "generation",
        "generated",
        "yield",
        "delivered",
        "imported",
        "exported",
    ),
    *(
        "import",
        "export",
        "daily",
        "today",
        "weekly",
        "monthly",
        "yearly",
        "annual",
        "meter",
    ),
    *(
        "累计",
        "累积",
        "总电量",
        "用电量",
        "发电量",
        "耗电量",
        "充电量",
        "放电量",
        "上网电量",
    ),
    *(
        "电能",
        "能耗",
        "电度",
        "用水量",
        "用气量",
        "用热量",
        "用冷量",
        "耗水量",
        "耗气量",
    ),
    *(
        "总用",
        "表读数",
        "今日",
        "当日",
        "日发电",
        "日用电",
        "当月",
        "当年",
        "产量",
        "表底",
    ),
)
# Only these make a counter of a number that carries no energy, volume or mass.
_SURELY_COUNTING: Final = (
    *("cumulative", "cumulated", "accumulated", "accumulative", "accumulation"),
    *("totalizer", "totalized", "lifetime", "累计", "累积"),
)
# Values that look like counters and are not: fixed, planned, averaged or of a past period.
_NOT_COUNTING: Final = (
    *(
        "rated",
        "nominal",
        "limit",
        "setpoint",
        "set",
        "target",
        "forecast",
        "predicted",
    ),
    *(
        "prediction",
        "planned",
        "plan",
        "budget",
        "average",
        "avg",
        "mean",
        "max",
        "min",
    ),
    *("maximum", "minimum", "yesterday", "last", "previous", "theoretical", "rate"),
    *("specific", "per", "loss", "impact", "pulse", "capacity", "contract", "demand"),
    *(
        "额定",
        "设定",
        "目标",
        "预测",
        "计划",
        "平均",
        "最大",
        "最小",
        "昨日",
        "上月",
        "上年",
    ),
    *("去年", "上周", "理论", "单位", "应发", "损失", "冲击", "容量", "需量", "限值"),
)
_NET: Final = ("net", "净")
_STORED: Final = (
    *("stored", "storage", "remaining", "remain", "residual", "available", "capacity"),
    *("soe", "tank", "reservoir", "stock", "inventory", "剩余", "可用", "容量", "可充"),
    *("可放", "库存", "储量", "存量", "储罐", "水箱", "油箱", "储水"),
)
_DIFFERENCE: Final = (
    *("difference", "diff", "differential", "delta", "dt", "deviation", "deadband"),
    *(
        "dead band",
        "hysteresis",
        "rise",
        "offset",
        "bias",
        "correction",
        "compensation",
    ),
    *("drift", "spread", "calibration", "trim", "band", "差", "死区", "偏移", "补偿"),
    *("校正", "修正", "温升", "漂移", "校准"),
)
_NO_TEMPERATURE: Final = (
    *(
        "index",
        "constant",
        "coefficient",
        "sensitivity",
        "指数",
        "系数",
        "常数",
        "灵敏",
    ),
)
_WATER: Final = ("water", "水")
_GAS: Final = ("gas", "natural gas", "燃气", "天然气", "用气", "耗气", "煤气")
_HEAT_FLUX: Final = ("heat", "flux", "density", "热流", "热通", "功率密度")
_RAIN: Final = (
    *("rain", "rainfall", "precipitation", "snow", "snowfall", "storm", "rain rate"),
    *("降水", "降雨", "雨量", "雨强", "降雪", "风暴强度"),
)
_POWER_FACTOR: Final = ("power factor", "pf", "cos phi", "cosphi", "cos", "功率因数")


@dataclass(frozen=True, slots=True)
class _Class:
    """A device class of a quantity: taken when a word is there (or none is asked for)."""

    device_class: SensorDeviceClass | None
    words: tuple[str, ...] = ()
    but: tuple[str, ...] = ()


_D = SensorDeviceClass
# The first line that fits counts; a line whose class refuses the unit is skipped.
_CLASSES: Final[Mapping[Quantity, tuple[_Class, ...]]] = {
    Quantity.ANGLE: (
        _Class(
            _D.WIND_DIRECTION,
            ("wind direction", "wind dir", "wd", "风向"),
            ("relative", "夹角", "偏差"),
        ),
    ),
    Quantity.APPARENT_POWER: (_Class(_D.APPARENT_POWER),),
    Quantity.AREA: (_Class(_D.AREA),),
    Quantity.CONDUCTIVITY: (_Class(_D.CONDUCTIVITY),),
    Quantity.CURRENT: (_Class(_D.CURRENT),),
    Quantity.DATA_SIZE: (_Class(_D.DATA_SIZE),),
    Quantity.DENSITY: (
        _Class(_D.ABSOLUTE_HUMIDITY, ("absolute humidity", "绝对湿度")),
        _Class(_D.PM1, ("pm 1", "pm 1 0", "pm 01")),
        _Class(_D.PM25, ("pm 2 5", "pm 25", "细颗粒物")),
        _Class(_D.PM4, ("pm 4",)),
        _Class(_D.PM10, ("pm 10", "可吸入颗粒物")),
        _Class(_D.NITROGEN_DIOXIDE, ("no 2", "nitrogen dioxide", "二氧化氮")),
        _Class(_D.NITROUS_OXIDE, ("n 2 o", "nitrous oxide", "一氧化二氮")),
        _Class(_D.NITROGEN_MONOXIDE, ("nitrogen monoxide", "nitric oxide", "一氧化氮")),
        _Class(
            _D.SULPHUR_DIOXIDE,
            ("so 2", "sulphur dioxide", "sulfur dioxide", "二氧化硫"),
        ),
        _Class(_D.OZONE, ("o 3", "ozone", "臭氧")),
        _Class(_D.CO, ("co", "carbon monoxide", "一氧化碳"), ("co 2",)),
        _Class(
            _D.VOLATILE_ORGANIC_COMPOUNDS,
            ("voc", "tvoc", "volatile organic", "挥发性有机"),
        ),
    ),
    Quantity.DURATION: (_Class(_D.DURATION),),
    Quantity.ENERGY: (
        _Class(_D.ENERGY, _COUNTING, _NOT_COUNTING),
        _Class(_D.ENERGY_STORAGE, _STORED),
        _Class(_D.ENERGY),
    ),
    Quantity.FLOW: (_Class(_D.VOLUME_FLOW_RATE),),
    Quantity.FREQUENCY: (_Class(_D.FREQUENCY),),
    Quantity.HEAT: (
        _Class(_D.ENERGY, _COUNTING, _NOT_COUNTING),
        _Class(_D.ENERGY_STORAGE, _STORED),
        _Class(_D.ENERGY),
    ),
    Quantity.ILLUMINANCE: (_Class(_D.ILLUMINANCE),),
    Quantity.IRRADIANCE: (_Class(None, _HEAT_FLUX), _Class(_D.IRRADIANCE)),
    Quantity.LENGTH: (
        _Class(_D.PRECIPITATION, _RAIN),
        _Class(_D.DISTANCE),
    ),
    Quantity.LEVEL: (
        _Class(
            _D.SOUND_PRESSURE,
            ("noise", "sound", "spl", "噪声", "噪音", "声压", "声级"),
            ("figure", "power", "ratio", "噪声系数"),
        ),
        _Class(
            _D.SIGNAL_STRENGTH, ("rssi", "rsrp", "rsrq", "signal strength", "信号强度")
        ),
    ),
    Quantity.MASS: (_Class(_D.WEIGHT),),
    Quantity.MOLAR: (_Class(_D.BLOOD_GLUCOSE_CONCENTRATION, ("glucose", "血糖")),),
    Quantity.POWER: (_Class(_D.POWER),),
    Quantity.POWER_LEVEL: (_Class(_D.SIGNAL_STRENGTH),),
    Quantity.PRECIPITATION: (_Class(_D.PRECIPITATION_INTENSITY, _RAIN),),
    Quantity.PRESSURE: (
        _Class(
            _D.ATMOSPHERIC_PRESSURE,
            ("atmospheric", "barometric", "barometer", "大气压", "气压计"),
        ),
        _Class(_D.PRESSURE),
    ),
    Quantity.RATIO: (
        _Class(_D.POWER_FACTOR, _POWER_FACTOR),
        _Class(
            _D.BATTERY,
            (
                "soc",
                "battery level",
                "battery soc",
                "state of charge",
                "battery percentage",
                "荷电状态",
                "电池电量",
            ),
            ("limit", "set", "min", "max", "deviation", "上限", "下限", "设定", "偏差"),
        ),
        _Class(_D.MOISTURE, ("moisture", "soil humidity", "土壤湿度", "含水")),
        _Class(
            _D.HUMIDITY,
            ("humidity", "rh", "hum", "relative humidity", "湿度"),
            (*_DIFFERENCE, "valve", "阀"),
        ),
        _Class(_D.CO2, ("co 2", "carbon dioxide", "二氧化碳")),
        _Class(_D.CO, ("co", "carbon monoxide", "一氧化碳")),
        _Class(_D.NITROGEN_DIOXIDE, ("no 2", "nitrogen dioxide", "二氧化氮")),
        _Class(_D.OZONE, ("o 3", "ozone", "臭氧")),
        _Class(
            _D.SULPHUR_DIOXIDE,
            ("so 2", "sulphur dioxide", "sulfur dioxide", "二氧化硫"),
        ),
        _Class(_D.VOLATILE_ORGANIC_COMPOUNDS_PARTS, ("voc", "tvoc", "挥发性有机")),
    ),
    Quantity.REACTIVE_ENERGY: (_Class(_D.REACTIVE_ENERGY),),
    Quantity.REACTIVE_POWER: (_Class(None, _POWER_FACTOR), _Class(_D.REACTIVE_POWER)),
    Quantity.SPEED: (
        _Class(_D.WIND_SPEED, ("wind", "gust", "ws", "风速"), ("solar",)),
        _Class(_D.SPEED),
    ),
    Quantity.TEMPERATURE: (
        _Class(None, _NO_TEMPERATURE),
        _Class(_D.TEMPERATURE_DELTA, _DIFFERENCE),
        _Class(_D.TEMPERATURE),
    ),
    Quantity.VOLTAGE: (_Class(_D.VOLTAGE),),
    Quantity.VOLUME: (
        _Class(_D.VOLUME_STORAGE, _STORED, ("cumulative", "累计", "累积")),
        _Class(_D.GAS, _GAS),
        _Class(_D.WATER, _WATER),
        _Class(_D.VOLUME),
    ),
}
# Classes of numbers without a unit.
_UNITLESS: Final = (
    _Class(_D.AQI, ("aqi", "air quality index", "空气质量指数")),
    _Class(_D.PH, ("ph", "ph value", "酸碱度", "酸度"), ("phase", "相")),
    _Class(_D.POWER_FACTOR, _POWER_FACTOR),
)
# Whole numbers without a unit that are names of something rather than amounts.
_CODES: Final = (
    *(
        "status",
        "state",
        "mode",
        "code",
        "id",
        "type",
        "version",
        "address",
        "flag",
        "alarm",
    ),
    *("fault", "error", "index", "serial", "number", "word", "bits", "command", "cmd"),
    *(
        "状态",
        "模式",
        "代码",
        "编号",
        "版本",
        "地址",
        "类型",
        "标志",
        "报警",
        "故障",
        "字",
    ),
)
_BEARING: Final = (
    "wind direction",
    "direction",
    "azimuth",
    "heading",
    "bearing",
    "风向",
    "方位",
    "航向",
)
_COUNTABLE: Final = frozenset(
    {
        Quantity.ENERGY,
        Quantity.HEAT,
        Quantity.REACTIVE_ENERGY,
        Quantity.VOLUME,
        Quantity.MASS,
    }
)


def _accepts(device_class: str, unit: str | None) -> bool:
    """Tell whether sensors and numbers of a class accept a unit, by Home Assistant's tables."""
    return any(
        str(known) == device_class and unit in accepted
        for known, accepted in DEVICE_CLASS_UNITS.items()
    ) and any(
        str(known) == device_class and unit in accepted
        for known, accepted in NUMBER_UNITS.items()
    )


def _classify(point: Measurepoint, found: Words) -> tuple[Unit, str | None]:
    """Return the unit and the device class of a number."""
    unit = resolve(point.unit, point.multiplier)
    # Symbol pH is picohenry in EnOS's library, but soil and water are measured in it.
    if unit.text == "pH" and not found.any(("inductance", "电感")):
        unit = NO_UNIT if found.any(("ph", "acidity", "酸")) else unit
        candidates: tuple[_Class, ...] = (_Class(_D.PH),)
    elif unit.text is None:
        candidates = _UNITLESS
    elif unit.native and unit.quantity is not None:
        candidates = _CLASSES.get(unit.quantity, ())
    else:
        candidates = ()
    declared = point.tags.get(TAG_DEVICE_CLASS, "").strip().lower()
    if declared and _accepts(declared, unit.text):
        return unit, declared
    for line in candidates:
        if line.words and not found.any(line.words):
            continue
        if line.but and found.any(line.but):
            continue
        if line.device_class is None:
            return unit, None
        if _accepts(line.device_class, unit.text):
            return unit, str(line.device_class)
    return unit, None


def _counts(point: Measurepoint, unit: Unit, found: Words) -> bool:
    """Tell whether a number only grows."""
    if unit.quantity not in _COUNTABLE:
        counting = found.any(_SURELY_COUNTING) or point.signal_type.upper() == "PI"
        return counting and not found.any(_NOT_COUNTING)
    if point.signal_type.upper() == "PI":
        return True
    if found.any(_NOT_COUNTING):
        return False
    # A watt hour without further words is a meter's; a joule, a litre or a kilogram may be anything.
    if unit.quantity in {Quantity.ENERGY, Quantity.REACTIVE_ENERGY}:
        return not found.any(_STORED) or found.any(_COUNTING)
    return found.any(_COUNTING)


def _state_class(
    point: Measurepoint, unit: Unit, device_class: str | None, found: Words
) -> str | None:
    """Return a state class that Home Assistant allows for the class, or None."""
    if device_class is None and unit.text is None and found.any(_CODES):
        if point.data_type is DataType.INT:
            return None
    wanted = SensorStateClass.MEASUREMENT
    if _counts(point, unit, found):
        wanted = SensorStateClass.TOTAL_INCREASING
        if found.any(_NET):
            wanted = SensorStateClass.TOTAL
    elif unit.quantity is Quantity.ANGLE and unit.native and found.any(_BEARING):
        wanted = SensorStateClass.MEASUREMENT_ANGLE
    if device_class is None:
        return wanted
    allowed = DEVICE_CLASS_STATE_CLASSES.get(SensorDeviceClass(device_class), set())
    if wanted not in allowed and SensorStateClass.MEASUREMENT in allowed:
        wanted = SensorStateClass.MEASUREMENT
    return wanted if wanted in allowed else None


# --- descriptions ------------------------------------------------------------------------------


def describe_control(
    point: Measurepoint, *, language: str, labels: Mapping[str, str] | None = None
) -> PointDescription | None:
    """Return how a point is written: BOOL by switch, ENUM by select, numbers by number.

    `labels` are option labels frozen earlier (code to label); new codes get theirs from the
    model in `language`. None for types that have no control yet.
    """
    match control_kind(point):
        case Kind.SWITCH:
            return PointDescription(
                kind=Kind.SWITCH,
                device_class=_declared_class(point, SwitchDeviceClass),
            )
        case Kind.SELECT:
            return PointDescription(
                kind=Kind.SELECT, options=_options(point, language, labels)
            )
        case Kind.NUMBER:
            return _describe_number(point)
        case _:
            return None


def _describe_number(point: Measurepoint) -> PointDescription:
    """Return the description of a writable number."""
    found = words(point)
    unit, device_class = _classify(point, found)
    if device_class is not None and device_class not in set(NumberDeviceClass):
        device_class = None
    low, high = declared_number(point, TAG_MINIMUM), declared_number(point, TAG_MAXIMUM)
    if low is not None and high is not None and low >= high:
        low = high = None
    type_low, type_high = _limits(point)
    guess = unit.text == "%" and not found.any(_DIFFERENCE)
    minimum = _within(low, type_low, type_high, 0.0 if guess else type_low)
    maximum = _within(high, type_low, type_high, 100.0 if guess else type_high)
    if minimum >= maximum:  # one declared end beyond the other guessed one
        minimum = type_low if low is None else minimum
        maximum = type_high if high is None else maximum
    range_declared = low is not None and high is not None
    step = declared_step(point)
    if step is not None and step > maximum - minimum:
        step = None
    return PointDescription(
        kind=Kind.NUMBER,
        device_class=device_class,
        unit=unit.text,
        minimum=minimum,
        maximum=maximum,
        step=step or _guess_step(point, unit, minimum, maximum, range_declared),
        range_declared=range_declared,
        step_declared=step is not None,
    )


def _limits(point: Measurepoint) -> tuple[float, float]:
    """Return what a point's type can carry."""
    if point.data_type is DataType.INT:
        return float(INT_MIN), float(INT_MAX)
    limit = FLOAT_MAX if point.data_type is DataType.FLOAT else DOUBLE_MAX
    return -limit, limit


def _within(value: float | None, low: float, high: float, default: float) -> float:
    """Return a declared end of a range, held within the type's limits."""
    return default if value is None else min(max(value, low), high)


def _guess_step(
    point: Measurepoint, unit: Unit, minimum: float, maximum: float, declared: bool
) -> float:
    """Return a step for the arrows of the input box; it binds nothing."""
    if point.data_type is DataType.INT:
        return 1.0
    if declared and maximum - minimum <= 1:
        return 0.001
    coarse = {
        "%",
        UnitOfTemperature.CELSIUS,
        UnitOfTemperature.FAHRENHEIT,
        UnitOfTemperature.KELVIN,
    }
    return 0.1 if unit.text in coarse else 0.01


def describe_reading(
    point: Measurepoint, *, language: str, labels: Mapping[str, str] | None = None
) -> PointDescription | None:
    """Return how a point is read; None for ARRAY, STRUCT, FILE and unknown types.

    BOOL: binary sensor. ENUM: enum sensor with options. Numbers: sensor with unit and classes.
    TIMESTAMP and DATE: sensors of these classes. STRING: a plain sensor.
    """
    match point.data_type:
        case DataType.BOOL:
            return PointDescription(
                kind=Kind.BINARY_SENSOR, device_class=_binary_class(point)
            )
        case DataType.ENUM:
            options = _options(point, language, labels)
            return PointDescription(
                kind=Kind.SENSOR,
                device_class=SensorDeviceClass.ENUM.value if options else None,
                options=options,
            )
        case DataType.INT | DataType.FLOAT | DataType.DOUBLE:
            found = words(point)
            unit, device_class = _classify(point, found)
            return PointDescription(
                kind=Kind.SENSOR,
                device_class=device_class,
                state_class=_state_class(point, unit, device_class, found),
                unit=unit.text,
            )
        case DataType.STRING:
            return PointDescription(kind=Kind.SENSOR)
        case DataType.TIMESTAMP:
            return PointDescription(
                kind=Kind.SENSOR, device_class=SensorDeviceClass.TIMESTAMP.value
            )
        case DataType.DATE:
            return PointDescription(
                kind=Kind.SENSOR, device_class=SensorDeviceClass.DATE.value
            )
        case _:
            return None


def _declared_class(point: Measurepoint, classes: type[StrEnum]) -> str | None:
    """Return the device class of tag `ha/device_class` if the platform knows it."""
    declared = point.tags.get(TAG_DEVICE_CLASS, "").strip().lower()
    return declared if declared in set(classes) else None


_PROBLEM: Final = (
    *("alarm", "alm", "fault", "flt", "failure", "error", "trip", "tripped"),
    *("报警", "告警", "故障", "跳闸"),
)
_NO_PROBLEM: Final = (
    *(
        "reset",
        "enable",
        "enabled",
        "disable",
        "ok",
        "normal",
        "clear",
        "ack",
        "acknowledged",
    ),
    *(
        "no",
        "not",
        "mask",
        "inhibit",
        "silence",
        "复位",
        "使能",
        "正常",
        "屏蔽",
        "消音",
        "确认",
    ),
    *("启用", "解除", "无故障", "无报警", "投入"),
)
_RUNNING: Final = ("running", "run status", "run state", "运行状态", "运行中")
_CONNECTED: Final = (
    "online",
    "connected",
    "connectivity",
    "在线",
    "联网状态",
    "通讯状态",
)
_NEGATED: Final = (
    "正常",
    "normal",
    "ok",
    "no",
    "无",
    "false",
    "停",
    "stop",
    "off",
    "离线",
    "offline",
    "disconnected",
    "未",
)


def _binary_class(point: Measurepoint) -> str | None:
    """Return the class of a binary sensor where words are certain about what true means."""
    if (declared := _declared_class(point, BinarySensorDeviceClass)) is not None:
        return declared
    found = words(point)
    # Labels tell when true is the good case of an alarm.
    if _words((point.bool_labels.get(True, ""),)).any(_NEGATED):
        return None
    if found.any(_PROBLEM):
        return None if found.any(_NO_PROBLEM) else BinarySensorDeviceClass.PROBLEM.value
    if found.any(_CONNECTED):
        return BinarySensorDeviceClass.CONNECTIVITY.value
    if found.any(_RUNNING):
        return BinarySensorDeviceClass.RUNNING.value
    return None


# --- options -----------------------------------------------------------------------------------

# A label that is one of these would be read as "no state".
_RESERVED: Final = frozenset({"unknown", "unavailable", "none", ""})


def option_labels(point: Measurepoint, language: str) -> dict[str, str]:
    """Return a label for each code of an ENUM: stripped, not empty, each only once.

    An empty label falls back to other languages, then to the code; of equal labels all but the
    first get their code appended. Whole codes come in numeric order, others as in the model.
    """
    return _unique(
        (code, _label(point.enum[code], language) or code) for code in _codes(point)
    )


def _codes(point: Measurepoint) -> list[str]:
    """Return the codes of an ENUM in the order to show them."""
    codes = list(point.enum)
    if all(re.fullmatch(r"-?\d+", code, re.ASCII) for code in codes):
        codes.sort(key=int)
    return codes


def _label(text: LocalizedText, language: str) -> str:
    """Return a label in a language, else in any."""
    for candidate in (text.get(language), text.default, *text.i18n.values()):
        if label := " ".join(candidate.split()):
            return label
    return ""


def _unique(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return labels that differ, even for who does not tell upper from lower case."""
    result: dict[str, str] = {}
    taken = set(_RESERVED)
    for code, wanted in pairs:
        label = wanted[:MAX_STATE_LENGTH]
        if label.casefold() in taken:
            suffix = f" ({code})"
            label = f"{wanted[: MAX_STATE_LENGTH - len(suffix)]}{suffix}"
        number = 2
        while label.casefold() in taken:
            suffix = f" ({code}, {number})"
            label = f"{wanted[: MAX_STATE_LENGTH - len(suffix)]}{suffix}"
            number += 1
        taken.add(label.casefold())
        result[code] = label
    return result


def _options(
    point: Measurepoint, language: str, labels: Mapping[str, str] | None
) -> tuple[tuple[str, str], ...]:
    """Return code and label of each option, frozen labels first in the right to a name."""
    if not labels:
        return tuple(option_labels(point, language).items())
    frozen = _unique(
        (code, " ".join(labels[code].split()) or code)
        for code in _codes(point)
        if code in labels
    )
    fresh = (
        (code, _label(point.enum[code], language) or code) for code in _codes(point)
    )
    merged = _unique(
        [
            *frozen.items(),
            *((code, label) for code, label in fresh if code not in frozen),
        ]
    )
    return tuple((code, merged[code]) for code in _codes(point))
