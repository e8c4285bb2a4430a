"""Helpers of the tests about repairs."""

from typing import Any

from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.issue_registry import EVENT_REPAIRS_ISSUE_REGISTRY_UPDATED
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.enos.const import DOMAIN
from custom_components.enos.issues import KINDS


class Watch:
    """What is told of an account, and how often that changed."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Listen from now on."""
        self._hass = hass
        self.events: list[tuple[str, str]] = []

        @callback
        def heard(event: Event[Any]) -> None:
            kind = event.data["issue_id"].rpartition("_")[0]
            self.events.append((event.data["action"], kind))

        hass.bus.async_listen(EVENT_REPAIRS_ISSUE_REGISTRY_UPDATED, heard)

    def told(self, entry: MockConfigEntry) -> list[str]:
        """Return the kinds that are told at the moment."""
        issues = ir.async_get(self._hass).issues
        return [
            kind for kind in KINDS if (DOMAIN, f"{kind}_{entry.entry_id}") in issues
        ]

    def issue(self, entry: MockConfigEntry, kind: str) -> ir.IssueEntry:
        """Return what is told of a kind."""
        issue = ir.async_get(self._hass).async_get_issue(
            DOMAIN, f"{kind}_{entry.entry_id}"
        )
        assert issue is not None, f"{kind} is not told"
        assert issue.active
        assert not issue.is_fixable
        return issue

    def words(self, entry: MockConfigEntry, kind: str) -> dict[str, str]:
        """Return the placeholders of a kind."""
        return dict(self.issue(entry, kind).translation_placeholders or {})
