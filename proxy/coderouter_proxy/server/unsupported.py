"""Paths that clients of these APIs may try and that are not served, with what to use instead of each."""

from collections.abc import Callable
from dataclasses import dataclass

import orjson

from coderouter_proxy.errors import HttpError

CODE = "unsupported_endpoint"
GEMINI = (
    "Gemini's API is not served; use an OpenAI client, with POST /v1/chat/completions and GET /v1/models."
)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True, slots=True)
class Unsupported:
    """`paths` are patterns of Starlette; `instead` is a sentence for the client's user."""

    paths: tuple[str, ...]
    instead: str
    methods: tuple[str, ...] = METHODS


UNSUPPORTED = (
    # Responses
    Unsupported(("/v1/responses/compact",), "Summarise the conversation with POST /v1/responses."),
    Unsupported(("/v1/responses",), "Use POST /v1/responses; WebSockets are not served.", methods=("GET",)),
    Unsupported(
        ("/v1/conversations{rest:path}",),
        "Send the conversation as input to POST /v1/responses, or name its last response in previous_response_id.",
    ),
    # Chat Completions and the rest of OpenAI's API
    Unsupported(
        ("/v1/chat/completions/{rest:path}",),
        "Chat completions are not stored; use POST /v1/chat/completions.",
    ),
    Unsupported(
        ("/v1/completions", "/v1/engines{rest:path}", "/v1/edits"),
        "Send the prompt as a message to POST /v1/chat/completions.",
    ),
    Unsupported(
        ("/v1/assistants{rest:path}", "/v1/threads{rest:path}"),
        "Use POST /v1/responses.",
    ),
    Unsupported(
        ("/v1/embeddings", "/v1/rerank", "/v2/rerank"),
        "Set `embeddings` or `rerank` on a provider that serves it, or send it to a server that has such a model.",
    ),
    Unsupported(
        ("/v1/score",),
        "Send it to a server that has such a model; this proxy only routes requests to language models.",
    ),
    Unsupported(
        ("/v1/batches{rest:path}", "/v1/messages/batches{rest:path}"),
        "Send the requests one by one, or the batch to the API of its vendor.",
    ),
    Unsupported(
        ("/v1/files{rest:path}", "/v1/uploads{rest:path}", "/v1/vector_stores{rest:path}"),
        "Files are not stored; send their content in the request.",
    ),
    Unsupported(
        (
            "/v1/moderations",
            "/v1/audio{rest:path}",
            "/v1/images{rest:path}",
            "/v1/videos{rest:path}",
            "/v1/realtime{rest:path}",
            "/v1/fine_tuning{rest:path}",
            "/v1/evals{rest:path}",
            "/v1/containers{rest:path}",
            "/v1/skills{rest:path}",
            "/v1/organization{rest:path}",
        ),
        "Send it to the API of the vendor; this proxy only routes requests to language models.",
    ),
    # Messages
    Unsupported(("/v1/complete",), "Send the prompt as a message to POST /v1/messages."),
    # Other APIs
    Unsupported(("/v1/models/{model}:{method}",), GEMINI, methods=("POST",)),
    Unsupported(("/v1beta{rest:path}", "/v1alpha{rest:path}"), GEMINI),
    Unsupported(
        ("/api/{rest:path}",),
        "Ollama's API is not served; use an OpenAI client, with POST /v1/chat/completions and GET /v1/models.",
    ),
    # Base URLs
    Unsupported(("/v1/v1/{rest:path}",), "The path has /v1 twice; remove it from the client's base URL."),
    Unsupported(
        ("/chat/completions", "/completions", "/embeddings", "/messages", "/messages/{rest:path}", "/models"),
        "The path begins with /v1; add it to the client's base URL.",
    ),
)


def foreign_error(path: str) -> Callable[[HttpError], bytes] | None:
    """Return the error writer for clients of an API that we do not serve; None for others."""
    return next((write for is_of, write in _FOREIGN if is_of(path)), None)


_GEMINI_METHODS = (":generateContent", ":streamGenerateContent", ":countTokens", ":embedContent")


def _is_geminis(path: str) -> bool:
    return path.startswith(("/v1beta", "/v1alpha")) or path.endswith(_GEMINI_METHODS)


def _is_ollamas(path: str) -> bool:
    return path.startswith("/api/")


_GEMINI_STATUSES = {401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 500: "INTERNAL"}


def _for_gemini(error: HttpError) -> bytes:
    status = _GEMINI_STATUSES.get(error.status, "INVALID_ARGUMENT")
    return orjson.dumps({"error": {"code": error.status, "message": error.message, "status": status}})


def _for_ollama(error: HttpError) -> bytes:
    return orjson.dumps({"error": error.message})


_FOREIGN = ((_is_geminis, _for_gemini), (_is_ollamas, _for_ollama))
