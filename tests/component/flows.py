"""Helpers of the flow tests: what a person does in the forms."""

from collections.abc import Mapping
from typing import Any, cast

from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    SOURCE_USER,
    ConfigEntry,
    ConfigEntryState,
    ConfigSubentry,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er

from custom_components.enos.const import DOMAIN
from simulator import Simulator

type Step = dict[str, Any]
"""What a flow answers."""


def account(sim: Simulator, **changes: Any) -> dict[str, Any]:
    """Return what a person enters in the first form."""
    return {
        "url": sim.url,
        "org_id": sim.org_id,
        "access_key": sim.access_key,
        "secret_key": sim.secret_key,
        "connection": {"verify_ssl": True},
        **changes,
    }


async def begin(
    hass: HomeAssistant, user_input: Mapping[str, Any] | None = None
) -> Step:
    """Open the first form, and fill it in."""
    result = cast(
        Step,
        await hass.config_entries.flow.async_init(
            DOMAIN, context={"source": SOURCE_USER}
        ),
    )
    assert result["type"] is FlowResultType.FORM
    assert result["step_id"] == "user"
    assert result["errors"] == {}
    if user_input is None:
        return result
    return await fill(hass, result, user_input)


async def fill(
    hass: HomeAssistant, result: Step, user_input: Mapping[str, Any] | None
) -> Step:
    """Submit a form, or choose from a menu."""
    answer = await hass.config_entries.flow.async_configure(
        result["flow_id"], None if user_input is None else dict(user_input)
    )
    await hass.async_block_till_done(wait_background_tasks=True)
    return cast(Step, answer)


async def choose(hass: HomeAssistant, result: Step, option: str) -> Step:
    """Choose from a menu."""
    return await fill(hass, result, {"next_step_id": option})


async def begin_subentry(hass: HomeAssistant, entry: ConfigEntry, kind: str) -> Step:
    """Open the first form for another product or device."""
    return cast(
        Step,
        await hass.config_entries.subentries.async_init(
            (entry.entry_id, kind), context={"source": SOURCE_USER}
        ),
    )


async def reconfigure_subentry(
    hass: HomeAssistant, entry: ConfigEntry, subentry: ConfigSubentry
) -> Step:
    """Open the menu that changes a product or a device."""
    return cast(
        Step,
        await hass.config_entries.subentries.async_init(
            (entry.entry_id, subentry.subentry_type),
            context={
                "source": SOURCE_RECONFIGURE,
                "subentry_id": subentry.subentry_id,
            },
        ),
    )


async def review_subentry(
    hass: HomeAssistant,
    entry: ConfigEntry,
    subentry: ConfigSubentry,
    what: str = "contents",
) -> Step:
    """Open the form that changes a product or a device, by way of the menu."""
    menu = await reconfigure_subentry(hass, entry, subentry)
    return await fill_subentry(hass, menu, {"next_step_id": what})


async def fill_subentry(
    hass: HomeAssistant, result: Step, user_input: Mapping[str, Any] | None
) -> Step:
    """Submit a form of a subentry."""
    answer = await hass.config_entries.subentries.async_configure(
        result["flow_id"], None if user_input is None else dict(user_input)
    )
    await hass.async_block_till_done(wait_background_tasks=True)
    return cast(Step, answer)


def suggested(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a form has filled in already, a section's fields among the others."""
    found: dict[str, Any] = {}
    for key, value in result["data_schema"].schema.items():
        if hasattr(value, "options") and hasattr(value, "schema"):
            found |= suggested({"data_schema": value.schema})
        elif key.description and "suggested_value" in key.description:
            found[str(key)] = key.description["suggested_value"]
    return found


def offered(result: Mapping[str, Any], field: str) -> dict[str, str]:
    """Return the options of a list in a form: key and label."""
    selector = result["data_schema"].schema[field]
    return {option["value"]: option["label"] for option in selector.config["options"]}


def brought_in(hass: HomeAssistant, domain: str) -> list[str]:
    """Return the entities of devices that have a state; the account's own do not count."""
    return [
        entity.entity_id
        for entity in er.async_get(hass).entities.values()
        if entity.config_subentry_id is not None
        and entity.domain == domain
        and hass.states.get(entity.entity_id) is not None
    ]


def is_in_state(entry: ConfigEntry, state: ConfigEntryState) -> bool:
    """Tell whether an entry is in a state."""
    return entry.state is state


def refuse(sim: Simulator, path: str, code: int, msg: str) -> None:
    """Let EnOS answer calls of a path with a code."""
    sim.faults.add(
        "status", path=path, status=200, body={"code": code, "msg": msg, "data": None}
    )
