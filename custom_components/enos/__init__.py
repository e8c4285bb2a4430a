"""Envision EnOS: measurepoints of industrial devices as entities."""

from collections.abc import Mapping
from dataclasses import dataclass
import time
from typing import Any, Final

import aiohttp
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_URL, CONF_VERIFY_SSL, EVENT_HOMEASSISTANT_STOP
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.exceptions import ConfigEntryError
from homeassistant.helpers import config_validation as cv, device_registry as dr
from homeassistant.helpers.aiohttp_client import (
    SERVER_SOFTWARE,
    async_get_clientsession,
)
from homeassistant.helpers.start import async_at_started
from homeassistant.helpers.typing import ConfigType
from homeassistant.util.hass_dict import HassKey
from homeassistant.util.ssl import client_context, client_context_no_verify

from . import services
from .api.client import EnosClient
from .api.errors import ApiError, EnosError, InvalidUrlError, NotFoundError
from .commands import Commands
from .config_steps import client_for
from .const import (
    CONF_ACCESS_KEY,
    CONF_ORG_ID,
    CONF_SECRET_KEY,
    DOMAIN,
    LOGGER,
    PLATFORMS,
)
from .coordinator import EnosConfigEntry, EnosCoordinator, EnosData
from .discovery import Discovery
from .issues import Issues
from .memory import Memory, Stored, open_commands, restore_masks, stored_masks
from .places_home import async_forget as async_forget_places
from .registry import Registries, asset_id_of
from .selection import selections
from .views import async_register_views

_HANDOVER_LIFE: Final = 600.0
# Shorter than gateways keep a connection: a write must not meet one that is being closed.
_KEEPALIVE: Final = 15.0


@dataclass(slots=True)
class _Handover:
    """What an unloaded entry leaves to the next set-up."""

    at: float
    account: tuple[str, str]
    data: EnosData


CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)

_HANDOVERS: HassKey[dict[str, _Handover]] = HassKey(DOMAIN)


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Register the actions, so that automations with them can be checked at any time."""
    services.async_register(hass)
    async_register_views(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: EnosConfigEntry) -> bool:
    """Set up an account."""
    # First of all: what is brought in while this waits for EnOS counts as well.
    entry.async_on_unload(entry.add_update_listener(_Reloader(entry)))
    command_session = _command_session(entry.data)
    entry.async_on_unload(command_session.close)
    try:
        client = EnosClient(
            async_get_clientsession(hass, verify_ssl=entry.data[CONF_VERIFY_SSL]),
            url=entry.data[CONF_URL],
            org_id=entry.data[CONF_ORG_ID],
            access_key=entry.data[CONF_ACCESS_KEY],
            secret_key=entry.data[CONF_SECRET_KEY],
            command_session=command_session,
        )
    except InvalidUrlError as err:
        raise ConfigEntryError(
            translation_domain=DOMAIN, translation_key="invalid_url"
        ) from err
    discovery = Discovery(client, selections(entry), hass.config.language)
    coordinator = EnosCoordinator(hass, entry, client, discovery)
    memory = Memory(hass, entry.entry_id)
    commands = Commands(client, coordinator, memory)
    entry.runtime_data = EnosData(client, coordinator, commands)
    memory.content = lambda: _to_keep(coordinator, commands)
    coordinator.on_masked = memory.save_soon
    entry.async_on_unload(memory.async_close)
    issues = Issues(coordinator)
    coordinator.on_round = issues.note_round
    entry.async_on_unload(commands.journal.listen(issues.note_command))

    registries = Registries(hass, entry)
    handover = hass.data.setdefault(_HANDOVERS, {}).pop(entry.entry_id, None)
    if (
        handover is not None
        and handover.account == _account(entry)
        and time.monotonic() - handover.at < _HANDOVER_LIFE
    ):
        coordinator.adopt(handover.data.coordinator)
        commands.adopt(handover.data.commands)
    else:
        handover = None
        await coordinator.async_config_entry_first_refresh()
        stored = await memory.async_load()
        restore_masks(coordinator, stored)
        commands.restore(
            open_commands(stored), allowed=stored.get("allow_control", True)
        )

    async def close(_event: Event) -> None:
        await commands.close()
        # What was just acknowledged would be read back in a moment.
        await coordinator.async_shutdown()
        await command_session.close()

    entry.async_on_unload(hass.bus.async_listen_once(EVENT_HOMEASSISTANT_STOP, close))
    registries.prepare()
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    coordinator.reloading = False
    registries.start()

    @callback
    def follow(_hass: HomeAssistant) -> None:
        # Not before: no automation would hear what became of what was left open.
        commands.start()

    entry.async_on_unload(async_at_started(hass, follow))
    if handover is not None:
        entry.async_create_background_task(
            hass, coordinator.async_refresh(), f"{entry.title} refresh after reload"
        )
    return True


async def async_unload_entry(hass: HomeAssistant, entry: EnosConfigEntry) -> bool:
    """Unload an account."""
    await entry.runtime_data.commands.close()
    if not await hass.config_entries.async_unload_platforms(entry, PLATFORMS):
        return False
    hass.data[_HANDOVERS][entry.entry_id] = _Handover(
        time.monotonic(), _account(entry), entry.runtime_data
    )
    return True


async def async_remove_entry(hass: HomeAssistant, entry: EnosConfigEntry) -> None:
    """Withdraw what still waits in EnOS, and delete what was kept of an account."""
    hass.data.get(_HANDOVERS, {}).pop(entry.entry_id, None)
    memory = Memory(hass, entry.entry_id)
    stored = await memory.async_load()
    await memory.async_remove()
    await async_forget_places(hass, entry.entry_id)
    waiting = [record for record in open_commands(stored) if record.waits]
    left = len(waiting)
    trouble: EnosError | None = None
    try:
        client = client_for(hass, entry.data)
        for record in waiting:
            try:
                await client.cancel_commands(record.asset_id, record.command_id)
            except NotFoundError:
                LOGGER.debug("EnOS has no command %s any more", record.command_id)
            except ApiError as err:
                trouble = err
                continue
            left -= 1
    except EnosError as err:
        # The next one would not fare better, and the person is waiting.
        trouble = err
    if trouble is not None:
        LOGGER.warning(
            "%s queued commands of the removed account %s could not be cancelled: %s",
            left,
            entry.title,
            trouble,
        )


async def async_remove_config_entry_device(
    hass: HomeAssistant, entry: EnosConfigEntry, device: dr.DeviceEntry
) -> bool:
    """Let a person delete a device that the account does not show any more."""
    if entry.state is not ConfigEntryState.LOADED:
        # Nobody knows what is gone.
        return False
    asset_id = asset_id_of(entry, device)
    # The account's own device stays as long as the account.
    return (
        asset_id is not None and asset_id not in entry.runtime_data.coordinator.devices
    )


def _to_keep(coordinator: EnosCoordinator, commands: Commands) -> Stored:
    return {
        "masks": stored_masks(coordinator),
        "commands": [record.as_stored() for record in commands.open],
        "allow_control": commands.allowed,
    }


def _account(entry: EnosConfigEntry) -> tuple[str, str]:
    return entry.data[CONF_URL], entry.data[CONF_ORG_ID]


def _command_session(data: Mapping[str, Any]) -> aiohttp.ClientSession:
    """Return a session for commands alone.

    A command holds its connection until the device answers. Home Assistant's own sessions
    share a hundred connections per host, and polls would wait behind slow devices.
    """
    context = client_context() if data[CONF_VERIFY_SSL] else client_context_no_verify()
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            ssl=context,
            limit=0,
            keepalive_timeout=_KEEPALIVE,
            resolver=aiohttp.ThreadedResolver(),
        ),
        headers={"User-Agent": SERVER_SOFTWARE},
    )


class _Reloader:
    """Reloads an entry when something other than a title changed.

    Home Assistant itself reloads nothing when a subentry comes, changes or goes.
    """

    def __init__(self, entry: EnosConfigEntry) -> None:
        """Remember what the entry was set up with."""
        self._before = self._content(entry)
        self._done = False

    @staticmethod
    def _content(entry: EnosConfigEntry) -> object:
        return (
            dict(entry.data),
            dict(entry.options),
            {key: dict(subentry.data) for key, subentry in entry.subentries.items()},
        )

    async def __call__(self, hass: HomeAssistant, entry: EnosConfigEntry) -> None:
        """Reload where it is needed, once: the next set-up takes all that changes before it."""
        if not self._done and self._content(entry) != self._before:
            self._done = True
            hass.config_entries.async_schedule_reload(entry.entry_id)
