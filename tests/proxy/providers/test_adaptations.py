"""The table of complaints: the words of real servers, by the row that knows them and the value that they call for."""

from dataclasses import fields
from typing import get_args

import pytest

from coderouter_events.events import AdaptationReason, TraitName
from coderouter_proxy.config.traits import ProviderTraits, Traits
from coderouter_proxy.providers import adaptations
from coderouter_proxy.providers.adaptations import ADAPTATIONS, Value
from coderouter_proxy.wires.refusals import by_status, refusal

PLAIN = ProviderTraits(
    system_text="anywhere", alternating=False, max_tokens_field="max_tokens", temperature_with_top_p=True
)

# Each from a report or a documentation that the row's comment names.
COMPLAINTS: list[tuple[str, str, int, str, Value]] = [
    (
        "max-completion-tokens",
        "OpenAI, Azure, Copilot",
        400,
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        "max_completion_tokens",
    ),
    (
        "output-limit",
        "Groq",
        400,
        (
            "`max_tokens` must be less than or equal to `8192`, the maximum value for `max_tokens` is less than the "
            "`context_window` for this model"
        ),
        8192,
    ),
    (
        "output-limit",
        "OpenAI",
        400,
        (
            "max_tokens is too large: 32000. This model supports at most 16384 completion tokens, whereas you provided "
            "32000."
        ),
        16384,
    ),
    (
        "output-limit",
        "DeepSeek",
        400,
        "Invalid max_tokens value, the valid range of max_tokens is [1, 8192]",
        8192,
    ),
    ("output-limit", "DashScope", 400, "Range of max_tokens should be [1, 8192]", 8192),
    (
        "output-limit",
        "Volcengine",
        400,
        (
            "The parameter `max_completion_tokens` specified in the request are not valid: integer above maximum "
            "value, expected a value <= 12288, but got 32000 instead. Request id: 0217"
        ),
        12288,
    ),
    (
        "output-limit",
        "Anthropic",
        400,
        "max_tokens: 128000 > 64000, which is the maximum allowed number of output tokens for claude-sonnet-5",
        64000,
    ),
    (
        "output-limit",
        "Vertex",
        400,
        (
            "Unable to submit request because it has a maxOutputTokens value of 100000 but the supported range is from "
            "1 (inclusive) to 65537 (exclusive)."
        ),
        65536,
    ),
    (
        "no-room-for-answer",
        "vLLM",
        400,
        (
            "'max_tokens' or 'max_completion_tokens' is too large: 32000. This model's maximum context length is 32768 "
            "tokens and your request has 17459 input tokens (32000 > 32768 - 17459)."
        ),
        15309,
    ),
    (
        "no-room-for-answer",
        "DeepSeek",
        400,
        (
            "This model's maximum context length is 131072 tokens. However, you requested 131329 tokens (123137 in the "
            "messages, 8192 in the completion). Please reduce the length of the messages or completion."
        ),
        7935,
    ),
    ("system-first", "vLLM", 400, "System message must be at the beginning.", "first"),
    (
        "system-first",
        "llama.cpp",
        500,
        (
            "Unable to generate parser for this template. Automatic parser generation failed: \n------------\nWhile "
            "executing CallExpression at line 85, column 32\nError: Jinja Exception: System message must be at the "
            "beginning."
        ),
        "first",
    ),
    ("no-system-role", "Gemma", 400, "System role not supported", "never"),
    (
        "no-system-role",
        "Gemini",
        400,
        "Developer instruction is not enabled for models/gemma-3-27b-it",
        "never",
    ),
    (
        "alternating-roles",
        "vLLM",
        400,
        "Conversation roles must alternate user/assistant/user/assistant/...",
        True,
    ),
    (
        "alternating-roles",
        "llama.cpp",
        500,
        (
            "After the optional system message, conversation roles must alternate user and assistant roles except for "
            "tool calls and results. at row 189, column 164"
        ),
        True,
    ),
    (
        "developer-role",
        "DeepSeek",
        400,
        "messages[0].role: unknown variant `developer`, expected one of `system`, `user`, `assistant`, `tool`",
        "first",
    ),
    (
        "developer-role",
        "DashScope",
        400,
        "developer is not one of ['system', 'assistant', 'user', 'tool', 'function'] - 'messages.['0].role'",
        "first",
    ),
    (
        "developer-role",
        "Volcengine",
        400,
        (
            "The parameter `messages.role` specified in the request are not valid: invalid value: `developer`, "
            "supported values are: `system`, `assistant`, `user`, `tool`."
        ),
        "first",
    ),
    (
        "developer-role",
        "halogen",
        400,
        "chat template rejected the request: Unexpected message role.",
        "first",
    ),
    (
        "call-id-form",
        "Mistral",
        400,
        "Tool call id was toolu_01AbCdEfGh but must be a-z, A-Z, 0-9, with a length of 9.",
        "nine",
    ),
    (
        "beta-flag",
        "Vertex",
        400,
        (
            "Unexpected value(s) `prompt-caching-scope-2026-01-05`, `structured-outputs-2025-12-15` for the "
            "`anthropic-beta` header. Please consult our documentation at docs.anthropic.com or try again without the "
            "header."
        ),
        ("prompt-caching-scope-2026-01-05", "structured-outputs-2025-12-15"),
    ),
    ("beta-flag", "Bedrock", 400, "invalid beta flag", ("anthropic-beta",)),
    (
        "schema-keyword",
        "Gemini",
        400,
        (
            "Invalid JSON payload received. Unknown name \"const\" at 'tools[0].function_declarations[5].parameters': "
            'Cannot find field.\nInvalid JSON payload received. Unknown name "exclusiveMinimum" at '
            "'tools[0].function_declarations[7].parameters': Cannot find field."
        ),
        ("const", "exclusiveMinimum"),
    ),
    (
        "schema-keyword",
        "Anthropic",
        400,
        "tools.106.custom.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top level",
        ("oneOf", "allOf", "anyOf"),
    ),
    (
        "schema-keyword",
        "Cerebras",
        400,
        "Unsupported JSON schema fields: {'minItems', 'items'}",
        ("minItems",),
    ),
    (
        "schema-keyword",
        "llama.cpp",
        400,
        "JSON schema conversion failed:\nPattern must start with '^' and end with '$'",
        ("pattern",),
    ),
    ("stream-options", "Azure", 400, "Unknown parameter: 'stream_options'.", ("stream_options",)),
    (
        "effort-without-thinking",
        "DeepSeek",
        400,
        "thinking options type cannot be disabled when reasoning_effort is set",
        (),
    ),
    (
        "effort-levels",
        "OpenAI",
        400,
        (
            "Unsupported value: 'reasoning_effort' does not support 'minimal' with this model. Supported values are: "
            "'low', 'medium', and 'high'."
        ),
        ("low", "medium", "high"),
    ),
    (
        "effort-levels",
        "SGLang",
        400,
        (
            "1 validation error:\n  {'type': 'literal_error', 'loc': ('body', 'reasoning_effort'), 'msg': \"Input "
            "should be 'low', 'medium' or 'high'\", 'input': 'xhigh'}"
        ),
        ("low", "medium", "high"),
    ),
    (
        "effort-levels",
        "Anthropic",
        400,
        "This model does not support effort level 'xhigh'. Supported levels: high, low, max, medium.",
        ("low", "medium", "high", "max"),
    ),
    (
        "effort-levels",
        "Ollama",
        400,
        'invalid think value: "xhigh" (must be "high", "medium", "low", "max", true, or false)',
        ("low", "medium", "high", "max"),
    ),
    ("no-effort", "Anthropic", 400, "This model does not support the effort parameter.", ()),
    ("no-effort", "Ollama", 400, 'think value "medium" is not supported for this model', ()),
    (
        "no-thinking-field",
        "Anthropic",
        400,
        "adaptive thinking is not supported on this model",
        ("thinking",),
    ),
    ("no-thinking-field", "Ollama", 400, '"gemma4:26b" does not support thinking', ("thinking",)),
    (
        "temperature-with-top-p",
        "Anthropic",
        400,
        "`temperature` and `top_p` cannot both be specified for this model. Please use only one.",
        False,
    ),
    (
        "sampling-value",
        "OpenAI",
        400,
        (
            "Unsupported value: 'temperature' does not support 0.3 with this model. Only the default (1) value is "
            "supported."
        ),
        ("temperature",),
    ),
    ("sampling-value", "Anthropic", 400, "`top_p` is deprecated for this model.", ("top_p",)),
    (
        "sampling-value",
        "Kimi",
        400,
        "invalid temperature: only 1 is allowed for this model",
        ("temperature",),
    ),
    (
        "tool-choice-with-thinking",
        "Bedrock",
        400,
        "Thinking may not be enabled when tool_choice forces tool use.",
        False,
    ),
    ("forced-tool-choice", "DeepSeek", 400, "Thinking mode does not support this tool_choice", False),
    (
        "forced-tool-choice",
        "DashScope",
        400,
        (
            "<400> InternalError.Algo.InvalidParameter: The tool_choice parameter does not support being set to "
            "required or object in thinking mode"
        ),
        False,
    ),
    (
        "forced-tool-choice",
        "OpenRouter",
        404,
        (
            "No endpoints found that support the provided 'tool_choice' value. To learn more about provider routing, "
            "visit: https://openrouter.ai/docs/provider-routing"
        ),
        False,
    ),
    (
        "forced-tool-choice",
        "Kimi",
        400,
        "tool_choice 'required' is incompatible with thinking enabled",
        False,
    ),
    (
        "reasoning-returned",
        "DeepSeek",
        400,
        "The `reasoning_content` in the thinking mode must be passed back to the API.",
        True,
    ),
    (
        "reasoning-returned",
        "Kimi",
        400,
        "thinking is enabled but reasoning_content is missing in assistant tool call message at index 13",
        True,
    ),
    (
        "thought-signature",
        "Gemini",
        400,
        "Function call is missing a thought_signature in functionCall parts.",
        True,
    ),
    (
        "no-images",
        "DeepSeek",
        400,
        "Failed to deserialize the JSON body: unknown variant `image_url`, expected `text`",
        False,
    ),
    ("no-images", "Ollama", 400, "this model does not support image input", False),
    (
        "no-images",
        "llama.cpp",
        500,
        "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj",
        False,
    ),
    ("no-images", "OpenRouter", 404, "No endpoints found that support image input", False),
    (
        "no-documents",
        "DashScope",
        400,
        "Invalid value: file. Supported values are: 'text','image_url','video_url' and 'video'.",
        False,
    ),
    ("refused-field", "Mistral", 422, "body.store: Extra inputs are not permitted", ("store",)),
    (
        "refused-field",
        "Mistral",
        422,
        (
            "body.messages.1.assistant.reasoning_content: Extra inputs are not permitted; body.store: Extra inputs are "
            "not permitted"
        ),
        ("reasoning_content", "store"),
    ),
    (
        "refused-field",
        "Groq",
        400,
        (
            "'messages.1' : for 'role:assistant' the following must be satisfied[('messages.1' : property "
            "'reasoning_content' is unsupported)]"
        ),
        ("reasoning_content",),
    ),
    ("refused-field", "Groq", 400, "property 'store' is unsupported, did you mean 'stop'?", ("store",)),
    ("refused-field", "OpenAI", 400, "Unrecognized request argument supplied: metadata", ("metadata",)),
    (
        "refused-field",
        "xAI",
        400,
        "Argument not supported on this model: reasoningEffort",
        ("reasoning_effort",),
    ),
    (
        "refused-field",
        "Fireworks",
        400,
        "Extra inputs are not permitted, field: 'user', value: 'me'",
        ("user",),
    ),
    ("refused-field", "Databricks", 400, 'Bad request: json: unknown field "store"', ("store",)),
    (
        "refused-field",
        "Gemini",
        400,
        (
            'Invalid JSON payload received. Unknown name "frequency_penalty": Cannot find field.\nInvalid JSON payload '
            'received. Unknown name "top_k": Cannot find field.'
        ),
        ("frequency_penalty", "top_k"),
    ),
    (
        "refused-field",
        "Copilot, Bedrock",
        400,
        "context_management: Extra inputs are not permitted",
        ("context_management",),
    ),
    (
        "refused-field",
        "vLLM",
        400,
        "[{'type': 'extra_forbidden', 'loc': ('body', 'store'), 'msg': 'Extra inputs are not permitted'}]",
        ("store",),
    ),
]


def first_row(message: str, status: int = 400, traits: ProviderTraits = PLAIN) -> tuple[str, Value] | None:
    found = adaptations.recognised(by_status(status, message), traits, last_resort=True)
    return next(((row.id, value) for row, value in found), None)


@pytest.mark.parametrize(
    ("reason", "server", "status", "words", "value"),
    COMPLAINTS,
    ids=[f"{row[0]} ({row[1]})" for row in COMPLAINTS],
)
def test_words_call_for_a_value(reason: str, server: str, status: int, words: str, value: Value) -> None:
    traits = PLAIN
    if value == "never":
        traits = adaptations.applied(PLAIN, "system_text", "first")
    assert first_row(words, status, traits) == (reason, value), server


def test_the_older_name_of_the_limit_is_used_where_the_newer_is_unknown() -> None:
    traits = adaptations.applied(PLAIN, "max_tokens_field", "max_completion_tokens")
    words = "body.max_completion_tokens: Extra inputs are not permitted"
    assert first_row(words, 422, traits) == ("max-tokens", "max_tokens")


def test_every_row_is_tested_and_at_least_twelve_servers_are_known() -> None:
    assert {row[0] for row in COMPLAINTS} | {"max-tokens"} == {row.id for row in ADAPTATIONS}
    assert len({server.strip() for row in COMPLAINTS for server in row[1].split(",")}) >= 12


def test_the_closed_sets_of_the_event_are_those_of_the_code() -> None:
    assert [row.id for row in ADAPTATIONS] == list(get_args(AdaptationReason))
    assert list(Traits.model_fields) == list(get_args(TraitName))
    assert {field.name for field in fields(ProviderTraits)} == set(get_args(TraitName))


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "prompt is too long: 210000 tokens > 200000 maximum"),
        (
            400,
            "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
        ),
        (
            400,
            (
                "This model's maximum context length is 32768 tokens. However, you requested 64700 tokens (32700 in "
                "the messages, 32000 in the completion)."
            ),
        ),
        (400, "request (24071 tokens) exceeds the available context size (8192 tokens), try increasing it"),
        (400, "messages: at least one message is required"),
        (400, "body.messages: Extra inputs are not permitted"),
        (400, "Unsupported parameter: 'tools'"),
        (400, "failed to call a function"),
        (401, "Unsupported parameter: 'store'"),
        (429, "property 'store' is unsupported"),
        (503, "System message must be at the beginning."),
        (
            413,
            "Request too large for model: tokens per minute (TPM): Limit 6000; store: Extra inputs are not permitted",
        ),
    ],
)
def test_other_words_call_for_nothing(status: int, words: str) -> None:
    assert first_row(words, status) is None


def test_what_a_provider_has_already_is_not_proposed() -> None:
    traits = ProviderTraits(refused_fields=("store",), max_output_tokens=4096, system_text="never")
    assert first_row("body.store: Extra inputs are not permitted", 422, traits) is None
    assert first_row("`max_tokens` must be less than or equal to `8192`", 400, traits) is None
    assert first_row("System message must be at the beginning.", 400, traits) is None


def test_a_system_message_that_is_refused_in_first_place_becomes_text_of_the_user() -> None:
    words = "chat template rejected the request: Unexpected message role."
    assert first_row(words, 400, ProviderTraits(system_text="first")) == ("developer-role", "never")


def test_images_and_documents_are_a_last_resort() -> None:
    error = by_status(400, "this model does not support image input")
    assert list(adaptations.recognised(error, PLAIN, last_resort=False)) == []


@pytest.mark.parametrize("value", [("store", "user"), (), "nine", 8192, True, False])
def test_a_value_in_an_event_can_be_read_back(value: Value) -> None:
    trait = {tuple: "refused_fields", str: "call_ids", int: "max_output_tokens", bool: "images"}[type(value)]
    assert adaptations.parsed(trait, adaptations.shown(value)) == value


def test_the_body_of_gemini_is_a_list() -> None:
    body = (
        b'[{"error": {"code": 400, "message": "Invalid JSON payload. Unknown name \\"exclusiveMinimum\\""}}]'
    )
    error = refusal(400, body, None, "Bad Request")
    row, value = next(adaptations.recognised(error, PLAIN, last_resort=False))
    assert (row.id, value) == ("schema-keyword", ("exclusiveMinimum",))
