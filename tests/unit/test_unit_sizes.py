"""Sizes of units: every symbol with every multiplier, against Home Assistant's own conversion."""

import math
from typing import Final

from homeassistant.util import unit_conversion
from homeassistant.util.unit_conversion import BaseUnitConverter
import pytest

from custom_components.enos.units import resolve

from .test_units import EXPONENTS, SYMBOLS

# EnOS's symbol | class of Home Assistant's converter | its base unit | size of the symbol in it. Sizes come from the
# name that EnOS's catalogue gives ("million calorie", "acre foot") and the definitions of these units, not from the
# tables that are tested.
SIZES: Final = """
m² | area | m² | 1
cm² | area | m² | 1e-4
mm² | area | m² | 1e-6
km² | area | m² | 1e6
ha | area | m² | 1e4
in² | area | m² | 0.0254 × 0.0254
ft² | area | m² | 0.3048 × 0.3048
yd² | area | m² | 0.9144 × 0.9144
mi² | area | m² | 1609.344 × 1609.344
acre | area | m² | 43560 × 0.3048 × 0.3048
A | electric_current | A | 1
mA | electric_current | A | 1e-3
V | voltage | V | 1
kV | voltage | V | 1e3
Vrms | voltage | V | 1
J | energy | J | 1
kJ | energy | J | 1e3
MJ | energy | J | 1e6
GJ | energy | J | 1e9
Ws | energy | J | 1
Wh | energy | J | 3600
kWh | energy | J | 3.6e6
MWh | energy | J | 3.6e9
GWh | energy | J | 3.6e12
cal | energy | J | 4.184
kcal | energy | J | 4184
MMcal | energy | J | 4.184 × 1e6
kvarh | reactive_energy | varh | 1e3
Mvarh | reactive_energy | varh | 1e6
Hz | frequency | Hz | 1
kHz | frequency | Hz | 1e3
bit | information | bit | 1
byte | information | bit | 8
m | distance | m | 1
dm | distance | m | 0.1
cm | distance | m | 1e-2
mm | distance | m | 1e-3
um | distance | m | 1e-6
nm | distance | m | 1e-9
km | distance | m | 1e3
in | distance | m | 0.0254
ft | distance | m | 0.3048
yd | distance | m | 0.9144
mi | distance | m | 1609.344
nmi | distance | m | 1852
g | mass | g | 1
kg | mass | g | 1e3
mg | mass | g | 1e-3
ug | mass | g | 1e-6
ng | mass | g | 1e-9
t | mass | g | 1e6
lb | mass | g | 453.59237
oz | mass | g | 453.59237 / 16
kg/m³ | concentration | g/m³ | 1e3
g/L | concentration | g/m³ | 1e3
kg/L | concentration | g/m³ | 1e6
t/m³ | concentration | g/m³ | 1e6
g/m³ | concentration | g/m³ | 1
mg/m³ | concentration | g/m³ | 1e-3
ug/m³ | concentration | g/m³ | 1e-6
W | power | W | 1
µW | power | W | 1e-6
kW | power | W | 1e3
kWac | power | W | 1e3
MW | power | W | 1e6
GW | power | W | 1e9
J/s | power | W | 1
MJ/h | power | W | 1e6 / 3600
cal/s | power | W | 4.184
MMcal/h | power | W | 4.184 × 1e6 / 3600
hp | power | W | 550 × 0.3048 × 0.45359237 × 9.80665
V·A | apparent_power | VA | 1
VA | apparent_power | VA | 1
kVA | apparent_power | VA | 1e3
MVA | apparent_power | VA | 1e6
var | reactive_power | var | 1
kVar | reactive_power | var | 1e3
Mvar | reactive_power | var | 1e6
Pa | pressure | Pa | 1
kPa | pressure | Pa | 1e3
Mpa | pressure | Pa | 1e6
bar | pressure | Pa | 1e5
N/m² | pressure | Pa | 1
atm | pressure | Pa | 101325
torr | pressure | Pa | 101325 / 760
mmHg | pressure | Pa | 133.322387415
inHg | pressure | Pa | 25.4 × 133.322387415
kgf/cm² | pressure | Pa | 9.80665e4
kgf/m² | pressure | Pa | 9.80665
% | unitless | ppb | 1e7
ppm | unitless | ppb | 1e3
ppb | unitless | ppb | 1
m/s | speed | m/s | 1
cm/s | speed | m/s | 1e-2
ft/s | speed | m/s | 0.3048
km/h | speed | m/s | 1 / 3.6
nmi/h | speed | m/s | 1852 / 3600
mi/h | speed | m/s | 1609.344 / 3600
s | duration | s | 1
ms | duration | s | 1e-3
us | duration | s | 1e-6
ns | duration | s | 1e-9
min | duration | s | 60
h | duration | s | 3600
d | duration | s | 86400
week | duration | s | 604800
m³ | volume | m³ | 1
L | volume | m³ | 1e-3
mL | volume | m³ | 1e-6
kL | volume | m³ | 1
cm³ | volume | m³ | 1e-6
km³ | volume | m³ | 1e3
ft³ | volume | m³ | 0.3048 × 0.3048 × 0.3048
US gal | volume | m³ | 231 × 0.0254 × 0.0254 × 0.0254
acre ft | volume | m³ | 43560 × 0.3048 × 0.3048 × 0.3048
L/min | volume_flow_rate | m³/s | 1e-3 / 60
S/m | conductivity | S/cm | 1e-2
mmol/l | blood_glucose_concentration | mmol/L | 1
"""
SIZED: Final = {
    row[0].strip(): [cell.strip() for cell in row[1:]]
    for row in (line.split("|") for line in SIZES.strip().splitlines())
}
# Units of Home Assistant that no converter multiplies, by symbol and power of ten.
SINGLE: Final = {
    ("rpm", 0): "rpm",
    ("lx", 0): "lx",
    ("°", 0): "°",
    ("dB", 0): "dB",
    ("dBm", 0): "dBm",
    ("K", 0): "K",
    ("°C", 0): "°C",
    ("°F", 0): "°F",
    ("yr", 0): "y",
    ("mm/h", 0): "mm/h",
    ("W/m²", 0): "W/m²",
    ("kW/m²", -3): "W/m²",
    ("MW/m²", -6): "W/m²",
}
# Home Assistant keeps them with others of their dimension, and they measure something else.
APART: Final = {
    "speed": {"Beaufort", "in/d", "in/h", "mm/d", "mm/h"},
    "volume": {"fl. oz."},
}


CONVERTERS: Final[dict[str, type[BaseUnitConverter]]] = {
    found.UNIT_CLASS: found
    for found in vars(unit_conversion).values()
    if isinstance(found, type)
    and issubclass(found, BaseUnitConverter)
    and found is not BaseUnitConverter
}


def number(text: str) -> float:
    """Return the value of a product, or of one divided by a number."""
    above, _, below = text.partition(" / ")
    return math.prod(map(float, above.split(" × "))) / float(below or 1)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_size(symbol: str) -> None:
    """With each multiplier: Home Assistant's unit of just this quantity and size, else text."""
    for multiplier, exponent in EXPONENTS.items():
        unit = resolve(symbol, multiplier)
        at = (symbol, multiplier, unit)
        if symbol not in SIZED:
            single = SINGLE.get((symbol, exponent))
            assert unit.native == (single is not None), at
            assert single in {None, unit.text}, at
            continue
        unit_class, base, size = SIZED[symbol]
        wanted = number(size) * 10.0**exponent
        known = CONVERTERS[unit_class]
        same = [
            str(candidate)
            for candidate in known.VALID_UNITS - APART.get(unit_class, set()) - {None}
            # Home Assistant's inches of mercury are right to seven digits.
            if math.isclose(known.convert(1, candidate, base), wanted, rel_tol=1.2e-7)
        ]
        assert unit.native == bool(same), (at, same)
        assert unit.text in same or not same, (at, same)


def test_table() -> None:
    """The symbols whose size is known are more than half of all, and all are EnOS's."""
    assert len(SIZED) == len(SIZES.strip().splitlines()) > 110
    assert set(SIZED) | {symbol for symbol, _ in SINGLE} <= set(SYMBOLS)
