"""Repairs that depend on what is registered follow what a person does there."""

from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_platform, entity_registry as er
import pytest

from simulator import Simulator

from .common import poll
from .repairs import Watch
from .writing import set_up_fcus


async def test_entity_cap_follows_the_registry(
    hass: HomeAssistant,
    sim: Simulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who disables entities is told the new number, and nothing once they are few enough."""
    watch = Watch(hass)
    entry = await set_up_fcus(hass, sim)
    registry = er.async_get(hass)
    registered = [
        each.entity_id
        for each in er.async_entries_for_config_entry(registry, entry.entry_id)
        if not each.disabled
    ]
    entities = len(registered)
    monkeypatch.setattr(
        entity_platform, "MAX_ENABLED_ENTITIES_PER_CONFIG_ENTRY", entities
    )
    await poll(hass)
    assert watch.words(entry, "entity_cap")["count"] == str(entities)
    for left, entity_id in enumerate(reversed(registered)):
        if left:
            registry.async_update_entity(
                entity_id, disabled_by=er.RegistryEntryDisabler.USER
            )
            await hass.async_block_till_done()
            await poll(hass)
        count = entities - left
        if count < entities * 0.9:
            break
        assert watch.words(entry, "entity_cap")["count"] == str(count)
    assert watch.told(entry) == []
