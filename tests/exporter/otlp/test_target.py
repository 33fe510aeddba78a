"""The options say where to push to; what cannot be used is explained."""

import subprocess
import sys
from pathlib import Path

import pytest

from coderouter_exporter.otlp.target import BadTarget, shown_url, target
from support.exporter.process import CR_EXPORTER
from support.run_command import run


def test_the_base_is_followed_by_the_path_of_each_signal() -> None:
    found = target("http://localhost:4318/otlp/")
    assert found
    assert found.metrics_url == "http://localhost:4318/otlp/v1/metrics"
    assert found.traces_url == "http://localhost:4318/otlp/v1/traces"


def test_a_signal_can_have_a_url_of_its_own_or_be_off() -> None:
    found = target("http://a", metrics_endpoint="http://p/api/v1/otlp/v1/metrics", traces_endpoint="off")
    assert found
    assert (found.metrics_url, found.traces_url) == ("http://p/api/v1/otlp/v1/metrics", None)
    assert target(None) is None
    assert target("http://a", metrics_endpoint="off", traces_endpoint="off") is None


def test_headers_are_percent_decoded_and_never_shown() -> None:
    found = target("http://a", headers="Authorization=Bearer%20key%3D, X-Scope-OrgID = team-1")
    assert found
    assert found.headers == {"Authorization": "Bearer key=", "X-Scope-OrgID": "team-1"}
    assert "key" not in repr(found)


def test_a_url_is_shown_without_its_credentials() -> None:
    assert shown_url("https://me:key@h:1/v1/traces?key=1") == "https://h:1/v1/traces"


@pytest.mark.parametrize(
    "endpoint", ["localhost:4318", "ftp://a", "http://", "http://a:x", "http://a b", "grpc://a"]
)
def test_an_endpoint_is_an_http_url(endpoint: str) -> None:
    with pytest.raises(BadTarget, match=r"--otlp.endpoint is not an HTTP URL"):
        target(endpoint)


@pytest.mark.parametrize("headers", ["a", "=b", "a b=c", "a=%0d%0ax: y"])
def test_headers_are_pairs(headers: str) -> None:
    with pytest.raises(BadTarget, match=r"--otlp.headers"):
        target("http://a", headers=headers)


def test_the_command_explains_a_bad_option(tmp_path: Path) -> None:
    options = ("--events", tmp_path / "e", "--listen", "127.0.0.1:0", "--otlp.endpoint", "nowhere")
    ended = run((CR_EXPORTER, *options))
    assert ended.code == 3
    assert ended.stderr.startswith("cr-exporter: --otlp.endpoint is not an HTTP URL")


def test_without_the_extra_the_command_says_what_to_install(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['opentelemetry.proto'] = None; import coderouter_exporter.cli as c; c.main()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, "--events", tmp_path / "e", "--otlp.endpoint", "http://a"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 3
    assert "pip install 'coderouter-exporter[otlp]'" in ended.stderr
