"""With CODEROUTER_METRICS_TOKEN only those who have the token read metrics, as with CodeRouter 2.14 and later."""

import base64
from pathlib import Path

import pytest

from support.exporter.process import running_exporter

pytestmark = pytest.mark.slow

TOKEN = "a token"
PAGES = ("/", "/metrics", "/metrics.json", "/dashboard", "/no-such-page")


def basic(password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'me:{password}'.encode()).decode()}"}


def test_the_token_is_a_header_or_a_password(tmp_path: Path) -> None:
    wrongs: list[dict[str, str]] = [
        {},
        {"X-CodeRouter-Token": "another"},
        basic("another"),
        {"Authorization": "x"},
    ]
    with running_exporter(
        tmp_path / "events.jsonl", state=tmp_path / "db", CODEROUTER_METRICS_TOKEN=TOKEN
    ) as exporter:
        for page in PAGES:
            for wrong in wrongs:
                response, body = exporter.get(page, **wrong)
                assert (response.status, response.headers["WWW-Authenticate"][:5]) == (401, "Basic")
                assert b"X-CodeRouter-Token" in body
            for right in ({"X-CodeRouter-Token": TOKEN}, basic(TOKEN)):
                assert exporter.get(page, **right)[0].status == (404 if "no-such" in page else 200)
        assert exporter.get("/-/healthy")[0].status == 200
