"""Requests in the shape that Claude Code sends, with made-up names and words."""

from typing import Any

from support.proxy.anthropic_answers import SIGNATURE

Body = dict[str, Any]

EPHEMERAL = {"type": "ephemeral"}
BETAS = (
    "claude-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27,"
    "prompt-caching-scope-2026-01-05"
)
HEADERS = {
    "anthropic-version": "2023-06-01",
    "anthropic-beta": BETAS,
    "anthropic-dangerous-direct-browser-access": "true",
    "x-api-key": "sk-ant-client",
    "x-app": "cli",
    "x-claude-code-session-id": "5b0c7a3e-6f0a-4c52-a54e-7f9f2d0a1b11",
    "User-Agent": "claude-cli/2.1.291 (external, cli)",
    "x-stainless-lang": "js",
    "x-stainless-retry-count": "0",
    "Accept": "application/json",
}
PATH = "/v1/messages?beta=true"
LONG_TOOL = "mcp__company_knowledge_base__search_documents_across_all_connected_workspaces"
NAMES = """
Agent Bash BashOutput Edit ExitPlanMode Glob Grep KillShell LSP ListMcpResources NotebookEdit PlanMode Read
ReadMcpResource Skill SlashCommand TaskCreate TaskList TaskUpdate TodoWrite WebFetch WebSearch Write
"""
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def tool(name: str) -> Body:
    return {
        "name": name,
        "description": f"The tool {name}.\n\nUse it with care; a second line, and “quotes”.",
        "input_schema": {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {"file_path": {"type": "string"}, "limit": {"type": "number", "minimum": 0}},
            "required": ["file_path"],
            "additionalProperties": False,
        },
    }


TOOLS = [*map(tool, NAMES.split()), {**tool(LONG_TOOL), "cache_control": EPHEMERAL}]
SYSTEM: list[Body] = [
    {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.291; cc_entrypoint=cli;"},
    {"type": "text", "text": "You are a coding agent.", "cache_control": EPHEMERAL},
    {"type": "text", "text": "# Tone\nBe brief.\n\n# Environment\ncwd: /w", "cache_control": EPHEMERAL},
]


def request(*messages: Body) -> Body:
    return {
        "model": "claude-opus-4-5",
        "max_tokens": 32000,
        "messages": list(messages),
        "system": SYSTEM,
        "tools": TOOLS,
        "metadata": {
            "user_id": "user_" + "0f" * 32 + "_account__session_5b0c7a3e-6f0a-4c52-a54e-7f9f2d0a1b11"
        },
        "thinking": {"type": "enabled", "budget_tokens": 31999},
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        "output_config": {"effort": "high"},
        "stream": True,
    }


ASKED: Body = {
    "role": "user",
    "content": [
        {"type": "text", "text": "<system-reminder>\nNo files are open.\n</system-reminder>"},
        {"type": "text", "text": "What is in notes.txt?", "cache_control": EPHEMERAL},
    ],
}
CALLED: Body = {
    "role": "assistant",
    "content": [
        {"type": "thinking", "thinking": "I read it.", "signature": SIGNATURE},
        {"type": "redacted_thinking", "data": "EmwKAhgBEgy3va3pzix/LafPsn4a=="},
        {"type": "text", "text": "I read it."},
        {"type": "tool_use", "id": "toolu_01", "name": "Read", "input": {"file_path": "/w/notes.txt"}},
        {"type": "tool_use", "id": "toolu_02", "name": LONG_TOOL, "input": {"file_path": "é", "limit": 2}},
        {"type": "tool_use", "id": "toolu_03", "name": "TaskList", "input": {}},
    ],
}
ANSWERED: Body = {
    "role": "user",
    "content": [
        {"type": "tool_result", "tool_use_id": "toolu_01", "content": "     1\tHello\n     2\tthere"},
        {
            "type": "tool_result",
            "tool_use_id": "toolu_02",
            "is_error": True,
            "content": [{"type": "text", "text": "<tool_use_error>no such document</tool_use_error>"}],
        },
        {
            "type": "tool_result",
            "tool_use_id": "toolu_03",
            "content": [
                {"type": "text", "text": "a picture"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
            ],
        },
        {"type": "text", "text": "<system-reminder>\nThink.\n</system-reminder>", "cache_control": EPHEMERAL},
    ],
}
