"""Spellings of units: what people type, and what is better left alone."""

from typing import Final

from homeassistant.components.sensor.const import DEVICE_CLASS_UNITS as SENSOR_UNITS
import pytest

from custom_components.enos import spellings
from custom_components.enos.spellings import normalize
from custom_components.enos.units import Unit, resolve

from .test_units import HOME_ASSISTANT, SYMBOLS

# Unit as it is shown | other spellings, between commas: signs, cases, words, Chinese.
SPELLINGS: Final = """
°C | ℃, degC, Deg C, deg C, DEG C, ° C, ºC, ˚C, Cel, celsius, Celsius, 摄氏度
°F | ℉, degF, Deg F, 华氏度
K | K, kelvin, 开尔文
° | º, deg, degree, 角度
% | ％, percent, pct, 百分比, %RH, % RH, ％RH, %rh
kWh | KWh, kwh, KWH, Kwh, kW·h, kW.h, kW*h, kW h, kW∙h, kW•h, ｋＷｈ, kWhr, 千瓦时, 千瓦·时, 千瓦小时, 度电
Wh | W·h, W.h, WH, 瓦时
MWh | MWH, Mwh, MW·h, 兆瓦时
GWh | GWH, 吉瓦时
万kWh | 万千瓦时, 万度
kW | KW, Kw, kw, ㎾, 千瓦
W | 瓦, 瓦特, Ｗ
MW | 兆瓦, ㎿
μW | µW, μW
kvar | kVar, KVAR, Kvar, KVar, kVAr, kVAR, KVAr, 千乏
var | Var, VAr, VAR, 乏
Mvar | MVar, MVAr, MVAR, 兆乏
kvarh | kVarh, kVArh, KVARH, kVARh, kvar·h, kvar.h, 千乏时
VA | V·A, V∙A, V⋅A, V•A, V.A, V*A, 伏安
kVA | KVA, Kva, kva, kV·A, 千伏安
MVA | MV·A, 兆伏安
V | Vrms, 伏, 伏特, Volt, Ｖ
kV | KV, kv, ㎸, 千伏
mV | 毫伏
A | 安, 安培, Amp
mA | 毫安, ㎃
μA | uA, µA, ㎂
kA | KA, 千安
Ah | AH, A·h, 安时
Hz | HZ, hz, ㎐, 赫兹
kHz | KHz, KHZ, 千赫
Ω | Ω, ohm, Ohm, 欧姆, 欧
kΩ | ㏀, kohm, 千欧
Pa | pa, PA, ㎩, 帕, N/m², N/m2
hPa | hpa, ㍱, 百帕
kPa | KPa, KPA, kpa, ㎪, 千帕
MPa | Mpa, MPa, MPA, ㎫, 兆帕
bar | Bar, BAR, 巴
kgf/cm² | kgf/cm2, 公斤力/平方厘米
mmHg | mmhg, 毫米汞柱
m³ | m3, M3, m^3, ㎥, M³, kL, 立方米, 立方
Nm³ | Nm3, NM3, Nm^3, 标方, 标准立方米
L | l, ℓ, 升, 公升, liter, litre
mL | ml, cc, ㏄, cm³, cm3, 毫升
m³/h | m3/h, M3/H, m3/hr, m³ / h, m^3/h, ㎥/h, CMH, 立方米/小时, 立方米每小时, 立方/小时
m³/min | m3/min, 立方米/分钟
m³/s | m3/s, 立方米/秒, 立方米每秒
L/min | l/min, LPM, 升/分钟, 升每分钟
L/s | l/s, 升/秒
L/h | l/h, 升/小时
ft³/min | CFM, cfm, ft3/min
gal/min | GPM, gpm
t | 吨, 公吨
t/h | T/h, 吨/小时, 吨每小时
kg | KG, Kg, ㎏, 公斤, 千克
g | 克
mg | 毫克, ㎎
μg | ug, ㎍, 微克
h | hr, hrs, Hour, hours, 小时, 时
min | mins, Min, minutes, 分钟
s | sec, Second, 秒
d | day, Days, 天, 日
w | week, weeks, 周
month | months, 月
y | yr, year, years, 年
ms | msec, 毫秒
μs | us, µs, 微秒
m | meter, metre, 米
cm | ㎝, 厘米
mm | ㎜, MM, 毫米
km | ㎞, KM, 千米, 公里
μm | um, µm, 微米
in | inch, 英寸
ft | foot, feet, 英尺
m² | m2, M2, ㎡, m^2, 平方米, 平米
cm² | cm2, ㎠
km² | km2, ㎢, 平方公里
ha | 公顷
m/s | M/S, 米/秒, 米每秒
km/h | KM/H, kmh, kph, 公里/小时, 千米/小时, 千米每小时
mph | mi/h, mph
rpm | RPM, r/min, rev/min, 转/分, 转/分钟
lx | lux, Lux, LUX, 勒克斯
dB | db, DB, 分贝
dBA | dB(A), dB（A）, DB(A)
dBm | dbm, DBM
ppm | PPM, Ppm
ppb | PPB
μg/m³ | ug/m³, ug/m3, µg/m³, μg/m3, 微克/立方米, 微克每立方米
mg/m³ | mg/m3, 毫克/立方米
kg/m³ | kg/m3, 千克/立方米, 千克每立方米
W/m² | W/m2, w/m2, W/㎡, 瓦/平方米
μS/cm | uS/cm, us/cm, µS/cm
mS/cm | ms/cm
J | Ws, 焦耳
kJ | KJ, 千焦
GJ | 吉焦
kcal | Kcal, KCAL, 大卡, 千卡
Mcal | MMcal
mmol/L | mmol/l
B | byte, Byte, 字节
bit/s | bps
Mbit/s | Mbps
N·m | N.m, N*m, Nm, N∙m
pH | PH, ph
"""


@pytest.mark.parametrize("line", SPELLINGS.strip().splitlines())
def test_other_spellings(line: str) -> None:
    """Look-alike characters, usual spellings and Chinese words come to the unit that is meant."""
    text, others = line.split(" | ")
    for symbol in others.split(", "):
        unit = resolve(symbol)
        assert unit.text == text, symbol
        assert unit.native == (text in HOME_ASSISTANT), symbol
        assert resolve(f" {symbol}\N{IDEOGRAPHIC SPACE}") == unit, symbol


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_symbols_of_the_library_are_no_spelling_of_others(symbol: str) -> None:
    """EnOS's own symbols stay, but for two that are another one, and for look-alikes."""
    same = {"V·A": "VA", "V/(V∙Pa)": "V/(V·Pa)", "µW": "μW"}
    assert normalize(symbol) == same.get(symbol, symbol)


@pytest.mark.parametrize(
    "symbol",
    [
        *(
            "mw",
            "c",
            "C°C",
            "m",
            "M",
            "mpa",
            "MVa",
            "T",
            "S",
            "G",
            "w",
            "a",
            "H",
            "n",
            "x³",
        ),
        *(
            "度",
            "分",
            "卡",
            "平方",
            "方",
            "点",
            "元",
            "元/度",
            "kWh/m²",
            "kgce",
        ),
        *(
            "mH₂O",
            "米水柱",
            "kg/cm²",
            "mg/L",
            "NTU",
            "冷吨",
            "RT",
            "kVA/h",
            "m³/d",
            "%/min",
        ),
    ],
)
def test_what_may_mean_two_things_is_left_alone(symbol: str) -> None:
    """Text that could mean two units, or that Home Assistant has no unit for, is no guess."""
    assert resolve(symbol).text == symbol
    assert resolve(symbol).native == (symbol == "m")


@pytest.mark.parametrize(
    ("symbol", "text"),
    [("元/千瓦时", "元/kWh"), ("千克/小时", "kg/h"), ("次/天", "次/d")],
)
def test_ratios_of_words(symbol: str, text: str) -> None:
    """Words of a ratio are read one by one; what is left becomes readable text."""
    assert resolve(symbol) == Unit(text)


def test_each_spelling_is_of_one_symbol() -> None:
    """The table never says two things of one text."""
    lines = [line.split("|") for line in spellings._TABLE.strip().splitlines()]
    known = [text.strip() for _, texts in lines for text in texts.split(",")]
    assert sorted(known) == sorted(set(known))
    assert all(known)
    symbols = [symbol.strip() for symbol, _ in lines]
    assert len(symbols) == len(set(symbols)) > 90
    assert not set(known) & set(symbols)


def test_units_of_home_assistant() -> None:
    """A unit may be told in Home Assistant's own words, too: each of them stays as it is."""
    uncertain = set()
    for units in SENSOR_UNITS.values():
        for text in filter(None, map(str, units)):
            unit = resolve(text)
            assert unit.text in {text, "None"}, text
            if text != "None" and not unit.native:
                uncertain.add(text)
    # Nobody knows what is meant, or no quantity of ours has it.
    assert {"mWh", "mPa", "mVA", "mvar"} <= uncertain
    assert not uncertain & {
        "gal",
        "CCF",
        "MCF",
        "Gcal",
        "kn",
        "μV",
        "GB",
        "inH₂O",
        "L/h",
    }
    assert resolve("gal", "KILO").text == "10³ gal"
    assert resolve("MB", "KILO").text == "GB"
