"""System health: whether the gateways can be reached, and how the accounts are doing."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import aiohttp
from homeassistant.components import system_health
from homeassistant.const import CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.aiohttp_client import async_get_clientsession

from .api.models import DeviceStatus
from .const import DOMAIN
from .coordinator import EnosConfigEntry

_PATIENCE: Final = aiohttp.ClientTimeout(total=5)


@callback
def async_register(
    hass: HomeAssistant, register: system_health.SystemHealthRegistration
) -> None:
    """Register what tells of the accounts."""
    register.async_register_info(_info, f"/config/integrations/integration/{DOMAIN}")


async def _info(hass: HomeAssistant) -> dict[str, Any]:
    """Return what is shown.

    Labels cannot name an account: where there are several, the values do.
    """
    entries: list[EnosConfigEntry] = hass.config_entries.async_entries(
        DOMAIN, include_disabled=False
    )
    if not entries:
        return {}
    found: dict[str, Any] = {"reach_gateway": _reach(hass, entries)}
    rows = [
        (entry.title, _account(entry))
        for entry in hass.config_entries.async_loaded_entries(DOMAIN)
    ]
    for key in rows[0][1] if rows else ():
        found[key] = _told([(title, row[key]) for title, row in rows], entries)
    return found


def _account(entry: EnosConfigEntry) -> dict[str, int | str | None]:
    """Return the numbers of one account."""
    data = entry.runtime_data
    coordinator, left = data.coordinator, data.client.token_remaining
    online = sum(
        coordinator.status_of(asset_id) is DeviceStatus.ONLINE
        for asset_id in coordinator.devices
    )
    return {
        "token_valid": None if left is None else int(left // 60),
        "requests_today": data.client.statistics.requests_today,
        "devices_online": f"{online} / {len(coordinator.devices)}",
        "open_commands": len(data.commands.open),
        "queued_commands": sum(record.waits for record in data.commands.open),
    }


def _told(
    values: Sequence[tuple[str, int | str | None]], entries: list[EnosConfigEntry]
) -> int | str | None:
    """Return the value of a single account as it is, those of several with their names."""
    if len(entries) == 1:
        return values[0][1]
    return ", ".join(
        f"{title}: {'-' if value is None else value}" for title, value in values
    )


async def _reach(
    hass: HomeAssistant, entries: list[EnosConfigEntry]
) -> str | dict[str, str]:
    """Tell whether all gateways answer, and which does not."""
    troubles = await asyncio.gather(*(_trouble_of(hass, entry) for entry in entries))
    failed = [
        (entry.title, trouble)
        for entry, trouble in zip(entries, troubles, strict=True)
        if trouble is not None
    ]
    if not failed:
        return "ok"
    return {"type": "failed", "error": str(_told(failed, entries))}


async def _trouble_of(hass: HomeAssistant, entry: EnosConfigEntry) -> str | None:
    """Ask a gateway for anything, with the certificate check that its account has.

    Home Assistant's own check knows no gateway with a certificate of its own.
    """
    session = async_get_clientsession(hass, verify_ssl=entry.data[CONF_VERIFY_SSL])
    try:
        async with session.get(
            entry.data[CONF_URL], timeout=_PATIENCE, allow_redirects=False
        ):
            return None
    except TimeoutError:
        return "timeout"
    except aiohttp.ClientError, ValueError:
        return "unreachable"
