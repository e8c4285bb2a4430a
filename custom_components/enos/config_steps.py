"""What the flows share: the way to EnOS, what can go wrong there, and the choice of points."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_NAME, CONF_OPTIONS, CONF_URL, CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant, callback
from homeassistant.data_entry_flow import FlowContext, FlowHandler, FlowResult
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.selector import (
    BooleanSelector,
    ObjectSelector,
    ObjectSelectorConfig,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
)
import probatio

from .api.client import EnosClient
from .api.errors import (
    AddressRefusedError,
    CertificateError,
    CredentialsError,
    EnosError,
    InvalidUrlError,
    NotFoundError,
    NoTlsError,
    PermissionDeniedError,
    RateLimitError,
    RejectedError,
    TokenRefusedError,
    TransportError,
    from_elsewhere,
)
from .api.models import DataType, Device, Measurepoint, ThingModel
from .config_export import CONF_EXPORT, EXPORT_SELECTOR, async_read_export
from .config_size import LIMIT
from .config_target import CONF_CONTROL, CONF_IDENTIFIER, FlowProblem, Target
from .const import (
    CLOCK_SKEW,
    CONF_ACCESS_KEY,
    CONF_ASSET_ID,
    CONF_CONTROLS,
    CONF_DATA_TYPE,
    CONF_DEVICE_KEY,
    CONF_ORG_ID,
    CONF_POINTS,
    CONF_PRODUCT_KEY,
    CONF_SECRET_KEY,
    CONF_SENSORS,
    CONF_SERVICES,
    CONF_UNIT,
    DOMAIN,
    LOGGER,
    SUBENTRY_DEVICE,
)
from .mapping import is_readable
from .units import resolve

# The token service's ways to say that it cannot make anything of a key.
_KEYS_UNREADABLE: Final = frozenset({1004, 1202})

# The field that fills the lists of a large model.
CONF_FILL: Final = "fill"
FILL_KEEP: Final = "keep"
FILL_ALL: Final = "all"
FILL_NONE: Final = "none"
_FILL: Final = SelectSelector(
    SelectSelectorConfig(
        options=[FILL_KEEP, FILL_ALL, FILL_NONE],
        translation_key=CONF_FILL,
        mode=SelectSelectorMode.DROPDOWN,
    )
)


def client_for(hass: HomeAssistant, data: Mapping[str, Any]) -> EnosClient:
    """Return a client for an entry's data. Raises `InvalidUrlError`."""
    return EnosClient(
        async_get_clientsession(hass, verify_ssl=data[CONF_VERIFY_SSL]),
        url=data[CONF_URL],
        org_id=data[CONF_ORG_ID],
        access_key=data[CONF_ACCESS_KEY],
        secret_key=data[CONF_SECRET_KEY],
    )


def problem_of(err: EnosError | FlowProblem, client: EnosClient | None) -> FlowProblem:
    """Return what to tell about an error."""
    if isinstance(err, FlowProblem):
        return err
    LOGGER.debug("The flow met %s: %s", type(err).__name__, err)
    offset = (client.clock_offset if client else None) or 0.0
    match err:
        case InvalidUrlError():
            return FlowProblem("invalid_url")
        case CertificateError():
            return FlowProblem("ssl_error")
        case NoTlsError():
            return FlowProblem("no_tls")
        case TransportError():
            return FlowProblem("cannot_connect", message=str(err))
        case AddressRefusedError():
            return FlowProblem("address_refused")
        case RateLimitError():
            return FlowProblem("rate_limited")
        case CredentialsError() | TokenRefusedError() if abs(offset) > CLOCK_SKEW:
            return FlowProblem("clock_skew", minutes=f"{abs(offset) / 60:.0f}")
        case CredentialsError() | TokenRefusedError():
            return FlowProblem("invalid_auth")
        case PermissionDeniedError():
            return FlowProblem("permission_denied", message=err.message)
    if err.code in _KEYS_UNREADABLE:
        return FlowProblem("invalid_auth")
    if from_elsewhere(err):
        return FlowProblem("cannot_connect", message=str(err))
    if (
        isinstance(err, (RejectedError, NotFoundError))
        and client is not None
        and client.names_organization(err)
    ):
        return FlowProblem("invalid_org")
    LOGGER.warning("EnOS answered with code %s: %s", err.code, err.message or err)
    return FlowProblem(
        "unknown", code=str(err.code or "–"), message=err.message or str(err)
    )


async def async_models(
    client: EnosClient, model_ids: Iterable[str]
) -> dict[str, ThingModel]:
    """Return those of the models that may be read."""
    wanted = {model_id for model_id in model_ids if model_id}
    if not wanted:
        return {}
    try:
        return await client.thing_models(wanted)
    except (PermissionDeniedError, NotFoundError) as err:
        LOGGER.debug("Models cannot be read: %s", err)
        return {}


# Forms.

# So many entries of a list are overlooked without a search.
_OVERLOOKED: Final = 20


def list_selector(
    options: Mapping[str, str], *, multiple: bool = True, unlisted: bool = False
) -> SelectSelector:
    """Return a searchable list of keys, shown and sorted by their labels.

    Of a long list for a single choice the frontend makes a searchable one only where anything
    may be entered: `unlisted` says that whoever takes the choice is prepared for that.
    """
    return SelectSelector(
        SelectSelectorConfig(
            options=[
                SelectOptionDict(value=key, label=label)
                for key, label in sorted(
                    options.items(), key=lambda item: (item[1].casefold(), item[0])
                )
            ],
            multiple=multiple,
            custom_value=unlisted and len(options) > _OVERLOOKED,
            mode=SelectSelectorMode.DROPDOWN,
        )
    )


def named(name: str, key: str) -> str:
    """Return a name with the key that makes it unmistakable."""
    return f"{name} ({key})" if name and name != key else key


@callback
def registered_names(
    hass: HomeAssistant, entry: ConfigEntry[Any], subentry_id: str
) -> dict[str, str]:
    """Return the devices of a subentry, by asset id, under unmistakable names."""
    prefix = f"{entry.data[CONF_ORG_ID]}_"
    registry = dr.async_get(hass)
    return {
        asset_id: named(
            device.name_by_user or device.name or "", device.serial_number or asset_id
        )
        for device in dr.async_entries_for_config_entry(registry, entry.entry_id)
        if device.config_subentry_id == subentry_id
        for domain, identifier in device.identifiers
        if domain == DOMAIN and (asset_id := identifier.removeprefix(prefix))
    }


def _point_label(
    point: Measurepoint, language: str, declared: Mapping[str, Any]
) -> str:
    """Return how a point stands in a list: name, identifier, type, unit, what is declared."""
    kind = (
        f"{point.data_type} {resolve(point.unit, point.multiplier).text or ''}".strip()
    )
    parts = [named(point.name.get(language), point.identifier), kind]
    if (writable := declared.get("writable")) is not None:
        parts.append("rw" if writable else "r")
    ends = [declared.get(end) for end in ("minimum", "maximum")]
    if any(end is not None for end in ends):
        parts.append("…".join("" if end is None else f"{end:g}" for end in ends))
    return " · ".join(parts)


def _points_schema(target: Target, language: str) -> probatio.Schema:
    """Return the form that chooses among the points of a model.

    What is chosen already stays on offer, even where the model has dropped it.
    """

    def offer(
        points: Mapping[str, Measurepoint], chosen: Collection[str]
    ) -> SelectSelector:
        offered = {
            key: _point_label(point, language, target.declared.get(key, {}))
            for key, point in points.items()
        }
        return list_selector({**{key: key for key in chosen}, **offered})

    readable = {key: point for key, point in target.known.items() if is_readable(point)}
    fields: dict[probatio.Marker, object] = {}
    if target.is_large:
        fields[probatio.Required(CONF_FILL, default=FILL_KEEP)] = _FILL
    fields |= {
        probatio.Optional(CONF_CONTROLS): offer(target.writable, target.controls),
        probatio.Optional(CONF_SENSORS): offer(readable, target.sensors),
    }
    if services := {key: key for key in target.services} | {
        key: named(service.name.get(language), key)
        for key, service in target.known_services.items()
    }:
        fields[probatio.Optional(CONF_SERVICES)] = list_selector(services)
    fields[probatio.Optional(CONF_EXPORT)] = EXPORT_SELECTOR
    return probatio.Schema(fields)


# Types that have an entity; a point of any other type is reached by actions.
_MANUAL_TYPES: Final = (
    DataType.BOOL,
    DataType.INT,
    DataType.FLOAT,
    DataType.DOUBLE,
    DataType.ENUM,
    DataType.STRING,
    DataType.TIMESTAMP,
    DataType.DATE,
    DataType.ARRAY,
    DataType.STRUCT,
    DataType.FILE,
)

MANUAL_SCHEMA: Final = probatio.Schema(
    {
        probatio.Optional(CONF_POINTS): ObjectSelector(
            ObjectSelectorConfig(
                fields={
                    CONF_IDENTIFIER: {"selector": TextSelector(), "required": True},
                    CONF_DATA_TYPE: {
                        "selector": SelectSelector(
                            SelectSelectorConfig(
                                options=[str(kind) for kind in _MANUAL_TYPES],
                                mode=SelectSelectorMode.DROPDOWN,
                            )
                        ),
                        "required": True,
                    },
                    CONF_CONTROL: {"selector": BooleanSelector()},
                    CONF_NAME: {"selector": TextSelector()},
                    CONF_UNIT: {"selector": TextSelector()},
                    CONF_OPTIONS: {
                        "selector": TextSelector(TextSelectorConfig(multiple=True))
                    },
                },
                multiple=True,
                label_field=CONF_IDENTIFIER,
                description_field=CONF_DATA_TYPE,
                translation_key="measurepoint",
            )
        ),
        probatio.Optional(CONF_EXPORT): EXPORT_SELECTOR,
    }
)

DEVICE_SCHEMA: Final = probatio.Schema(
    {
        probatio.Optional(CONF_PRODUCT_KEY): TextSelector(),
        probatio.Optional(CONF_DEVICE_KEY): TextSelector(),
        probatio.Optional(CONF_ASSET_ID): TextSelector(),
        probatio.Optional(CONF_NAME): TextSelector(),
    }
)


async def async_look_up(client: EnosClient, asset_id: str) -> Device | None:
    """Return a device by its asset id, None where there is none.

    Raises `PermissionDeniedError` where devices cannot be read at all.
    """
    found = await client.search_devices(asset_ids=(asset_id,))
    return next((device for device in found if device.asset_id == asset_id), None)


async def async_find_device(
    client: EnosClient, user_input: Mapping[str, str], language: str
) -> Target:
    """Return the device that a form names. Raises `FlowProblem` and `EnosError`.

    Without the right to read devices an asset id is believed.
    """
    entered = {key: text.strip() for key, text in user_input.items()}
    asset_id = entered.get(CONF_ASSET_ID, "")
    keys = (entered.get(CONF_PRODUCT_KEY, ""), entered.get(CONF_DEVICE_KEY, ""))
    if not ((asset_id and not any(keys)) or (not asset_id and all(keys))):
        raise FlowProblem("device_unclear")
    device: Device | None
    try:
        if asset_id:
            device = await async_look_up(client, asset_id)
        else:
            device = await client.find_device(*keys)
    except PermissionDeniedError as err:
        if not asset_id:
            raise FlowProblem("lookup_denied") from err
        device = Device(asset_id=asset_id)
    except NotFoundError, RejectedError:
        device = None
    if device is None:
        raise FlowProblem("device_not_found")
    models = await async_models(client, (device.model_id,))
    names = (entered.get(CONF_NAME), device.name.get(language), device.device_key)
    return Target(
        kind=SUBENTRY_DEVICE,
        name=next((name for name in names if name), device.asset_id),
        own_name=entered.get(CONF_NAME, ""),
        product_key=device.product_key,
        device_key=device.device_key,
        asset_id=device.asset_id,
        count=1,
        model=models.get(device.model_id),
    )


class PointSteps[ContextT: FlowContext, ResultT: FlowResult[Any, Any], HandlerT](
    FlowHandler[ContextT, ResultT, HandlerT]
):
    """The steps that choose the points of a product or a device."""

    @property
    def _language(self) -> str:
        """The language in which names and labels are taken from EnOS."""
        return self.hass.config.language

    def _problem_of(self, err: EnosError | FlowProblem) -> FlowProblem:
        """Return what to tell about an error, one in the address included."""
        return problem_of(err, vars(self).get("_client"))

    @contextmanager
    def _telling(
        self,
        errors: dict[str, str],
        placeholders: dict[str, str],
        field: str = "base",
    ) -> Iterator[None]:
        """Have what goes wrong with an input told on its form, or beside one of its fields."""
        try:
            yield
        except (EnosError, FlowProblem) as err:
            problem = self._problem_of(err)
            errors[field] = problem.key
            placeholders |= problem.placeholders

    @property
    def _target(self) -> Target:
        """What the points are chosen for."""
        raise NotImplementedError

    @property
    def _placeholders(self) -> dict[str, str]:
        """What the forms say about it."""
        return {CONF_NAME: self._target.name}

    def _refuse_too_many(self, target: Target) -> None:
        """Refuse more entities than Home Assistant takes. Raises `FlowProblem`."""
        raise NotImplementedError

    @property
    def _last(self) -> bool:
        """Whether nothing comes after these points."""
        return True

    async def _async_points_chosen(self) -> ResultT:
        """Go on when the points are chosen."""
        raise NotImplementedError

    async def _async_choose_points(self) -> ResultT:
        """Show the form that fits what is known."""
        if self._target.model is None:
            return await self.async_step_manual_points()
        return await self.async_step_measurepoints()

    async def async_step_measurepoints(
        self, user_input: dict[str, Any] | None = None
    ) -> ResultT:
        """Choose points of a model."""
        return await self._async_step_points("measurepoints", user_input)

    async def async_step_exported_points(
        self, user_input: dict[str, Any] | None = None
    ) -> ResultT:
        """Choose points of a model, with what the console's export of it says."""
        return await self._async_step_points("exported_points", user_input)

    async def _async_step_points(
        self, step_id: str, user_input: dict[str, Any] | None
    ) -> ResultT:
        """Choose points of a model; with a file the form comes again, with what it says."""
        target = self._target
        controls, sensors = target.controls, target.sensors
        services = target.services
        errors: dict[str, str] = {}
        placeholders = {
            **self._placeholders,
            "count": str(len(target.known)),
            "devices": f"{target.count:,}" if target.count else "?",
            "limit": f"{LIMIT:,}",
        }
        if user_input is not None:
            controls = user_input.get(CONF_CONTROLS, [])
            sensors = user_input.get(CONF_SENSORS, [])
            services = user_input.get(CONF_SERVICES, [])
        fill = (user_input or {}).get(CONF_FILL, FILL_KEEP)
        if user_input is not None and (file_id := user_input.get(CONF_EXPORT)):
            with self._telling(errors, placeholders, CONF_EXPORT):
                export = await async_read_export(self.hass, file_id)
                target.take_export(export, controls, sensors)
                controls, sensors = target.controls, target.sensors
                step_id = "exported_points"
                if target.told["model"] != target.told["own_model"]:
                    errors["base"] = "export_other_model"
        elif fill != FILL_KEEP:
            target.fill(controls, sensors, everything=fill == FILL_ALL)
            controls, sensors = target.controls, target.sensors
        elif user_input is not None:
            with self._telling(errors, placeholders):
                chosen = replace(target, services=services)
                chosen.choose(controls, sensors, self._language)
                self._refuse_too_many(chosen)
            if not errors:
                target.services = services
                target.choose(controls, sensors, self._language)
                return await self._async_points_chosen()
        return self.async_show_form(
            step_id=step_id,
            last_step=self._last,
            data_schema=self.add_suggested_values_to_schema(
                _points_schema(target, self._language),
                {
                    CONF_CONTROLS: controls,
                    CONF_SENSORS: sensors,
                    CONF_SERVICES: services,
                },
            ),
            errors=errors,
            description_placeholders={**target.told, **placeholders},
        )

    async def async_step_manual_points(
        self, user_input: dict[str, Any] | None = None
    ) -> ResultT:
        """Enter points by hand, where the model cannot be read."""
        target = self._target
        entered = target.described()
        errors: dict[str, str] = {}
        placeholders = self._placeholders
        if user_input is not None:
            entered = user_input.get(CONF_POINTS, [])
            with self._telling(errors, placeholders):
                described = replace(target)
                described.describe(entered, self._language)
                if not user_input.get(CONF_EXPORT):
                    self._refuse_too_many(described)
            if not errors:
                target.describe(entered, self._language)
            if not errors and (file_id := user_input.get(CONF_EXPORT)):
                with self._telling(errors, placeholders, CONF_EXPORT):
                    target.take_export(
                        await async_read_export(self.hass, file_id),
                        target.controls,
                        target.sensors,
                        decided=target.points,
                    )
                if not errors:
                    return await self.async_step_exported_points()
            elif not errors:
                return await self._async_points_chosen()
        return self.async_show_form(
            step_id="manual_points",
            last_step=self._last,
            data_schema=self.add_suggested_values_to_schema(
                MANUAL_SCHEMA, {CONF_POINTS: entered}
            ),
            errors=errors,
            description_placeholders=placeholders,
        )
