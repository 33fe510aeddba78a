"""Requests through HTTP proxies, and the credentials that they carry."""

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from proxy.conftest import serving_soundly
from support.processes import free_port
from support.proxy import openai_answers as says
from support.proxy import process, upstream
from support.proxy.upstream import Provider, whole

KEY = "sk-test-abcdefghijklmnopqrstuvwx"
FAR = "http://far.example/v1"
NETRC = "default login thief password hunter22\nmachine 127.0.0.1 login thief password hunter22\n"


@pytest.fixture
def http_proxy() -> Iterator[Provider]:
    """An HTTP proxy that plays scripts instead of forwarding; it answers to the empty name in absolute addresses."""
    with upstream.serving() as server:
        yield server.provider("")


def address(provider: Provider) -> str:
    return provider.base_url.partition("//v1")[0]


def chat(folder: Path, provider: dict[str, Any], **env: str) -> tuple[int, list[dict[str, Any]]]:
    """Send one request to this provider; return the status, and what was emitted before the end."""
    with serving_soundly(folder, process.config([provider]), env=env) as served:
        response = served.chat().rest()
        *story, _ = served.story(response.request_id)
        return response.status, story


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_provider_is_reached_through_the_proxy_of_the_environment(
    variable: str, tmp_path: Path, http_proxy: Provider
) -> None:
    http_proxy.plays(says.answer())
    status, _ = chat(tmp_path, process.provider("far", FAR), **{variable: address(http_proxy)})
    assert status == 200
    assert http_proxy.request.path == f"{FAR}/chat/completions"
    assert http_proxy.request.headers["host"] == "far.example"


def test_the_setting_of_a_provider_names_its_proxy_and_the_credentials_for_it(
    tmp_path: Path, http_proxy: Provider, a: Provider
) -> None:
    http_proxy.plays(says.answer())
    own = address(http_proxy).replace("http://", "http://user:passw0rd@")
    provider = process.provider("far", FAR, http_proxy=own, api_key_env="K")
    status, _ = chat(tmp_path, provider, K=KEY, HTTP_PROXY="http://127.0.0.1:1", NO_PROXY="*")
    assert status == 200
    headers = http_proxy.request.headers
    assert headers["proxy-authorization"] == f"Basic {b64encode(b'user:passw0rd').decode()}"
    assert headers["authorization"] == f"Bearer {KEY}"


def test_a_provider_on_https_gets_a_tunnel_and_the_key_stays_out_of_it(
    tmp_path: Path, http_proxy: Provider
) -> None:
    http_proxy.plays(always=whole(b"", 407))
    provider = process.provider("far", FAR.replace("http:", "https:"), api_key_env="K")
    status, [_, failed] = chat(tmp_path, provider, K=KEY, HTTPS_PROXY=address(http_proxy))
    assert status == 502
    assert (failed["error_type"], failed["error"]) == (
        "connect",
        "the HTTP proxy refuses with 407: Proxy Authentication Required",
    )
    assert (http_proxy.request.method, http_proxy.request.path) == ("CONNECT", "far.example:443")
    assert "authorization" not in http_proxy.request.headers


def test_a_proxy_that_is_not_there_is_named_in_the_error(tmp_path: Path) -> None:
    port = free_port()
    _, [_, failed] = chat(tmp_path, process.provider("far", FAR), HTTP_PROXY=f"http://127.0.0.1:{port}")
    assert failed["error_type"] == "connect"
    assert failed["error"] == f"cannot connect to the HTTP proxy 127.0.0.1:{port}: Connection refused"


@pytest.mark.parametrize("key", [KEY, None], ids=["with a key", "without a key"])
@pytest.mark.parametrize(
    "env", [{}, {"HTTP_PROXY": "http://127.0.0.1:1", "NO_PROXY": "*"}], ids=["", "with a proxy"]
)
def test_netrc_is_never_read(key: str | None, env: dict[str, str], tmp_path: Path, a: Provider) -> None:
    a.plays(says.answer())
    netrc = tmp_path / ".netrc"
    netrc.write_text(NETRC, encoding="utf-8")
    netrc.chmod(0o600)
    keys = {"K": key} if key else {}
    provider = process.provider("a", a.base_url, **({"api_key_env": "K"} if key else {}))
    status, _ = chat(tmp_path, provider, **keys, **env, NETRC=str(netrc))
    assert status == 200
    assert a.request.headers.get("authorization") == (f"Bearer {key}" if key else None)
