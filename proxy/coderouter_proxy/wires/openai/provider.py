"""Providers that speak the OpenAI wire: llama.cpp, Ollama, vLLM, LM Studio, OpenRouter, OpenAI itself."""

import re
from typing import Any
from urllib.parse import urlsplit

from coderouter_events.events import Ingress
from coderouter_proxy.answer import Answer
from coderouter_proxy.config.schema import Profile, Provider
from coderouter_proxy.errors import ProviderError
from coderouter_proxy.request import Body, Call
from coderouter_proxy.wires import provider as dialect
from coderouter_proxy.wires.deltas import Reader
from coderouter_proxy.wires.openai import client, request
from coderouter_proxy.wires.openai.reader import OpenAIReader
from coderouter_proxy.wires.provider import Drop, ProviderWire

# The words are what is quick to look for, the expression rules out those that only say null.
_TELLING_WORDS = (b'"finish_reason":"', b'"finish_reason": "', b'"usage"', b'"error"', b"[DONE]")
_TELLING = re.compile(rb'"usage"\s*:\s*\{|"error"\s*:|"finish_reason"\s*:\s*"|\[DONE\]')

# It refuses what it does not know, where local servers take it.
_STRICT_HOSTS = frozenset({"api.openai.com"})


class OpenAIProvider(ProviderWire):
    ingress: Ingress = "openai"
    passed_on = ("x-ratelimit-",)
    end = client.DONE

    def url(self, provider: Provider) -> str:
        return f"{provider.base_url}/chat/completions"

    def models_url(self, provider: Provider) -> str:
        return f"{provider.base_url}/models"

    def headers(self, key: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {key}"} if key else {}

    def request(self, call: Call, provider: Provider, profile: Profile, drop: Drop) -> Body:
        """Return the client's fields over `extra_body`, and the provider's own model over both."""
        theirs = call.body if call.ingress == "openai" else self._translated(call, provider, drop)
        body: Body = {**provider.extra_body, **theirs, "model": provider.model or call.body.get("model")}
        body.pop("profile", None)
        body["messages"] = client.with_system(body["messages"], dialect.directive(provider, profile))
        if call.stream:
            options = body.get("stream_options")
            body["stream_options"] = {**(options if isinstance(options, dict) else {}), "include_usage": True}
        else:
            body.pop("stream", None)
            body.pop("stream_options", None)
        return body

    def _translated(self, call: Call, provider: Provider, drop: Drop) -> Body:
        body = request.request(call.body, drop)
        if urlsplit(provider.base_url).hostname in _STRICT_HOSTS:
            if "max_tokens" in body:
                body["max_completion_tokens"] = body.pop("max_tokens")
            if body.pop("top_k", None) is not None:
                drop("top_k")
        return body

    def tells(self, whole: bytes) -> bool:
        for word in _TELLING_WORDS:
            if word in whole:
                return _TELLING.search(whole) is not None
        return False

    def ends(self, data: bytes) -> bool:
        return data.startswith(b"[DONE]")

    def check(self, decoded: Body) -> None:
        if error := decoded.get("error"):
            code = error.get("code") if isinstance(error, dict) else None
            raise dialect.reported(code if isinstance(code, int) and 400 <= code <= 599 else 500, decoded)

    def check_whole(self, decoded: Body) -> None:
        choices = decoded.get("choices")
        if not isinstance(choices, list):
            raise ProviderError("protocol", "not the OpenAI wire: a JSON object without choices")
        if not choices or not isinstance(choices[0], dict):
            raise ProviderError("empty", "the answer has no choices")

    def has_content(self, chunk: Body) -> bool:
        for choice in _choices(chunk):
            delta = choice.get("delta")
            if choice.get("finish_reason") or choice.get("text"):
                return True
            if isinstance(delta, dict) and any(value for key, value in delta.items() if key != "role"):
                return True
        return False

    def note(self, answer: Answer, chunk: Body) -> None:
        if usage := chunk.get("usage"):
            client.note_usage(answer, usage)
        for choice in _choices(chunk):
            if isinstance(reason := choice.get("finish_reason"), str):
                answer.stop_reason = reason

    def reader(self) -> Reader:
        return OpenAIReader()


def _choices(chunk: Body) -> list[dict[str, Any]]:
    choices = chunk.get("choices")
    return [choice for choice in choices if isinstance(choice, dict)] if isinstance(choices, list) else []
