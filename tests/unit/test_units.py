"""Units: every symbol of EnOS's library and every multiplier, line by line."""

from collections import defaultdict
import json
from pathlib import Path
from typing import Final

from homeassistant import const
from homeassistant.components.number.const import (
    AMBIGUOUS_UNITS,
    DEVICE_CLASS_UNITS as NUMBER_UNITS,
    NumberDeviceClass,
)
from homeassistant.components.sensor.const import (
    DEVICE_CLASS_STATE_CLASSES,
    DEVICE_CLASS_UNITS as SENSOR_UNITS,
    STATE_CLASS_UNITS,
    UNIT_CONVERTERS,
    SensorDeviceClass,
    SensorStateClass,
)
import pytest

from custom_components.enos.api.models import DataType, Measurepoint
from custom_components.enos.units import MULTIPLIERS, Quantity, Unit, resolve

from .points import control, reading

LIBRARY: Final = Path(__file__).parents[3] / "shared" / "data" / "units.jsonl"

# EnOS's symbol | Home Assistant's unit | device class and state class of a sensor without a
# telling name ("-": none). Whoever changes a line says why.
TABLE: Final = """
rad/s | rad/s | - | measurement
rpm | rpm | - | measurement
step/s | step/s | - | measurement
m² | m² | area | measurement
in² | in² | area | measurement
ft² | ft² | area | measurement
acre | ac | area | measurement
mi² | mi² | area | measurement
yd² | yd² | area | measurement
ha | ha | area | measurement
cm² | cm² | area | measurement
km² | km² | area | measurement
mm² | mm² | area | measurement
kg/m³ | kg/m³ | - | measurement
g/L | g/L | - | measurement
kg/L | kg/L | - | measurement
t/m³ | t/m³ | - | measurement
C | C | - | measurement
Ah | Ah | - | measurement
A | A | current | measurement
mA | mA | current | measurement
V | V | voltage | measurement
kV | kV | voltage | measurement
Vrms | V | voltage | measurement
Ω | Ω | - | measurement
kΩ | kΩ | - | measurement
Ω·m | Ω·m | - | measurement
Ω/m | Ω/m | - | measurement
S | S | - | measurement
S/m | S/m | - | measurement
F | F | - | measurement
pF | pF | - | measurement
F/m | F/m | - | measurement
fF | fF | - | measurement
J | J | energy | -
cal | cal | energy | -
GJ | GJ | energy | -
kJ | kJ | energy | -
kWh | kWh | energy | total_increasing
MJ | MJ | energy | -
Ws | J | energy | -
kcal | kcal | energy | -
MMcal | Mcal | energy | -
Wh | Wh | energy | total_increasing
MWh | MWh | energy | total_increasing
GWh | GWh | energy | total_increasing
kvarh | kvarh | reactive_energy | total_increasing
Mvarh | Mvarh | - | total_increasing
N | N | - | measurement
dyne | dyne | - | measurement
kgf | kgf | - | measurement
Hz | Hz | frequency | measurement
kHz | kHz | frequency | measurement
lx | lx | illuminance | measurement
H | H | - | measurement
pH | pH | - | measurement
bit | bit | data_size | measurement
byte | B | data_size | measurement
m | m | distance | measurement
cm | cm | distance | measurement
in | in | distance | measurement
nmi | nmi | distance | measurement
km | km | distance | measurement
mm | mm | distance | measurement
ft | ft | distance | measurement
mi | mi | distance | measurement
yd | yd | distance | measurement
dm | dm | - | measurement
um | μm | - | measurement
nm | nm | - | measurement
cd | cd | - | measurement
T | T | - | measurement
kg | kg | weight | measurement
lb | lb | weight | measurement
oz | oz | weight | measurement
g | g | weight | measurement
mg | mg | weight | measurement
t | t | - | measurement
ug | μg | weight | measurement
ng | ng | - | measurement
kg/mol | kg/mol | - | measurement
kg/kmol | kg/kmol | - | measurement
g/gmol | g/gmol | - | measurement
mol | mol | - | measurement
gmol | gmol | - | measurement
kmol | kmol | - | measurement
mg/(m³·h) | mg/(m³·h) | - | measurement
ug/m³ | μg/m³ | - | measurement
dBc/Hz | dBc/Hz | - | measurement
rad | rad | - | measurement
° | ° | - | measurement
r | r | - | measurement
W | W | power | measurement
µW | μW | - | measurement
cal/s | cal/s | - | measurement
hp | hp | - | measurement
J/s | W | power | measurement
kW | kW | power | measurement
MJ/h | MJ/h | - | measurement
MMcal/h | MMcal/h | - | measurement
MW | MW | power | measurement
GW | GW | power | measurement
V·A | VA | apparent_power | measurement
kVar | kvar | reactive_power | measurement
kVA | kVA | apparent_power | measurement
var | var | reactive_power | measurement
Mvar | Mvar | - | measurement
MVA | MVA | - | measurement
VA | VA | apparent_power | measurement
dBm | dBm | signal_strength | measurement
kWp | kWp | - | measurement
Pa | Pa | pressure | measurement
atm | atm | pressure | measurement
bar | bar | pressure | measurement
inHg | inHg | pressure | measurement
kgf/cm² | kgf/cm² | - | measurement
kgf/m² | kgf/m² | - | measurement
kPa | kPa | pressure | measurement
mmHg | mmHg | pressure | measurement
N/m² | Pa | pressure | measurement
torr | torr | - | measurement
count | count | - | measurement
cycle | cycle | - | measurement
% | % | - | measurement
ppb | ppb | - | measurement
ppm | ppm | - | measurement
m/s | m/s | speed | measurement
cm/s | cm/s | - | measurement
ft/s | ft/s | speed | measurement
nmi/h | kn | speed | measurement
km/h | km/h | speed | measurement
mi/h | mph | speed | measurement
K | K | temperature | measurement
°C | °C | temperature | measurement
°F | °F | temperature | measurement
°C/W | °C/W | - | measurement
s | s | duration | measurement
min | min | duration | measurement
h | h | duration | measurement
d | d | duration | measurement
month | month | - | measurement
week | w | - | measurement
yr | y | - | measurement
ms | ms | duration | measurement
us | μs | duration | measurement
ns | ns | - | measurement
d/y | d/y | - | measurement
m³ | m³ | volume | -
US gal | gal | volume | -
cm³ | mL | volume | -
ft³ | ft³ | volume | -
kL | m³ | volume | -
L | L | volume | -
mL | mL | volume | -
km³ | 10³ m³ | - | measurement
acre ft | acre ft | - | measurement
dB | dB | - | measurement
dB/m | dB/m | - | measurement
dB(mV) | dB(mV) | - | measurement
W/m² | W/m² | irradiance | measurement
Wh/m² | Wh/m² | - | measurement
m/s² | m/s² | - | measurement
G | G | - | measurement
deg/s | °/s | - | measurement
L/min | L/min | volume_flow_rate | measurement
N·m | N·m | - | measurement
MNm³*rev | MNm³*rev | - | measurement
kNm^3.3*s | kNm^3.3*s | - | measurement
kNm^8.7*s | kNm^8.7*s | - | measurement
kNm^6.6*s | kNm^6.6*s | - | measurement
kNm² | kNm² | - | measurement
kN | kN | - | measurement
rev | rev | - | measurement
Mpa | MPa | - | measurement
kNm | kNm | - | measurement
MW/m² | MW/m² | - | measurement
A/m | A/m | - | measurement
A/m² | A/m² | - | measurement
g/kg | g/kg | - | measurement
g/m³ | g/m³ | - | measurement
J/K | J/K | - | measurement
J/kg | J/kg | - | measurement
J/m³ | J/m³ | - | measurement
K/h | K/h | - | measurement
K/W | K/W | - | measurement
kg/m² | kg/m² | - | measurement
mg/m³ | mg/m³ | - | measurement
mm/h | mm/h | - | measurement
mm/y | mm/y | - | measurement
mmol/l | mmol/L | - | measurement
mV/V | mV/V | - | measurement
%/K | %/K | - | measurement
1/K | 1/K | - | measurement
1/m | 1/m | - | measurement
1/s | 1/s | - | measurement
1/y | 1/y | - | measurement
V/K | V/K | - | measurement
V/s | V/s | - | measurement
V/V | V/V | - | measurement
W/K | W/K | - | measurement
W/m³ | W/m³ | - | measurement
W/(m·K) | W/(m·K) | - | measurement
W/sr | W/sr | - | measurement
V/(r/min) | V/(r/min) | - | measurement
A/s | A/s | - | measurement
A/W | A/W | - | measurement
V/W | V/W | - | measurement
W/(Hz^-1/2) | W/(Hz^-1/2) | - | measurement
Ω/s | Ω/s | - | measurement
A/K | A/K | - | measurement
(V/V)/(A/m) | (V/V)/(A/m) | - | measurement
V/(V∙Pa) | V/(V·Pa) | - | measurement
F/m² | F/m² | - | measurement
A/°C | A/°C | - | measurement
V/°C | V/°C | - | measurement
(A/m)/K | (A/m)/K | - | measurement
T⁻¹ | T⁻¹ | - | measurement
Pa/h | Pa/h | - | measurement
kg/(s·m²) | kg/(s·m²) | - | measurement
kW/m² | kW/m² | - | measurement
1/(°C)² | 1/(°C)² | - | measurement
V/Cel | V/°C | - | measurement
kWac | kW | power | measurement
"""
ROWS: Final = [
    tuple(cell.strip() for cell in line.split("|"))
    for line in TABLE.strip().splitlines()
]
SYMBOLS: Final = [row[0] for row in ROWS]

EXPONENTS: Final = {
    "YOTTA": 24,
    "ZETTA": 21,
    "EXA": 18,
    "PETA": 15,
    "TERA": 12,
    "GIGA": 9,
    "MEGA": 6,
    "KILO": 3,
    "HECTO": 2,
    "DECA": 1,
    "DEKA": 1,
    "ONE": 0,
    "DECI": -1,
    "CENTI": -2,
    "MILLI": -3,
    "MICRO": -6,
    "NANO": -9,
    "PICO": -12,
    "FEMTO": -15,
    "ATTO": -18,
    "ZEPTO": -21,
    "YOCTO": -24,
}
ALL: Final = [(symbol, name) for symbol in SYMBOLS for name in EXPONENTS]

# Every unit text of Home Assistant, whatever it measures.
HOME_ASSISTANT: Final = {
    str(unit)
    for name, enum in vars(const).items()
    if name.startswith("UnitOf")
    for unit in enum
} | {const.DEGREE, const.LIGHT_LUX, const.REVOLUTIONS_PER_MINUTE, "dB", "dBm"}


def point(symbol: str, multiplier: str = "ONE", identifier: str = "x") -> Measurepoint:
    """Return a number with a unit and a name that says nothing."""
    return Measurepoint(
        identifier=identifier,
        data_type=DataType.DOUBLE,
        unit=symbol,
        multiplier=multiplier,
    )


@pytest.mark.parametrize(("symbol", "unit", "device_class", "state_class"), ROWS)
def test_symbol(symbol: str, unit: str, device_class: str, state_class: str) -> None:
    """Each symbol becomes the unit and the classes of the table, read or written."""
    read, written = reading(point(symbol)), control(point(symbol))
    assert read.unit == written.unit == unit
    assert (read.device_class or "-") == (written.device_class or "-") == device_class
    assert (read.state_class or "-") == state_class
    assert written.state_class is None


def test_table_is_whole() -> None:
    """The table has each symbol of the library once."""
    assert len(SYMBOLS) == len(set(SYMBOLS)) == 223
    if not LIBRARY.exists():
        pytest.skip("no unit library here")
    lines = LIBRARY.read_text(encoding="utf-8").splitlines()
    assert set(SYMBOLS) == {json.loads(line)["unit"] for line in lines}


def test_multipliers() -> None:
    """All SI prefixes are known, with their power of ten."""
    assert {name: power for name, (power, _) in MULTIPLIERS.items()} == EXPONENTS


@pytest.mark.parametrize(
    "identifier", ["x", "total_energy_water_wind_direction", "co2"]
)
def test_home_assistant_accepts_all(identifier: str) -> None:
    """No class comes with a unit or a state class that Home Assistant refuses."""
    for symbol, multiplier in ALL:
        candidate = point(symbol, multiplier, identifier)
        read, written = reading(candidate), control(candidate)
        at = (symbol, multiplier, read)
        assert read.unit == written.unit, at
        assert read.device_class == written.device_class, at
        assert read.unit, at
        assert read.unit not in AMBIGUOUS_UNITS, at
        assert "\N{MICRO SIGN}" not in read.unit, at
        if read.state_class is not None:
            state_class = SensorStateClass(read.state_class)
            assert read.unit in STATE_CLASS_UNITS.get(state_class, {read.unit}), at
        if read.device_class is not None:
            sensor = SensorDeviceClass(read.device_class)
            assert read.unit in SENSOR_UNITS[sensor], at
            assert read.unit in NUMBER_UNITS[NumberDeviceClass(sensor)], at
            if read.state_class is not None:
                assert read.state_class in DEVICE_CLASS_STATE_CLASSES[sensor], at


def test_multiplied_units_have_the_right_size() -> None:
    """By Home Assistant's own conversion, 10^n of a unit is one of the multiplied unit."""
    checked = 0
    for symbol, multiplier in ALL:
        one, many = resolve(symbol), resolve(symbol, multiplier)
        if not (one.native and many.native):
            continue
        device_class = reading(point(symbol)).device_class
        converter = UNIT_CONVERTERS.get(device_class)
        if converter is None or many.text not in converter.VALID_UNITS:
            continue
        size = converter.convert(10.0 ** EXPONENTS[multiplier], one.text, many.text)
        assert size == pytest.approx(1, rel=1e-9), (symbol, multiplier, many)
        checked += 1
    assert checked > 200


@pytest.mark.parametrize(
    ("symbol", "value", "unit"),
    [
        ("acre", 0.40468564224, "ha"),
        ("cm³", 1, "mL"),
        ("MMcal", 1, "Mcal"),
        ("nmi/h", 1.852, "km/h"),
        ("mi/h", 0.44704, "m/s"),
        ("Ws", 1, "J"),
        ("N/m²", 1, "Pa"),
        ("kL", 1000, "L"),
        ("US gal", 3.785411784, "L"),
        ("J/s", 1, "W"),
    ],
)
def test_renamed_symbols_keep_their_size(symbol: str, value: float, unit: str) -> None:
    """A symbol that Home Assistant calls otherwise is as big as it says."""
    device_class = reading(point(symbol)).device_class
    converter = UNIT_CONVERTERS[device_class]
    assert converter.convert(1, resolve(symbol).text, unit) == pytest.approx(value)


def test_plain_text_is_no_unit_of_home_assistant() -> None:
    """Text that stands for itself cannot be taken for one of Home Assistant's units."""
    for symbol, multiplier in ALL:
        unit = resolve(symbol, multiplier)
        assert unit.native == (unit.text in HOME_ASSISTANT), (symbol, multiplier, unit)


def test_one_text_means_one_thing() -> None:
    """Two ways to the same text measure the same quantity in the same size."""
    ways = defaultdict(set)
    for symbol, multiplier in ALL:
        unit = resolve(symbol, multiplier)
        assert unit.text is not None
        ways[unit.text].add((symbol, EXPONENTS[multiplier]))
    assert ways["V/°C"] == {("V/°C", 0), ("V/Cel", 0)}
    assert ways["kN"] == {("N", 3), ("kN", 0)}
    assert ways["pF"] == {("F", -12), ("pF", 0)}
    assert ways["MPa"] == {("Pa", 6), ("Mpa", 0)}
    assert ways["μm"] == {("m", -6), ("um", 0)}
    assert ways["10³ m³"] == {("m³", 3), ("km³", 0)}
    assert ways["min"] == {("min", 0)}
    assert ways["ft"] == {("ft", 0)}
    assert ways["yd"] == {("yd", 0)}
    assert ways["cd"] == {("cd", 0)}
    assert ways["nmi"] == {("nmi", 0)}
    assert ways["pH"] == {("pH", 0)}


@pytest.mark.parametrize(
    ("symbol", "multiplier", "text", "native"),
    [
        ("W", "KILO", "kW", True),
        ("kW", "KILO", "MW", True),
        ("kW", "MILLI", "W", True),
        ("W", "HECTO", "hW", False),
        ("W", "YOTTA", "YW", False),
        ("W", "YOCTO", "yW", False),
        ("Pa", "KILO", "kPa", True),
        ("Pa", "HECTO", "hPa", True),
        ("Pa", "MEGA", "MPa", False),
        ("Mpa", "MILLI", "kPa", True),
        ("bar", "MILLI", "mbar", True),
        ("bar", "CENTI", "cbar", True),
        ("byte", "KILO", "kB", True),
        ("byte", "YOTTA", "YB", True),
        ("bit", "MEGA", "Mbit", True),
        ("L", "KILO", "m³", True),
        ("m³", "MILLI", "L", True),
        ("m²", "MEGA", "km²", True),
        ("g", "MICRO", "μg", True),
        ("t", "MILLI", "kg", True),
        ("A", "MICRO", "μA", True),
        ("s", "MILLI", "ms", True),
        ("L/min", "KILO", "m³/min", True),
        ("kg/m³", "MILLI", "g/m³", True),
        ("ppb", "KILO", "ppm", True),
        ("kWh", "KILO", "MWh", True),
        ("ft³", "KILO", "MCF", True),
        ("MMcal", "KILO", "Gcal", True),
        ("m/s", "MILLI", "mm/s", True),
        ("S/m", "HECTO", "S/cm", True),
        ("kvarh", "MILLI", "varh", True),
        # A thousand square metres are no square kilometre, a milliinch is no minute.
        ("m²", "KILO", "10³ m²", False),
        ("m³", "KILO", "10³ m³", False),
        ("km³", "KILO", "10⁶ m³", False),
        ("km³", "MILLI", "m³", True),
        ("in", "MILLI", "10⁻³ in", False),
        ("t", "FEMTO", "10⁻¹⁵ t", False),
        ("d", "YOCTO", "10⁻²⁴ d", False),
        ("d", "CENTI", "10⁻² d", False),
        ("mi", "NANO", "10⁻⁹ mi", False),
        ("H", "PICO", "10⁻¹² H", False),
        ("°C", "KILO", "10³ °C", False),
        ("dB", "DECI", "10⁻¹ dB", False),
        ("%", "KILO", "10³ %", False),
        ("MW", "EXA", "10¹⁸ MW", False),
    ],
)
def test_multiplied(symbol: str, multiplier: str, text: str, native: bool) -> None:
    """Multiplied symbols become the unit of the same size, or unmistakable text."""
    unit = resolve(symbol, multiplier)
    assert (unit.text, unit.native) == (text, native)


@pytest.mark.parametrize(
    ("symbol", "multiplier", "unit"),
    [
        ("", "ONE", Unit(None)),
        ("  ", "KILO", Unit(None)),
        ("furlong", "ONE", Unit("furlong")),
        ("furlong", "KILO", Unit("10³ furlong")),
        ("W", "", Unit("W", Quantity.POWER, native=True)),
        ("W", "kilo", Unit("kW", Quantity.POWER, native=True)),
        ("W", "DOZEN", Unit("dozen W")),
    ],
)
def test_unknown(symbol: str, multiplier: str, unit: Unit) -> None:
    """What nobody knows stays readable and gets no quantity."""
    assert resolve(symbol, multiplier) == unit
