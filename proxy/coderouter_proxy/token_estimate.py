"""Estimate how many tokens a request has, for providers that do not count them before they answer."""

from typing import Any

import orjson

from coderouter_proxy.request import Body

CHARS_PER_TOKEN = 3.7  # of English prose and code mixed, with the tokenizers of 2024 and later
IMAGE_TOKENS = 1600  # Anthropic's maximum for one image: (width * height) / 750 at 1092 x 1092
DOCUMENT_BYTES_PER_TOKEN = 40  # of a PDF; most of its bytes are fonts and images
MESSAGE_TOKENS = 4  # role and separators
NESTING_MAX = 4  # a tool result in content has content of its own; real clients nest no deeper


def estimate(body: Body) -> int:
    """Return the tokens of system, messages, tools and images together, usually within 20 %."""
    messages, chars = body["messages"], 0
    tokens = MESSAGE_TOKENS * (1 + len(messages)) + _tokens(body.get("system")) + _tokens(body.get("tools"))
    for message in messages:
        content = message.get("content")
        if type(content) is str:  # most are, and a call for each would take ten times as long
            chars += len(content)
        else:
            tokens += _tokens(content)
        if "tool_calls" in message:
            tokens += _tokens(message["tool_calls"])
    return tokens + round(chars / CHARS_PER_TOKEN)


def _tokens(part: Any, depth: int = 0) -> int:  # noqa: ANN401
    if part is None:
        return 0
    if isinstance(part, str):
        return round(len(part) / CHARS_PER_TOKEN)
    if isinstance(part, list) and depth < NESTING_MAX:
        return sum(_tokens(inner, depth + 1) for inner in part)
    if not isinstance(part, dict):
        return 1
    match part.get("type"):
        case "text" | "input_text" | "output_text":
            return _tokens(part.get("text"), NESTING_MAX)
        case "thinking":
            return _tokens(part.get("thinking"), NESTING_MAX)
        case "image" | "image_url" | "input_image":
            return IMAGE_TOKENS
        case "document" | "file" | "input_file":
            return _json_bytes(part) * 3 // 4 // DOCUMENT_BYTES_PER_TOKEN
        case "tool_result":
            return _tokens(part.get("content"), depth + 1) + MESSAGE_TOKENS
        case _:
            return round(_json_bytes(part) / CHARS_PER_TOKEN)


def _json_bytes(part: Body) -> int:
    try:
        return len(orjson.dumps(part))
    except orjson.JSONEncodeError:  # nested too deeply for orjson
        return 0
