"""Fixtures of the component tests."""

import pytest


@pytest.fixture(autouse=True)
def integration(enable_custom_integrations: None) -> None:
    """Let Home Assistant load this repository's integration."""
