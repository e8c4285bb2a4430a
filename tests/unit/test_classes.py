"""Classes: what a number or a BOOL measures, by unit and words."""

from homeassistant.components.sensor.const import (
    DEVICE_CLASS_STATE_CLASSES,
    DEVICE_CLASS_UNITS,
    SensorDeviceClass,
)
import pytest

from custom_components.enos.mapping import describe_reading

from .points import control, library, point, reading


@pytest.mark.parametrize(
    ("identifier", "name", "unit", "multiplier", "expected"),
    [
        # Temperatures and differences of temperatures
        ("room_temp", "室温", "°C", "ONE", ("°C", "temperature", "measurement")),
        ("temp", "", "℃", "ONE", ("°C", "temperature", "measurement")),
        ("dt", "供回水温差", "°C", "ONE", ("°C", "temperature_delta", "measurement")),
        ("Deadband", "", "K", "ONE", ("K", "temperature_delta", "measurement")),
        ("temp_offset", "", "°C", "ONE", ("°C", "temperature_delta", "measurement")),
        ("temp_correction", "", "°C", "ONE", ("°C", None, "measurement")),
        ("B_index", "热敏指数", "K", "ONE", ("K", None, "measurement")),
        # Percent
        ("rh", "", "%", "ONE", ("%", "humidity", "measurement")),
        ("hum", "室内湿度", "%", "ONE", ("%", "humidity", "measurement")),
        ("soil_moisture", "", "%", "ONE", ("%", "moisture", "measurement")),
        ("SOC", "", "%", "ONE", ("%", "battery", "measurement")),
        ("SoC", "", "%", "ONE", ("%", "battery", "measurement")),
        ("soc_upper_limit", "", "%", "ONE", ("%", None, "measurement")),
        ("SOH", "健康度", "%", "ONE", ("%", None, "measurement")),
        ("battery", "", "%", "ONE", ("%", "battery", "measurement")),
        ("x", "电池", "%", "ONE", ("%", "battery", "measurement")),
        ("battery_tolerance", "", "%", "ONE", ("%", None, "measurement")),
        ("humidity_accuracy", "", "%", "ONE", ("%", None, "measurement")),
        ("humidity_coefficient", "", "%", "ONE", ("%", None, "measurement")),
        ("valve_position", "阀门开度", "%", "ONE", ("%", None, "measurement")),
        ("humidifier_valve", "加湿阀", "%", "ONE", ("%", None, "measurement")),
        ("PF", "功率因数", "%", "ONE", ("%", "power_factor", "measurement")),
        ("power_factor", "", "", "ONE", (None, "power_factor", "measurement")),
        ("power_factor", "功率因数", "kVar", "ONE", ("kvar", None, "measurement")),
        # Energy
        ("energy", "电量", "kWh", "ONE", ("kWh", "energy", "total_increasing")),
        ("e1", "", "Wh", "KILO", ("kWh", "energy", "total_increasing")),
        ("APProductionKWH", "", "kWh", "ONE", ("kWh", "energy", "total_increasing")),
        ("day_energy", "日发电量", "kWh", "ONE", ("kWh", "energy", "total_increasing")),
        ("net_energy", "", "kWh", "ONE", ("kWh", "energy", "total")),
        ("energy_yesterday", "", "kWh", "ONE", ("kWh", "energy", None)),
        ("rated_energy", "额定电量", "kWh", "ONE", ("kWh", "energy", None)),
        (
            "remaining_energy",
            "剩余电量",
            "kWh",
            "ONE",
            ("kWh", "energy_storage", "measurement"),
        ),
        (
            "capacity",
            "电池容量",
            "kWh",
            "ONE",
            ("kWh", "energy_storage", "measurement"),
        ),
        ("e2", "储能累计充电量", "MWh", "ONE", ("MWh", "energy", "total_increasing")),
        ("battery_energy", "", "kWh", "ONE", ("kWh", "energy", None)),
        ("heat_energy", "累计热量", "GJ", "ONE", ("GJ", "energy", "total_increasing")),
        ("q", "冷量", "GJ", "ONE", ("GJ", "energy", "total_increasing")),
        ("impact_energy", "冲击能量", "J", "ONE", ("J", "energy", None)),
        ("switching_energy", "", "J", "ONE", ("J", "energy", None)),
        ("e3", "", "kvarh", "ONE", ("kvarh", "reactive_energy", "total_increasing")),
        ("total", "", "Mvarh", "ONE", ("Mvarh", None, "total_increasing")),
        # Volumes and masses
        ("water_used", "用水量", "m³", "ONE", ("m³", "water", "total_increasing")),
        ("gas_total", "", "m³", "ONE", ("m³", "gas", "total_increasing")),
        ("v1", "累计流量", "m³", "ONE", ("m³", "volume", "total_increasing")),
        ("v2", "", "L", "ONE", ("L", "volume", None)),
        ("tank_volume", "", "L", "ONE", ("L", "volume_storage", "measurement")),
        ("v3", "水箱水量", "m³", "ONE", ("m³", "volume_storage", "measurement")),
        ("gas_total", "", "US gal", "ONE", ("gal", "volume", "total_increasing")),
        ("steam_total", "", "t", "ONE", ("t", None, "total_increasing")),
        ("coal", "累计煤耗", "kg", "ONE", ("kg", "weight", "total_increasing")),
        ("total_mass", "", "kg", "ONE", ("kg", "weight", "measurement")),
        ("load", "", "kg", "ONE", ("kg", "weight", "measurement")),
        # Rates never count up
        ("total_power", "总功率", "kW", "ONE", ("kW", "power", "measurement")),
        ("p_total", "累计功率", "W", "HECTO", ("hW", None, "measurement")),
        (
            "flow_total",
            "",
            "L/min",
            "ONE",
            ("L/min", "volume_flow_rate", "measurement"),
        ),
        # Counters without a class
        (
            "run_hours",
            "累计运行时间",
            "h",
            "ONE",
            ("h", "duration", "total_increasing"),
        ),
        ("run_time", "运行时间", "h", "ONE", ("h", "duration", "measurement")),
        ("starts", "累计启动次数", "", "ONE", (None, None, "total_increasing")),
        ("mileage", "累计里程", "km", "ONE", ("km", "distance", "total_increasing")),
        # Wind, weather, angles
        (
            "wind_direction",
            "",
            "°",
            "ONE",
            ("°", "wind_direction", "measurement_angle"),
        ),
        ("yaw_heading", "", "°", "ONE", ("°", None, "measurement_angle")),
        ("tilt_angle", "", "°", "ONE", ("°", None, "measurement")),
        ("wind_speed", "", "m/s", "ONE", ("m/s", "wind_speed", "measurement")),
        ("belt_speed", "", "m/s", "ONE", ("m/s", "speed", "measurement")),
        ("rainfall", "降雨量", "mm", "ONE", ("mm", "precipitation", "measurement")),
        (
            "rain_rate",
            "",
            "mm/h",
            "ONE",
            ("mm/h", "precipitation_intensity", "measurement"),
        ),
        ("rainfall", "", "m", "ONE", ("m", None, "measurement")),
        ("storm_surge", "", "cm", "ONE", ("cm", "distance", "measurement")),
        ("tensile_strength", "", "Pa", "MEGA", ("MPa", None, "measurement")),
        ("stress", "屈服应力", "N/m²", "ONE", ("Pa", None, "measurement")),
        ("adc_resolution", "", "bit", "ONE", ("bit", None, "measurement")),
        ("memory", "", "bit", "ONE", ("bit", "data_size", "measurement")),
        ("rx_level", "", "dBm", "ONE", ("dBm", "signal_strength", "measurement")),
        ("intercept_point", "", "dBm", "ONE", ("dBm", None, "measurement")),
        ("friction_coefficient", "", "K", "ONE", ("K", None, "measurement")),
        ("frost", "结霜强度", "mm/h", "ONE", ("mm/h", None, "measurement")),
        ("heat_flux", "", "W/m²", "ONE", ("W/m²", None, "measurement")),
        ("p", "大气压", "Pa", "HECTO", ("hPa", "atmospheric_pressure", "measurement")),
        # Air
        ("co2", "", "ppm", "ONE", ("ppm", "carbon_dioxide", "measurement")),
        ("CO", "", "ppm", "ONE", ("ppm", "carbon_monoxide", "measurement")),
        ("CO2", "", "ppb", "ONE", ("ppb", None, "measurement")),
        ("PM2.5", "", "ug/m³", "ONE", ("μg/m³", "pm25", "measurement")),
        ("PM10", "", "ug/m³", "ONE", ("μg/m³", "pm10", "measurement")),
        (
            "tvoc",
            "",
            "mg/m³",
            "ONE",
            ("mg/m³", "volatile_organic_compounds", "measurement"),
        ),
        ("dust", "", "ug/m³", "ONE", ("μg/m³", None, "measurement")),
        ("AQI", "", "", "ONE", (None, "aqi", "measurement")),
        ("noise_level", "噪声", "dB", "ONE", ("dB", "sound_pressure", "measurement")),
        ("rssi", "", "dB", "ONE", ("dB", "signal_strength", "measurement")),
        ("power_gain", "功率增益", "dB", "ONE", ("dB", None, "measurement")),
        # pH is picohenry in EnOS's library, and acidity in its use.
        ("acidity_of_soil", "土壤酸度", "pH", "ONE", (None, "ph", "measurement")),
        ("PH", "", "pH", "ONE", (None, "ph", "measurement")),
        ("coil", "线圈电感", "pH", "ONE", ("pH", None, "measurement")),
        ("phase", "相", "", "ONE", (None, None, "measurement")),
    ],
)
def test_classes(
    identifier: str,
    name: str,
    unit: str,
    multiplier: str,
    expected: tuple[str | None, str | None, str | None],
) -> None:
    """Words choose among the classes of a unit, and only where they are certain."""
    model = point(identifier, name=name, unit=unit, multiplier=multiplier)
    found = reading(model)
    assert (found.unit, found.device_class, found.state_class) == expected
    assert control(model).device_class == expected[1]


@pytest.mark.parametrize(
    ("unit", "state_class"),
    [
        ("kWh", "total_increasing"),
        ("J", "total_increasing"),
        ("m³", "total_increasing"),
        ("kg", "total_increasing"),
        ("", "total_increasing"),
        ("count", "total_increasing"),
        ("kW", "measurement"),
        ("°C", "measurement"),
    ],
)
def test_pulse_signals_count(unit: str, state_class: str) -> None:
    """EnOS's signal type PI counts up, but for what cannot."""
    assert reading(point(unit=unit, signal_type="PI")).state_class == state_class


@pytest.mark.parametrize(
    ("identifier", "data_type", "state_class"),
    [
        ("fault_code", "INT", None),
        ("mode", "INT", None),
        ("people", "INT", "measurement"),
        ("mode", "FLOAT", "measurement"),
    ],
)
def test_codes_have_no_statistics(
    identifier: str, data_type: str, state_class: str | None
) -> None:
    """A number that names something has no mean."""
    assert reading(point(identifier, data_type)).state_class == state_class


@pytest.mark.parametrize(
    ("unit", "declared", "device_class"),
    [
        ("%", "humidity", "humidity"),
        ("%", " Battery ", "battery"),
        ("%", "temperature", None),
        ("kWh", "energy_storage", "energy_storage"),
        ("°C", "none", None),
        ("°C", "timestamp", "temperature"),
        ("hW", "power", None),
        ("", "enum", None),
    ],
)
def test_declared_class(unit: str, declared: str, device_class: str | None) -> None:
    """A tag chooses the class, if Home Assistant takes the unit with it."""
    model = point(unit=unit, tags={"ha/device_class": declared})
    assert reading(model).device_class == device_class
    assert control(model).device_class == device_class


def test_library() -> None:
    """Each feature has a kind that fits its type, with classes that Home Assistant takes."""
    for model in library():
        found = describe_reading(model, language="zh-Hans")
        assert found is not None, model
        if found.device_class is not None and found.device_class != "enum":
            device_class = SensorDeviceClass(found.device_class)
            assert found.unit in DEVICE_CLASS_UNITS[device_class], model
            if found.state_class is not None:
                allowed = DEVICE_CLASS_STATE_CLASSES[device_class]
                assert found.state_class in allowed, model


@pytest.mark.parametrize(
    ("identifier", "name", "labels", "tags", "device_class"),
    [
        ("HighTempAlarm", "", {}, {}, "problem"),
        ("p", "水泵故障", {}, {}, "problem"),
        ("p", "水泵故障", {True: "正常", False: "故障"}, {}, None),
        ("alarm_reset", "", {}, {}, None),
        ("no_alarm", "", {}, {}, None),
        ("smoke_alarm", "", {}, {}, "smoke"),
        ("p", "漏水报警", {}, {}, "moisture"),
        ("online", "", {True: "online", False: "offline"}, {}, "connectivity"),
        ("p", "运行状态", {True: "运行", False: "停止"}, {}, "running"),
        ("p", "运行状态", {True: "停止", False: "运行"}, {}, None),
        ("door", "", {}, {}, None),
        ("door", "", {}, {"ha/device_class": "door"}, "door"),
        ("door", "", {}, {"ha/device_class": "humidity"}, None),
    ],
)
def test_binary_classes(
    identifier: str,
    name: str,
    labels: dict[bool, str],
    tags: dict[str, str],
    device_class: str | None,
) -> None:
    """A BOOL has a class where it is certain what true means."""
    model = point(identifier, "BOOL", name, bool_labels=labels, tags=tags)
    assert reading(model).device_class == device_class


def test_switch_class() -> None:
    """A switch takes its class from a tag only."""
    assert control(point("outlet", "BOOL")).device_class is None
    model = point("p", "BOOL", tags={"ha/device_class": "outlet"})
    assert control(model).device_class == "outlet"
