"""What a request is for, from the headers of the agents that say it; headers as they were seen."""

import json

import pytest

from coderouter_proxy.senders import hints

CLASS = "x-claude-code-request-class"
AGENT_TYPE = "x-claude-code-agent-type"
AGENT_ID = "x-claude-code-agent-id"
COMPACTION = "x-claude-code-compaction"


def codex(**metadata: object) -> dict[str, str]:
    said = {"installation_id": "i", "session_id": "s", "agent_name": "/root", **metadata}
    return {"x-codex-turn-metadata": json.dumps(said)}


@pytest.mark.parametrize(
    ("headers", "request_class", "agent_type"),
    [
        ({CLASS: "main", "x-claude-1p-request-class": "main"}, "main", None),
        ({CLASS: "subagent", AGENT_TYPE: "Explore", AGENT_ID: "a8cc"}, "subagent", "Explore"),
        ({CLASS: "workflow", AGENT_TYPE: "custom", AGENT_ID: "a8cc"}, "workflow", "custom"),
        ({CLASS: "auxiliary"}, "auxiliary", None),
        ({CLASS: "side_reply"}, "side_reply", None),
        ({CLASS: "compaction", COMPACTION: "manual"}, "compaction", None),
        ({CLASS: "main", COMPACTION: "auto"}, "compaction", None),
        ({AGENT_ID: "a8cc"}, "subagent", None),
        ({CLASS: "main", AGENT_ID: "a8cc"}, "main", None),
        ({CLASS: "made up"}, None, None),
        ({CLASS: "main", AGENT_TYPE: "x" * 5000}, "main", "x" * hints.AGENT_TYPE_CHARS_MAX),
        (codex(request_kind="turn"), "main", None),
        (codex(request_kind="turn", subagent_kind="thread_spawn"), "subagent", "thread_spawn"),
        (codex(request_kind="compaction", compaction={"trigger": "auto"}), "compaction", None),
        (codex(request_kind="compaction", subagent_kind="review"), "compaction", "review"),
        (codex(request_kind="memory"), "auxiliary", None),
        (codex(request_kind="prewarm"), "auxiliary", None),
        (codex(request_kind="dreams"), None, None),
        (codex(request_kind=["turn"], subagent_kind=5), None, None),
        ({"x-codex-turn-metadata": "{"}, None, None),
        ({"x-codex-turn-metadata": "[" * 30_000}, None, None),
        ({"x-codex-turn-metadata": '"turn"'}, None, None),
        (codex(request_kind="turn", padding="x" * hints.METADATA_BYTES_MAX), None, None),
        ({"x-interaction-type": "conversation-user", "x-initiator": "user"}, "main", None),
        ({"x-interaction-type": "conversation-subagent"}, "subagent", None),
        ({"x-interaction-type": "conversation-other"}, None, None),
        ({"user-agent": "claude-cli/2.1.332"}, None, None),
    ],
)
def test_the_class_and_the_kind_of_subagent(
    headers: dict[str, str], request_class: str | None, agent_type: str | None
) -> None:
    raw = {name.encode(): value.encode() for name, value in headers.items()}
    assert hints.of(raw) == (request_class, agent_type)
