"""Embeddings and rerank as clients see them; errors are those of OpenAI's API.

Source: OpenAI's reference of embeddings, Jina's and Cohere's (v2) of rerank, which llama.cpp and vLLM serve.
"""

from collections.abc import Iterator
from typing import Any

from coderouter_events.closed_sets import Ingress
from coderouter_proxy.errors import HttpError
from coderouter_proxy.request import ClientRequest
from coderouter_proxy.wires.client import Headers, decoded_object
from coderouter_proxy.wires.openai.client import OpenAIClient


class PassedOnClient(OpenAIClient):
    """`required` are the fields without which a provider need not be tried, with an example of each."""

    required: tuple[tuple[str, str], ...]

    def decode(self, request_id: str, raw: bytes, headers: Headers) -> ClientRequest:
        body = decoded_object(raw)
        for name, example in self.required:
            if not body.get(name):
                raise HttpError(400, f'"{name}" is missing or empty; send e.g. {example}', param=name)
        texts = [{"type": "text", "text": text} for name, _ in self.required for text in _texts(body[name])]
        return ClientRequest(
            request_id=request_id,
            ingress=self.ingress,
            body=body,
            raw=raw,
            headers=headers,
            stream=False,
            shaped={"model": body.get("model"), "messages": [{"role": "user", "content": texts}]},
        )

    def speaks(self, path: str, headers: Headers) -> bool:
        return path in (self.path, *self.aliases)


class EmbeddingsClient(PassedOnClient):
    ingress: Ingress = "embeddings"
    path = "/v1/embeddings"
    required = (("input", '"…"'),)


class RerankClient(PassedOnClient):
    ingress: Ingress = "rerank"
    path = "/v1/rerank"
    aliases = ("/v2/rerank",)  # of Cohere's SDK
    required = (("query", '"…"'), ("documents", '["…", "…"]'))


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401 - of a client
    """Yield the texts; an entry of a list may be an object that holds one, or a list of tokens."""
    for each in value if isinstance(value, list) else [value]:
        text = each.get("text") if isinstance(each, dict) else each
        if isinstance(text, str):
            yield text
