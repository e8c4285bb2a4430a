"""EnOS unit symbols and multipliers as Home Assistant units.

EnOS knows 223 built-in symbols and the SI prefixes from YOTTA to YOCTO as multipliers. Both together say a
quantity and an exact factor to its base unit: `KILO` + `kW` is a million watts, and so is `MW`. A Home Assistant
unit is taken only where quantity and factor are the same, so that no value ever has to be scaled. All else stays
readable text. To teach a symbol, add it to one of the three tables: `_SCALED`, `_EXACT` or `_PLAIN`; other spellings
of a symbol stand in `spellings`.

Source of the symbols: EnOS's unit library (`accessory/units` of enos-model-standard-element).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from typing import Final

from homeassistant.const import (
    DEGREE,
    LIGHT_LUX,
    REVOLUTIONS_PER_MINUTE,
    SIGNAL_STRENGTH_DECIBELS,
    SIGNAL_STRENGTH_DECIBELS_MILLIWATT,
    UnitOfApparentPower,
    UnitOfArea,
    UnitOfBloodGlucoseConcentration,
    UnitOfConductivity,
    UnitOfDataRate,
    UnitOfDensity,
    UnitOfElectricCurrent,
    UnitOfElectricPotential,
    UnitOfEnergy,
    UnitOfFrequency,
    UnitOfInformation,
    UnitOfIrradiance,
    UnitOfLength,
    UnitOfMass,
    UnitOfPower,
    UnitOfPressure,
    UnitOfRatio,
    UnitOfReactiveEnergy,
    UnitOfReactivePower,
    UnitOfSoundPressure,
    UnitOfSpeed,
    UnitOfTemperature,
    UnitOfTime,
    UnitOfVolume,
    UnitOfVolumeFlowRate,
    UnitOfVolumetricFlux,
)

from .spellings import normalize


class Quantity(StrEnum):
    """What a unit measures, as far as the mapping needs to tell."""

    ANGLE = "angle"
    APPARENT_POWER = "apparent_power"
    AREA = "area"
    CAPACITANCE = "capacitance"
    CHARGE = "charge"
    CONDUCTIVITY = "conductivity"
    COUNT = "count"
    CURRENT = "current"
    DATA_RATE = "data_rate"
    DATA_SIZE = "data_size"
    DENSITY = "density"
    DURATION = "duration"
    ENERGY = "energy"
    FLOW = "flow"
    FORCE = "force"
    FREQUENCY = "frequency"
    HEAT = "heat"
    ILLUMINANCE = "illuminance"
    INDUCTANCE = "inductance"
    IRRADIANCE = "irradiance"
    LENGTH = "length"
    LEVEL = "level"
    MASS = "mass"
    MOLAR = "molar"
    NORMAL_VOLUME = "normal_volume"
    POWER = "power"
    POWER_LEVEL = "power_level"
    PRECIPITATION = "precipitation"
    PRESSURE = "pressure"
    RATIO = "ratio"
    REACTIVE_ENERGY = "reactive_energy"
    REACTIVE_POWER = "reactive_power"
    RELATIVE_HUMIDITY = "relative_humidity"
    RESISTANCE = "resistance"
    ROTATION = "rotation"
    SOUND_LEVEL = "sound_level"
    SPEED = "speed"
    TEMPERATURE = "temperature"
    VOLTAGE = "voltage"
    VOLUME = "volume"


@dataclass(frozen=True, slots=True)
class Unit:
    """A resolved unit.

    `text` is what to show (None: the point has no unit). `quantity` is None where the table does not know it.
    `native` tells that `text` is one of Home Assistant's own units of this quantity: only then may a device class
    be chosen by the unit.
    """

    text: str | None
    quantity: Quantity | None = None
    native: bool = False


NO_UNIT: Final = Unit(None)

# Multiplier names of EnOS: power of ten and SI prefix.
MULTIPLIERS: Final[Mapping[str, tuple[int, str]]] = {
    "YOTTA": (24, "Y"),
    "ZETTA": (21, "Z"),
    "EXA": (18, "E"),
    "PETA": (15, "P"),
    "TERA": (12, "T"),
    "GIGA": (9, "G"),
    "MEGA": (6, "M"),
    "KILO": (3, "k"),
    "HECTO": (2, "h"),
    "DECA": (1, "da"),
    "DEKA": (1, "da"),
    "ONE": (0, ""),
    "DECI": (-1, "d"),
    "CENTI": (-2, "c"),
    "MILLI": (-3, "m"),
    "MICRO": (-6, "μ"),
    "NANO": (-9, "n"),
    "PICO": (-12, "p"),
    "FEMTO": (-15, "f"),
    "ATTO": (-18, "a"),
    "ZEPTO": (-21, "z"),
    "YOCTO": (-24, "y"),
}

# Home Assistant's units by quantity, each with its factor to the quantity's base unit (the first line with 1).
# Where two units have the same factor, the one that is spelled like prefix + symbol wins, else the first.
_HOME_ASSISTANT: Final[Mapping[Quantity, Mapping[str, str]]] = {
    Quantity.ANGLE: {DEGREE: "1"},
    Quantity.APPARENT_POWER: {
        UnitOfApparentPower.VOLT_AMPERE: "1",
        UnitOfApparentPower.MILLIVOLT_AMPERE: "1e-3",
        UnitOfApparentPower.KILO_VOLT_AMPERE: "1e3",
    },
    Quantity.AREA: {
        UnitOfArea.SQUARE_METERS: "1",
        UnitOfArea.SQUARE_MILLIMETERS: "1e-6",
        UnitOfArea.SQUARE_CENTIMETERS: "1e-4",
        UnitOfArea.HECTARES: "1e4",
        UnitOfArea.SQUARE_KILOMETERS: "1e6",
        UnitOfArea.SQUARE_INCHES: "0.00064516",
        UnitOfArea.SQUARE_FEET: "0.09290304",
        UnitOfArea.SQUARE_YARDS: "0.83612736",
        UnitOfArea.ACRES: "4046.8564224",
        UnitOfArea.SQUARE_MILES: "2589988.110336",
    },
    Quantity.CONDUCTIVITY: {
        UnitOfConductivity.SIEMENS_PER_CM: "1e2",
        UnitOfConductivity.MILLISIEMENS_PER_CM: "1e-1",
        UnitOfConductivity.MICROSIEMENS_PER_CM: "1e-4",
    },
    Quantity.CURRENT: {
        UnitOfElectricCurrent.AMPERE: "1",
        UnitOfElectricCurrent.MILLIAMPERE: "1e-3",
        UnitOfElectricCurrent.MICROAMPERE: "1e-6",
    },
    Quantity.DATA_RATE: {
        UnitOfDataRate.BITS_PER_SECOND: "1",
        UnitOfDataRate.KILOBITS_PER_SECOND: "1e3",
        UnitOfDataRate.MEGABITS_PER_SECOND: "1e6",
        UnitOfDataRate.GIGABITS_PER_SECOND: "1e9",
        UnitOfDataRate.BYTES_PER_SECOND: "8",
        UnitOfDataRate.KILOBYTES_PER_SECOND: "8e3",
        UnitOfDataRate.MEGABYTES_PER_SECOND: "8e6",
        UnitOfDataRate.GIGABYTES_PER_SECOND: "8e9",
    },
    Quantity.DATA_SIZE: {
        UnitOfInformation.BITS: "1",
        UnitOfInformation.KILOBITS: "1e3",
        UnitOfInformation.MEGABITS: "1e6",
        UnitOfInformation.GIGABITS: "1e9",
        UnitOfInformation.BYTES: "8",
        UnitOfInformation.KILOBYTES: "8e3",
        UnitOfInformation.MEGABYTES: "8e6",
        UnitOfInformation.GIGABYTES: "8e9",
        UnitOfInformation.TERABYTES: "8e12",
        UnitOfInformation.PETABYTES: "8e15",
        UnitOfInformation.EXABYTES: "8e18",
        UnitOfInformation.ZETTABYTES: "8e21",
        UnitOfInformation.YOTTABYTES: "8e24",
    },
    Quantity.DENSITY: {
        UnitOfDensity.GRAMS_PER_CUBIC_METER: "1",
        UnitOfDensity.MILLIGRAMS_PER_CUBIC_METER: "1e-3",
        UnitOfDensity.MICROGRAMS_PER_CUBIC_METER: "1e-6",
    },
    Quantity.DURATION: {
        UnitOfTime.SECONDS: "1",
        UnitOfTime.MICROSECONDS: "1e-6",
        UnitOfTime.MILLISECONDS: "1e-3",
        UnitOfTime.MINUTES: "60",
        UnitOfTime.HOURS: "3600",
        UnitOfTime.DAYS: "86400",
        UnitOfTime.WEEKS: "604800",
    },
    Quantity.ENERGY: {
        UnitOfEnergy.WATT_HOUR: "3600",
        UnitOfEnergy.MILLIWATT_HOUR: "3.6",
        UnitOfEnergy.KILO_WATT_HOUR: "3.6e6",
        UnitOfEnergy.MEGA_WATT_HOUR: "3.6e9",
        UnitOfEnergy.GIGA_WATT_HOUR: "3.6e12",
        UnitOfEnergy.TERA_WATT_HOUR: "3.6e15",
    },
    Quantity.FLOW: {
        UnitOfVolumeFlowRate.CUBIC_METERS_PER_SECOND: "1",
        UnitOfVolumeFlowRate.CUBIC_METERS_PER_MINUTE: "1/60",
        UnitOfVolumeFlowRate.CUBIC_METERS_PER_HOUR: "1/3600",
        UnitOfVolumeFlowRate.LITERS_PER_SECOND: "1/1000",
        UnitOfVolumeFlowRate.LITERS_PER_MINUTE: "1/60000",
        UnitOfVolumeFlowRate.LITERS_PER_HOUR: "1/3600000",
        UnitOfVolumeFlowRate.MILLILITERS_PER_SECOND: "1e-6",
        UnitOfVolumeFlowRate.CUBIC_FEET_PER_MINUTE: "0.028316846592/60",
        UnitOfVolumeFlowRate.GALLONS_PER_MINUTE: "0.003785411784/60",
    },
    Quantity.FREQUENCY: {
        UnitOfFrequency.HERTZ: "1",
        UnitOfFrequency.MILLIHERTZ: "1e-3",
        UnitOfFrequency.KILOHERTZ: "1e3",
        UnitOfFrequency.MEGAHERTZ: "1e6",
        UnitOfFrequency.GIGAHERTZ: "1e9",
    },
    # Joules and calories apart from watt hours: the latter come from meters, the former often do not.
    Quantity.HEAT: {
        UnitOfEnergy.JOULE: "1",
        UnitOfEnergy.KILO_JOULE: "1e3",
        UnitOfEnergy.MEGA_JOULE: "1e6",
        UnitOfEnergy.GIGA_JOULE: "1e9",
        UnitOfEnergy.CALORIE: "4.184",
        UnitOfEnergy.KILO_CALORIE: "4184",
        UnitOfEnergy.MEGA_CALORIE: "4.184e6",
        UnitOfEnergy.GIGA_CALORIE: "4.184e9",
    },
    Quantity.ILLUMINANCE: {LIGHT_LUX: "1"},
    Quantity.IRRADIANCE: {UnitOfIrradiance.WATTS_PER_SQUARE_METER: "1"},
    Quantity.LENGTH: {
        UnitOfLength.METERS: "1",
        UnitOfLength.MILLIMETERS: "1e-3",
        UnitOfLength.CENTIMETERS: "1e-2",
        UnitOfLength.KILOMETERS: "1e3",
        UnitOfLength.INCHES: "0.0254",
        UnitOfLength.FEET: "0.3048",
        UnitOfLength.YARDS: "0.9144",
        UnitOfLength.MILES: "1609.344",
        UnitOfLength.NAUTICAL_MILES: "1852",
    },
    Quantity.MASS: {
        UnitOfMass.GRAMS: "1",
        UnitOfMass.KILOGRAMS: "1e3",
        UnitOfMass.MILLIGRAMS: "1e-3",
        UnitOfMass.MICROGRAMS: "1e-6",
        UnitOfMass.OUNCES: "28.349523125",
        UnitOfMass.POUNDS: "453.59237",
    },
    Quantity.MOLAR: {UnitOfBloodGlucoseConcentration.MILLIMOLE_PER_LITER: "1"},
    Quantity.POWER: {
        UnitOfPower.WATT: "1",
        UnitOfPower.MILLIWATT: "1e-3",
        UnitOfPower.KILO_WATT: "1e3",
        UnitOfPower.MEGA_WATT: "1e6",
        UnitOfPower.GIGA_WATT: "1e9",
        UnitOfPower.TERA_WATT: "1e12",
    },
    Quantity.PRECIPITATION: {UnitOfVolumetricFlux.MILLIMETERS_PER_HOUR: "1"},
    Quantity.PRESSURE: {
        UnitOfPressure.PA: "1",
        UnitOfPressure.MILLIPASCAL: "1e-3",
        UnitOfPressure.HPA: "1e2",
        UnitOfPressure.MBAR: "1e2",
        UnitOfPressure.KPA: "1e3",
        UnitOfPressure.CBAR: "1e3",
        UnitOfPressure.BAR: "1e5",
        UnitOfPressure.ATM: "101325",
        UnitOfPressure.PSI: "6894.757",
        UnitOfPressure.MMHG: "133.322387415",
        UnitOfPressure.INHG: "3386.389",
        UnitOfPressure.INH2O: "249.0889083333348",
    },
    Quantity.RATIO: {
        UnitOfRatio.PERCENTAGE: "1e-2",
        UnitOfRatio.PARTS_PER_MILLION: "1e-6",
        UnitOfRatio.PARTS_PER_BILLION: "1e-9",
    },
    Quantity.REACTIVE_ENERGY: {
        UnitOfReactiveEnergy.VOLT_AMPERE_REACTIVE_HOUR: "1",
        UnitOfReactiveEnergy.KILO_VOLT_AMPERE_REACTIVE_HOUR: "1e3",
    },
    Quantity.REACTIVE_POWER: {
        UnitOfReactivePower.VOLT_AMPERE_REACTIVE: "1",
        UnitOfReactivePower.MILLIVOLT_AMPERE_REACTIVE: "1e-3",
        UnitOfReactivePower.KILO_VOLT_AMPERE_REACTIVE: "1e3",
    },
    Quantity.ROTATION: {REVOLUTIONS_PER_MINUTE: "1/60"},
    Quantity.SPEED: {
        UnitOfSpeed.METERS_PER_SECOND: "1",
        UnitOfSpeed.MILLIMETERS_PER_SECOND: "1e-3",
        UnitOfSpeed.METERS_PER_MINUTE: "1/60",
        UnitOfSpeed.KILOMETERS_PER_HOUR: "1/3.6",
        UnitOfSpeed.FEET_PER_SECOND: "0.3048",
        UnitOfSpeed.MILES_PER_HOUR: "0.44704",
        UnitOfSpeed.KNOTS: "1852/3600",
    },
    Quantity.TEMPERATURE: {UnitOfTemperature.KELVIN: "1"},
    Quantity.VOLTAGE: {
        UnitOfElectricPotential.VOLT: "1",
        UnitOfElectricPotential.MICROVOLT: "1e-6",
        UnitOfElectricPotential.MILLIVOLT: "1e-3",
        UnitOfElectricPotential.KILOVOLT: "1e3",
        UnitOfElectricPotential.MEGAVOLT: "1e6",
    },
    Quantity.VOLUME: {
        UnitOfVolume.CUBIC_METERS: "1",
        UnitOfVolume.LITERS: "1e-3",
        UnitOfVolume.MILLILITERS: "1e-6",
        UnitOfVolume.GALLONS: "0.003785411784",
        UnitOfVolume.CUBIC_FEET: "0.028316846592",
        UnitOfVolume.CENTUM_CUBIC_FEET: "2.8316846592",
        UnitOfVolume.MILLE_CUBIC_FEET: "28.316846592",
    },
}

# EnOS symbols, and others that are met, with their factor to the same base units. What `resolve` does not find
# here or below stays as it is. A normal cubic metre (Nm³) is gas at 0 °C: no cubic metre of Home Assistant.
_SCALED: Final[Mapping[Quantity, str]] = {
    Quantity.ANGLE: "°=1",
    Quantity.APPARENT_POWER: "VA=1, kVA=1e3, MVA=1e6",
    Quantity.AREA: "m²=1, mm²=1e-6, cm²=1e-4, km²=1e6, ha=1e4, in²=0.00064516, ft²=0.09290304, "
    "yd²=0.83612736, acre=4046.8564224, mi²=2589988.110336",
    Quantity.CAPACITANCE: "F=1, pF=1e-12, fF=1e-15",
    Quantity.CHARGE: "C=1, Ah=3600, mAh=3.6",
    Quantity.CONDUCTIVITY: "S/m=1, S/cm=1e2, mS/cm=1e-1, μS/cm=1e-4",
    Quantity.COUNT: "count=1, cycle=1, 次=1, 个=1, 台=1, 人=1",
    Quantity.CURRENT: "A=1, mA=1e-3, μA=1e-6, uA=1e-6, kA=1e3",
    Quantity.DATA_RATE: "bit/s=1",
    Quantity.DATA_SIZE: "bit=1, byte=8",
    Quantity.DENSITY: "kg/m³=1e3, g/L=1e3, kg/L=1e6, t/m³=1e6, g/m³=1, mg/m³=1e-3, ug/m³=1e-6",
    Quantity.DURATION: "s=1, ms=1e-3, us=1e-6, ns=1e-9, min=60, h=3600, d=86400, week=604800",
    Quantity.ENERGY: "Wh=3600, kWh=3.6e6, 万kWh=3.6e10, MWh=3.6e9, GWh=3.6e12, TWh=3.6e15",
    Quantity.FLOW: "L/min=1/60000, L/s=1/1000, L/h=1/3600000, mL/s=1e-6, m³/s=1, m³/min=1/60, "
    "m³/h=1/3600, m³/d=1/86400, ft³/min=0.028316846592/60, gal/min=0.003785411784/60",
    Quantity.FORCE: "N=1, kN=1e3",
    Quantity.FREQUENCY: "Hz=1, kHz=1e3, MHz=1e6, GHz=1e9",
    Quantity.HEAT: "J=1, Ws=1, kJ=1e3, MJ=1e6, GJ=1e9, cal=4.184, kcal=4184, MMcal=4.184e6",
    Quantity.ILLUMINANCE: "lx=1",
    Quantity.INDUCTANCE: "H=1",
    Quantity.IRRADIANCE: "W/m²=1, kW/m²=1e3, MW/m²=1e6",
    Quantity.LENGTH: "m=1, dm=1e-1, cm=1e-2, mm=1e-3, um=1e-6, nm=1e-9, km=1e3, in=0.0254, "
    "ft=0.3048, yd=0.9144, mi=1609.344, nmi=1852",
    Quantity.MASS: "g=1, kg=1e3, t=1e6, mg=1e-3, ug=1e-6, ng=1e-9, oz=28.349523125, lb=453.59237",
    Quantity.MOLAR: "mmol/l=1",
    Quantity.NORMAL_VOLUME: "Nm³=1",
    # kWac: rated kilowatt. EnOS files it under power, unlike the peak power kWp.
    Quantity.POWER: "W=1, μW=1e-6, kW=1e3, kWac=1e3, MW=1e6, GW=1e9, J/s=1, cal/s=4.184, "
    "MJ/h=1e4/36, MMcal/h=4.184e6/3600, hp=745.69987158227022",
    Quantity.PRECIPITATION: "mm/h=1",
    Quantity.PRESSURE: "Pa=1, N/m²=1, hPa=1e2, kPa=1e3, Mpa=1e6, bar=1e5, mbar=1e2, atm=101325, "
    "mmHg=133.322387415, inHg=3386.389, psi=6894.757, torr=101325/760, kgf/m²=9.80665, "
    "kgf/cm²=98066.5",
    Quantity.RATIO: "%=1e-2, ppm=1e-6, ppb=1e-9",
    Quantity.REACTIVE_ENERGY: "varh=1, kvarh=1e3, Mvarh=1e6",
    Quantity.REACTIVE_POWER: "var=1, kVar=1e3, Mvar=1e6",
    Quantity.RESISTANCE: "Ω=1, kΩ=1e3, MΩ=1e6",
    Quantity.ROTATION: "rpm=1/60",
    Quantity.SPEED: "m/s=1, cm/s=1e-2, mm/s=1e-3, m/min=1/60, ft/s=0.3048, km/h=1/3.6, "
    "mi/h=0.44704, nmi/h=1852/3600",
    Quantity.TEMPERATURE: "K=1",
    Quantity.VOLTAGE: "V=1, Vrms=1, mV=1e-3, kV=1e3",
    Quantity.VOLUME: "m³=1, kL=1, L=1e-3, mL=1e-6, cm³=1e-6, ft³=0.028316846592, "
    "US gal=0.003785411784, acre ft=1233.48183754752",
}

# Units without a factor: they stand for themselves, and a multiplier makes them plain text.
_EXACT: Final[Mapping[str, tuple[Quantity, str]]] = {
    "°C": (Quantity.TEMPERATURE, UnitOfTemperature.CELSIUS),
    "°F": (Quantity.TEMPERATURE, UnitOfTemperature.FAHRENHEIT),
    "%RH": (Quantity.RELATIVE_HUMIDITY, UnitOfRatio.PERCENTAGE),
    "yr": (Quantity.DURATION, UnitOfTime.YEARS),
    "dB": (Quantity.LEVEL, SIGNAL_STRENGTH_DECIBELS),
    "dBA": (Quantity.SOUND_LEVEL, UnitOfSoundPressure.WEIGHTED_DECIBEL_A),
    "dBm": (Quantity.POWER_LEVEL, SIGNAL_STRENGTH_DECIBELS_MILLIWATT),
}


def _listed(text: str) -> frozenset[str]:
    """Return the symbols of a list between commas."""
    return frozenset(text.split(", "))


# Symbols that Home Assistant has nothing for. (A month stays "month": Home Assistant's own "m" for it
# reads as metres. pH is picohenry in EnOS's library, though it is also used for acidity.)
_PLAIN: Final = _listed(
    "rad, r, rev, rad/s, deg/s, step/s, "
    "Ω·m, Ω/m, Ω/s, S, F/m, F/m², pH, T, T⁻¹, kWp, A/m, A/m², A/s, A/W, A/K, A/°C, (A/m)/K, "
    "V/K, V/s, V/V, V/W, V/°C, V/Cel, mV/V, V/(r/min), V/(V·Pa), (V/V)/(A/m), W/(Hz^-1/2), "
    "dyne, kgf, N·m, kNm, MNm³*rev, kNm^3.3*s, kNm^8.7*s, kNm^6.6*s, kNm², m/s², G, kg/m², kg/(s·m²), Pa/h, "
    "mm/y, kg/mol, kg/kmol, g/gmol, mol, gmol, kmol, mg/(m³·h), g/kg, °C/W, cd, Wh/m², J/K, J/kg, "
    "J/m³, K/h, K/W, W/K, W/m³, W/(m·K), W/sr, %/K, 1/K, 1/(°C)², month, d/y, 1/m, 1/s, 1/y, "
    "dBc/Hz, dB/m, dB(mV)"
)

# Symbols that take an SI prefix in text; before all others "10³" and the like is written.
_PREFIXABLE: Final = _listed(
    "A, Ah, C, F, H, Hz, J, K, L, N, Pa, S, T, V, VA, W, Wh, Ws, bar, bit, cal, cd, g, lx, m, mol, "
    "rad, s, t, var, varh, Ω, N·m, A/m, A/s, A/W, A/K, F/m, V/K, V/s, V/V, V/W, S/m, m/s, J/K, J/kg, "
    "J/m³, K/W, W/K, W/m², W/sr, Wh/m², Ω·m, Ω/m, Pa/h"
)

# Better texts for symbols that become no unit of Home Assistant.
_RESPELLED: Final[Mapping[str, str]] = {
    "Mpa": "MPa",
    "V/Cel": "V/°C",
    "Vrms": "V",
    "deg/s": "°/s",
    "kWac": "kW",
    "um": "μm",
}

# Symbols that are a power of ten of another one: km³ is "thousand cubic meter" in EnOS's own words.
_POWERS: Final[Mapping[str, tuple[int, str]]] = {"km³": (3, "m³")}

_SUPERSCRIPTS: Final = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def _fraction(text: str) -> Fraction:
    """Return a factor of the tables ("3.6e6", "1/60", "1852/3600") exactly."""
    numerator, _, denominator = text.partition("/")
    return Fraction(numerator) / Fraction(denominator or "1")


_NATIVE: Final[Mapping[str, tuple[Quantity, Fraction]]] = {
    str(unit): (quantity, _fraction(factor))
    for quantity, rows in _HOME_ASSISTANT.items()
    for unit, factor in rows.items()
}
# Home Assistant's own symbols that mean something else where people type them: a thousandth instead of a million.
_UNCERTAIN: Final = _listed("mHz, mPa, mVA, mW, mWh, mvar, w")
# symbol -> quantity and factor: of Home Assistant's units and of EnOS's; and the other way round.
_BY_SYMBOL: Final[Mapping[str, tuple[Quantity, Fraction]]] = {
    **{unit: _NATIVE[unit] for unit in _NATIVE if unit not in _UNCERTAIN},
    **{
        symbol: (quantity, _fraction(factor))
        for quantity, row in _SCALED.items()
        for symbol, factor in (entry.rsplit("=", 1) for entry in row.split(", "))
    },
}
_BY_FACTOR: Final[Mapping[tuple[Quantity, Fraction], str]] = {
    meaning: unit for unit, meaning in reversed(list(_NATIVE.items()))
}


def _multiplied(symbol: str, exponent: int, prefix: str) -> str:
    """Return text for a multiplied symbol that cannot be taken for another unit.

    PICO + t must not read as a pint, MILLI + in not as minutes, KILO + m³ not as a cubic
    kilometre: where the short form means something else, and for symbols that take no prefix,
    the power of ten is spelled out.
    """
    readable = _RESPELLED.get(symbol, symbol)
    if symbol in _PREFIXABLE:
        text = prefix + readable
        meaning = _BY_SYMBOL.get(symbol)
        scaled = meaning and (meaning[0], meaning[1] * Fraction(10) ** exponent)
        known = (_BY_SYMBOL.get(text), _NATIVE.get(text))
        if (
            text not in _PLAIN
            and text not in _EXACT
            and all(other in {None, scaled} for other in known)
        ):
            return text
    return f"10{str(exponent).translate(_SUPERSCRIPTS)} {readable}"


@lru_cache(maxsize=1024)
def resolve(symbol: str, multiplier: str = "ONE") -> Unit:
    """Return Home Assistant's unit for an EnOS symbol and multiplier name.

    Never raises. An unknown symbol is its own text, an unknown multiplier is named in the text.
    """
    symbol = normalize(symbol)
    if not symbol:
        return NO_UNIT
    name = multiplier.strip().upper() or "ONE"
    if name not in MULTIPLIERS:
        return Unit(f"{name.lower()} {_RESPELLED.get(symbol, symbol)}")
    exponent, prefix = MULTIPLIERS[name]
    if symbol in _POWERS:
        more, symbol = _POWERS[symbol]
        exponent += more
    if not exponent and symbol in _EXACT:
        quantity, exact = _EXACT[symbol]
        return Unit(str(exact), quantity, native=True)
    text = (
        _multiplied(symbol, exponent, prefix)
        if exponent
        else _RESPELLED.get(symbol, symbol)
    )
    if symbol not in _BY_SYMBOL:
        return Unit(text)
    quantity, factor = _BY_SYMBOL[symbol]
    scaled = (quantity, factor * Fraction(10) ** exponent)
    spelled = prefix + symbol
    if _NATIVE.get(spelled) == scaled:
        return Unit(spelled, quantity, native=True)
    if (unit := _BY_FACTOR.get(scaled)) is not None:
        return Unit(unit, quantity, native=True)
    return Unit(text, quantity)
