"""About messages, their roles and the ids of calls."""

from support.proxy.complaints.complaint import Complaint

MESSAGES: list[Complaint] = [
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
        "system-first",
        "Anyscale",
        400,
        ("Only one system message can be specified. (Request ID: ec5ca433)"),
        "first",
    ),
    ("system-first", "Qianfan", 400, ("Multiple system messages are not supported"), "first"),
    (
        "no-system-role",
        "OpenAI",
        400,
        ("Unsupported value: 'messages[0].role' does not support 'system' with this model."),
        "never",
    ),
    ("no-system-role", "ChatGPT", 400, ("System messages are not allowed"), "never"),
]
