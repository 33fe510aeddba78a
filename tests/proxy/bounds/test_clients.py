"""Clients that offer HTTP/2 with each request are answered in HTTP/1.1."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from load.clients import CLIENTS, WORDS, is_missing
from support.proxy import process
from support.proxy.process import Proxy, serving

pytestmark = pytest.mark.slow


@pytest.fixture
def echo(tmp_path: Path) -> Iterator[Proxy]:
    with serving(tmp_path, process.config([{"name": "echo", "kind": "echo"}])) as started:
        yield started


@pytest.mark.parametrize("program", CLIENTS)
def test_a_client_that_offers_http_2_gets_both_its_answers(program: str, echo: Proxy) -> None:
    if is_missing(program):
        pytest.skip(f"{program} is not installed")
    answers = CLIENTS[program](f"{echo.url}/chat/completions")
    assert answers.count(WORDS) == 2
    assert "pip install" not in echo.command.stderr
