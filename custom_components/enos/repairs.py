"""What a person is asked where a repair can be put right in Home Assistant itself."""

from typing import Any, Final

from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers.selector import (
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)
import probatio

from .const import CONF_LABELS, CONF_LABELS_DECLINED
from .coordinator import EnosConfigEntry
from .issues import LabelsOfSelection, as_text, async_forget_labels, new_labels
from .labels import LabelNews

CONF_CHANGED: Final = "changed"
KEEP: Final = "keep"
TAKE: Final = "take"


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, Any] | None
) -> RepairsFlow:
    """Return the flow for the one kind of repair that has one."""
    return NewLabelsFlow(str((data or {}).get("entry_id")))


class NewLabelsFlow(RepairsFlow):
    """Offers the labels of a newer model; what was shown is what is taken."""

    def __init__(self, entry_id: str) -> None:
        """Start with nothing shown."""
        self._entry_id = entry_id
        self._shown: LabelsOfSelection | None = None

    async def async_step_init(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Begin."""
        return await self.async_step_accept()

    async def async_step_accept(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Show what is new, and take it."""
        entry: EnosConfigEntry | None = self.hass.config_entries.async_get_entry(
            self._entry_id
        )
        if entry is None or entry.state is not ConfigEntryState.LOADED:
            return self.async_abort(reason="not_loaded")
        if self._shown is None:
            self._shown = new_labels(entry.runtime_data.coordinator)
        if user_input is not None or not self._shown:
            take = (user_input or {}).get(CONF_CHANGED) == TAKE
            for selection, news in self._shown:
                self._accept(entry, selection.subentry_id, news, changed_too=take)
            async_forget_labels(self.hass, entry)
            return self.async_create_entry(data={})
        fields: dict[probatio.Marker, object] = {}
        if any(each.changed for _, news in self._shown for each in news):
            fields[probatio.Required(CONF_CHANGED, default=KEEP)] = SelectSelector(
                SelectSelectorConfig(
                    options=[KEEP, TAKE],
                    mode=SelectSelectorMode.LIST,
                    translation_key="changed_labels",
                )
            )
        return self.async_show_form(
            step_id="accept",
            data_schema=probatio.Schema(fields),
            description_placeholders={
                "account": entry.title,
                "changes": as_text(self._shown),
            },
        )

    def _accept(
        self,
        entry: EnosConfigEntry,
        subentry_id: str,
        news: list[LabelNews],
        *,
        changed_too: bool,
    ) -> None:
        """Freeze labels anew; the entry's update listener reloads it."""
        subentry = entry.subentries.get(subentry_id)
        if subentry is None:
            return
        labels = dict(subentry.data.get(CONF_LABELS, {}))
        declined = dict(subentry.data.get(CONF_LABELS_DECLINED, {}))
        for each in news:
            key = each.point_id
            # It may have been chosen away while this was shown.
            if key in labels:
                labels[key] = each.accepted(labels[key], changed_too=changed_too)
                if not changed_too:
                    declined[key] = {**declined.get(key, {}), **each.changed}
        self.hass.config_entries.async_update_subentry(
            entry,
            subentry,
            data={
                **subentry.data,
                CONF_LABELS: labels,
                CONF_LABELS_DECLINED: {
                    key: said for key, said in declined.items() if said
                },
            },
        )
