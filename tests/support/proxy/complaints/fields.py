"""About fields of a request and keywords of schemas."""

from support.proxy.complaints.complaint import Complaint

FIELDS: list[Complaint] = [
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
    (
        "refused-field",
        "Cerebras",
        400,
        (
            "messages.2.assistant.reasoning_content: property 'messages.2.assistant.reasoning_content' is unsupported"
        ),
        ("reasoning_content",),
    ),
    ("refused-field", "Cerebras", 422, ("body.store: property 'body.store' is unsupported"), ("store",)),
    (
        "refused-field",
        "xAI",
        400,
        ("Model grok-4-latest does not support parameter reasoningEffort."),
        ("reasoning_effort",),
    ),
    ("refused-field", "OpenAI", 400, ("Unknown parameter: 'reasoning'."), ("reasoning",)),
    (
        "schema-keyword",
        "OpenAI",
        400,
        (
            "Invalid schema for function 'notion__notion-update-page': In context=('properties', 'data'), "
            "'allOf' is not permitted."
        ),
        ("allOf",),
    ),
    (
        "refused-field",
        "Groq",
        400,
        ("`reasoning_effort` must be one of `none` or `default`"),
        ("reasoning_effort",),
    ),
]
