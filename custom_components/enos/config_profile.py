"""The steps that take a profile to another installation: a file goes out, a file comes in."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from html import escape
import re
from typing import Any, Final, override

from homeassistant.components.file_upload import process_uploaded_file
from homeassistant.components.http.auth import async_sign_path
from homeassistant.config_entries import (
    ConfigSubentry,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.const import CONF_NAME
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.selector import (
    FileSelector,
    FileSelectorConfig,
    TextSelector,
    TextSelectorConfig,
)
from homeassistant.helpers.translation import async_get_translations
from homeassistant.util import slugify
import probatio

from .api.client import EnosClient
from .api.errors import EnosError, PermissionDeniedError
from .api.models import Device
from .config_size import Neighbours, refuse_too_many
from .config_steps import async_models, client_for, named, problem_of
from .config_target import FlowProblem, Target
from .const import (
    CONF_ASSET_ID,
    CONF_CONTROLS,
    CONF_CORRECTION_EXCEPTIONS,
    CONF_CORRECTIONS,
    CONF_DEVICES,
    CONF_POLICY,
    CONF_POLICY_EXCEPTIONS,
    CONF_PRODUCT_KEY,
    CONF_SENSORS,
    CONF_SERVICES,
    DOMAIN,
    LOGGER,
    SUBENTRY_DEVICE,
)
from .corrections import with_items
from .profile import Known, changes, replaced, write
from .profile_read import Profile, read
from .profile_yaml import MAX_SIZE, FileError, LineProblem
from .selection import Policy
from .views import Download, offer, withdraw

CONF_TEXT: Final = "profile_text"
CONF_FILE: Final = "profile_file"

_TEXT: Final = TextSelector(TextSelectorConfig(multiline=True))
_FILE: Final = FileSelector(FileSelectorConfig(accept=".yaml,.yml,.json,.txt"))
_VALID_FOR: Final = timedelta(hours=1)
# So many mistakes fit onto a screen, so many names into a sentence.
_SHOWN: Final = 10
_NAMED: Final = 20
# What Markdown takes for more than itself.
_MARKDOWN: Final = re.compile(r"([\\`*_{}\[\]<>()#+!|~&$])")


class ProfileSteps(ConfigSubentryFlow):
    """The steps that export and import the profile of a product or a device."""

    _profile_known: Known
    _profile: Profile
    # The data for which the confirmation was shown.
    _profile_shown: Mapping[str, Any] | None = None

    async def async_step_profile(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for the direction."""
        return self.async_show_menu(
            step_id="profile",
            menu_options=["profile_export", "profile_import"],
            description_placeholders={
                CONF_NAME: self._get_reconfigure_subentry().title
            },
        )

    @callback
    @override
    def async_remove(self) -> None:
        """Offer nothing for download any more."""
        withdraw(self.hass, self.flow_id)
        super().async_remove()

    async def async_step_profile_export(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show the profile, and offer it as a file."""
        if user_input is not None:
            return self.async_abort(reason="profile_exported")
        subentry = self._get_reconfigure_subentry()
        try:
            known = await self._async_known(self._profile_client(), subentry)
        except EnosError as err:
            # Comments and the model's order are missing then, nothing else.
            LOGGER.debug("A profile is exported without the model: %s", err)
            known = Known(
                name=subentry.title, product_key=subentry.data.get(CONF_PRODUCT_KEY, "")
            )
        text = write(subentry.data, known, self.hass.config.language)
        name = f"enos_{slugify(subentry.title) or 'profile'}.yaml"
        path = async_sign_path(
            self.hass, offer(self.hass, self.flow_id, Download(name, text)), _VALID_FOR
        )
        return self.async_show_form(
            step_id="profile_export",
            data_schema=self.add_suggested_values_to_schema(
                probatio.Schema({probatio.Optional(CONF_TEXT): _TEXT}),
                {CONF_TEXT: text},
            ),
            description_placeholders={
                CONF_NAME: subentry.title,
                # Without a target the frontend would look for a page of its own.
                "link": f'<a href="{escape(path)}" target="_blank">{name}</a>',
            },
        )

    async def async_step_profile_import(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Take a file, or a text, and tell what is wrong with it."""
        subentry = self._get_reconfigure_subentry()
        errors: dict[str, str] = {}
        placeholders = {CONF_NAME: subentry.title, "mistakes": ""}
        if user_input is not None:
            client: EnosClient | None = None
            try:
                client = self._profile_client()
                self._profile_known = await self._async_known(client, subentry)
                self._profile = await self._async_read(user_input, subentry)
                self._refuse_too_large(subentry)
            except FileError as err:
                errors["base"] = "profile_mistakes"
                placeholders["count"] = str(len(err.problems))
                placeholders["mistakes"] = await self._async_lines(err.problems)
            except (EnosError, FlowProblem) as err:
                problem = problem_of(err, client)
                errors["base"] = problem.key
                placeholders |= problem.placeholders
            else:
                return await self.async_step_profile_confirm()
        return self.async_show_form(
            step_id="profile_import",
            last_step=False,
            data_schema=self.add_suggested_values_to_schema(
                probatio.Schema(
                    {
                        probatio.Optional(CONF_FILE): _FILE,
                        probatio.Optional(CONF_TEXT): _TEXT,
                    }
                ),
                # What was uploaded is gone once it has been read.
                {CONF_TEXT: (user_input or {}).get(CONF_TEXT, "")},
            ),
            errors=errors,
            description_placeholders=placeholders,
        )

    async def async_step_profile_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show what will change, and change it on the user's word."""
        subentry = self._get_reconfigure_subentry()
        data = replaced(subentry.data, self._profile.data)
        if data == subentry.data:
            return self.async_abort(reason="profile_same")
        errors: dict[str, str] = {}
        if user_input is not None:
            if subentry.data == self._profile_shown:
                return self.async_update_and_abort(
                    self._get_entry(), subentry, data=data
                )
            errors["base"] = "profile_outdated"
        self._profile_shown = subentry.data
        return self.async_show_form(
            step_id="profile_confirm",
            data_schema=probatio.Schema({}),
            errors=errors,
            description_placeholders={
                CONF_NAME: subentry.title,
                **self._summary(subentry.data, data),
                "notes": await self._async_lines(self._profile.notes),
            },
        )

    # What is known of the product or device.

    def _profile_client(self) -> EnosClient:
        return client_for(self.hass, self._get_entry().data)

    async def _async_known(self, client: EnosClient, subentry: ConfigSubentry) -> Known:
        """Return model and devices. Raises `EnosError`."""
        language = self.hass.config.language
        single = subentry.subentry_type == SUBENTRY_DEVICE
        product_key = subentry.data.get(CONF_PRODUCT_KEY, "")
        devices: tuple[Device, ...] | None
        try:
            if single:
                devices = await client.search_devices(
                    asset_ids=(subentry.data[CONF_ASSET_ID],)
                )
            else:
                devices = await client.search_devices(product_keys=(product_key,))
        except PermissionDeniedError:
            devices = None
        model_id = await self._async_model_id(client, product_key, devices)
        model = (await async_models(client, (model_id,))).get(model_id)
        services = model.services if model else {}
        return Known(
            name=subentry.title,
            product_key=product_key,
            model_id=model_id,
            points=with_items(model.measurepoints.values()) if model else {},
            services={key: each for key, each in services.items() if not each.inputs},
            devices=None
            if devices is None or single
            else {
                device.asset_id: named(device.name.get(language), device.device_key)
                for device in devices
            },
            single=single,
        )

    @staticmethod
    async def _async_model_id(
        client: EnosClient, product_key: str, devices: tuple[Device, ...] | None
    ) -> str:
        """Return the model of the devices, else that of their product; empty where unknown."""
        for device in devices or ():
            if device.model_id:
                return device.model_id
        try:
            products = await client.search_products()
        except PermissionDeniedError:
            return ""
        return next(
            (each.model_id for each in products if each.product_key == product_key), ""
        )

    # What comes in.

    async def _async_read(
        self, user_input: Mapping[str, Any], subentry: ConfigSubentry
    ) -> Profile:
        """Return the profile that was given. Raises `FileError` and `FlowProblem`."""
        content: str | bytes = user_input.get(CONF_TEXT, "")
        if file_id := user_input.get(CONF_FILE):
            try:
                content = await self.hass.async_add_executor_job(
                    _uploaded, self.hass, file_id
                )
            except ValueError as err:
                # It is there only once, and not after a restart.
                raise FlowProblem("export_gone") from err
        elif not content.strip():
            raise FlowProblem("profile_missing")
        return await self.hass.async_add_executor_job(
            read,
            content,
            self._profile_known,
            subentry.data,
            self.hass.config.language,
        )

    def _refuse_too_large(self, subentry: ConfigSubentry) -> None:
        """Refuse what makes more entities than Home Assistant takes. Raises `FlowProblem`."""
        there = Neighbours(self.hass, self._get_entry(), subentry)
        target = Target.from_subentry(subentry)
        target.controls = self._profile.data[CONF_CONTROLS]
        target.sensors = self._profile.data[CONF_SENSORS]
        target.services = self._profile.data[CONF_SERVICES]
        known = self._profile_known
        target.count = (
            1
            if known.single
            else len(subentry.data.get(CONF_DEVICES) or known.devices or ())
            or there.devices
        )
        refuse_too_many(
            target, there.room, beside=there.beside(target), before=there.before
        )

    # What people are told.

    async def _async_lines(self, problems: Iterable[LineProblem]) -> str:
        """Return problems as a Markdown list, the first of many."""
        problems = list(problems)
        texts: dict[str, str] = {}
        for category in ("config_subentries", "common"):
            texts |= await async_get_translations(
                self.hass, self.hass.config.language, category, [DOMAIN]
            )
        lines = [line_text(problem, texts) for problem in problems[:_SHOWN]]
        if len(problems) > _SHOWN:
            lines.append(f"… (+{len(problems) - _SHOWN})")
        return "".join(f"\n- {_plain(line)}" for line in lines)

    def _summary(
        self, before: Mapping[str, Any], after: Mapping[str, Any]
    ) -> dict[str, str]:
        """Return what the confirmation says about the profile."""
        change = changes(before, after)
        known = self._profile_known

        def points(keys: Iterable[str]) -> list[str]:
            language = self.hass.config.language
            return [
                named(known.points[key].name.get(language), key)
                if key in known.points
                else key
                for key in keys
            ]

        exceptions = {
            *after.get(CONF_CORRECTION_EXCEPTIONS, ()),
            *after.get(CONF_POLICY_EXCEPTIONS, ()),
        }
        names = known.devices or {}
        policy = Policy.from_data(after.get(CONF_POLICY)).data()
        return {
            "controls": str(len(after[CONF_CONTROLS])),
            "sensors": str(len(after[CONF_SENSORS])),
            "corrections": str(len(after.get(CONF_CORRECTIONS, ()))),
            "exceptions": str(len(exceptions)),
            # What may be written is never cut short.
            "writable": _listed(points(change.writable), len(change.writable)),
            "added": _listed(points(change.added)),
            "removed": _listed(points(change.removed)),
            "changed": _listed(points(change.changed)),
            "services": _listed(change.services),
            "devices": _listed([names.get(key) or key for key in change.devices]),
            "commands": _listed(
                [f"{key}: {value}" for key, value in policy.items()]
                if change.commands
                else []
            ),
        }


def _uploaded(hass: HomeAssistant, file_id: str) -> bytes:
    """Return what was uploaded, no more than can be too much. Raises `ValueError`."""
    with process_uploaded_file(hass, file_id) as path, path.open("rb") as file:
        return file.read(MAX_SIZE + 1)


def line_text(problem: LineProblem, texts: Mapping[str, str]) -> str:
    """Return a problem with its line, in the language of the texts."""
    common = f"component.{DOMAIN}.common."
    error = f"component.{DOMAIN}.config_subentries.product.error."
    text = texts.get(f"{common}{problem.key}") or texts[f"{error}{problem.key}"]
    frame = "file_line_field" if problem.where else "file_line"
    return texts[f"{common}{frame}"].format(
        line=problem.line,
        field=" › ".join(problem.where),
        problem=text.format(**problem.placeholders),
    )


def _plain(text: str) -> str:
    """Return a text of a file so that Markdown shows it as it is."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def _listed(names: Iterable[str], most: int = _NAMED) -> str:
    """Return names as one text, the first of many."""
    names = list(names)
    rest = f" … (+{len(names) - most})" if len(names) > most else ""
    return (", ".join(_plain(name) for name in names[:most]) or "–") + rest
