"""The tokens of an answer, as servers that speak Chat Completions report them."""

from collections.abc import Iterator

from coderouter_proxy.answer import Usage
from coderouter_proxy.request import Body
from coderouter_proxy.wires.token_report import TokenReport


def usage_in(chunk: Body, before: Usage) -> Usage:
    """Return the latest report; its input tokens exclude cached ones, which OpenAI includes."""
    report = TokenReport()
    usage = _usage_in(chunk, before, report)
    return usage._replace(nonsense=True) if report.nonsense or before.nonsense else usage


def _usage_in(chunk: Body, before: Usage, report: TokenReport) -> Usage:
    count = report.count
    for reported in _reports(chunk):
        prompt = count(reported, "prompt_tokens", "input_tokens")
        completion = count(reported, "completion_tokens", "output_tokens")
        says_nothing = prompt is None and completion is None
        if says_nothing or (not prompt and not completion and before.is_known):
            continue  # servers that do not know report zeros
        details = reported.get("prompt_tokens_details") or reported.get("input_tokens_details")
        cached = count(details, "cached_tokens") if details else None
        if cached is None:
            cached = count(reported, "prompt_cache_hit_tokens", "cached_tokens", "cache_read_input_tokens")
        if cached is None:
            cached = count(chunk, "cached_tokens")
        if cached is None:
            cached = before.cache_read_tokens
        written = count(details, "cache_write_tokens", "cache_creation_tokens") if details else None
        if written is None:
            written = count(reported, "cache_creation_input_tokens")
        if written is None:
            written = before.cache_creation_tokens
        return Usage(
            before.input_tokens if prompt is None else max(0, prompt - (cached or 0) - (written or 0)),
            before.output_tokens if completion is None else completion,
            cached,
            written,
            count(
                reported.get("completion_tokens_details") or reported.get("output_tokens_details"),
                "reasoning_tokens",
            ),
        )
    return _of_timings(chunk.get("timings"), before, report)


def _reports(chunk: Body) -> Iterator[Body]:
    """Yield the objects with usage: OpenAI's, Kimi's in its first choice, Groq's own."""
    choices, groq = chunk.get("choices"), chunk.get("x_groq")
    choice = choices[0] if isinstance(choices, list) and choices else None
    for place in (chunk, choice, groq):
        if isinstance(place, dict) and isinstance(usage := place.get("usage"), dict):
            yield usage


def _of_timings(timings: object, before: Usage, report: TokenReport) -> Usage:
    """Return the usage with llama.cpp's timings where nothing else was reported; they exclude what was cached."""
    prompt, predicted = report.count(timings, "prompt_n"), report.count(timings, "predicted_n")
    if prompt is None or predicted is None:
        return before
    return Usage(
        before.input_tokens or prompt,
        max(predicted, before.output_tokens or 0),
        report.count(timings, "cache_n") if before.cache_read_tokens is None else before.cache_read_tokens,
        before.cache_creation_tokens,
    )
