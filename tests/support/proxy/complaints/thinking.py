"""About thinking, its effort and what has to come back."""

from support.proxy.complaints.complaint import Complaint

THINKING: list[Complaint] = [
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
        "no-thinking-field",
        "Bedrock",
        400,
        (
            "The model returned the following errors: thinking: Input tag 'adaptive' found using 'type' does not "
            "match any of the expected tags: 'disabled', 'enabled'"
        ),
        ("thinking",),
    ),
    (
        "no-thinking-field",
        "oMLX",
        422,
        ("body.thinking.type: Input should be 'enabled' or 'disabled'"),
        ("thinking",),
    ),
    (
        "reasoning-returned",
        "DeepSeek",
        400,
        ("Missing `reasoning_content` field in the assistant message at message index 2"),
        True,
    ),
    (
        "effort-levels",
        "Kimi",
        400,
        (
            "Unsupported value: 'reasoning_effort' does not support 'none' with this model. Supported values "
            "are: 'minimal', 'low', 'medium', and 'high'."
        ),
        ("minimal", "low", "medium", "high"),
    ),
]
