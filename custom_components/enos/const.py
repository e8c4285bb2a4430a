"""Names used all over the integration."""

from datetime import timedelta
import logging
from typing import Final

from homeassistant.const import Platform

DOMAIN: Final = "enos"
LOGGER = logging.getLogger(__package__)

EVENT_COMMAND: Final = f"{DOMAIN}_command"

MANUFACTURER: Final = "Envision"

PLATFORMS: Final = [
    Platform.BINARY_SENSOR,
    Platform.BUTTON,
    Platform.DATE,
    Platform.DATETIME,
    Platform.EVENT,
    Platform.NUMBER,
    Platform.SELECT,
    Platform.SENSOR,
    Platform.SWITCH,
    Platform.TEXT,
]

# Entry data: where the account is and how to get in.
CONF_ORG_ID: Final = "org_id"
CONF_ACCESS_KEY: Final = "access_key"
CONF_SECRET_KEY: Final = "secret_key"
SECTION_CONNECTION: Final = "connection"

# Subentries: what was brought in.
SUBENTRY_PRODUCT: Final = "product"
SUBENTRY_DEVICE: Final = "device"
CONF_PRODUCTS: Final = "products"
CONF_PRODUCT_KEY: Final = "product_key"
CONF_DEVICE_KEY: Final = "device_key"
CONF_ASSET_ID: Final = "asset_id"
CONF_DEVICES: Final = "devices"
CONF_CONTROLS: Final = "controls"
CONF_SENSORS: Final = "sensors"
CONF_SERVICES: Final = "services"
CONF_POINTS: Final = "points"
CONF_LABELS: Final = "labels"
CONF_DATA_TYPE: Final = "data_type"
CONF_UNIT: Final = "unit"
# What the console's export of the model says of points.
CONF_DECLARED: Final = "declared"
# Labels of a newer model that a person did not want.
CONF_LABELS_DECLINED: Final = "labels_declined"

# What a person says otherwise than the model: of points, and of points of single devices.
CONF_CORRECTIONS: Final = "corrections"
CONF_CORRECTION_EXCEPTIONS: Final = "correction_exceptions"

# How commands are sent: of a subentry, and of single devices of a product.
CONF_POLICY: Final = "policy"
CONF_POLICY_EXCEPTIONS: Final = "policy_exceptions"
CONF_WHEN_OFFLINE: Final = "when_offline"
CONF_QUEUE_MINUTES: Final = "queue_minutes"
OFFLINE_FAIL: Final = "fail"
OFFLINE_QUEUE: Final = "queue"

# Entry options.
CONF_WRITE_ANY_POINT: Final = "write_any_point"

# The gateway's clock may differ by five minutes at most; one that differs by four is wrong.
CLOCK_SKEW: Final = 240.0

VALUES_INTERVAL: Final = timedelta(seconds=30)
DEVICES_INTERVAL: Final = timedelta(seconds=60)


def point_unique_id(org_id: str, asset_id: str, point_id: str) -> str:
    """Return the unique id of a point's entity, which never changes."""
    return f"{org_id}_{asset_id}_{point_id}"


SERVICE_MARK: Final = "#service_"


def service_unique_id(org_id: str, asset_id: str, service_id: str) -> str:
    """Return the unique id of a service's button, which never changes."""
    return f"{org_id}_{asset_id}{SERVICE_MARK}{service_id}"
