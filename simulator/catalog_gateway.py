"""Gateways, and the radio sensors that reach EnOS through one."""

from .points import Kind, Point, boolean

GATEWAY = Kind(
    "gateway",
    "iot_gateway",
    "iot_base",
    "IoT gateway",
    "物联网网关",
    "Gateway",
    "网关",
    "IoT",
    "floor",
    (
        Point("uptime", "DOUBLE", "Uptime", "运行时间", 86_400.0, "s"),
        Point("cpu_load", "FLOAT", "CPU load", "CPU负载", 12.5, "%"),
        Point("signal_strength", "INT", "Signal strength", "信号强度", -67, "dBm"),
        Point(
            *("ip_address", "STRING", "IP address", "IP地址", "192.0.2.10"),
            signal="Generic",
            definition={"maxLength": 45},
        ),
        Point(
            *("restart_cmd", "BOOL", "Restart", "重启", False),
            access="rw",
            signal="DI",
            definition=boolean("Restart", "-"),
            pulse=True,
        ),
    ),
    product_type="Gateway",
)

ROOM_SENSOR = Kind(
    "room_sensor",
    "iot_room_sensor",
    "iot_base",
    "Room sensor",
    "房间传感器",
    "Sensor",
    "传感器",
    "IoT",
    "room",
    (
        Point("temperature", "FLOAT", "Temperature", "温度", 23.5, "°C"),
        Point("humidity", "FLOAT", "Humidity", "湿度", 48.0, "%"),
        Point("pm25", "INT", "PM2.5", "PM2.5", 18, "ug/m³"),
        Point("battery_level", "INT", "Battery", "电量", 87, "%"),
        Point(
            *("motion", "BOOL", "Motion", "人体感应", False),
            signal="DI",
            definition=boolean("Motion", "Clear"),
        ),
        Point(
            *("report_interval", "INT", "Report interval", "上报间隔", 60, "s"),
            access="rw",
            low=10,
            high=3600,
            step=10,
        ),
    ),
)
