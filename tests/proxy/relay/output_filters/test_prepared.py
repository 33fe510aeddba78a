"""The patterns of filters are compiled when a configuration is loaded, not while an answer streams."""

import asyncio
import re

import pytest

from coderouter_proxy.config import load
from coderouter_proxy.providers.transport import Transport
from coderouter_proxy.relay.output_filters import byte_fallback, stop_markers, thinking, tool_call_xml
from coderouter_proxy.relay.output_filters.filters import FILTERS
from coderouter_proxy.routing.profiles import DefaultProfile
from coderouter_proxy.routing.router import Routing

CONFIG = """\
default_profile: default
providers: [{name: a, base_url: "http://127.0.0.1:1/v1", model: m, output_filters: [%s]}]
profiles: [{name: default, providers: [a]}]
"""
LONG_CHARS = 1000
TEXT = "<think>Hm.</think>Hello</think> <0xE3> <|im_end|> </tool_call>"


def loaded(providers_yaml: str) -> None:
    async def load_it() -> None:
        config = load.parse(providers_yaml, "providers.yaml")
        async with Transport() as transport:
            Routing.of(config, DefaultProfile("default", "config"), "127.0.0.1", [], transport)

    asyncio.run(load_it())


def test_an_answer_compiles_no_pattern(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (byte_fallback, stop_markers, thinking, tool_call_xml):
        module._marks.cache_clear()
    loaded(CONFIG % ", ".join(FILTERS))
    compiled: list[str] = []
    compile_pattern = re.compile

    def noted(pattern: str) -> re.Pattern[str]:
        compiled.append(pattern)
        return compile_pattern(pattern)

    monkeypatch.setattr(re, "compile", noted)

    for create in FILTERS.values():
        output_filter = create()
        output_filter.feed(TEXT)
        output_filter.end()

    assert not [pattern for pattern in compiled if len(pattern) > LONG_CHARS]
