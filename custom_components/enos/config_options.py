"""The account's options, and floors and areas from an asset tree."""

from functools import cached_property
from typing import Any, Final

from homeassistant.config_entries import ConfigFlowResult, OptionsFlow
from homeassistant.helpers.selector import BooleanSelector
import probatio

from .api.client import EnosClient
from .api.errors import EnosError, NotFoundError, PermissionDeniedError
from .api.models import AssetTree
from .config_places import CONF_AGAIN, CONF_FLOORS, NO_FLOORS, PlacesText, plain
from .config_steps import client_for, list_selector, named, problem_of
from .config_target import FlowProblem
from .const import CONF_WRITE_ANY_POINT
from .places import Layer, Left, Plan, layers, suggested_layer
from .places_home import HomePlaces

CONF_TREE: Final = "tree"

OPTIONS_SCHEMA: Final = probatio.Schema(
    {probatio.Required(CONF_WRITE_ANY_POINT, default=False): BooleanSelector()}
)


class EnosOptionsFlow(OptionsFlow):
    """Changes what holds for the whole account; the entry's update listener reloads it."""

    _tree: AssetTree
    _layers: list[Layer]
    _text: PlacesText
    # What was shown last: only that is ever carried out.
    _shown: Plan | None = None
    _layer: int | None = None
    _again: bool = False

    def __init__(self) -> None:
        """Start with nothing known."""
        self._trees: dict[str, AssetTree] = {}

    async def async_step_init(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask what is to be done."""
        return self.async_show_menu(step_id="init", menu_options=["settings", "places"])

    async def async_step_settings(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the options."""
        options = self.config_entry.options
        if user_input is not None:
            return self.async_create_entry(data={**options, **user_input})
        return self.async_show_form(
            step_id="settings",
            data_schema=self.add_suggested_values_to_schema(OPTIONS_SCHEMA, options),
        )

    # Floors and areas.

    @cached_property
    def _client(self) -> EnosClient:
        """A client of the flow's own: the entry may not be loaded."""
        return client_for(self.hass, self.config_entry.data)

    @cached_property
    def _home(self) -> HomePlaces:
        return HomePlaces(self.hass, self.config_entry)

    def _problem_of(self, err: EnosError) -> FlowProblem:
        """Return what to tell about an error."""
        if isinstance(err, PermissionDeniedError):
            return FlowProblem("trees_denied", message=err.message)
        if isinstance(err, NotFoundError):
            return FlowProblem("tree_gone")
        return problem_of(err, vars(self).get("_client"))

    def _abort_for(self, problem: FlowProblem) -> ConfigFlowResult:
        return self.async_abort(
            reason=problem.key, description_placeholders=problem.placeholders
        )

    async def async_step_places(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Find the trees; a single one needs no choice."""
        if not self._home.devices():
            return self.async_abort(reason="no_devices")
        try:
            found = await self._client.asset_trees()
            self._trees = {tree.tree_id: tree for tree in found}
            if len(found) == 1:
                return await self._async_take(found[0])
        except EnosError as err:
            return self._abort_for(self._problem_of(err))
        if not found:
            return self.async_abort(reason="no_trees")
        return await self.async_step_tree()

    async def async_step_tree(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Choose among several trees."""
        errors: dict[str, str] = {}
        placeholders: dict[str, str] = {}
        if user_input is not None:
            try:
                return await self._async_take(self._trees[user_input[CONF_TREE]])
            except EnosError as err:
                problem = self._problem_of(err)
                errors["base"], placeholders = problem.key, problem.placeholders
        await self._home.async_read()
        language = self.hass.config.language
        offered = {
            key: named(tree.name.get(language), key)
            for key, tree in self._trees.items()
        }
        used = [key for key in self._home.memory.layers if key in offered]
        schema = probatio.Schema(
            {probatio.Required(CONF_TREE): list_selector(offered, multiple=False)}
        )
        return self.async_show_form(
            step_id="tree",
            data_schema=self.add_suggested_values_to_schema(
                schema, user_input or {CONF_TREE: used[-1]} if used else user_input
            ),
            errors=errors,
            description_placeholders=placeholders,
            last_step=False,
        )

    async def _async_take(self, root: AssetTree) -> ConfigFlowResult:
        """Read a tree and show what would come of it. Raises `EnosError`."""
        self._tree = await self._client.asset_tree(root)
        self._text = await PlacesText.async_load(self.hass)
        await self._home.async_read()
        self._layers = layers(
            self._tree, self._home.devices(), self.hass.config.language
        )
        self._layer = self._home.memory.layers.get(
            root.tree_id, suggested_layer(self._layers)
        )
        if self._layer not in (None, *(layer.depth for layer in self._layers)):
            self._layer = suggested_layer(self._layers)
        return await self.async_step_preview()

    async def async_step_preview(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show what would be done, and do it once that was seen."""
        notice = ""
        if user_input is not None:
            notice = "seen"
            layer = user_input.get(CONF_FLOORS, NO_FLOORS)
            choice = (
                None if layer == NO_FLOORS else int(layer),
                user_input.get(CONF_AGAIN, False),
            )
            if choice != (self._layer, self._again):
                self._layer, self._again = choice
                notice = "choice"
        await self._home.async_read()
        # Nothing is awaited from here to the end: the plan is of this moment.
        plan = self._home.plan(
            self._tree, frozenset(self._trees), self._layer, again=self._again
        )
        if notice == "seen":
            if plan == self._shown:
                return self._carry_out(plan)
            notice = "changed"
        self._shown = plan
        return self._show(plan, notice)

    def _show(self, plan: Plan, notice: str) -> ConfigFlowResult:
        devices = self._home.devices()

        def name_of(asset_id: str) -> str:
            device = devices[asset_id]
            return device.name_by_user or device.name or asset_id

        offer_again = self._again or Left.CLEARED in plan.left
        language = self.hass.config.language
        return self.async_show_form(
            step_id="preview",
            data_schema=self.add_suggested_values_to_schema(
                self._text.schema(self._layers, again=offer_again),
                {
                    CONF_FLOORS: NO_FLOORS if self._layer is None else str(self._layer),
                    CONF_AGAIN: self._again,
                },
            ),
            description_placeholders={
                CONF_TREE: plain(self._tree.name.get(language) or self._tree.tree_id),
                "notice": f"**{self._text.word(notice)}**\n\n" if notice else "",
                "plan": self._text.preview(plan, self._home.floor_names()),
                "left": self._text.left(plan, name_of),
                **_numbers(plan),
            },
        )

    def _carry_out(self, plan: Plan) -> ConfigFlowResult:
        self._home.carry_out(plan)
        return self.async_abort(
            reason="places_unchanged" if plan.is_empty else "places_done",
            description_placeholders=_numbers(plan),
        )


def _numbers(plan: Plan) -> dict[str, str]:
    """Return how much is done."""
    return {
        "floors": str(plan.new_floors),
        "areas": str(plan.new_areas),
        "changed": str(plan.changed),
        "devices": str(len(plan.moves)),
        "untouched": str(sum(map(len, plan.left.values()))),
    }
