"""Words of a measurepoint's identifier and names, and what they give away.

Identifiers come as `room_temp_sp`, `RoomTempSP` or `SF1.OnOffCmd`, names in English or Chinese.
English terms match whole words in a row, so that `set` is not found in `offset`; terms in other
scripts match anywhere. A term table is one text: terms stand between commas.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import product
import re
from typing import Final

from .api.models import Measurepoint

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

# What counts equal things: "control 2", "控制2#".
_NUMBERING: Final = "0123456789#_- "

# So many words can an English term have.
MAX_WORDS: Final = 4


@dataclass(frozen=True, slots=True)
class Terms:
    """A table of terms; `a | b` has the terms of both."""

    english: frozenset[str] = frozenset()
    others: tuple[str, ...] = ()

    def __or__(self, other: Terms) -> Terms:
        """Return the terms of both tables."""
        return Terms(self.english | other.english, self.others + other.others)

    def __bool__(self) -> bool:
        """Tell whether there is any term."""
        return bool(self.english or self.others)


NO_TERMS: Final = Terms()


def terms(text: str) -> Terms:
    """Return the terms of a table."""
    found = [" ".join(term.split()) for term in text.split(",") if term.strip()]
    return Terms(
        frozenset(term for term in found if term.isascii()),
        tuple(term for term in found if not term.isascii()),
    )


@dataclass(frozen=True, slots=True)
class Words:
    """Words of some texts, ready to be searched.

    `runs` are all words and runs of words, `tails` those at the end of a text (a number after
    them does not count), `wholes` the texts as runs; `texts` are the texts in lower case.
    """

    runs: frozenset[str]
    tails: frozenset[str]
    wholes: frozenset[str]
    texts: tuple[str, ...]

    def any(self, wanted: Terms) -> bool:
        """Tell whether one of the terms occurs."""
        return not self.runs.isdisjoint(wanted.english) or any(
            term in text for text in self.texts for term in wanted.others
        )

    def end(self, wanted: Terms) -> bool:
        """Tell whether one of the texts ends with one of the terms."""
        return not self.tails.isdisjoint(wanted.english) or any(
            text.endswith(wanted.others)
            or text.rstrip(_NUMBERING).endswith(wanted.others)
            for text in self.texts
        )

    def are(self, wanted: Terms) -> bool:
        """Tell whether one of the texts is one of the terms and nothing else."""
        return not self.wholes.isdisjoint(wanted.english) or any(
            text in wanted.others for text in self.texts
        )


def _without_number(words: list[str]) -> list[str]:
    """Return words without a number at their end."""
    return words[:-1] if words and words[-1].isdecimal() else words


@lru_cache(maxsize=4096)
def words_of(*texts: str) -> Words:
    """Return the words of some texts: English ones split at case, digits and signs."""
    split = [[word.lower() for word in _WORD.findall(text)] for text in texts]
    return Words(
        runs=frozenset(
            " ".join(words[start:end])
            for words in split
            for start in range(len(words))
            for end in range(start + 1, min(start + MAX_WORDS, len(words)) + 1)
        ),
        tails=frozenset(
            " ".join(words[-length:])
            for words in (*split, *map(_without_number, split))
            for length in range(1, min(MAX_WORDS, len(words)) + 1)
        ),
        wholes=frozenset(" ".join(words) for words in split if words),
        texts=tuple(
            text.strip().lower() for text in texts if text and not text.isascii()
        ),
    )


def words(point: Measurepoint) -> Words:
    """Return the words of a point's identifier and of its names in all languages."""
    names = dict.fromkeys((point.name.default, *point.name.i18n.values()))
    return words_of(point.identifier, *(name for name in names if name))


# --- what may be written -----------------------------------------------------------------------

# A reading, whatever else is said.
READ_ONLY: Final = terms("""
    status, state, states, stat, sts, stt, feedback, fb, fbk, fdbk, readback, read back, rb,
    alarm, alm, alert, fault, flt, error, err, warning, warn, trip, fail, failed, failure,
    actual, act, measured, measurement, detected, detection, count, counter, cnt, total, signal,
    online, offline, running, health, available, availability, reached, in position, is set,
    rated, nominal, deviation, tolerance, statistics, history, version, data set, set up, set id,
    set time, setting time, settling, set coil, set range, setting range, sp o 2, common mode,
    failure mode, control source, remote control, local control, switch position, switching,
    limit switch, door switch, flow switch, float switch, level switch, pressure switch,
    dp switch, main switch, load switch, transfer switch, bypass switch, isolating switch,
    disconnect switch, switch closed, switch open, switch source, switch cabinet, switchgear,
    switch gear, tamper switch, reed switch, proximity switch, micro switch, contact switch,
    type, kind, material, range, accuracy, precision, resolution, repeatability, expected,
    effective, present, current mode, current state, current value, current setpoint, current set,
    current position, current floor, current source, grid mode, island mode, islanding mode,
    control mode status, breaker, isolator, disconnector, ats, emergency, estop, e stop, protection, fire, smoke,
    反馈, 反饋, 状态, 狀態, 报警, 報警, 告警, 警报, 警報, 故障, 异常, 異常, 实际, 實際, 实测, 测量,
    检测, 返回, 回读, 当前, 當前, 是否, 已, 次数, 时长, 累计, 统计, 信号, 在线, 离线, 额定, 偏差, 公差,
    历史, 版本, 到位, 保护, 急停, 紧急, 消防, 火灾, 断路器, 隔离开关, 刀闸, 接地, 分位, 合位, 分合,
    开关位置, 开关量, 限位, 门开关, 窗开关, 门磁, 行程开关, 水流开关, 流量开关, 压差开关, 压力开关,
    类型, 型号, 种类, 材料, 范围, 精度, 分辨率, 重复性,
    高压开关, 低压开关, 油压开关, 防冻开关, 负荷开关, 刀开关, 进线, 出线, 馈线, 母联, 联络开关, 开关柜,
    双电源, 电源切换, 切换开关, 有效设定, 控制方式, 浮球开关, 液位开关, 温度开关, 微动开关, 接近开关, 建立时间, 远程控制, 远方控制, 就地控制,
    状態, 警告, 異常, 計測, 現在, rückmeldung, störung
""")
# A control of any type.
WRITABLE: Final = terms("""
    set, sp, setpoint, setpoints, setpt, stpt, set point, set pt, setting, settings, setvalue,
    setval, settemp, tempset, tempsp, tempsetpoint, temperaturesetpoint, humiditysetpoint,
    pressuresetpoint, speedset, setspeed, modeset, setmode, setpower, cmd, command, target, desired,
    sollwert, soll, consigne, consigna,
    设定, 設定, 设置, 設置, 给定, 給定, 目标, 目標, 下发, 遥控, 遥调, 控制指令, 指令值, 控制命令,
    远程开机, 远程关机, 远程启停
""")
# A control of type BOOL or ENUM.
SWITCHING: Final = terms("""
    switch, enable, mode, on off, onoff, start stop, startstop, power on, power off, power on off,
    开关, 開關, 模式, 启停, 啟停, 使能, 启用, 启动停止, 运行停止, 切换, スイッチ, モード
""")
# A control of type ENUM.
SELECTING: Final = terms(
    "scene, fan speed, fanspeed, fan level, 场景, 风速, 风量, 档位"
)
# At the end of a name: a control of type BOOL or ENUM, or a number in a unit such as %.
CONTROL: Final = terms("control, ctrl, ctl, 控制, 调节, 指令, 命令")
# All of a name: a control of type BOOL.
BARE_SWITCH: Final = terms("power, on, 电源, 電源")

# --- what is pressed ---------------------------------------------------------------------------


def _joined(*parts: str) -> Terms:
    """Return every combination of a term of each part: "reset", "reset alarm", "reset cmd"."""
    tables = [[term.strip() for term in part.split(",")] for part in parts]
    return terms(",".join(" ".join(chosen) for chosen in product(*tables)))


def _joined_cjk(*parts: str) -> Terms:
    """Return every combination, without blanks between."""
    tables = [[term.strip() for term in part.split(",")] for part in parts]
    return terms(",".join("".join(chosen) for chosen in product(*tables)))


# At the end of a name: a BOOL that is pressed and not switched; see `momentary`.
PULSE: Final = (
    _joined(
        "reset, rst, ack, acknowledge, confirm, restart, reboot, trigger, retrigger",
        ", cmd, command, button, btn, control, ctrl",
    )
    | _joined(
        "reset, clear, ack, acknowledge, confirm, restart, reboot",
        "alarm, alarms, alm, fault, faults, flt, error, errors, trip, counter, counters, filter, "
        "meter, energy, device, controller, gateway, system, all",
    )
    | _joined(
        "alarm, alarms, alm, fault, faults, flt, error, errors, counter, meter, energy",
        "clear, clr",
        ", cmd, command, button, btn",
    )
    | _joined_cjk(
        "复位, 復位, 复归, 復歸, 重置, 清零, 归零, 清除, 确认, 確認, 重启, 重啟, 触发, 觸發, リセット",
        ", 命令, 指令, 按钮, 按鈕, 控制, 操作",
    )
    | _joined_cjk(
        "复位, 清除, 确认, 重启",
        "报警, 告警, 警报, 故障, 错误, 设备, 控制器, 网关, 系统, 计数, 计数器",
    )
)
# It tells of a pulse, allows or schedules it; it gives none.
NO_PULSE: Final = terms("""
    status, state, stat, sts, feedback, fb, fbk, done, result, enable, enabled, disable, auto,
    automatic, self, mode, time, delay, count, counts, required, request pending, pending, needed,
    allowed, not, un, power on reset, temp reset, temperature reset, pressure reset, sat reset,
    setpoint reset, sp reset, source, reason, last, was, is,
    状态, 狀態, 反馈, 反饋, 结果, 完成, 成功, 允许, 禁止, 使能, 自动, 自動, 自复位, 模式, 时间, 延时,
    次数, 计次, 已, 未, 待, 需要, 是否, 原因, 上次, 条件, 温度重置, 压力重置, 设定
""")


def momentary(found: Words) -> bool:
    """Tell whether a BOOL gives a pulse: it is pressed, and going back is no command."""
    return found.end(PULSE) and not found.any(NO_PULSE)


# --- what counts up ----------------------------------------------------------------------------

# A value that only grows; going back to zero at midnight or on New Year is growing, too.
COUNTING: Final = terms("""
    cumulative, cumulated, accumulated, accumulative, accumulation, acc, total, totals, totalized,
    totalizer, totaliser, lifetime, consumption, consumed, usage, used, production, produced,
    generation, generated, yield, delivered, import, imported, export, exported, daily, today,
    hourly, weekly, monthly, yearly, annual, meter, meter reading, throughput, accumulating,
    水表, 气表, 电表, 热表, 冷表, 累计, 累計, 累积, 总电量, 用电量, 发电量, 耗电量, 充电量, 放电量, 上网电量, 下网电量, 购电量, 售电量,
    电能, 能耗, 电度, 用水量, 用气量, 用热量, 用冷量, 供热量, 供冷量, 用量, 耗量, 耗水量, 耗气量, 总量,
    总用, 表读数, 表底, 示数, 今日, 当日, 日发电, 日用电, 当月, 当年, 本月, 本年, 产量, 消耗
""")
# Only these make a counter of anything but an energy, a volume or a mass.
SURELY_COUNTING: Final = terms("""
    cumulative, cumulated, accumulated, accumulating, accumulative, accumulation, totalizer,
    totaliser, totalized, 累计, 累計, 累积
""")
# Looks like a counter and is none: fixed, planned, averaged, or of a period that is over.
NOT_COUNTING: Final = terms("""
    rated, nominal, limit, setpoint, set, sp, target, forecast, predicted, prediction, planned, plan,
    budget, average, avg, mean, max, min, maximum, minimum, yesterday, last, previous, theoretical,
    rate, specific, per, loss, impact, pulse, capacity, contract, demand, expected, price, cost, switching,
    dissipation, density, interval, increment, delta, difference, diff, baseline, quota, balance,
    prepaid, remaining, remain, residual, day before, guaranteed, permissible, allowed, required,
    chargeable, dischargeable, rechargeable, ignition, avalanche, explosion, activation, kinetic, potential, arc,
    额定, 设定, 目标, 预测, 计划, 平均, 最大, 最小, 昨日, 上月, 上年, 去年, 上周, 理论, 单位, 应发, 损失,
    冲击, 容量, 需量, 限值, 单价, 增量, 差值, 差额, 区间, 时段, 日均, 月均, 均值, 昨天, 前日, 上日, 上季, 同期,
    基准, 配额, 限额, 余额, 余量, 剩余, 可充, 可放, 占比, 点火, 雪崩, 电弧, 动能, 势能
""")
# Counts energy, but backwards as well.
NET: Final = terms(
    "net, combined active, combined reactive, 净电, 净发电, 净用电, 净能, 净上网, 组合有功, 组合无功"
)
# Energy of a meter where the unit alone (joules) does not say so.
HEAT_METER: Final = terms("energy, heat, heating, cooling, cold, 热量, 冷量, 能量")
STORED: Final = terms("""
    chargeable, dischargeable, stored, storage, remaining, remain, residual, available, capacity, soe, tank, reservoir, stock,
    inventory, 剩余, 可用, 容量, 可充, 可放, 库存, 储量, 存量, 储罐, 水箱, 油箱, 储水
""")
# What is neither surely in store nor surely counted.
BATTERY: Final = terms("battery, 电池")
# The thing itself, not what went through.
GROSS_MASS: Final = terms("mass, weight, 质量, 重量")

# --- device classes ----------------------------------------------------------------------------

DIFFERENCE: Final = terms("""
    difference, diff, differential, delta, dt, delta t, deviation, deadband, dead band, hysteresis,
    offset, bias, temp rise, temperature rise, temp drop, temperature drop, temp increase,
    temperature increase, superheat, superheating, super heat, subcool, subcooling, undercooling,
    approach temp, approach temperature, 过热度, 过冷度, 端差, 逼近度, 趋近温度, 温降, 温差, 溫差, 回差, 差值, 误差, 偏差, 死区, 偏移, 温升
""")
# Neither surely a difference nor surely not.
CORRECTION: Final = terms("""
    correction, compensation, calibration, trim, drift, spread, band, span, gradient, shift,
    slope, error, accuracy, tolerance, uncertainty, resolution, stability, variation, fluctuation,
    公差, 允差, 精度, 分辨率, 稳定, 波动, 变化量, 平移, 梯度, 补偿, 校正, 修正, 校准, 漂移, 调整
""")
# Belongs to a quantity without being one: no class at all.
COEFFICIENT: Final = terms("""
    coefficient, coef, coeff, rate of rise, rate of fall, rate of change, rate change, change rate,
    rise rate, slew rate, ramp rate, heating rate, cooling rate, per unit, per area, per capita,
    rate of temperature, rate of temp, rate of pressure, rate of voltage, rate of current,
    rate of power, rate of frequency,
    系数, 上升率, 下降率, 变化率, 变化速率, 爬坡率, 升温速率, 降温速率, 单位面积
""")
# In kelvin, and no temperature.
NO_TEMPERATURE: Final = terms("""
    index, constant, sensitivity, factor, color temp, color temperature, colour temp,
    colour temperature, cct, degree days, 指数, 常数, 灵敏, 色温, 度日
""")
# Percent that leaves 0 to 100.
BEYOND_PERCENT: Final = terms("""
    ratio, gain, factor, reactive, slope, overload, change, error, imbalance, unbalance, growth,
    增益, 比例系数, 系数, 无功, 斜率, 变化, 不平衡, 同比, 环比
""")
WATER: Final = terms("water, 水")
# Water that goes round or away is not consumed.
NO_WATER: Final = terms("""
    waste, wastewater, sewage, drain, drainage, effluent, storm, stormwater, chilled, cooling,
    condenser, circulating, circulation, recirculation, heating, boiler, secondary, primary, steam,
    depth, 污水, 废水, 排水, 雨水, 冷冻水, 冷却水, 循环水, 空调水, 采暖, 供暖, 热网, 蒸汽, 中水
""")
GAS: Final = terms("gas, 燃气, 天然气, 用气, 耗气, 煤气, 气表")
# Gas that nobody burns.
NO_GAS: Final = terms("""
    air, compressed, steam, nitrogen, oxygen, hydrogen, argon, exhaust, flue, waste, inert, carbon,
    空气, 压缩, 空压, 蒸汽, 氮气, 氧气, 氢气, 氩气, 废气, 烟气, 尾气
""")
HEAT_FLUX: Final = terms("""
    heat, flux, density, thermal, sound, load, consumption, lighting, specific, friction, laser,
    热流, 热通, 功率密度, 声强, 负荷, 能耗, 照明, 指标, 摩擦
""")
# Amounts of rain that a length could be taken for, and heights of a pump that are pressures.
NO_LENGTH: Final = terms("""
    evaporation, evapotranspiration, pump head, delivery head, total head, hydraulic head,
    pressure head, suction head, npsh, 蒸发, 扬程, 水头
""")
# Of a material, or carried by a structure.
NO_PRESSURE: Final = terms("""
    modulus, strength, stress, bearing capacity, load bearing, bearing strength, hardness, rigidity,
    elasticity, shear, snow load, wind load, ice load, ground load, floor load, surface load,
    live load, dead load, 模量, 强度, 应力, 承载, 硬度, 刚度, 弹性, 剪切, 载荷, 荷载, 雪压
""")
DUCT: Final = terms("""
    duct, supply air, return air, exhaust air, fresh air, outlet air, fan, face velocity,
    风管, 送风, 回风, 排风, 新风, 风机, 风口, 出风
""")
RAIN: Final = terms("""
    rain, rainfall, rain rate, precipitation, snowfall, 降水, 降雨, 雨量, 雨强, 降雪
""")
STORM: Final = terms("storm intensity, 风暴强度, 暴雨强度")
POWER_FACTOR: Final = terms(
    "power factor, powerfactor, pf, cos phi, cosphi, cos, 功率因数, 力率"
)
WIND_DIRECTION: Final = terms("wind direction, wind dir, winddirection, wd, 风向")
# Angles of a compass: their mean over time is taken on the circle.
BEARING: Final = WIND_DIRECTION | terms(
    "direction, azimuth, heading, bearing, 方位, 方向, 航向"
)
# A whole number without a unit that names something instead of telling how much.
CODE: Final = terms("""
    status, state, mode, code, id, type, version, address, flag, alarm, fault, error, index, serial,
    word, bits, command, cmd, level, step, 状态, 模式, 代码, 编号, 版本, 地址, 类型, 标志, 报警, 故障, 字
""")

# What the unit "度" is, by the thing: degrees of temperature or angle, or kilowatt hours.
TEMPERATURE: Final = terms("temp, temperature, 温度, 室温, 水温, 气温, 油温, 温差")
ELECTRICITY: Final = terms(
    "energy, electricity, kwh, 电量, 电能, 电度, 用电, 发电, 能耗"
)
ANGLE: Final = terms("angle, direction, azimuth, 角度, 角, 风向, 方位")

# --- binary sensors ----------------------------------------------------------------------------

PROBLEM: Final = terms("""
    alarm, alm, fault, flt, failure, error, trip, tripped, warning, 报警, 告警, 故障, 跳闸
""")
NO_PROBLEM: Final = terms("""
    reset, enable, enabled, disable, disabled, ok, normal, clear, cleared, ack, acknowledged, no,
    not, mask, masked, inhibit, silence, mute, setpoint, limit,
    复位, 使能, 正常, 屏蔽, 消音, 确认, 启用, 解除, 无故障, 无报警, 投入, 恢复
""")
SMOKE: Final = terms("smoke, 烟感, 烟雾")
LEAK: Final = terms("water leak, water leakage, leak detected, 漏水, 水浸")
CONNECTED: Final = terms(
    "online, connected, connectivity, 在线, 联网状态, 通讯状态, 通信状态"
)
RUNNING: Final = terms("running, run status, run state, 运行状态, 运行中")
# As the label of true: true is not what the words of the point say.
NEGATED: Final = terms("""
    normal, ok, no, none, false, stop, stopped, off, offline, disconnected, inactive, clear,
    正常, 无, 停, 离线, 未, 断, 否, 恢复
""")
