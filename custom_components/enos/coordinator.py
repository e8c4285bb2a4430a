"""Reading: runs the polling plan, keeps the newest knowledge, knows who is online."""

import asyncio
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
import time
from typing import TYPE_CHECKING, Final, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, Context, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator

from .answers import MISSED_ROUNDS, Answers
from .api.client import EnosClient
from .api.errors import CredentialsError, EnosError, RateLimitError, TokenRefusedError
from .api.models import AWAY, Device, DeviceStatus, JsonValue, Reading
from .batches import BatchReader, PointKey
from .const import DEVICES_INTERVAL, DOMAIN, LOGGER, VALUES_INTERVAL, point_unique_id
from .direct import DirectReader
from .discovery import Discovery
from .exceptions import auth_failed, update_failed
from .knowledge import Answered, Fate, Mask, PointState, Source, same_form
from .listening import tell
from .mapping import Kind
from .refusals import Refusals

if TYPE_CHECKING:
    from .commands import Commands

type PointListener = Callable[[Context | None], None]

# Rounds of values between two that read the devices as well.
_ROUNDS_TO_DEVICES: Final = DEVICES_INTERVAL // VALUES_INTERVAL - 1
_LONGEST_WAIT: Final = 300.0


@dataclass(slots=True)
class EnosData:
    """What an entry works with while it is loaded."""

    client: EnosClient
    coordinator: EnosCoordinator
    commands: Commands


type EnosConfigEntry = ConfigEntry[EnosData]


class EnosCoordinator(DataUpdateCoordinator[None]):
    """Polls values and devices of one account.

    Its own listeners hear of one point or one device each, and only when that changed;
    those of the base class hear of every round and add the entities of new devices.
    """

    config_entry: EnosConfigEntry

    def __init__(
        self,
        hass: HomeAssistant,
        entry: EnosConfigEntry,
        client: EnosClient,
        discovery: Discovery,
    ) -> None:
        """Start with nothing known."""
        super().__init__(
            hass,
            LOGGER,
            config_entry=entry,
            name=entry.title,
            update_interval=VALUES_INTERVAL,
        )
        self.client = client
        self.discovery = discovery
        self.states: dict[PointKey, PointState] = {}
        self.answers = Answers(self)
        self._refusals = Refusals(hass, entry.entry_id)
        self.batches = BatchReader(self.answers.read)
        self.round = 0
        self.reloading = False
        self.on_devices: Callable[[set[str]], None] = lambda _gone: None
        self.on_fate: Callable[[PointKey, Fate], None] = lambda _key, _fate: None
        self.on_masked: CALLBACK_TYPE = lambda: None
        self.on_reading: Callable[[PointKey], None] = lambda _key: None
        self.on_round: CALLBACK_TYPE = lambda: None
        self.trouble: EnosError | None = None
        self._point_listeners: dict[PointKey, list[PointListener]] = {}
        self._device_listeners: dict[str, list[CALLBACK_TYPE]] = {}
        self._wanted: dict[str, set[str]] = {}
        self._failed_rounds = 0
        self._first = True
        self._devices_at = float("-inf")
        self._rounds_to_devices = 0
        self._devices_failed = 0
        self.up = True
        self._settling: dict[PointKey, CALLBACK_TYPE] = {}
        self._masked: set[PointKey] = set()
        self._unstored: set[PointKey] = set()
        self.direct = DirectReader(self)

    # What the entities ask.

    @property
    def devices(self) -> dict[str, Device]:
        """Devices by asset id."""
        return self.discovery.devices

    def state(self, asset_id: str, point_id: str) -> PointState | None:
        """Return what is known of a point; None where it is not wanted."""
        return self.states.get((asset_id, point_id))

    def wanted(self, asset_id: str) -> set[str]:
        """Return the points of a device that are polled."""
        return self._wanted.get(asset_id, set())

    def status_of(self, asset_id: str) -> DeviceStatus:
        """Return a device's status; unknown where EnOS did not tell of late."""
        device = self.devices.get(asset_id)
        if device is None or self._devices_failed >= MISSED_ROUNDS:
            return DeviceStatus.UNKNOWN
        return device.status

    def believes(self, asset_id: str, state: PointState | None) -> bool:
        """Tell whether the value of a device's point may be believed.

        A device whose status cannot be read counts as online; a point that never had a
        sample is unknown, not unavailable.
        """
        if state is None or not self.up:
            return False
        device = self.discovery.devices.get(asset_id)
        if device is None or (
            device.status in AWAY and self._devices_failed < MISSED_ROUNDS
        ):
            return False
        return not self.missing(state)

    def missing(self, state: PointState) -> bool:
        """Tell whether a point was not answered for too long, be it by rounds or alone."""
        if state.answered is None:
            return state.missed_reads >= MISSED_ROUNDS
        return self.round - state.answered.round >= MISSED_ROUNDS

    @callback
    def want(self, asset_id: str, point_id: str) -> PointState | None:
        """Have a point polled. Returns its state, None for a point that has no model."""
        key = (asset_id, point_id)
        if key not in self.states:
            device = self.devices.get(asset_id)
            source = self.discovery.bound_source(device, point_id) if device else None
            if source is None:
                return None
            self.states[key] = PointState(source, answered=Answered(self.round))
            self.answers.forget()
            self._unstored.add(key)
        points = self._wanted.setdefault(asset_id, set())
        if point_id not in points:
            points.add(point_id)
            self.batches.replan()
        return self.states[key]

    @callback
    def listen(
        self, asset_id: str, point_id: str, listener: PointListener
    ) -> CALLBACK_TYPE:
        """Have a point polled and hear of its changes until the returned function is called."""
        key = (asset_id, point_id)
        self.want(asset_id, point_id)
        listeners = self._point_listeners.setdefault(key, [])
        listeners.append(listener)

        @callback
        def remove() -> None:
            listeners.remove(listener)
            if not listeners:
                self._point_listeners.pop(key, None)
                self._wanted.get(asset_id, set()).discard(point_id)
                self.batches.replan()

        return remove

    @callback
    def listen_device(self, asset_id: str, listener: CALLBACK_TYPE) -> CALLBACK_TYPE:
        """Hear of changes of a device's status and of its availability."""
        listeners = self._device_listeners.setdefault(asset_id, [])
        listeners.append(listener)
        return lambda: listeners.remove(listener)

    @callback
    def notify(self, key: PointKey, context: Context | None = None) -> None:
        """Have the entities of a point write their state."""
        for listener in self._point_listeners.get(key, ()):
            tell(listener, context)

    @callback
    def _notify_device(self, asset_id: str) -> None:
        for listener in self._device_listeners.get(asset_id, ()):
            tell(listener)
        for point_id in self._wanted.get(asset_id, ()):
            self.notify((asset_id, point_id))

    @callback
    def _notify_all(self) -> None:
        for asset_id in self._device_listeners.keys() | self._wanted.keys():
            self._notify_device(asset_id)

    def adopt(self, earlier: EnosCoordinator) -> None:
        """Take over what an earlier run of the same account knew, for a reload.

        A reload then makes no request before its entities stand: calls meanwhile would be
        dropped by Home Assistant and reported as done.
        """
        # Until the entities stand.
        self.reloading = True
        self.discovery.adopt(earlier.discovery)
        self.direct.adopt(earlier.direct)
        self.batches.adopt(earlier.batches)
        # An outage goes on, and is told only once.
        self.last_update_success = self.up = earlier.up
        self._failed_rounds = earlier._failed_rounds
        # Perhaps with new keys.
        self._refusals.forget()
        for asset_id, device in self.devices.items():
            for bound in self.discovery.bound_points(device):
                key = (asset_id, bound.source.identifier)
                state = earlier.states.get(key)
                if state is None:
                    continue
                state.point = bound.source
                if state.answered is not None:
                    state.answered = Answered(self.round)
                self.states[key] = state
                if not state.stored:
                    self._unstored.add(key)
                if state.mask is not None:
                    self._masked.add(key)
        self.want_enabled()
        self._first = False

    def reads_directly(self, asset_id: str, point_id: str) -> bool:
        """Tell whether the rounds bring nothing of a point, so that it may be read alone."""
        state = self.state(asset_id, point_id)
        return state is not None and (
            not state.stored or asset_id in self.batches.refused_assets
        )

    @property
    def read_alone(self) -> Iterator[PointKey]:
        """Return the points of which the rounds bring nothing."""
        yield from self._unstored
        for asset_id in self.batches.refused_assets:
            for point_id in self.wanted(asset_id):
                if (asset_id, point_id) not in self._unstored:
                    yield asset_id, point_id

    # A round.

    @override
    async def _async_update_data(self) -> None:
        """Make a round; what it ended with is in `trouble`, also for who asks later."""
        try:
            await self._make_round()
        except HomeAssistantError as err:
            cause = err.__cause__
            self.trouble = cause if isinstance(cause, EnosError) else None
            self.on_round()
            if self.up and not self.last_update_success:
                # So it is after a round that was cancelled; Home Assistant would tell nobody.
                self.up = False
                self._notify_all()
            raise
        self.trouble = None
        self.on_round()

    async def _make_round(self) -> None:
        """Read devices, where it is time for them, and values."""
        first = self._first
        before = set(self.devices)
        try:
            if first:
                await self._read_devices()
                self.want_enabled()
                await self._read_values()
                self._first = False
            elif self._rounds_to_devices <= 0:
                for trouble in await asyncio.gather(
                    self._read_values(), self._refresh_devices(), return_exceptions=True
                ):
                    if trouble is not None:
                        raise trouble
                if set(self.devices) - before:
                    # New ones show their values at once, not after the next interval.
                    self.want_enabled()
                    await self._read_values()
            else:
                self._rounds_to_devices -= 1
                await self._read_values()
        except CredentialsError as err:
            raise auth_failed(err) from err
        except TokenRefusedError as err:
            if self._refusals.for_good(err, first=self._first):
                raise auth_failed(err) from err
            raise update_failed(err) from err
        except RateLimitError as err:
            if first:
                raise update_failed(err) from err
            self._slow_down(err)
            if not self.up:
                # It blanks nothing, and brings nothing back either.
                raise update_failed(err) from err
            return
        except EnosError as err:
            raise update_failed(err) from err
        self._refusals.forget()
        self.update_interval = max(VALUES_INTERVAL, _half(self.update_interval))

    @callback
    @override
    def async_update_listeners(self) -> None:
        """Tell all entities when the account went down or came back."""
        was_up, self.up = self.up, self.last_update_success
        super().async_update_listeners()
        if self.up is not was_up:
            self._notify_all()

    def _slow_down(self, err: RateLimitError) -> None:
        """Wait as long as the gateway says; nothing goes unavailable for it."""
        doubled = 2 * (self.update_interval or VALUES_INTERVAL).total_seconds()
        wait = min(_LONGEST_WAIT, max(doubled, err.retry_after or 0.0))
        self.update_interval = timedelta(seconds=wait)
        LOGGER.debug("Too many requests; the next round starts in %.0f s", wait)

    # Devices.

    async def _refresh_devices(self) -> None:
        """Look for devices.

        Trouble that the values do not share is not the account's, if there are values.
        """
        try:
            await self._read_devices()
        except CredentialsError, TokenRefusedError, RateLimitError:
            raise
        except EnosError as err:
            LOGGER.debug("Devices could not be read: %s", err)
            self._devices_failed += 1
            if self._devices_failed == MISSED_ROUNDS:
                self._notify_all()
            if not any(self._wanted.values()):
                raise

    async def _read_devices(self) -> None:
        """Look for devices and tell whom it concerns."""
        # Not a copy: a command may tell of a device while the list is on its way.
        before, made_of = self.devices, self.discovery.made_of
        made = {asset_id: made_of(device) for asset_id, device in before.items()}
        failed = self._devices_failed
        gone = await self.discovery.async_run()
        self._devices_at = time.monotonic()
        self._rounds_to_devices = _ROUNDS_TO_DEVICES
        self._devices_failed = 0
        if failed >= MISSED_ROUNDS:
            self._notify_all()
        for asset_id, device in self.devices.items():
            old = before.get(asset_id)
            if old is not None and old.status != device.status:
                self._notify_device(asset_id)
        # What was refused is asked again, apart from the rest, once the rights may differ.
        self.batches.ask_again()
        self.forget(gone)
        self.on_devices(gone)
        if any(
            asset_id in made and made_of(device) != made[asset_id]
            for asset_id, device in self.devices.items()
        ):
            # Another model, or a model that is known only now, means other points: the
            # entities are made anew.
            self.hass.config_entries.async_schedule_reload(self.config_entry.entry_id)

    @property
    def devices_read_at(self) -> float:
        """When the devices' status was last read, in seconds of the monotonic clock."""
        return self._devices_at

    @callback
    def note_status(self, asset_id: str, status: DeviceStatus) -> None:
        """Take what became of a command for newer than the last listing of devices."""
        device = self.devices.get(asset_id)
        if device is not None and device.status is not status:
            self.devices[asset_id] = replace(device, status=status)
            self._notify_device(asset_id)

    @callback
    def forget(self, asset_ids: set[str]) -> None:
        """Drop everything known of devices."""
        for asset_id in asset_ids:
            self._wanted.pop(asset_id, None)
            self.batches.forget(asset_id)
        if not asset_ids:
            return
        self.answers.forget()
        for key in [key for key in self.states if key[0] in asset_ids]:
            del self.states[key]
            self._unstored.discard(key)
            self._masked.discard(key)

    # Values.

    async def _read_values(self) -> None:
        """Read every wanted point once. Batches fail alone."""
        if not any(self._wanted.values()):
            return
        results = await self.batches.run(self._wanted)
        errors = [result for result in results if result is not None]
        for kind in (CredentialsError, TokenRefusedError, RateLimitError):
            for err in errors:
                if isinstance(err, kind):
                    raise err
        self.round += 1
        self.answers.note_round(self.batches.planned, trouble=bool(errors))
        if not errors or len(errors) < len(results):
            self._failed_rounds = 0
            self.direct.probe()
            return
        self._failed_rounds += 1
        LOGGER.debug("No values could be read: %s", errors[0])
        if self._failed_rounds >= 2:
            raise errors[0]

    @callback
    def offer(
        self,
        key: PointKey,
        source: Source,
        sample: Reading,
        answered: Answered | None = None,
    ) -> None:
        """Take a sample; the point's entity hears of it only if it shows something new.

        `answered` is the call of the rounds that brought it.
        """
        state = self.states.get(key)
        if state is None:
            return
        same_call = answered is not None and state.answered is answered
        was_missing = not same_call and self.missing(state)
        state.missed_reads = 0
        shown = state.value
        if answered is not None:
            if not same_call:
                state.answered_by(answered)
            if not state.stored:
                state.stored = True
                self._unstored.discard(key)
        elif self.reads_directly(*key):
            # Rounds of polling say nothing about such a point.
            state.answered_by(None)
        news = state.offer(source, sample)
        if state.mask is not None and sample == state.reading:
            # Only who has the newest sample can tell what became of a write.
            self._settle(key, state)
        if was_missing or not same_form(state.value, shown):
            self.notify(key)
        if news:
            self.on_reading(key)

    @callback
    def note_missed_read(self, asset_id: str, point_id: str) -> None:
        """Take note that a direct read brought nothing of a point that needs it."""
        state = self.state(asset_id, point_id)
        if state is not None and self.reads_directly(asset_id, point_id):
            state.missed_reads += 1
            if state.missed_reads == MISSED_ROUNDS:
                self.notify((asset_id, point_id))

    def settle_unchanged(
        self, answered: Answered, readings: Collection[PointKey]
    ) -> None:
        """Let an answer decide on acknowledged writes of whose points it brought nothing new.

        `readings` are those that it did bring.
        """
        for key in self._masked - set(readings) if self._masked else ():
            state = self.states.get(key)
            if (
                state is not None
                and state.answered is answered
                and state.last_stored == state.reading
            ):
                shown = state.value
                self._settle(key, state)
                if not same_form(state.value, shown):
                    self.notify(key)

    # Writes, as far as they change what is known.

    @callback
    def acknowledge(
        self,
        key: PointKey,
        value: JsonValue,
        before: Reading | None,
        context: Context | None,
    ) -> None:
        """Show a value that the device acknowledged, and see to its confirmation."""
        state = self.states.get(key)
        if state is None:
            return
        self._cancel_settling(key)
        older, state.mask = state.mask, Mask(value, before, time.monotonic())
        state.mask.follow(older)
        self._masked.add(key)
        self._settle(key, state)
        self.on_masked()
        self.notify(key, context)
        if state.mask is not None:
            self.direct.read_back(key[0])

            @callback
            def look_again(_now: datetime) -> None:
                """Before a sample that contradicts is believed: there may be a later one."""
                self._settling.pop(key, None)
                if state.mask is not None and state.reading != state.mask.before:
                    self.direct.read_back(key[0])

            self._settling[key] = async_call_later(
                self.hass, state.settle_time, look_again
            )

    @callback
    def outdate_mask(self, key: PointKey) -> None:
        """Believe the next sample: a later write was found to have been carried out."""
        state = self.states.get(key)
        if state is not None and state.mask is not None:
            shown = state.value
            state.mask.since = None
            self._settle(key, state)
            if not same_form(state.value, shown):
                self.notify(key)

    def _settle(self, key: PointKey, state: PointState) -> None:
        """Let the samples decide on an acknowledged write."""
        fate = state.settle(time.monotonic())
        if fate is not None:
            self._masked.discard(key)
            self._cancel_settling(key)
            self.on_masked()
            self.on_fate(key, fate)

    def _cancel_settling(self, key: PointKey) -> None:
        cancel = self._settling.pop(key, None)
        if cancel is not None:
            cancel()

    @override
    async def async_shutdown(self) -> None:
        """Stop everything that runs by itself."""
        await super().async_shutdown()
        self.direct.stop()
        for key in list(self._settling):
            self._cancel_settling(key)

    @callback
    def restore_mask(self, key: PointKey, mask: Mask) -> None:
        """Show a value that was acknowledged before Home Assistant stopped."""
        state = self.states.get(key)
        # What is not wanted by now belongs to an entity that was disabled meanwhile.
        if state is not None and state.mask is None:
            state.restore(mask)
            self._masked.add(key)
            self._settle(key, state)

    def want_enabled(self) -> None:
        """Have all points polled whose entities exist and are not disabled.

        Before the entities stand, so that the first values are there when they do.
        """
        registry = er.async_get(self.hass)
        org_id = self.client.org_id
        for device in self.devices.values():
            for bound in self.discovery.bound_points(device):
                if bound.description.kind is Kind.BUTTON:
                    # Nothing of it is shown.
                    continue
                entity_id = registry.async_get_entity_id(
                    bound.description.kind.value,
                    DOMAIN,
                    point_unique_id(org_id, device.asset_id, bound.key),
                )
                entry = registry.async_get(entity_id) if entity_id else None
                if entry is None or not entry.disabled:
                    self.want(device.asset_id, bound.source.identifier)


def _half(interval: timedelta | None) -> timedelta:
    return (interval or VALUES_INTERVAL) / 2
