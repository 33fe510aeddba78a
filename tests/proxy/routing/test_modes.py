"""A mode is a short name for a profile: for the whole process, or for one request."""

from collections.abc import Callable
from pathlib import Path

import pytest

from support.events import read
from support.proxy import process
from support.proxy.client import Exchange
from support.proxy.process import Proxy, failed_start, serving, write_config

pytestmark = pytest.mark.slow

CONFIG = process.config(
    [{"name": "echo", "kind": "echo"}],
    {name: ["echo"] for name in ("default", "coding", "writing", "multi")},
    mode_aliases={"fast": "coding", "prose": "writing", "any": "auto"},
)


def profile_of(proxy: Proxy, headers: dict[str, str] | None = None, **body: object) -> str:
    finished = proxy.finished(proxy.chat(headers, **body).rest().request_id)
    return str(finished["profile"])


@pytest.mark.parametrize(
    ("options", "env", "profile", "source"),
    [
        ([], {"CODEROUTER_MODE": "prose"}, "writing", "env"),
        (["--mode", "fast"], {"CODEROUTER_MODE": "prose"}, "coding", "flag"),
        ([], {"CODEROUTER_MODE": ""}, "default", "config"),
        (["--mode", "any"], {}, "auto", "flag"),
    ],
)
def test_the_mode_of_the_process_is_the_profile_for_requests_that_name_none(
    options: list[str], env: dict[str, str], profile: str, source: str, tmp_path: Path
) -> None:
    with serving(tmp_path, CONFIG, *options, env=env) as process:
        assert profile_of(process) == ("writing" if profile == "auto" else profile)
        assert profile_of(process, {"X-CodeRouter-Mode": "fast"}) == "coding"
        assert profile_of(process, {"X-CodeRouter-Mode": "fast"}, profile="multi") == "multi"
    [startup] = read(process.events_path, "coderouter-startup")
    assert (startup["default_profile"], startup["mode_source"]) == (profile, source)


@pytest.mark.parametrize("send", [Proxy.chat, Proxy.messages], ids=["openai", "anthropic"])
def test_an_unknown_mode_in_a_header_gets_a_400_with_the_known_ones(
    send: Callable[[Proxy, dict[str, str]], Exchange], served: Proxy
) -> None:
    response = send(served, {"X-CodeRouter-Mode": "both"}).rest()
    assert response.status == 400
    assert response.json["error"]["message"] == (
        "X-CodeRouter-Mode: there is no mode 'both'; there are: fast, heavy"
    )


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_names_that_are_not_ascii_are_found_in_headers(encoding: str, tmp_path: Path) -> None:
    aliases = {"schön": "größe"}
    config = process.config(
        [{"name": "echo", "kind": "echo"}], {"größe": ["echo"]}, mode_aliases=aliases, default_profile="größe"
    )
    with serving(tmp_path, config) as started:
        for name, value in (("X-CodeRouter-Profile", "größe"), ("X-CodeRouter-Mode", "schön")):
            raw = value.encode(encoding).decode("latin-1")  # http.client sends Latin-1
            assert profile_of(started, {name: raw}) == "größe"


@pytest.mark.parametrize(("options", "env"), [(["--mode", "slow"], {}), ([], {"CODEROUTER_MODE": "slow"})])
def test_an_unknown_mode_fails_the_start(options: list[str], env: dict[str, str], tmp_path: Path) -> None:
    write_config(tmp_path, CONFIG)
    known = "fast, prose, any, default, coding, writing, multi"
    assert failed_start(tmp_path, *options, **env) == (
        f"coderouter: there is no mode or profile 'slow'; there are {known}\n"
    )
