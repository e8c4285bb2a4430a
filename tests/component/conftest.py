"""Fixtures of the component tests."""

from pathlib import Path
from typing import Any

from homeassistant.components import file_upload
from homeassistant.components.repairs import RepairsFlow
from homeassistant.core import ServiceRegistry
from homeassistant.data_entry_flow import FlowHandler, FlowManager
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.issue_registry import IssueRegistry
import pytest

from custom_components.enos.const import DOMAIN

from .texts import check_exception, check_fix_step, check_issue, check_step


@pytest.fixture(autouse=True)
def integration(enable_custom_integrations: None) -> None:
    """Let Home Assistant load this repository's integration."""


@pytest.fixture(autouse=True)
def uploads_apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep what is uploaded apart from other tests: Home Assistant has one folder for all."""
    monkeypatch.setattr(file_upload, "TEMP_DIR_NAME", str(tmp_path / "uploads"))


@pytest.fixture(autouse=True)
def texts_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a test in which a person would see a key instead of a text.

    Every step that a flow of ours shows, every error that an action raises and every repair
    is looked up, placeholders included. Home Assistant does the same for its own integrations.
    """
    handle_step = FlowManager._async_handle_step
    call_service = ServiceRegistry.async_call
    create_issue = IssueRegistry.async_get_or_create

    async def handle_step_and_check(
        self: Any, flow: FlowHandler[Any, Any, Any], *args: Any, **kwargs: Any
    ) -> Any:
        result = await handle_step(self, flow, *args, **kwargs)
        if isinstance(flow, RepairsFlow):
            issue = ir.async_get(flow.hass).async_get_issue(DOMAIN, flow.issue_id)
            check_fix_step(issue.translation_key if issue else None, result)
        elif type(flow).__module__.startswith(f"custom_components.{DOMAIN}."):
            check_step(flow.handler, result)
        return result

    async def call_service_and_check(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return await call_service(self, *args, **kwargs)
        except HomeAssistantError as err:
            if err.translation_domain == DOMAIN:
                check_exception(err.translation_key, err.translation_placeholders)
            raise

    def create_issue_and_check(
        self: Any, domain: str, issue_id: str, **kwargs: Any
    ) -> Any:
        if domain == DOMAIN:
            check_issue(
                kwargs["translation_key"], kwargs.get("translation_placeholders")
            )
        return create_issue(self, domain, issue_id, **kwargs)

    monkeypatch.setattr(IssueRegistry, "async_get_or_create", create_issue_and_check)
    monkeypatch.setattr(FlowManager, "_async_handle_step", handle_step_and_check)
    monkeypatch.setattr(ServiceRegistry, "async_call", call_service_and_check)
