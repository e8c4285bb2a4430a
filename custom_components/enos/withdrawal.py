"""Queued commands that nobody wants delivered any more."""

import asyncio
from collections.abc import Iterable
from typing import Final

from .api.client import EnosClient
from .api.errors import ApiError, EnosError
from .api.models import CommandState, Device
from .const import LOGGER
from .coordinator import EnosCoordinator
from .following import Follower
from .records import Outcome, Record

# Devices whose commands are cancelled at once, and failures without an answer of EnOS after
# which nothing more is tried: of one device, and of all.
_AT_ONCE: Final = 5
_UNANSWERED: Final = 2


class Withdrawal:
    """Withdraws commands that wait in EnOS: on demand, and those that wait in vain.

    `locked` is set while nothing may be written.
    """

    def __init__(
        self, client: EnosClient, coordinator: EnosCoordinator, follower: Follower
    ) -> None:
        """Start with nothing to withdraw."""
        self._client = client
        self._coordinator = coordinator
        self._follower = follower
        self.locked = False

    async def replace(self, older: Iterable[Record], newer: Record) -> None:
        """Withdraw commands that a newer one replaces.

        One that cannot be withdrawn is delivered before the newer one, which does no harm.
        """
        for record in older:
            record.replaced_by = newer.id
            try:
                await self._one(record)
            except EnosError as err:
                if not err.outcome_unknown:
                    record.replaced_by = ""
                LOGGER.debug("Command %s was not cancelled: %s", record.command_id, err)

    async def _one(self, record: Record) -> None:
        """Cancel a queued command and take note of it where EnOS says so at once."""
        heard = False
        try:
            listed = await self._client.cancel_commands(
                record.asset_id, record.command_id
            )
            heard = True
        except EnosError as err:
            heard = not err.outcome_unknown
            raise
        finally:
            if not heard:
                # Withdrawn perhaps, also where the caller went away.
                self._follower.look_soon(record.asset_id, at_once=True)
        if record.final:
            return
        for command in listed:
            if command.command_id == record.command_id and command.state in (
                None,
                CommandState.CREATED,
                CommandState.CANCELED,
            ):
                replaced = bool(record.replaced_by)
                self._follower.end(
                    record, Outcome.SUPERSEDED if replaced else Outcome.CANCELLED
                )
                return
        # It does not wait any more; what became of it the search tells.
        self._follower.look_soon(record.asset_id, at_once=True)

    async def async_cancel(self, asset_id: str, records: Iterable[Record]) -> None:
        """Cancel queued commands of a device and find out what became of them.

        Raises `EnosError` for the first one that could not be cancelled. The others are tried
        all the same, unless nobody answers: each would take its time.
        """
        cancelled = list(records)
        errors: list[EnosError] = []
        for record in cancelled:
            try:
                await self._one(record)
            except EnosError as err:
                errors.append(err)
                if _unanswered(errors) >= _UNANSWERED:
                    break
        if errors:
            raise errors[0]
        if not all(record.final for record in cancelled):
            await self._follower.async_look(asset_id)

    async def async_cancel_all(self) -> None:
        """Cancel all queued commands, a few devices at once.

        Raises `EnosError` for the first one that could not be cancelled, as `async_cancel`.
        """
        gate = asyncio.Semaphore(_AT_ONCE)
        errors: list[EnosError] = []

        async def cancel(asset_id: str) -> None:
            async with gate:
                if _unanswered(errors) >= _AT_ONCE:
                    return
                try:
                    await self.async_cancel(asset_id, self._follower.queued(asset_id))
                except EnosError as err:
                    errors.append(err)

        asset_ids = {record.asset_id for record in self._follower if record.waits}
        await asyncio.gather(*map(cancel, asset_ids))
        if errors:
            raise errors[0]

    def _orphans(self, asset_id: str) -> list[Record]:
        """Return waiting commands of a device that may not be written.

        It was taken out of the configuration, or nothing may be written at all.
        """
        if self.locked:
            return self._follower.queued(asset_id)
        discovery = self._coordinator.discovery
        return [
            record
            for record in self._follower.queued(asset_id)
            if asset_id not in self._coordinator.devices
            and discovery.selection_of(
                Device(asset_id=asset_id, product_key=record.product_key)
            )
            is None
        ]

    def _replaced(self, asset_id: str) -> list[tuple[Record, Record]]:
        """Return waiting commands with newer ones to the same point."""
        waiting = [
            each for each in self._follower.queued(asset_id) if not each.is_service
        ]
        newest = {record.key: record for record in waiting}
        return [
            (record, newest[record.key])
            for record in waiting
            if record is not newest[record.key]
        ]

    def tidy(self, asset_id: str) -> None:
        """Withdraw what waits for a device in vain."""
        if self._orphans(asset_id) or self._replaced(asset_id):
            self._coordinator.config_entry.async_create_background_task(
                self._coordinator.hass,
                self._in_vain(asset_id),
                f"{self._coordinator.name} withdraw commands of {asset_id}",
            )

    async def _in_vain(self, asset_id: str) -> None:
        """Have no command fire hours later that nobody expects any more.

        Those to a device that nobody looks at, and those found waiting only after a newer one
        was queued.
        """
        for older, newer in self._replaced(asset_id):
            await self.replace((older,), newer)
        try:
            await self.async_cancel(asset_id, self._orphans(asset_id))
        except EnosError as err:
            LOGGER.warning(
                "Queued commands of device %s, which may not be written any more, could "
                "not be cancelled: %s",
                asset_id,
                err,
            )


def _unanswered(errors: Iterable[EnosError]) -> int:
    """Count the errors that are no answers of EnOS."""
    return sum(not isinstance(err, ApiError) for err in errors)
