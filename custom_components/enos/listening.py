"""Telling entities of news, each one apart from the others."""

from collections.abc import Callable

from .const import LOGGER


def tell(listener: Callable[..., None], *args: object) -> None:
    """Call a listener; an entity of which Home Assistant takes no state costs no other theirs."""
    try:
        listener(*args)
    except Exception:
        # Not the entity itself: its text holds the state, and may fail for the same reason.
        owner = getattr(listener, "__self__", None)
        name = getattr(owner, "entity_id", None) or listener.__qualname__
        LOGGER.exception("The state of %s could not be written", name)
