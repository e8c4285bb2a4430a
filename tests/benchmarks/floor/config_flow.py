"""A flow that nobody walks; Home Assistant sets up no entry without one."""

from homeassistant.config_entries import ConfigFlow

from . import DOMAIN


class FloorFlow(ConfigFlow, domain=DOMAIN):
    """The entries are made by the benchmarks."""
