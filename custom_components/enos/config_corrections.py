"""The steps that correct measurepoints: find one, say what is wrong with it."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
import unicodedata

from homeassistant.config_entries import (
    ConfigEntryState,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.const import CONF_NAME
from homeassistant.helpers.selector import TextSelector
from homeassistant.helpers.translation import async_get_translations
import probatio

from .api.errors import EnosError, PermissionDeniedError
from .api.models import Measurepoint, ThingModel
from .config_correction_fields import FieldProblem, Subject
from .config_correction_form import CorrectionForm, Words
from .config_steps import async_models, client_for, named, problem_of, registered_names
from .const import CONF_CORRECTION_EXCEPTIONS, CONF_CORRECTIONS, DOMAIN
from .corrections import Correction, with_items
from .mapping import Kind
from .selection import Selection
from .units import resolve

CONF_SEARCH: Final = "search"

# So many points are one menu; of more the menu holds what a search has found.
_FEW: Final = 15
_PAGE: Final = 30
_MARK: Final = "✎"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choice:
    """An entry of the menu: a point, or a point of one device.

    `text` is what a search looks through, `order` what entries are sorted by.
    """

    key: str
    label: str
    text: str
    order: tuple[bool, str, str, str]
    asset_id: str = ""


class CorrectionSteps(ConfigSubentryFlow):
    """The steps that correct the points of a product or a device."""

    _selection: Selection
    _points: Mapping[str, Measurepoint]
    _writable: set[str]
    _names: Mapping[str, str]
    _texts: Mapping[str, str]
    _all: tuple[_Choice, ...] = ()
    _found: tuple[_Choice, ...] = ()
    _searched = ""
    _page = 0
    _form: CorrectionForm
    _form_of: _Choice

    async def async_step_corrections(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Learn the points, and show them: a few at once, many by a search."""
        subentry = self._get_reconfigure_subentry()
        self._selection = selection = Selection.from_subentry(subentry)
        try:
            models = await self._async_models()
        except EnosError as err:
            problem = problem_of(err, None)
            return self.async_abort(
                reason=problem.key, description_placeholders=problem.placeholders
            )
        points = dict(selection.points)
        for model in models:
            points |= model.measurepoints
        self._points = with_items(points.values())
        # An item alone cannot be written, whatever a file that was imported says.
        self._writable = points.keys() & {*selection.controls}
        self._names = self._device_names()
        self._texts = await self._async_texts()
        self._all = self._found = self._choices()
        if not self._all:
            chosen = selection.controls or selection.sensors
            return self.async_abort(
                reason="model_unreadable" if chosen else "nothing_to_correct",
                description_placeholders={CONF_NAME: subentry.title},
            )
        if len(self._all) > _FEW:
            return await self.async_step_correction_search()
        return await self.async_step_correction_points()

    async def _async_models(self) -> list[ThingModel]:
        """Return the models of the devices that are held. Raises `EnosError`.

        Those that the account has read are as good, and there with EnOS away.
        """
        selection, entry = self._selection, self._get_entry()
        models: dict[str, ThingModel] = {}
        if entry.state is ConfigEntryState.LOADED:
            discovery = entry.runtime_data.coordinator.discovery
            models = {
                device.model_id: discovery.models[device.model_id]
                for device in discovery.devices.values()
                if selection.holds(device) and device.model_id in discovery.models
            }
        chosen = {*selection.controls, *selection.sensors}
        if not models and not selection.points.keys() >= chosen:
            client = client_for(self.hass, entry.data)
            if selection.asset_id:
                found = await client.search_devices(asset_ids=(selection.asset_id,))
            else:
                found = await client.search_devices(
                    product_keys=(selection.product_key,)
                )
            model_ids = {device.model_id for device in found if selection.holds(device)}
            if not model_ids:
                # A product that has no devices yet; not everybody may list products.
                with suppress(PermissionDeniedError):
                    model_ids = {
                        product.model_id
                        for product in await client.search_products()
                        if product.product_key == selection.product_key
                    }
            models = await async_models(client, model_ids)
        return list(models.values())

    def _device_names(self) -> dict[str, str]:
        """Return names of the devices of a product, by asset id; none of a single device."""
        selection, entry = self._selection, self._get_entry()
        if selection.asset_id:
            return {}
        names = {
            asset_id: asset_id
            for asset_id in (*selection.asset_ids, *selection.exceptions)
        }
        names |= registered_names(self.hass, entry, selection.subentry_id)
        return names

    async def _async_texts(self) -> dict[str, str]:
        """Return our words, and Home Assistant's for classes.

        In its language, not the person's: a menu and a list hold texts, not keys of them.
        """
        language = self.hass.config.language
        platforms = [Kind.SENSOR, Kind.NUMBER, Kind.BINARY_SENSOR, Kind.SWITCH]
        return {
            **await async_get_translations(
                self.hass, language, "entity_component", platforms
            ),
            **await async_get_translations(self.hass, language, "selector", [DOMAIN]),
        }

    @property
    def _words(self) -> Words:
        """What names kinds and classes."""

        def words(kind: Kind, name: str, value: str) -> str:
            own = f"component.{DOMAIN}.selector.correction_{name}.options.{value}"
            core = f"component.{kind}.entity_component.{value}.name"
            return self._texts.get(own) or self._texts.get(core) or value

        return words

    # The points.

    def _choices(self) -> tuple[_Choice, ...]:
        """Return the points that can be corrected: corrected ones first, then by name."""
        selection = self._selection
        choices: list[_Choice] = []
        for key in dict.fromkeys((*selection.controls, *selection.sensors)):
            if key not in self._points:
                continue
            subject = self._subject(key, "")
            if not subject.kinds:
                continue
            choices.append(self._choice(subject, key, ""))
            choices += [
                self._choice(self._subject(key, asset_id), key, asset_id)
                for asset_id, said in selection.exceptions.items()
                if key in said
            ]
        return tuple(sorted(choices, key=lambda choice: choice.order))

    def _subject(self, key: str, asset_id: str) -> Subject:
        """Return a point as it is to be corrected, of all devices or of one."""
        selection = self._selection
        said = selection.corrections.get(key, Correction())
        general = selection.declared.get(key, Correction())
        if asset_id:
            general = said.over(general)
            said = selection.exceptions.get(asset_id, {}).get(key, Correction())
        return Subject(
            point=self._points[key],
            writable=key in self._writable,
            language=self.hass.config.language,
            labels=selection.labels.get(key, {}),
            said=said,
            general=general,
        )

    def _choice(self, subject: Subject, key: str, asset_id: str) -> _Choice:
        """Return how a point stands in the menu."""
        point = subject.corrected(subject.said)
        label = named(subject.name(subject.said), key)
        if unit := resolve(point.unit, point.multiplier).text:
            label = f"{label} · {unit}"
        device = self._names.get(asset_id, asset_id)
        if asset_id:
            label = f"{label} – {device}"
        model = subject.point.name
        return _Choice(
            key=key,
            label=f"{_MARK} {label}" if subject.said else label,
            text=_folded(
                " ".join((label, model.default, *model.i18n.values(), device))
            ),
            # Exceptions right after what they are exceptions to.
            order=(
                not subject.said,
                subject.name(Correction() if asset_id else subject.said).casefold(),
                key,
                device if asset_id else "",
            ),
            asset_id=asset_id,
        )

    async def async_step_correction_search(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Search the points: every word has to be in a name or the identifier."""
        errors: dict[str, str] = {}
        searched = self._searched
        if user_input is not None:
            searched = user_input.get(CONF_SEARCH, "").strip()
            words = _folded(searched).split()
            found = [
                each for each in self._all if all(word in each.text for word in words)
            ]
            if found:
                self._found, self._page, self._searched = tuple(found), 0, searched
                if len(found) == 1:
                    return await self._async_begin(found[0])
                return await self.async_step_correction_points()
            errors[CONF_SEARCH] = "point_not_found"
        return self.async_show_form(
            step_id="correction_search",
            last_step=False,
            data_schema=self.add_suggested_values_to_schema(
                probatio.Schema({probatio.Optional(CONF_SEARCH): TextSelector()}),
                {CONF_SEARCH: searched},
            ),
            errors=errors,
            description_placeholders={
                CONF_NAME: self._get_reconfigure_subentry().title,
                "count": str(len(self._all)),
                "search": searched[:100],
            },
        )

    async def async_step_correction_points(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show the points that were found, an entry of a menu each."""
        start = self._page * _PAGE
        shown = self._found[start : start + _PAGE]
        options: dict[str, str] = {}
        for number, choice in enumerate(shown):
            options[f"point_{number}"] = choice.label
            # Home Assistant wants a method of its own for each entry of a menu.
            setattr(
                self, f"async_step_point_{number}", partial(self._async_begin, choice)
            )
        if len(self._found) > start + _PAGE:
            options["correction_more"] = self._menu_text("more")
        if len(self._all) > _FEW:
            options["correction_search"] = self._menu_text("search")
        return self.async_show_menu(
            step_id="correction_points",
            menu_options=options,
            description_placeholders={
                CONF_NAME: self._get_reconfigure_subentry().title,
                "first": str(start + 1),
                "last": str(start + len(shown)),
                "count": str(len(self._found)),
            },
        )

    def _menu_text(self, key: str) -> str:
        """Return the text of an entry that is no point."""
        return self._texts[f"component.{DOMAIN}.selector.correction_menu.options.{key}"]

    async def async_step_correction_more(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show the next points."""
        self._page += 1
        return await self.async_step_correction_points()

    # The correction.

    async def _async_begin(
        self, choice: _Choice, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Open the form of a point."""
        self._form_of = choice
        self._form = self._form_for(choice)
        return await self.async_step_correction()

    def _form_for(self, choice: _Choice) -> CorrectionForm:
        """Return the form of a point, as it is now."""
        exceptions = self._selection.exceptions
        devices: dict[str, str] = {}
        if not choice.asset_id:
            # Those that are exceptions already have forms of their own.
            devices = {
                asset_id: name
                for asset_id, name in self._names.items()
                if choice.key not in exceptions.get(asset_id, {})
            }
        return CorrectionForm(
            self._subject(choice.key, choice.asset_id),
            devices=devices,
            words=self._words,
        )

    def _is_outdated(self) -> bool:
        """Tell whether somebody else has changed the point since its form was opened.

        What a form makes of its fields depends on what was said before; if that is something
        else by now, the form is filled in anew.
        """
        newest = Selection.from_subentry(self._get_reconfigure_subentry())
        key = self._form_of.key
        if _said_of(newest, key) == _said_of(self._selection, key):
            return False
        self._selection = newest
        self._writable = self._points.keys() & {*newest.controls}
        self._form = self._form_for(self._form_of)
        return True

    async def async_step_correction(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Correct a point."""
        errors: dict[str, str] = {}
        if user_input is not None and self._is_outdated():
            errors["base"] = "correction_outdated"
            user_input = None
        form, choice = self._form, self._form_of
        point = form.subject.point
        unit = resolve(point.unit, point.multiplier).text
        placeholders = {
            CONF_NAME: self._names.get(choice.asset_id)
            or self._get_reconfigure_subentry().title,
            "point": form.name,
            "key": choice.key,
            "type": f"{point.data_type} · {unit}" if unit else point.data_type.value,
        }
        if user_input is not None:
            try:
                asset_id, said = form.read(user_input)
            except FieldProblem as problem:
                errors[problem.field] = problem.key
                placeholders |= problem.placeholders
            else:
                return self._keep(choice.key, asset_id or choice.asset_id, said)
        return self.async_show_form(
            step_id="correction",
            data_schema=self.add_suggested_values_to_schema(
                form.schema(), form.values()
            ),
            errors=errors,
            description_placeholders=placeholders,
        )

    def _keep(self, key: str, asset_id: str, said: Correction) -> SubentryFlowResult:
        """Keep what is said of a point; the entry's update listener reloads it."""
        subentry = self._get_reconfigure_subentry()
        if asset_id:
            name = CONF_CORRECTION_EXCEPTIONS
            kept = dict(subentry.data.get(name, {}))
            kept[asset_id] = _with(kept.get(asset_id, {}), key, said)
            kept = {each: points for each, points in kept.items() if points}
        else:
            name = CONF_CORRECTIONS
            kept = _with(subentry.data.get(name, {}), key, said)
        return self.async_update_and_abort(
            self._get_entry(), subentry, data_updates={name: kept}
        )


def _said_of(selection: Selection, key: str) -> tuple[object, ...]:
    """Return all that a selection says of a point."""
    return (
        key in selection.controls,
        selection.labels.get(key),
        selection.corrections.get(key),
        selection.declared.get(key),
        {each: said[key] for each, said in selection.exceptions.items() if key in said},
    )


def _with(points: Mapping[str, Any], key: str, said: Correction) -> dict[str, Any]:
    """Return corrections by point with another one of a point, or without one."""
    others = {each: kept for each, kept in points.items() if each != key}
    return {**others, key: said.stored()} if said else others


def _folded(text: str) -> str:
    """Return a text in the form in which texts are compared."""
    return unicodedata.normalize("NFKC", text).casefold()
