"""Files to download: the profile that an open dialog shows."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from aiohttp import web
from homeassistant.components.http.const import KEY_HASS_USER
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import Unauthorized
from homeassistant.helpers.http import KEY_HASS, HomeAssistantView
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN

URL: Final = f"/api/{DOMAIN}/profile/{{flow_id}}"


@dataclass(frozen=True, slots=True)
class Download:
    """A file: its name in ASCII, and its text."""

    name: str
    text: str


_DOWNLOADS: Final[HassKey[dict[str, Download]]] = HassKey(f"{DOMAIN}_downloads")


@callback
def async_register_views(hass: HomeAssistant) -> None:
    """Serve what flows will offer; more than once does no harm."""
    if _DOWNLOADS not in hass.data:
        hass.data[_DOWNLOADS] = {}
        hass.http.register_view(ProfileView)


@callback
def offer(hass: HomeAssistant, flow_id: str, download: Download) -> str:
    """Offer a file for as long as a flow lasts; return its path, which has to be signed."""
    # A flow may run without any account being set up.
    async_register_views(hass)
    hass.data[_DOWNLOADS][flow_id] = download
    return URL.format(flow_id=flow_id)


@callback
def withdraw(hass: HomeAssistant, flow_id: str) -> None:
    """Forget the file of a flow that is over."""
    hass.data.get(_DOWNLOADS, {}).pop(flow_id, None)


class ProfileView(HomeAssistantView):
    """Hands out the file of a flow to those who may configure."""

    url = URL
    name = f"api:{DOMAIN}:profile"

    async def get(self, request: web.Request, flow_id: str) -> web.Response:
        """Return the file."""
        if not request[KEY_HASS_USER].is_admin:
            raise Unauthorized
        download = request.app[KEY_HASS].data[_DOWNLOADS].get(flow_id)
        if download is None:
            return self.json_message("The dialog is closed", HTTPStatus.NOT_FOUND)
        return web.Response(
            body=download.text.encode("utf-8"),
            headers={
                "Content-Type": "application/yaml; charset=utf-8",
                "Content-Disposition": f'attachment; filename="{download.name}"',
                "Cache-Control": "no-store",
            },
        )
