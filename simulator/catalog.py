"""The kinds of devices that the building is made of."""

from .catalog_gateway import GATEWAY, ROOM_SENSOR
from .catalog_hvac import AHU, CHILLER, FCU, FCU_BASIC
from .catalog_lab import LAB
from .catalog_power import BATTERY, CHARGER, LIGHT, METER, PV
from .catalog_wide import WIDE
from .points import Kind

KINDS: dict[str, Kind] = {
    kind.key: kind
    for kind in (FCU, LIGHT, AHU, METER, CHILLER, CHARGER, PV, BATTERY, FCU_BASIC)
}

# Kinds that a building has none of before a test adds one; neither their
# products nor their models are there before that.
EXTRA_KINDS: dict[str, Kind] = {
    kind.key: kind for kind in (LAB, GATEWAY, ROOM_SENSOR, WIDE)
}

# One of each first, then the mix of an office building.
MIX: tuple[str, ...] = (
    *("fcu", "light", "ahu", "meter", "chiller", "charger", "pv", "battery"),
    *("fcu_basic", "fcu", "light", "fcu", "light", "fcu", "light", "fcu"),
    *("light", "fcu", "light", "fcu_basic", "fcu", "light", "ahu", "charger"),
)
# What a building grows by beyond that.
GROWTH: tuple[str, ...] = (
    *("fcu", "light", "fcu", "light", "fcu_basic", "fcu", "light", "meter"),
    *("fcu", "light", "ahu", "fcu", "light", "charger", "fcu", "light"),
)
