"""Device classes and state classes of measurepoints.

The unit of a point decides first; where it leaves a choice, words of identifier and names decide,
line by line of one table. What Home Assistant's own tables refuse is never returned.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.components.number.const import DEVICE_CLASS_UNITS as NUMBER_UNITS
from homeassistant.components.sensor.const import (
    DEVICE_CLASS_STATE_CLASSES,
    DEVICE_CLASS_UNITS as SENSOR_UNITS,
    SensorDeviceClass,
    SensorStateClass,
)

from . import words as w
from .api.models import DataType, Measurepoint
from .units import NO_UNIT, Quantity, Unit, resolve
from .words import NO_TERMS, Terms, Words, terms, words, words_of

TAG_DEVICE_CLASS: Final = "ha/device_class"


def tag(point: Measurepoint, key: str) -> str:
    """Return a tag's text without blanks and case."""
    return point.tags.get(key, "").strip().lower()


def is_pulse(point: Measurepoint) -> bool:
    """Tell a pulse input: EnOS's signal type for what counts up."""
    return point.signal_type.strip().upper() == "PI"


@dataclass(frozen=True, slots=True)
class _Class:
    """A device class: taken when a term is there (or none is asked for) and no other is."""

    device_class: SensorDeviceClass | None
    terms: Terms = NO_TERMS
    unless: Terms = NO_TERMS
    # Terms that must be all of a name.
    whole: Terms = NO_TERMS

    def fits(self, found: Words) -> bool:
        """Tell whether the words allow this class."""
        wanted = not self.terms or found.any(self.terms) or found.are(self.whole)
        return wanted and not found.any(self.unless)


_D = SensorDeviceClass
_ENERGY: Final = (
    # What melts a fuse has the unit of an energy, and is none.
    _Class(None, terms("integral, 积分")),
    _Class(_D.ENERGY, w.COUNTING, w.NOT_COUNTING),
    _Class(_D.ENERGY_STORAGE, w.STORED),
    _Class(_D.ENERGY),
)
_NO2: Final = terms("no 2, nitrogen dioxide, 二氧化氮")
_SO2: Final = terms("so 2, sulphur dioxide, sulfur dioxide, 二氧化硫")
_O3: Final = terms("o 3, ozone, 臭氧")
_CO: Final = terms("co, carbon monoxide, 一氧化碳")
_CO2: Final = terms("co 2, carbon dioxide, 二氧化碳")
_VOC: Final = terms("voc, vocs, tvoc, volatile organic, 挥发性有机")
# The first line that fits counts; a line whose class refuses the unit is passed over. Only units
# of Home Assistant come here (`Unit.native`); a quantity without a line has no class.
_CLASSES: Final[Mapping[Quantity, tuple[_Class, ...]]] = {
    Quantity.ANGLE: (
        _Class(
            _D.WIND_DIRECTION,
            w.WIND_DIRECTION,
            w.DIFFERENCE | terms("relative, 夹角"),
        ),
    ),
    Quantity.APPARENT_POWER: (_Class(_D.APPARENT_POWER),),
    Quantity.AREA: (_Class(_D.AREA),),
    Quantity.CONDUCTIVITY: (_Class(_D.CONDUCTIVITY),),
    Quantity.CURRENT: (_Class(_D.CURRENT),),
    Quantity.DATA_RATE: (_Class(_D.DATA_RATE),),
    Quantity.DATA_SIZE: (_Class(_D.DATA_SIZE, unless=terms("resolution, 分辨率")),),
    Quantity.DENSITY: (
        _Class(_D.ABSOLUTE_HUMIDITY, terms("absolute humidity, 绝对湿度")),
        _Class(_D.PM1, terms("pm 1, pm 1 0")),
        _Class(_D.PM25, terms("pm 2 5, pm 25, 细颗粒物")),
        _Class(_D.PM4, terms("pm 4")),
        _Class(_D.PM10, terms("pm 10, 可吸入颗粒物")),
        _Class(_D.NITROGEN_DIOXIDE, _NO2),
        _Class(_D.NITROUS_OXIDE, terms("n 2 o, nitrous oxide, 一氧化二氮")),
        _Class(
            _D.NITROGEN_MONOXIDE, terms("nitrogen monoxide, nitric oxide, 一氧化氮")
        ),
        _Class(_D.SULPHUR_DIOXIDE, _SO2),
        _Class(_D.OZONE, _O3),
        _Class(_D.CO, _CO, _CO2),
        _Class(_D.VOLATILE_ORGANIC_COMPOUNDS, _VOC),
    ),
    Quantity.DURATION: (_Class(_D.DURATION),),
    Quantity.ENERGY: _ENERGY,
    Quantity.FLOW: (_Class(_D.VOLUME_FLOW_RATE),),
    Quantity.FREQUENCY: (_Class(_D.FREQUENCY),),
    Quantity.HEAT: _ENERGY,
    Quantity.ILLUMINANCE: (_Class(_D.ILLUMINANCE),),
    Quantity.IRRADIANCE: (_Class(None, w.HEAT_FLUX), _Class(_D.IRRADIANCE)),
    Quantity.LENGTH: (
        _Class(_D.PRECIPITATION, w.RAIN, w.NO_LENGTH),
        _Class(_D.DISTANCE, unless=w.RAIN | w.NO_LENGTH),
    ),
    Quantity.LEVEL: (
        _Class(
            _D.SOUND_PRESSURE,
            terms(
                "sound pressure, sound level, noise level, spl, 噪声, 噪音, 声压, 声级"
            ),
            terms("power, index, figure, ratio, signal, 系数, 指数, 声功率, 电阻"),
        ),
        _Class(
            _D.SIGNAL_STRENGTH, terms("rssi, rsrp, rsrq, signal strength, 信号强度")
        ),
    ),
    Quantity.MASS: (_Class(_D.WEIGHT),),
    Quantity.MOLAR: (_Class(_D.BLOOD_GLUCOSE_CONCENTRATION, terms("glucose, 血糖")),),
    Quantity.POWER: (_Class(_D.POWER),),
    Quantity.POWER_LEVEL: (
        _Class(
            _D.SIGNAL_STRENGTH,
            unless=terms("""
                power, output, intercept, compression, noise, sensitivity,
                功率, 输出, 截点, 压缩, 噪声, 灵敏度
            """),
        ),
    ),
    Quantity.PRECIPITATION: (_Class(_D.PRECIPITATION_INTENSITY, w.RAIN | w.STORM),),
    Quantity.PRESSURE: (
        _Class(
            _D.ATMOSPHERIC_PRESSURE,
            terms("atmospheric, barometric, barometer, air pressure outdoor, 大气压"),
            w.DIFFERENCE,
        ),
        _Class(_D.PRESSURE, unless=w.NO_PRESSURE),
    ),
    Quantity.RATIO: (
        _Class(_D.POWER_FACTOR, w.POWER_FACTOR, w.DIFFERENCE | w.CORRECTION),
        _Class(
            _D.BATTERY,
            terms("""
                soc, so c, battery level, battery percentage, battery percent, state of charge,
                荷电状态, 电池电量, 剩余电量
            """),
            terms("""
                limit, min, max, minimum, maximum, lowest, highest, deviation, threshold, health, soh, so h, target, low, high,
                上限, 下限, 最低, 最高, 最小, 最大, 偏差, 健康, 阈值
            """),
            terms("battery, 电池"),
        ),
        _Class(
            _D.MOISTURE,
            terms("moisture, soil humidity, 土壤湿度, 含水"),
            w.DIFFERENCE
            | w.CORRECTION
            | terms("absorption, sensitivity, resistance, permeability, 吸湿, 含水层"),
        ),
        _Class(
            _D.HUMIDITY,
            terms("humidity, rh, hum, 湿度"),
            w.DIFFERENCE
            | w.CORRECTION
            | w.NO_TEMPERATURE
            | terms("valve, output, fan, speed, load, 阀, 输出, 风机, 负荷"),
        ),
        _Class(_D.CO2, _CO2),
        _Class(_D.CO, _CO, _CO2),
        _Class(_D.NITROGEN_DIOXIDE, _NO2),
        _Class(_D.OZONE, _O3),
        _Class(_D.SULPHUR_DIOXIDE, _SO2),
        _Class(_D.VOLATILE_ORGANIC_COMPOUNDS_PARTS, _VOC),
    ),
    Quantity.REACTIVE_ENERGY: (_Class(_D.REACTIVE_ENERGY),),
    Quantity.RELATIVE_HUMIDITY: (
        _Class(_D.HUMIDITY, unless=w.DIFFERENCE | w.CORRECTION),
    ),
    # The library has a "power factor" in kVar: whatever it is, it is no reactive power.
    Quantity.REACTIVE_POWER: (_Class(None, w.POWER_FACTOR), _Class(_D.REACTIVE_POWER)),
    # Whoever weighs decibels as an ear does measures sound; its power has the unit as well.
    Quantity.SOUND_LEVEL: (_Class(_D.SOUND_PRESSURE, unless=terms("power, 声功率")),),
    Quantity.SPEED: (
        _Class(_D.WIND_SPEED, terms("wind, windspeed, gust, 风速"), w.DUCT),
        _Class(_D.SPEED),
    ),
    Quantity.TEMPERATURE: (
        _Class(None, w.NO_TEMPERATURE),
        _Class(None, w.CORRECTION),
        _Class(_D.TEMPERATURE_DELTA, w.DIFFERENCE),
        _Class(_D.TEMPERATURE),
    ),
    Quantity.VOLTAGE: (_Class(_D.VOLTAGE),),
    Quantity.VOLUME: (
        _Class(_D.VOLUME_STORAGE, w.STORED, w.SURELY_COUNTING),
        _Class(_D.GAS, w.GAS, w.NO_GAS | w.WATER),
        _Class(_D.WATER, w.WATER, w.NO_WATER | w.GAS),
        _Class(_D.VOLUME),
    ),
}
_ACIDITY: Final = terms("ph, p h, acidity, 酸")
_UNITLESS: Final = (
    _Class(_D.AQI, terms("aqi, air quality index, 空气质量指数")),
    _Class(_D.PH, _ACIDITY, terms("phase, 相")),
    _Class(_D.POWER_FACTOR, w.POWER_FACTOR),
)
_DEGREES: Final = (
    ("kWh", w.ELECTRICITY),
    ("°C", w.TEMPERATURE),
    ("°", w.ANGLE),
)
# Energies, volumes and masses count up where words allow, the others only where words demand it;
# a rate (power, flow) never does.
_COUNTED: Final = frozenset(
    {
        Quantity.ENERGY,
        Quantity.HEAT,
        Quantity.REACTIVE_ENERGY,
        Quantity.VOLUME,
        Quantity.NORMAL_VOLUME,
        Quantity.MASS,
    }
)
_VOLUMES: Final = frozenset({Quantity.VOLUME, Quantity.NORMAL_VOLUME})
# Of these the energies run backwards where words say so.
_ENERGIES: Final = frozenset({Quantity.ENERGY, Quantity.HEAT, Quantity.REACTIVE_ENERGY})
_COUNTABLE: Final = frozenset(
    {
        None,
        Quantity.CHARGE,
        Quantity.COUNT,
        Quantity.DATA_SIZE,
        Quantity.DURATION,
        Quantity.LENGTH,
    }
)
_METER_UNITS: Final = frozenset({"kJ", "MJ", "GJ", "kcal", "Mcal", "Gcal"})


@lru_cache(maxsize=512)
def _classes_of(unit: str | None) -> frozenset[str]:
    """Return the classes that both sensors and numbers accept with a unit."""
    sensor = {str(known) for known, units in SENSOR_UNITS.items() if unit in units}
    return frozenset(
        str(known)
        for known, units in NUMBER_UNITS.items()
        if unit in units and str(known) in sensor
    )


def classify(point: Measurepoint, found: Words) -> tuple[Unit, str | None]:
    """Return the unit and the device class of a number, None without a certain one."""
    unit = resolve(point.unit, point.multiplier)
    if unit.text == "度":
        unit = next(
            (resolve(symbol) for symbol, thing in _DEGREES if found.any(thing)), unit
        )
    candidates: tuple[_Class, ...] = ()
    if unit.text == "pH" and found.any(_ACIDITY):
        # EnOS's pH is picohenry, yet its own library measures the acidity of soil in it.
        unit = NO_UNIT
    if found.any(w.COEFFICIENT):
        pass
    elif unit.text is None:
        # A whole number is a power factor times something that nobody tells.
        whole = point.data_type is DataType.INT and found.any(w.POWER_FACTOR)
        candidates = () if whole else _UNITLESS
    elif unit.native and unit.quantity is not None:
        candidates = _CLASSES.get(unit.quantity, ())
    accepted = _classes_of(unit.text)
    declared = tag(point, TAG_DEVICE_CLASS)
    if declared == "none" or declared in accepted:
        return unit, declared if declared in accepted else None
    for line in candidates:
        if not line.fits(found):
            continue
        if line.device_class is None:
            return unit, None
        if line.device_class in accepted:
            return unit, line.device_class.value
    return unit, None


def _counts(point: Measurepoint, unit: Unit, found: Words) -> bool:
    """Tell whether a number only grows."""
    if unit.quantity not in _COUNTED | _COUNTABLE:
        return False
    if is_pulse(point):
        return True
    if found.any(w.NOT_COUNTING):
        return False
    if found.any(w.SURELY_COUNTING):
        return True
    if unit.quantity in _COUNTABLE:
        return False
    if unit.quantity is Quantity.MASS and found.any(w.GROSS_MASS):
        return False
    if unit.quantity in _VOLUMES and found.any(w.STORED):
        return False
    if found.any(w.COUNTING):
        return True
    # Watt hours come from meters if nothing else is said, joules only if they come by the million.
    if found.any(w.STORED) or found.any(w.BATTERY):
        return False
    if unit.quantity is Quantity.HEAT:
        return unit.text in _METER_UNITS and found.any(w.HEAT_METER)
    return unit.quantity in {Quantity.ENERGY, Quantity.REACTIVE_ENERGY}


def state_class(
    point: Measurepoint, unit: Unit, device_class: str | None, found: Words
) -> str | None:
    """Return a state class that Home Assistant allows with the class, or None."""
    wanted = SensorStateClass.MEASUREMENT
    if _counts(point, unit, found):
        wanted = SensorStateClass.TOTAL_INCREASING
        if unit.quantity in _ENERGIES and found.any(w.NET):
            wanted = SensorStateClass.TOTAL
    elif unit.quantity is Quantity.ANGLE and unit.native and found.any(w.BEARING):
        wanted = SensorStateClass.MEASUREMENT_ANGLE
    elif (
        point.data_type is DataType.INT
        and (unit.text, device_class) == (None, None)
        and found.any(w.CODE)
    ):
        return None
    if device_class is None:
        return wanted.value
    allowed = DEVICE_CLASS_STATE_CLASSES.get(SensorDeviceClass(device_class), set())
    return wanted.value if wanted in allowed else None


def declared_class(point: Measurepoint, classes: type[StrEnum]) -> str | None:
    """Return the device class of tag `ha/device_class` if the platform knows it."""
    declared = tag(point, TAG_DEVICE_CLASS)
    return declared if declared in set(classes) else None


_BINARY_CLASSES: Final = (
    (w.SMOKE, w.NO_PROBLEM, BinarySensorDeviceClass.SMOKE),
    (w.LEAK, w.NO_PROBLEM, BinarySensorDeviceClass.MOISTURE),
    (w.PROBLEM, w.NO_PROBLEM, BinarySensorDeviceClass.PROBLEM),
    (w.CONNECTED, NO_TERMS, BinarySensorDeviceClass.CONNECTIVITY),
    (w.RUNNING, NO_TERMS, BinarySensorDeviceClass.RUNNING),
)


def binary_class(point: Measurepoint) -> str | None:
    """Return the class of a binary sensor where it is certain what true means."""
    if (declared := declared_class(point, BinarySensorDeviceClass)) is not None:
        return declared
    if tag(point, TAG_DEVICE_CLASS) == "none":
        return None
    if words_of(point.bool_labels.get(True, "")).any(w.NEGATED):
        return None
    found = words(point)
    for wanted, unless, device_class in _BINARY_CLASSES:
        if found.any(wanted):
            return None if found.any(unless) else device_class.value
    return None
