"""The console's export of a model, uploaded into a form."""

from collections.abc import Mapping
from typing import Final

from homeassistant.components.file_upload import process_uploaded_file
from homeassistant.core import HomeAssistant
from homeassistant.helpers.selector import FileSelector, FileSelectorConfig

from .config_target import FlowProblem
from .model_export import MAX_SIZE, ModelExport, ModelExportError, parse_model_export

CONF_EXPORT: Final = "model_export"

EXPORT_SELECTOR: Final = FileSelector(FileSelectorConfig(accept=".json"))

_PROBLEMS: Final[Mapping[str, str]] = {
    "not_json": "export_not_json",
    "no_model": "export_no_model",
}


async def async_read_export(hass: HomeAssistant, file_id: str) -> ModelExport:
    """Return what an uploaded file says. Raises `FlowProblem`."""
    try:
        return await hass.async_add_executor_job(_read, hass, file_id)
    except ModelExportError as err:
        raise FlowProblem(_PROBLEMS[err.reason], **err.placeholders) from err
    except ValueError as err:
        # Home Assistant deletes what was uploaded once it has been read.
        raise FlowProblem("export_gone") from err


def _read(hass: HomeAssistant, file_id: str) -> ModelExport:
    with process_uploaded_file(hass, file_id) as path:
        size = path.stat().st_size
        if size > MAX_SIZE:
            # Home Assistant takes much larger ones; those are not read at all.
            raise FlowProblem(
                "export_too_large",
                size=f"{size / 1024 / 1024:.1f}",
                max=f"{MAX_SIZE / 1024 / 1024:.0f}",
            )
        return parse_model_export(path.read_bytes())
