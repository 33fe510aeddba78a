"""What would make every request to a provider fail is an error of the configuration, with its line."""

from pathlib import Path

import pytest

from coderouter_proxy.config import load
from coderouter_proxy.config.validation import ConfigErrors
from support.proxy.least_config import LEAST
from support.proxy.process import failed_start, write_config

URL = "http://127.0.0.1:11434/v1"
ONE_HEADER = "and a request has one Authorization header; remove one of them"
NOT_A_KEY = "holds a key with line breaks or other characters that no header can hold; correct the variable"
SECRET = "sk-test-abcdefghijklmnopqrstuvwx"


def errors(text: str) -> list[str]:
    with pytest.raises(ConfigErrors) as caught:
        load.parse(text, "f")
    return caught.value.errors


def with_fields(fields: str, url: str = URL) -> str:
    return LEAST.replace(URL, url).replace("model: m", f"model: m, {fields}")


NO_HOSTS = [
    "http://a..b/v1",
    "http://.example/v1",
    f"http://{'a' * 64}.example/v1",
    f"http://{'a.' * 130}example/v1",
    "http://ex ample/v1",
    "http://ex%20ample/v1",
    "http://xn--a\\u00fc.example/v1",
    "http://a\\u2488.example/v1",
    "http://\\u00ad/v1",
    "http://h\\n/v1",
    "http://h\\u007f/v1",
    "http://[::1]x/v1",
    "http://[::g]/v1",
    "http://127.0.0.1:+80/v1",
]


@pytest.mark.parametrize("url", NO_HOSTS)
def test_a_host_name_that_no_resolver_takes_is_an_error(url: str) -> None:
    [error] = errors(LEAST.replace(URL, url))
    assert error.startswith("f:2: providers[0].base_url: ")
    assert "write e.g. http://127.0.0.1:11434/v1" in error


@pytest.mark.parametrize(
    "url",
    [
        "http://m\\u00fcller.example/v1",
        "http://xn--mller-kva.example/v1",
        "http://[::1]:80/v1",
        "http://[fe80::1%25eth0]/v1",
        "http://host_with_underscores/v1",
        "http://example./v1",
        "http://user:p%40ss@host/v1",
        "HTTP://Host/v1",
    ],
)
def test_other_host_names_are_not(url: str) -> None:
    assert load.parse(LEAST.replace(URL, url), "f").providers[0].base_url


@pytest.mark.parametrize(
    "fields",
    ["api_key_env: K", 'headers: {Authorization: "Bearer ${K}"}', 'headers: {authorization: "Bearer ${K}"}'],
)
@pytest.mark.parametrize("kind", ["openai_compat", "openai_responses"])
def test_credentials_in_the_address_beside_a_key_are_an_error(
    fields: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("K", SECRET)
    found = errors(with_fields(f"kind: {kind}, {fields}", "http://user:passw0rd@h/v1"))
    name = fields.partition(":")[0]
    assert found == [f"f:2: providers[0].base_url: has a user name or password beside {name}, {ONE_HEADER}"]


def test_credentials_in_the_address_go_with_a_key_in_another_header(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K", SECRET)
    text = with_fields("kind: anthropic, api_key_env: K", "http://user:passw0rd@h/v1")
    assert load.parse(text, "f").providers[0].api_key_env == "K"


@pytest.mark.parametrize("value", ["sk-a\nb", "sk-a\rb", "sk-a\x7fb", "sk-a\x01b", "sk-“a”"])
def test_a_key_that_no_header_can_hold_is_an_error_that_does_not_show_it(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("K", value)
    assert errors(with_fields("api_key_env: K")) == [f"f:2: providers[0].api_key_env: 'K' {NOT_A_KEY}"]


def test_white_space_around_a_key_is_no_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K", f" {SECRET}\r\n")
    assert load.parse(with_fields("api_key_env: K"), "f").providers[0].api_key_env == "K"


def test_the_proxy_does_not_start_with_such_a_configuration(tmp_path: Path) -> None:
    write_config(tmp_path, with_fields("api_key_env: K", "http://a..b/v1"))
    stderr = failed_start(tmp_path, K="sk-a\nb")
    assert "providers.yaml:2: providers[0].base_url: 'http://a..b/v1'" in stderr
    assert "providers.yaml:2: providers[0].api_key_env: 'K' holds a key" in stderr
