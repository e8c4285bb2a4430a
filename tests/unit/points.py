"""Points for the tests of what they become."""

import json
from pathlib import Path
from typing import Any, Final

from hypothesis import HealthCheck, settings
import pytest

from custom_components.enos.api.models import DataType, LocalizedText, Measurepoint
from custom_components.enos.mapping import (
    PointDescription,
    describe_control,
    describe_reading,
)

LIBRARY: Final = (
    Path(__file__).parents[3] / "shared" / "data" / "standard_features.jsonl"
)
# How long an example takes says nothing on a busy machine.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
TWO: Final = {"0": LocalizedText("off"), "1": LocalizedText("on")}


def point(
    identifier: str = "x", data_type: str = "DOUBLE", name: str = "", **fields: Any
) -> Measurepoint:
    """Return a measurepoint."""
    return Measurepoint(
        identifier=identifier,
        name=LocalizedText(name),
        data_type=DataType(data_type),
        **fields,
    )


def control(model: Measurepoint) -> PointDescription:
    """Return how a point is written."""
    description = describe_control(model, language="en")
    assert description is not None
    return description


def reading(model: Measurepoint) -> PointDescription:
    """Return how a point is read."""
    description = describe_reading(model, language="en")
    assert description is not None
    return description


def library() -> list[Measurepoint]:
    """Return the features of EnOS's library that are at hand."""
    if not LIBRARY.exists():
        pytest.skip("no feature library here")
    features = []
    for line in LIBRARY.read_text(encoding="utf-8").splitlines():
        raw = json.loads(line)
        definition = raw["dataDefinition"] or {}
        features.append(
            Measurepoint(
                identifier=raw["identifier"],
                name=LocalizedText(
                    raw["name"]["defaultValue"], raw["name"]["i18nValue"]
                ),
                data_type=DataType(raw["dataType"].upper()),
                unit=raw["unit"] or "",
                enum={
                    code: LocalizedText(text["defaultValue"], text["i18nValue"])
                    for code, text in definition.get("enumDesc", {}).items()
                },
            )
        )
    return features
