"""Spellings of units: what people type, as EnOS's own symbols.

EnOS's unit library has one symbol for each unit; models carry what somebody typed: `KWH`, `m3/h`, `Deg C`, `％`,
`立方米/小时`. `normalize` returns EnOS's spelling where only one unit can be meant and the text itself otherwise:
`mw` stays, for it may be a thousandth as well as a million. To teach a spelling, add it to the line of its symbol.
"""

from collections.abc import Mapping
import re
from typing import Final
import unicodedata

# symbol | other spellings, between commas. Blanks do not count, nor do the signs of `_SIGNS`.
_TABLE: Final = """
    °C | degC, DegC, DEGC, deg·C, degc, Cel, celsius, Celsius, C°, oC, 摄氏度, 摄氏, 攝氏度
    °F | degF, DegF, DEGF, deg·F, degf, fahrenheit, Fahrenheit, F°, oF, 华氏度, 华氏
    K | kelvin, Kelvin, 开尔文
    ° | deg, Deg, degree, degrees, 角度
    % | pct, percent, Percent, 百分比
    %RH | %rh, %Rh, %r·h, RH%, rh%, RH, rH
    kWh | kwh, Kwh, KWh, KWH, kWH, kW·h, KW·H, kw·h, kWhr, kwhr, 千瓦时, 千瓦·时, 千瓦小时, 度电, 千瓦時
    Wh | W·h, WH, 瓦时, 瓦·时
    MWh | MWH, Mwh, MW·h, 兆瓦时, 兆瓦·时
    GWh | GWH, GW·h, 吉瓦时
    万kWh | 万千瓦时, 万度, 万KWh, 万KWH
    kW | KW, Kw, kw, 千瓦
    W | 瓦, 瓦特
    MW | 兆瓦
    GW | 吉瓦
    kvarh | kVarh, kVArh, kVARh, KVARH, KVarh, Kvarh, kvar·h, kVar·h, kVARH, 千乏时, 千乏·时
    Mvarh | MVarh, MVARh, MVArh, MVARH, 兆乏时
    kVar | kvar, kVAr, kVAR, KVAR, KVar, Kvar, KVAr, 千乏
    var | Var, VAr, VAR, 乏
    Mvar | MVar, MVAr, MVAR, 兆乏
    VA | V·A, 伏安
    kVA | KVA, Kva, kva, kV·A, KV·A, 千伏安
    MVA | MV·A, 兆伏安
    V | 伏, 伏特, volt, Volt, Volts, volts
    kV | KV, Kv, kv, 千伏
    mV | 毫伏
    A | 安, 安培, amp, Amp, Amps, amps
    mA | 毫安
    kA | KA, 千安
    Ah | AH, A·h, A·H, 安时
    Hz | HZ, hz, 赫兹, 赫
    kHz | KHz, KHZ, khz, 千赫, 千赫兹
    MHz | MHZ, 兆赫, 兆赫兹
    Ω | ohm, Ohm, ohms, Ohms, OHM, 欧姆, 欧
    kΩ | kohm, kOhm, KΩ, 千欧
    MΩ | Mohm, MOhm, 兆欧
    Pa | pa, PA, 帕, 帕斯卡
    hPa | hpa, HPa, hPA, 百帕
    kPa | KPa, KPA, Kpa, kpa, kPA, 千帕
    Mpa | MPa, MPA, 兆帕
    bar | Bar, BAR, 巴
    mbar | mBar, 毫巴
    kgf/cm² | 公斤力/平方厘米
    mmHg | mmhg, 毫米汞柱
    m³ | M³, cbm, CBM, 立方米, 立方, 立方公尺
    Nm³ | NM³, 标方, 标准立方米, 标立方
    L | l, ℓ, liter, litre, Liter, Litre, liters, litres, 升, 公升
    mL | ml, ML, cc, 毫升
    m³/h | m³/H, M³/h, M³/H, m³/hr, m³/Hr, cmh, CMH, 立方/时
    m³/min | cmm, CMM
    L/min | l/min, lpm, LPM
    L/s | l/s, lps, LPS
    L/h | l/h, L/hr, l/hr, lph, LPH
    ft³/min | cfm, CFM
    gal/min | gpm, GPM
    Nm³/h | NM³/h, NM³/H, Nm³/hr
    t | 吨, 公吨, 噸
    t/h | T/h, T/H, t/hr
    kg | KG, Kg, 公斤, 千克
    g | 克
    mg | 毫克
    ug | μg, 微克
    h | hr, Hr, hrs, hour, Hour, hours, Hours, 小时, 时, 小時, 個小時, 个小时
    min | mins, Min, MIN, minute, minutes, Minute, Minutes, 分钟, 分鐘
    s | sec, Sec, secs, second, seconds, Second, Seconds, 秒, 秒钟
    d | day, Day, days, Days, 天, 日
    week | weeks, 周, 星期
    month | months, 月, 个月
    yr | year, years, Year, 年
    ms | msec, 毫秒
    us | μs, 微秒
    ns | 纳秒
    m | meter, metre, meters, metres, 米, 公尺
    dm | 分米
    cm | CM, 厘米, 公分
    mm | MM, 毫米
    km | KM, Km, 千米, 公里
    um | μm, 微米
    nm | 纳米
    in | inch, inches, 英寸
    ft | foot, feet, 英尺
    mi | mile, miles, 英里
    m² | M², sqm, SQM, 平方米, 平米, 平方公尺
    cm² | 平方厘米
    km² | 平方公里, 平方千米
    ha | 公顷
    m/s | M/S, m/S, m/sec
    km/h | KM/H, Km/h, kmh, kph, km/hr
    mi/h | mph, MPH
    rpm | RPM, Rpm, r/min, rev/min, R/MIN, 转/分, 转/分钟, 轉/分
    lx | lux, Lux, LUX, Lx, 勒克斯
    dB | db, DB, 分贝
    dBA | dBa, dba, dB(A), db(A), DB(A), dB(a)
    dBm | dbm, DBM, DBm
    ppm | PPM, Ppm
    ppb | PPB, Ppb
    ug/m³ | μg/m³
    W/m² | w/m²
    kW/m² | KW/m²
    μS/cm | uS/cm, us/cm, μs/cm
    mS/cm | ms/cm
    J | 焦耳, 焦
    kJ | KJ, 千焦
    MJ | 兆焦
    GJ | 吉焦
    cal | 卡路里
    kcal | Kcal, KCAL, 大卡, 千卡
    MMcal | 兆卡
    pH | PH, ph, Ph
    mmol/l | mmol/L
    byte | bytes, Byte, Bytes, 字节
    bit | bits, Bit, Bits
    bit/s | bps
    kbit/s | kbps, Kbps
    Mbit/s | Mbps
    Gbit/s | Gbps
    N·m | Nm
"""
_KNOWN: Final[Mapping[str, str]] = {
    spelling.strip(): symbol.strip()
    for line in _TABLE.strip().splitlines()
    for symbol, spellings in [line.split("|")]
    for spelling in spellings.split(",")
}

# Signs that look alike, as the one that the tables use. Full-width letters and one-character units such as ㎡ are
# taken apart by `_plain`.
_SIGNS: Final = str.maketrans(
    {
        "\N{MICRO SIGN}": "\N{GREEK SMALL LETTER MU}",
        "\N{OHM SIGN}": "Ω",
        "\N{MASCULINE ORDINAL INDICATOR}": "°",
        "\N{RING ABOVE}": "°",
        "\N{BULLET OPERATOR}": "·",
        "\N{DOT OPERATOR}": "·",
        "\N{BULLET}": "·",
        "\N{KATAKANA MIDDLE DOT}": "·",
        "\N{DIVISION SLASH}": "/",
        "\N{FRACTION SLASH}": "/",
    }
)
# Symbols of EnOS and Home Assistant in which blanks and dots are right as they are.
_AS_THEY_ARE: Final = frozenset({"US gal", "acre ft", "fl. oz.", "BTU/(h⋅ft²)"})
# m2, M^3, m³, ft3, but not the powers within a longer word or number (kNm^3.3*s).
_POWER: Final = re.compile(
    r"(?<![A-Za-z])((?:[kcdm]?m|M|NM|Nm|in|ft|yd|mi))\^?([23])(?![\d.])"
)
_RAISED: Final = {"2": "²", "3": "³"}
_CHINESE: Final = re.compile("[\u4e00-\u9fff]")
# A dot or star between letters multiplies: kW.h, N*m.
_TIMES: Final = re.compile(r"(?<=[A-Za-z])[.*](?=[A-Za-z])")


def _plain(text: str) -> str:
    """Return a text with one spelling for signs that look alike, without blanks at its ends."""
    signs = (
        unicodedata.normalize("NFKC", sign)
        if "\uff01" <= sign <= "\uff5e"
        or "\u3371" <= sign <= "\u33df"
        or sign in "\N{DEGREE CELSIUS}\N{DEGREE FAHRENHEIT}\N{KELVIN SIGN}\u3000"
        else sign
        for sign in unicodedata.normalize("NFC", text.translate(_SIGNS))
    )
    return "".join(signs).translate(_SIGNS).strip()


def normalize(symbol: str) -> str:
    """Return EnOS's symbol for a spelling, the text with tidy signs where it is none of ours."""
    if symbol.strip() in _AS_THEY_ARE:
        return symbol.strip()
    text = _plain(symbol)
    tight = "".join(text.split())
    tight = _TIMES.sub("·", tight)
    tight = _POWER.sub(lambda found: found[1] + _RAISED[found[2]], tight)
    if tight in _KNOWN:
        return _KNOWN[tight]
    for separator in ("/", "每") if _CHINESE.search(tight) else ():
        above, between, below = tight.partition(separator)
        if between and above and below:
            ratio = f"{_KNOWN.get(above, above)}/{_KNOWN.get(below, below)}"
            return _KNOWN.get(ratio, ratio)
    return tight
