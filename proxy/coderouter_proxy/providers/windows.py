"""How much context a server has: llama.cpp, vLLM and Ollama report it, each in its own way."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from coderouter_proxy.request import Body
from coderouter_proxy.wires.token_report import tokens_in

Fetch = Callable[[str, Body | None], Awaitable[Any]]
"""Gets a URL, or posts the body to it; returns the JSON, or None from a server that does not know the path."""

_NUM_CTX = re.compile(r"^num_ctx[ \t]+(\d{1,10})[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Window:
    """The tokens of prompt and answer together, None if the server reports none.

    It is not `final` while the server may use less than its model supports.
    """

    tokens: int | None
    final: bool = True


async def reported(base_url: str, model: str, models_url: str, fetch: Fetch) -> Window:
    """Return the window that the server reports for the model.

    Raises:
        ProviderError: the server cannot be reached, or is not ready.
    """
    root = base_url.removesuffix("/v1")
    if tokens := _of_slot(await fetch(f"{root}/props", None)):
        return Window(tokens)
    if tokens := _of_list(await fetch(models_url, None), model):
        return Window(tokens)
    if not model:
        return Window(None)
    shown = await fetch(f"{root}/api/show", {"model": model})
    if not isinstance(shown, dict):
        return Window(None)
    if loaded := _of_loaded(await fetch(f"{root}/api/ps", None), model):
        return Window(loaded)
    return _of_model(shown)


def _of_slot(props: object) -> int | None:
    """Return the context of each slot of llama.cpp, from `/props`."""
    settings = props.get("default_generation_settings") if isinstance(props, dict) else None
    return _tokens(settings, "n_ctx") or _tokens(props, "n_ctx")


def _of_list(models: object, model: str) -> int | None:
    """Return `max_model_len` of vLLM and SGLang, from their list of models."""
    entries = models.get("data") if isinstance(models, dict) else None
    known = [each for each in entries if isinstance(each, dict)] if isinstance(entries, list) else []
    named = [each for each in known if each.get("id") == model]
    only = named or (known if len(known) == 1 else [])
    return _tokens(only[0], "max_model_len") if only else None


def _of_loaded(running: object, model: str) -> int | None:
    """Return the context that Ollama has loaded the model with, from `/api/ps`."""
    entries = running.get("models") if isinstance(running, dict) else None
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and entry.get("name") in (model, f"{model}:latest"):
            return _tokens(entry, "context_length")
    return None


def _of_model(shown: dict[str, object]) -> Window:
    """Return `num_ctx` of Ollama's model, else the most that the model supports; Ollama may use less."""
    info = shown.get("model_info")
    names = [name for name in info if name.endswith(".context_length")] if isinstance(info, dict) else []
    longest = _tokens(info, names[0]) if names else None
    parameters = shown.get("parameters")
    found = _NUM_CTX.search(parameters) if isinstance(parameters, str) else None
    if found is None or not (chosen := tokens_in(int(found[1]))):
        return Window(longest, final=False)
    return Window(min(chosen, longest) if longest else chosen)


def _tokens(holder: object, name: str) -> int | None:
    return (tokens_in(holder.get(name)) or None) if isinstance(holder, dict) else None
