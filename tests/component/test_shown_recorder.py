"""What the recorder keeps of commands."""

import json

from homeassistant.components.recorder.core import Recorder
from homeassistant.components.recorder.db_schema import (
    StateAttributes,
    States,
    StatesMeta,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers.recorder import get_instance, session_scope
import pytest
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)

from simulator import Simulator

from .test_shown import ATTRIBUTES
from .writing import fcu_control, set_up_fcus


@pytest.fixture(autouse=True)
def integration(recorder_mock: Recorder, enable_custom_integrations: None) -> None:
    """Let Home Assistant load this integration once its recorder stands."""


async def test_recorder_leaves_them_out(hass: HomeAssistant, sim: Simulator) -> None:
    """A control's history holds its states, not what became of each command."""
    await set_up_fcus(hass, sim)
    control = fcu_control(hass, sim)
    await control.write(21.5)
    control.device.status = "offline"
    await control.refuse(20.0)
    assert control.full_state.attributes["command_outcome"] == "device_offline"
    await async_wait_recording_done(hass)

    def stored() -> list[tuple[str, set[str]]]:
        """Return states and names of attributes in the database."""
        with session_scope(hass=hass, read_only=True) as session:
            found = (
                session.query(States.state, StateAttributes.shared_attrs)
                .join(StatesMeta, States.metadata_id == StatesMeta.metadata_id)
                .join(
                    StateAttributes,
                    States.attributes_id == StateAttributes.attributes_id,
                )
                .filter(StatesMeta.entity_id == control.entity_id)
                .order_by(States.last_updated_ts)
            )
            return [(state, set(json.loads(shared))) for state, shared in found]

    rows = await get_instance(hass).async_add_executor_job(stored)
    assert rows[0][0] == "24.0"
    assert rows[-1][0] == "21.5"
    for _state, names in rows:
        assert "unit_of_measurement" in names
        assert not names & set(ATTRIBUTES)
