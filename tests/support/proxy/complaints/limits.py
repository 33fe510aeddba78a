"""About the limit of an answer."""

from support.proxy.complaints.complaint import Complaint

LIMITS: list[Complaint] = [
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
    (
        "output-limit",
        "Bedrock",
        400,
        (
            "The maximum tokens you requested exceed the model limit of 4096. Try again with a maximum tokens "
            "value lower than 4096."
        ),
        4096,
    ),
]
