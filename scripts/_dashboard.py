"""The dashboard of the simulated building: from Home Assistant's registries to cards."""

from dataclasses import dataclass
from typing import Any

DOMAIN = "enos"
# Ends of unique ids.
CONNECTIVITY = "#connectivity"
WAITING = "#waiting_commands"

type Json = Any

# What a card shows besides the state, so that it can be operated where it stands.
FEATURES: dict[str, list[Json]] = {
    "number": [{"type": "numeric-input", "style": "slider"}],
    "select": [{"type": "select-options"}],
    "switch": [{"type": "toggle"}],
}
# What can be operated first, then what is measured.
ORDER = (
    "switch",
    "select",
    "number",
    "text",
    "event",
    "button",
    "sensor",
    "binary_sensor",
)
OVERVIEW_CARDS = 8
# What is of no product is the account itself.
ACCOUNT = "Account"
# What a card tells: of a control, what became of the newest command to it.
COMMAND = ["state", "command_outcome", "command_expires"]
CONTENT = {
    "switch": COMMAND,
    "select": COMMAND,
    "number": COMMAND,
    "event": ["event_type", "device", "point", "last_changed"],
}


@dataclass
class Shown:
    """A device on the dashboard."""

    name: str
    kind: str
    entities: list[str]
    connectivity: list[str]
    waiting: set[str]

    def place(self) -> tuple[bool, str, str]:
        """Return where it stands among the others: the account at the end."""
        return self.kind == ACCOUNT, self.kind, self.name

    def section(self, heading: str, most: int | None = None) -> Json:
        """Return its part of a view."""
        badges = [{"type": "entity", "entity": entity} for entity in self.connectivity]
        cards: list[Json] = [{"type": "heading", "heading": heading, "badges": badges}]
        for entity in self.entities[:most]:
            card = {
                "type": "tile",
                "entity": entity,
                # Without the device's name, which is in the heading.
                "name": {"type": "entity"},
                "features": FEATURES.get(entity.partition(".")[0], []),
            }
            if content := CONTENT.get(entity.partition(".")[0]):
                card["state_content"] = content
                # Over the whole width: room for the words.
                card["grid_options"] = {"columns": "full"}
            elif entity in self.waiting:
                card["state_content"] = ["state", "next_expiry"]
                card["grid_options"] = {"columns": "full"}
            cards.append(card)
        return {"type": "grid", "cards": cards}


def laid_out(devices: list[Shown]) -> list[Json]:
    """Lay out a dashboard: one device of each kind first, then a view for each kind."""
    kinds: dict[str, list[Shown]] = {}
    for device in sorted(devices, key=Shown.place):
        kinds.setdefault(device.kind, []).append(device)
    found: list[Json] = [
        {
            "title": "Building",
            "path": "building",
            "icon": "mdi:office-building",
            "type": "sections",
            "max_columns": 4,
            "sections": [
                of_kind[0].section(f"{kind} · {of_kind[0].name}", OVERVIEW_CARDS)
                for kind, of_kind in kinds.items()
            ],
        }
    ]
    for number, (kind, of_kind) in enumerate(kinds.items(), 1):
        found.append(
            {
                "title": kind,
                "path": f"kind-{number}",
                "type": "sections",
                "max_columns": 4,
                "sections": [device.section(device.name) for device in of_kind],
            }
        )
    return found


def shown_devices(devices: list[Json], entities: list[Json]) -> list[Shown]:
    """Pick from the registries what there is to show."""
    by_device: dict[str, list[str]] = {}
    connectivity: dict[str, list[str]] = {}
    waiting: set[str] = set()
    for entity in entities:
        if entity["platform"] == DOMAIN and not entity["disabled_by"]:
            of_kind = by_device
            if entity["unique_id"].endswith(CONNECTIVITY):
                of_kind = connectivity
            if entity["unique_id"].endswith(WAITING):
                waiting.add(entity["entity_id"])
            of_kind.setdefault(entity["device_id"], []).append(entity["entity_id"])

    def place(entity_id: str) -> tuple[int, str]:
        # What waits stands beside what it was asked of.
        domain = "button" if entity_id in waiting else entity_id.partition(".")[0]
        return ORDER.index(domain) if domain in ORDER else len(ORDER), entity_id

    return [
        Shown(
            name=device["name_by_user"] or device["name"] or "?",
            kind=device["model"] or ACCOUNT,
            entities=sorted(by_device[device["id"]], key=place),
            connectivity=connectivity.get(device["id"], []),
            waiting=waiting,
        )
        for device in devices
        if device["id"] in by_device
    ]


def views(devices: list[Json], entities: list[Json]) -> list[Json]:
    """Return the views of a dashboard for what the registries hold."""
    return laid_out(shown_devices(devices, entities))
