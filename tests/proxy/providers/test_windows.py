"""The context of a server is read from what llama.cpp, vLLM and Ollama report, and from nothing that makes no sense."""

import asyncio
from typing import Any

import pytest

from coderouter_proxy.providers.windows import Window, reported
from coderouter_proxy.request import Body

NESTED: Any = {"default_generation_settings": {"n_ctx": 8192}, "total_slots": 2}
SHOWN: Any = {"model_info": {"general.architecture": "qwen2", "qwen2.context_length": 32768}}


def read(paths: dict[str, Any], model: str = "m") -> tuple[Window, list[str]]:
    """Return the window of a server that answers these paths, and the paths that were read."""
    asked: list[str] = []

    async def fetch(url: str, body: Body | None) -> Any:
        path = url.removeprefix("http://h:1")
        asked.append(path)
        assert body == ({"model": model} if path == "/api/show" else None)
        return paths.get(path)

    return asyncio.run(reported("http://h:1/v1", model, "http://h:1/v1/models", fetch)), asked


@pytest.mark.parametrize(
    ("paths", "window"),
    [
        ({"/props": NESTED}, Window(8192)),
        ({"/props": {"n_ctx": 4096}}, Window(4096)),
        ({"/v1/models": {"data": [{"id": "other"}, {"id": "m", "max_model_len": 16384}]}}, Window(16384)),
        ({"/v1/models": {"data": [{"id": "alias", "max_model_len": 16384}]}}, Window(16384)),
        ({"/v1/models": {"data": [{"id": "a", "max_model_len": 1}, {"id": "b"}]}}, Window(None)),
        ({"/api/show": SHOWN}, Window(32768, final=False)),
        ({"/api/show": {**SHOWN, "parameters": 'stop   "x"\nnum_ctx      4096\n'}}, Window(4096)),
        ({"/api/show": {**SHOWN, "parameters": "num_ctx 99999"}}, Window(32768)),
        ({"/api/show": {"parameters": "num_ctx 4096"}}, Window(4096)),
        (
            {"/api/show": SHOWN, "/api/ps": {"models": [{"name": "m:latest", "context_length": 2048}]}},
            Window(2048),
        ),
        ({"/api/show": SHOWN, "/api/ps": {"models": [{"name": "x", "context_length": 1}]}}, Window(32768, final=False)),
        ({}, Window(None)),
        ({"/props": {"default_generation_settings": {"n_ctx": 0}}}, Window(None)),
        ({"/props": {"default_generation_settings": {"n_ctx": "8192"}}}, Window(None)),
        ({"/props": [], "/v1/models": {"data": 3}, "/api/show": "?"}, Window(None)),
        ({"/v1/models": {"data": [7, {"id": "m", "max_model_len": -1}]}}, Window(None)),
        ({"/api/show": {"model_info": 3, "parameters": 4}, "/api/ps": {"models": [None]}}, Window(None, final=False)),
    ],
)  # fmt: skip
def test_the_window_of_a_server(paths: dict[str, Any], window: Window) -> None:
    assert read(paths)[0] == window


def test_nothing_more_is_read_once_the_window_is_known() -> None:
    assert read({"/props": NESTED})[1] == ["/props"]
    assert read({"/api/show": SHOWN}, model="")[1] == ["/props", "/v1/models"]
