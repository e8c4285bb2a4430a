"""The gateway's address, as people write it."""

import aiohttp
import pytest

from custom_components.enos.api.client import EnosClient
from custom_components.enos.api.errors import InvalidUrlError
from custom_components.enos.api.gateway import normalize_url
from simulator import Simulator

from .common import client_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://apim.example.com", "https://apim.example.com"),
        ("https://apim.example.com/", "https://apim.example.com"),
        ("  https://apim.example.com//  ", "https://apim.example.com"),
        ("apim.example.com", "https://apim.example.com"),
        ("apim.example.com:8443", "https://apim.example.com:8443"),
        ("localhost:8080/", "https://localhost:8080"),
        ("HTTPS://APIM.Example.COM", "https://apim.example.com"),
        ("http://10.0.0.7:8000", "http://10.0.0.7:8000"),
        ("http://[fd00::7]:8000/", "http://[fd00::7]:8000"),
        ("[fd00::7]:8000", "https://[fd00::7]:8000"),
        ("https://apim.example.com:443", "https://apim.example.com"),
        ("https://apim_test.example.com.", "https://apim_test.example.com."),
        ("https://apim.example.com/gw/", "https://apim.example.com/gw"),
        ("apim.example.com/gw/eu", "https://apim.example.com/gw/eu"),
        ("https://例子.测试", "https://xn--fsqu00a.xn--0zwm56d"),
        ("https://apim.example.com?", "https://apim.example.com"),
        ("https://apim.example.com/a b", "https://apim.example.com/a%20b"),
    ],
)
def test_good(text: str, expected: str) -> None:
    """Scheme, host, port and path are kept, in one form; https where nothing is said."""
    assert normalize_url(text) == expected
    assert normalize_url(expected) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "https://",
        "http:///path",
        "//apim.example.com",
        "ftp://apim.example.com",
        "mqtt://apim.example.com:1883",
        "javascript:alert(1)",
        "javascript://apim.example.com",
        "file:///etc/passwd",
        "https:/apim.example.com",
        "https:apim.example.com",
        "apim.example.com:",
        "apim.example.com:https",
        "https://apim.example.com:99999",
        "https://apim.example.com:0",
        "https://apim.example.com:-1",
        "https://user@apim.example.com",
        "https://user:pass@apim.example.com",
        "https://:pass@apim.example.com",
        "user:pass@apim.example.com",
        "user@apim.example.com",
        "https://apim.example.com?orgId=o1",
        "https://apim.example.com/?x",
        "https://apim.example.com#top",
        "https://[fd00::7",
        "https://fd00::7",
        "https://apim example.com",
        "https://apim.\nexample.com",
        "https://apim.example.com\x00",
        "https://apim\\example.com",
        "https://apim..example.com",
        "https://.example.com",
        "https://.",
        "https://-apim.example.com",
        "https://apim.example.com-",
        "https://*.example.com",
        f"https://{'a' * 64}.example.com",
        f"https://{'a.' * 127}example.com",
        "我的网关 在这里",
    ],
)
def test_bad(text: str) -> None:
    """What is no address of a gateway is refused, and no other error comes."""
    with pytest.raises(InvalidUrlError):
        normalize_url(text)


async def test_client_checks(sim: Simulator, session: aiohttp.ClientSession) -> None:
    """The client refuses a bad address before anything else, and takes a good one."""
    with pytest.raises(InvalidUrlError):
        EnosClient(session, url="ftp://x", org_id="o", access_key="a", secret_key="s")
    client = client_of(sim, session, url=f" {sim.url}/ ")
    assert client.url == sim.url
    await client.authenticate()
    assert sim.rejections == []


def test_error_does_not_repeat_the_address() -> None:
    """A password in an address is not in the error's text."""
    with pytest.raises(InvalidUrlError) as caught:
        normalize_url("https://user:hunter2@apim.example.com:99999999")
    assert "hunter2" not in repr(caught.value) + str(caught.value)
