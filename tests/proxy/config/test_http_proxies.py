"""Which HTTP proxy a provider is reached through, by its own setting and by the variables of the environment."""

from pathlib import Path

import pytest

from coderouter_proxy.config import load
from coderouter_proxy.config.http_proxies import proxy_for, proxy_url
from coderouter_proxy.config.validation import ConfigErrors
from support.proxy.least_config import LEAST
from support.proxy.process import failed_start, write_config

P, Q, R = "http://p:1", "http://q:2", "http://r:3"
SOCKS = (
    "is a SOCKS proxy, which is not supported; use the port where it speaks HTTP, e.g. http://127.0.0.1:1080"
)


@pytest.mark.parametrize(
    ("url", "environment", "proxy"),
    [
        ("http://h/v1", {}, None),
        ("http://h/v1", {"http_proxy": P}, P),
        ("https://h/v1", {"http_proxy": P}, None),
        ("https://h/v1", {"https_proxy": P}, P),
        ("http://h/v1", {"HTTP_PROXY": P}, P),
        ("https://h/v1", {"HTTPS_PROXY": P}, P),
        ("https://h/v1", {"https_proxy": P, "HTTPS_PROXY": Q}, P),
        ("https://h/v1", {"https_proxy": "", "HTTPS_PROXY": Q}, Q),
        ("https://h/v1", {"ALL_PROXY": R}, R),
        ("http://h/v1", {"all_proxy": R}, R),
        ("https://h/v1", {"ALL_PROXY": R, "HTTPS_PROXY": Q}, Q),
        ("https://h/v1", {"ALL_PROXY": R, "HTTP_PROXY": Q}, R),
        ("https://h/v1", {"HTTPS_PROXY": "p:1"}, P),
        ("https://h/v1", {"HTTPS_PROXY": " http://user:pw@p:1/ "}, "http://user:pw@p:1"),
        ("https://h/v1", {"HTTPS_PROXY": "https://[::1]:3128"}, "https://[::1]:3128"),
    ],
)
def test_the_environment_names_a_proxy(url: str, environment: dict[str, str], proxy: str | None) -> None:
    assert proxy_for(url, None, environment) == proxy


DIRECT = [
    ("*", "http://h/v1"),
    ("h", "http://h/v1"),
    ("H.Example", "http://h.example/v1"),
    ("example", "http://a.b.example/v1"),
    (".example", "http://a.example/v1"),
    (".example", "http://example/v1"),
    ("example.", "http://a.example./v1"),
    ("*.example", "http://a.b.example/v1"),
    ("10.*", "http://10.1.2.3/v1"),
    ("a,b, h ", "http://h/v1"),
    ("a h", "http://h/v1"),
    ("h:8080", "http://h:8080/v1"),
    ("h:80", "http://h/v1"),
    ("h:443", "https://h/v1"),
    ("example:8080", "http://a.example:8080/v1"),
    ("127.0.0.1", "http://127.0.0.1:11434/v1"),
    ("127.0.0.1:11434", "http://127.0.0.1:11434/v1"),
    ("127.0.0.0/8", "http://127.1.2.3:11434/v1"),
    ("192.168.1.7/16", "http://192.168.200.1/v1"),
    ("10.0.0.0/8", "http://[::ffff:10.1.1.1]/v1"),
    ("::1", "http://[::1]:80/v1"),
    ("[::1]", "http://[::1]:80/v1"),
    ("[::1]:80", "http://[::1]/v1"),
    ("0:0:0:0:0:0:0:1", "http://[::1]/v1"),
    ("fd00::/8", "http://[fd12::1]/v1"),
    ("m\u00fcller.example", "http://xn--mller-kva.example/v1"),
    ("xn--mller-kva.example", "http://m\u00fcller.example/v1"),
]
PROXIED = [
    ("", "http://h/v1"),
    (",", "http://h/v1"),
    ("h", "http://hh/v1"),
    ("example", "http://notexample/v1"),
    ("*.example", "http://example/v1"),
    ("h:8080", "http://h/v1"),
    ("h:80", "https://h/v1"),
    ("127.0.0.1:80", "http://127.0.0.1:11434/v1"),
    ("127.0.0.0/8", "http://localhost/v1"),
    ("10.0.0.0/8", "http://11.0.0.1/v1"),
    ("10.0.0.0/99", "http://10.0.0.1/v1"),
    ("[::1]:81", "http://[::1]/v1"),
    ("[::1", "http://[::1]/v1"),
    ("h:port", "http://h/v1"),
    ("(", "http://h/v1"),
    (".", "http://h/v1"),
]


@pytest.mark.parametrize(("no_proxy", "url"), DIRECT)
def test_hosts_of_no_proxy_are_reached_directly(no_proxy: str, url: str) -> None:
    assert proxy_for(url, None, {"ALL_PROXY": P, "NO_PROXY": no_proxy}) is None


@pytest.mark.parametrize(("no_proxy", "url"), PROXIED)
def test_other_hosts_are_not(no_proxy: str, url: str) -> None:
    assert proxy_for(url, None, {"ALL_PROXY": P, "NO_PROXY": no_proxy}) == P


def test_the_lower_case_of_no_proxy_comes_first() -> None:
    environment = {"ALL_PROXY": P, "NO_PROXY": "*", "no_proxy": "other"}
    assert proxy_for("http://h/v1", None, environment) == P


def test_the_setting_of_a_provider_comes_before_the_environment() -> None:
    environment = {"HTTP_PROXY": P, "NO_PROXY": "*"}
    assert proxy_for("http://h/v1", Q, environment) == Q
    assert proxy_for("http://h/v1", "", {"HTTP_PROXY": P}) is None


@pytest.mark.parametrize("value", ["socks5://p:1", "SOCKS5H://user:pw@p:1", "socks4://p:1", "socks://p:1"])
def test_socks_is_refused_in_words(value: str) -> None:
    with pytest.raises(ValueError, match=r"^is a SOCKS proxy, which is not supported"):
        proxy_url(value)


@pytest.mark.parametrize(
    "value", ["ftp://p:1", "http://", "p:1/path", "http://p:99999", "http://p q:1", "http://p?x"]
)
def test_what_is_no_proxy_is_an_error(value: str) -> None:
    with pytest.raises(ValueError, match=r"^is not the URL of an HTTP proxy; write e\.g\. http://127"):
        proxy_url(value)


def errors(fields: str) -> list[str]:
    with pytest.raises(ConfigErrors) as caught:
        load.parse(LEAST.replace("model: m", f"model: m{fields}"), "f")
    return caught.value.errors


def test_a_setting_that_is_no_http_proxy_is_an_error_with_its_line() -> None:
    assert errors(", http_proxy: socks5://u:pw@p:1") == [
        f"f:2: providers[0].http_proxy: 'socks5://***@p:1' {SOCKS}"
    ]


def test_a_variable_that_is_no_http_proxy_is_an_error_of_the_providers_it_concerns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://u:pw@p:1")
    assert errors("") == [
        f"f:2: providers[0].base_url: goes through a proxy, but the variable ALL_PROXY {SOCKS}"
    ]
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert load.parse(LEAST, "f").providers
    monkeypatch.setenv("NO_PROXY", "")
    own = LEAST.replace("model: m", 'model: m, http_proxy: ""')
    assert load.parse(own, "f").providers[0].http_proxy == ""


def test_the_proxy_does_not_start_behind_a_socks_proxy(tmp_path: Path) -> None:
    write_config(tmp_path, LEAST)
    stderr = failed_start(tmp_path, ALL_PROXY="socks5://u:pw@p:1")
    assert (
        f"providers.yaml:2: providers[0].base_url: goes through a proxy, but the variable ALL_PROXY {SOCKS}"
        in stderr
    )
    assert "pw" not in stderr
