"""Classes of points that no table was made for: names as plants, buildings and standards have them."""

from typing import Final

import pytest

from .points import control, point, reading

# Identifier | name | unit | device class | state class ("-": none).
TABLE: Final = """
rated_voltage|额定电压|V|voltage|measurement
maximum_guaranteed_output_voltage||V|voltage|measurement
tolerance_of_voltage|电压公差|V|voltage|measurement
rated_current|额定电流|A|current|measurement
maximum_continuous_current||mA|current|measurement
rated_power|额定功率|kW|power|measurement
maximum_power_point_power|最大功率点功率|W|power|measurement
peak_power|峰值功率|kWp|-|measurement
rated_apparent_power|额定视在功率|MVA|-|measurement
reactive_power_demand||kVar|reactive_power|measurement
hub_height|轮毂高度|m|distance|measurement
rotor_diameter|风轮直径|m|distance|measurement
cut-in_wind_speed|切入风速|m/s|wind_speed|measurement
rated_wind_speed||m/s|wind_speed|measurement
nacelle_direction|机舱方向|°|-|measurement_angle
yaw_angle|偏航角度|°|-|measurement
wind_direction_deviation|风向偏差|°|-|measurement_angle
absolute_wind_direction||°|wind_direction|measurement_angle
rotor_speed|风轮转速|rpm|-|measurement
generator_speed||rpm|-|measurement
generator_winding_temperature|发电机绕组温度|°C|temperature|measurement
gearbox_oil_temperature||°C|temperature|measurement
gearbox_oil_pressure|齿轮箱油压|bar|pressure|measurement
bearing_temperature|轴承温度|°C|temperature|measurement
bearing_lubrication_pressure|轴承润滑压力|kPa|pressure|measurement
hydraulic_pressure|液压压力|Mpa|-|measurement
tower_acceleration||m/s²|-|measurement
blade_pitch_angle|桨距角|°|-|measurement
global_horizontal_irradiance|水平面总辐照度|W/m²|irradiance|measurement
plane_of_array_irradiance||W/m²|irradiance|measurement
daily_irradiation|日辐射量|Wh/m²|-|measurement
lighting_power_density|照明功率密度|W/m²|-|measurement
heat_flux_density|热流密度|W/m²|-|measurement
module_temperature|组件温度|°C|temperature|measurement
dc_string_current|组串电流|A|current|measurement
inverter_efficiency|逆变器效率|%|-|measurement
daily_energy_yield|日发电量|kWh|energy|total_increasing
total_energy_production|累计发电量|MWh|energy|total_increasing
lifetime_yield||GWh|energy|total_increasing
forward_active_energy|正向有功电能|kWh|energy|total_increasing
reverse_active_energy|反向有功电能|kWh|energy|total_increasing
combined_active_energy|组合有功总电能|kWh|energy|total
forward_reactive_energy|正向无功电能|kvarh|reactive_energy|total_increasing
net_reactive_energy||kvarh|reactive_energy|total
monthly_energy|本月用电量|kWh|energy|total_increasing
energy_last_month|上月用电量|kWh|energy|-
energy_yesterday_2|昨日电量|kWh|energy|-
energy_interval_15min|时段电量|kWh|energy|-
energy_increment|电量增量|kWh|energy|-
annual_energy_forecast||kWh|energy|-
rated_annual_energy_consumption|额定年耗电量|kWh|energy|-
energy_per_area|单位面积能耗|kWh|-|measurement
prepaid_balance|剩余用电量|kWh|energy_storage|measurement
dischargeable_energy|可放电量|kWh|energy_storage|measurement
chargeable_energy|可充电量|kWh|energy_storage|measurement
usable_battery_capacity|可用容量|kWh|energy_storage|measurement
rated_capacity|额定容量|Ah|-|measurement
state_of_charge|荷电状态|%|battery|measurement
state_of_health|健康状态|%|-|measurement
depth_of_discharge|放电深度|%|-|measurement
minimum_state_of_charge||%|-|measurement
cell_voltage_difference|单体压差|mV|voltage|measurement
maximum_cell_temperature|最高单体温度|°C|temperature|measurement
cell_temperature_difference|单体温差|°C|temperature_delta|measurement
insulation_resistance|绝缘电阻|kΩ|-|measurement
charging_power|充电功率|kW|power|measurement
charging_duration|充电时长|min|duration|measurement
charged_energy|已充电量|kWh|energy|total_increasing
supply_air_temperature|送风温度|°C|temperature|measurement
return_water_temperature||°C|temperature|measurement
wet_bulb_temperature|湿球温度|°C|temperature|measurement
dew_point|露点|°C|temperature|measurement
evaporator_approach_temperature|蒸发器趋近温度|°C|temperature_delta|measurement
superheat|过热度|°C|temperature_delta|measurement
superheated_steam_temperature|过热蒸汽温度|°C|temperature|measurement
subcooling|过冷度|K|temperature_delta|measurement
temperature_rise|温升|K|temperature_delta|measurement
temperature_hysteresis||°C|temperature_delta|measurement
temperature_tolerance|温度公差|°C|-|measurement
temperature_accuracy|温度精度|°C|-|measurement
temperature_resolution||°C|-|measurement
temperature_stability||°C|-|measurement
temperature_gradient|温度梯度|K|-|measurement
rate_of_temperature_rise|温度上升率|°C|-|measurement
temperature_coefficient|温度系数|K|-|measurement
color_temperature|色温|K|-|measurement
heating_curve_slope||K|-|measurement
noise_temperature|噪声温度|K|temperature|measurement
duct_static_pressure|风管静压|Pa|pressure|measurement
air_velocity_in_duct|送风风速|m/s|speed|measurement
outdoor_wind_speed|室外风速|m/s|wind_speed|measurement
relative_humidity|相对湿度|%|humidity|measurement
room_rh||%RH|humidity|measurement
p_rh|回风|％RH|humidity|measurement
humidity_deviation|湿度偏差|%RH|-|measurement
humidifier_output|加湿器输出|%|-|measurement
absolute_humidity||g/m³|absolute_humidity|measurement
chilled_water_flow|冷冻水流量|m3/h|volume_flow_rate|measurement
chilled_water_total|冷冻水累计流量|m³|volume|total_increasing
cooling_water_volume|冷却水累计量|m³|volume|total_increasing
tap_water_consumption|自来水用水量|m³|water|total_increasing
domestic_hot_water_used|生活热水用量|m3|water|total_increasing
waste_water_total|累计污水量|m³|volume|total_increasing
water_meter_1|1#水表|m³|water|total_increasing
gas_meter|燃气表|m³|gas|total_increasing
natural_gas_consumption|天然气用量|m³|gas|total_increasing
compressed_air_total|压缩空气累计用气量|m³|volume|total_increasing
steam_flow_total|蒸汽累计流量|t|-|total_increasing
exhaust_gas_volume|累计排烟量烟气|m³|volume|total_increasing
gas_normal_volume|天然气标况累计量|Nm3|-|total_increasing
gas_heater_water|燃气热水器用水量|m³|volume|total_increasing
fuel_tank_volume|油箱油量|L|volume_storage|measurement
diesel_consumption|累计柴油消耗|L|volume|total_increasing
coal_consumption|耗煤量累计|t|-|total_increasing
ash_mass|灰渣质量|kg|weight|measurement
rated_load|额定载重|kg|weight|measurement
co2_emission|累计碳排放|kg|weight|total_increasing
lift_speed|电梯速度|m/s|speed|measurement
lift_travel|累计行程|km|distance|total_increasing
pump_head|水泵扬程|m|-|measurement
water_level|水位|m|distance|measurement
snow_depth|积雪深度|cm|distance|measurement
snow_load|雪荷载|N/m²|-|measurement
wind_pressure|风压|Pa|pressure|measurement
yield_strength|屈服强度|Mpa|-|measurement
tensile_modulus|拉伸模量|Pa|-|measurement
evaporation|蒸发量|mm|-|measurement
daily_rainfall|日降雨量|mm|precipitation|measurement
rainfall_intensity|降雨强度|mm/h|precipitation_intensity|measurement
barometric_pressure|气压|hPa|atmospheric_pressure|measurement
sound_pressure_level|声压级|dB|sound_pressure|measurement
noise_figure|噪声系数|dB|-|measurement
insertion_loss|插入损耗|dB|-|measurement
a_weighted_noise|噪声|dB(A)|sound_pressure|measurement
signal_level|信号强度|dBm|signal_strength|measurement
output_power_dbm|输出功率|dBm|-|measurement
illuminance|照度|lux|illuminance|measurement
ozone_concentration|臭氧浓度|ug/m³|ozone|measurement
sulphur_dioxide_concentration|二氧化硫浓度|ug/m³|sulphur_dioxide|measurement
nitrogen_monoxide_concentration|一氧化氮浓度|ug/m³|nitrogen_monoxide|measurement
carbon_monoxide_concentration|一氧化碳浓度|mg/m³|carbon_monoxide|measurement
carbon_dioxide_concentration|二氧化碳浓度|ppm|carbon_dioxide|measurement
ammonia_concentration|氨气浓度|ppm|-|measurement
formaldehyde|甲醛|mg/m³|-|measurement
PM10_concentration|可吸入颗粒物|ug/m³|pm10|measurement
PM1.0||ug/m³|pm1|measurement
soil_moisture_content|土壤含水率|%|moisture|measurement
moisture_absorption|吸湿率|%|-|measurement
water_conductivity|电导率|uS/cm|conductivity|measurement
power_factor_total|总功率因数||power_factor|measurement
power_factor_tolerance||%|-|measurement
total_harmonic_distortion|总谐波畸变率|%|-|measurement
voltage_unbalance|电压不平衡度|%|-|measurement
frequency_deviation|频率偏差|Hz|frequency|measurement
joule_integral|焦耳积分|J|-|measurement
rate_of_change_of_power|功率变化率|kW|-|measurement
download_rate|下行速率|Mbps|data_rate|measurement
disk_free||GB|data_size|measurement
elec_1|电量|度|energy|total_increasing
temp_1|室内温度|度|temperature|measurement
angle_1|倾斜角度|度|-|measurement
hot_1|供水|度|-|measurement
mean_time_between_failures|平均故障间隔时间|h|duration|measurement
running_hours_total|累计运行小时|h|duration|total_increasing
number_of_starts|启动次数|次|-|measurement
accumulated_starts|累计启动次数|次|-|total_increasing
heat_meter_energy|热表热量|GJ|energy|total_increasing
cooling_energy|累计冷量|KWH|energy|total_increasing
thermal_energy|供热量|GJ|energy|total_increasing
ignition_energy|点火能量|MJ|energy|-
annual_output|年发电量|万kWh|-|total_increasing
avalanche_energy|雪崩能量|J|energy|-
nacelle|机舱方向|°|-|measurement_angle
rechargeable|可充电量|kWh|energy_storage|measurement
dischargeable_energy_now||kWh|energy_storage|measurement
gradient|温度梯度|K|-|measurement
rate_of_temperature_rise_1||°C|-|measurement
level_a||dBA|sound_pressure|measurement
sound_power_level_a||dB(A)|-|measurement
"""
ROWS: Final = [line.split("|") for line in TABLE.strip().splitlines()]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_class(row: list[str]) -> None:
    """A class is found where unit and words are certain, and none otherwise."""
    identifier, name, unit, device_class, state_class = row
    model = point(identifier, name=name, unit=unit)
    found = reading(model)
    assert (found.device_class or "-", found.state_class or "-") == (
        device_class,
        state_class,
    )
    assert (control(model).device_class or "-") == device_class


def test_names_are_unique() -> None:
    """No line hides another one."""
    assert len({row[0] for row in ROWS}) == len(ROWS) > 150


@pytest.mark.parametrize(
    ("data_type", "device_class"),
    [("FLOAT", "power_factor"), ("DOUBLE", "power_factor"), ("INT", None)],
)
def test_whole_power_factor(data_type: str, device_class: str | None) -> None:
    """A whole number is a power factor times a hundred or a thousand: no power factor."""
    assert reading(point("power_factor", data_type)).device_class == device_class
    percent = reading(point("power_factor", data_type, unit="%"))
    assert percent.device_class == "power_factor"


@pytest.mark.parametrize(
    ("name", "unit"),
    [("室内温度", "°C"), ("用电量", "kWh"), ("风向角度", "°"), ("供水", "度")],
)
def test_degrees(name: str, unit: str) -> None:
    """The word for degrees and kilowatt hours is what the name says, or stays as it is."""
    assert reading(point(name=name, unit="度")).unit == unit
    assert control(point(name=name, unit="度")).unit == unit
