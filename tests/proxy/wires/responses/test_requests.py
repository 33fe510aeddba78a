"""What a Responses request means: its items as turns, its fields as those of a conversation."""

from typing import Any

import pytest

from coderouter_proxy.config.traits import ProviderTraits
from coderouter_proxy.wires import state
from coderouter_proxy.wires.conversation import (
    Call,
    Conversation,
    Media,
    OutputSchema,
    Result,
    Text,
    Thinking,
    ToolChoice,
    Turn,
)
from coderouter_proxy.wires.losses import losses
from coderouter_proxy.wires.responses.request_reader import read
from support.proxy.conversations import WRITERS
from support.proxy.drive_relay import PROFILE, PROVIDER, PROVIDER_WIRES, request_of

Body = dict[str, Any]

USER = {"role": "user", "content": "Hi."}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "ls", "arguments": "{}"}


def conversation(*items: Body, **fields: object) -> Conversation:
    return read(request_of("responses", {"model": "m", "input": list(items), **fields}).body)


def sent(provider: str, *items: Body, **fields: object) -> tuple[Body, list[str]]:
    """Return what a provider of the wire gets, and what is lost."""
    request = request_of("responses", {"model": "m", "input": list(items), **fields})
    lost: list[str] = []
    body = PROVIDER_WIRES[provider].request(request, PROVIDER, PROFILE, ProviderTraits(), lost.append)
    return body, lost


def output(call_id: str, value: object, kind: str = "function_call_output") -> Body:
    return {"type": kind, "call_id": call_id, "output": value}


IMAGE = {"type": "input_image", "image_url": "data:image/png;base64,iVBO", "detail": "low"}
PDF = {"type": "input_file", "file_data": "data:application/pdf;base64,JVBE", "filename": "a.pdf"}
ITEMS: dict[str, tuple[Body, Turn]] = {
    "a message without a type": (USER, Turn("user", (Text("Hi."),))),
    "parts": (
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "a"}, IMAGE, PDF]},
        Turn(
            "user",
            (
                Text("a"),
                Media("image", "image/png", data="iVBO"),
                Media("document", "application/pdf", data="JVBE", title="a.pdf"),
            ),
        ),
    ),
    "files by URL and as Base64 alone": (
        {
            "role": "user",
            "content": [
                {"type": "input_file", "file_url": "https://example.org/a.pdf"},
                {"type": "input_file", "file_data": "eA==", "filename": "a.csv"},
                {"type": "input_image", "image_url": "https://example.org/a.png"},
            ],
        },
        Turn(
            "user",
            (
                Media("document", url="https://example.org/a.pdf"),
                Media("document", "text/csv", data="eA==", title="a.csv"),
                Media("image", url="https://example.org/a.png"),
            ),
        ),
    ),
    "what the model said": (
        {
            "type": "message",
            "role": "assistant",
            "phase": "commentary",
            "content": [
                {"type": "output_text", "text": "So.", "annotations": []},
                {"type": "refusal", "refusal": "No."},
            ],
        },
        Turn("assistant", (Text("So."), Text("No."))),
    ),
    "a call": (CALL, Turn("assistant", (Call("c1", "ls", "{}"),))),
    "a call of a namespace": (
        {**CALL, "namespace": "mcp__calc", "name": "add"},
        Turn("assistant", (Call("c1", "mcp__calc__add", "{}"),)),
    ),
    "arguments that are not JSON": (
        {**CALL, "arguments": '{"cut'},
        Turn("assistant", (Call("c1", "ls", '{"arguments":"{\\"cut"}'),)),
    ),
    "no arguments": ({**CALL, "arguments": ""}, Turn("assistant", (Call("c1", "ls", "{}"),))),
    "a custom call": (
        {"type": "custom_tool_call", "call_id": "c1", "name": "apply_patch", "input": 'a\n"b"'},
        Turn("assistant", (Call("c1", "apply_patch", '{"input":"a\\n\\"b\\""}'),)),
    ),
    "a search for tools": (
        {"type": "tool_search_call", "call_id": "c1", "execution": "client", "arguments": {"query": "x"}},
        Turn("assistant", (Call("c1", "tool_search", '{"query":"x"}'),)),
    ),
    "tools that were found": (
        {
            "type": "tool_search_output",
            "call_id": "c1",
            "tools": [
                {"type": "namespace", "name": "calc", "tools": [{"name": "add", "description": "Adds."}]}
            ],
        },
        Turn("user", (Result("c1", (Text("calc\ncalc__add: Adds."),)),)),
    ),
    "a result": (output("c1", "ok"), Turn("user", (Result("c1", (Text("ok"),)),))),
    "a result of parts": (
        output("c1", [{"type": "input_text", "text": "seen"}, IMAGE], "custom_tool_call_output"),
        Turn("user", (Result("c1", (Text("seen"), Media("image", "image/png", data="iVBO"))),)),
    ),
    "a shell call": (
        {"type": "local_shell_call", "call_id": "c1", "action": {"type": "exec", "command": ["ls"]}},
        Turn("assistant", (Call("c1", "local_shell", '{"type":"exec","command":["ls"]}'),)),
    ),
    "what a shell wrote": (
        output("c1", [{"stdout": "a", "stderr": "b", "outcome": {}}], "shell_call_output"),
        Turn("user", (Result("c1", (Text("a\nb"),)),)),
    ),
    "system text in the middle": (
        {"type": "message", "role": "developer", "content": "Now."},
        Turn("system", (Text("Now."),)),
    ),
}


@pytest.mark.parametrize("name", ITEMS)
def test_an_item_is_a_turn(name: str) -> None:
    item, turn = ITEMS[name]
    assert conversation(USER, item).turns == (Turn("user", (Text("Hi."),)), turn)


def test_a_text_is_a_message_of_the_user() -> None:
    body = request_of("responses", {"model": "m", "input": "Hi."}).body
    assert read(body).turns == (Turn("user", (Text("Hi."),)),)


def test_instructions_and_leading_messages_are_the_system_text() -> None:
    developer = {"role": "developer", "content": [{"type": "input_text", "text": "b"}]}
    tools = {"type": "additional_tools", "role": "developer", "tools": []}
    read_back = conversation(tools, developer, {"role": "system", "content": "c"}, USER, instructions="a")
    assert [part.text for part in read_back.system] == ["a", "b", "c"]
    assert len(read_back.turns) == 1


def test_reasoning_of_ours_has_its_state_and_that_of_another_vendor_is_left_out() -> None:
    signature = state.sign("origin", "reasoning_content", "Hm.", {})
    ours = {
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "Hm."}],
        "encrypted_content": signature,
    }
    foreign = {**ours, "encrypted_content": "gAAAAtheirs"}
    bare = {**ours, "encrypted_content": None}
    local = {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "Hm."}]}
    turns = conversation(USER, ours, foreign, bare, local).turns
    assert turns[1:] == (
        Turn("assistant", (Thinking("Hm.", state=state.signed(signature, "Hm.")),)),
        Turn("assistant", (Thinking("Hm.", state=state.State("", turn={"reasoning_content": "Hm."})),)),
    )


def test_the_items_of_one_turn_are_one_message() -> None:
    said = {"role": "assistant", "content": [{"type": "output_text", "text": "Look."}]}
    calls = [{**CALL, "call_id": name} for name in ("c1", "c2")]
    body, lost = sent("openai", USER, said, *calls, output("c2", "two"), output("c1", "one"))
    assert not lost
    _, *messages = body["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant", "tool", "tool"]
    assistant = messages[1]
    assert (assistant["content"], [call["id"] for call in assistant["tool_calls"]]) == ("Look.", ["c1", "c2"])
    assert [message["content"] for message in messages[2:]] == ["one", "two"]


def test_hosted_tools_and_what_they_left_are_lost_and_reported() -> None:
    search = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    tools = [{"type": "web_search"}, {"type": "code_interpreter"}, {"type": "shell"}]
    for provider in PROVIDER_WIRES:
        body, lost = sent(provider, USER, search, USER, tools=tools)
        assert set(lost) == {"web_search", "code_interpreter", "shell"}
        assert "tools" not in body


FIELDS: dict[str, tuple[Body, Body]] = {
    "limits": ({"max_output_tokens": 9}, {"max_tokens": 9}),
    "sampling": ({"temperature": 0.2, "top_p": 0.9}, {"temperature": 0.2, "top_p": 0.9}),
    "effort": ({"reasoning": {"effort": "low", "summary": "auto"}}, {"reasoning_effort": "low"}),
    "verbosity": ({"text": {"verbosity": "low"}}, {"verbosity": "low"}),
    "any object": (
        {"text": {"format": {"type": "json_object"}}},
        {"response_format": {"type": "json_object"}},
    ),
    "a schema": (
        {"text": {"format": {"type": "json_schema", "name": "n", "schema": {"a": 1}, "strict": True}}},
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "n", "schema": {"a": 1}, "strict": True},
            }
        },
    ),
    "cache": ({"prompt_cache_key": "k", "user": "u"}, {"prompt_cache_key": "k", "user": "u"}),
    "a tier": ({"service_tier": "flex"}, {"service_tier": "flex"}),
    "what has no meaning here": (
        {
            "client_metadata": {"a": "b"},
            "include": ["reasoning.encrypted_content"],
            "max_tool_calls": 3,
            "metadata": {"a": "b"},
            "service_tier": "auto",
            "store": False,
            "truncation": "auto",
        },
        {},
    ),
}


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_of_a_request(name: str) -> None:
    fields, expected = FIELDS[name]
    body, lost = sent("openai", USER, **fields)
    assert body == {"messages": [{**USER}], "model": "m"} | _with_system(body) | expected
    assert not lost


def _with_system(body: Body) -> Body:
    return {"messages": [{"role": "system", "content": PROVIDER.append_system_prompt}, *body["messages"][1:]]}


def test_a_format_is_that_of_an_anthropic_provider() -> None:
    schema = FIELDS["a schema"][0]
    body, _ = sent("anthropic", USER, **schema)
    assert body["output_config"]["format"] == {"type": "json_schema", "schema": {"a": 1}}
    _, lost = sent("anthropic", USER, **FIELDS["any object"][0])
    assert lost == ["response_format"]


def test_a_configuration_update_counts_from_then_on() -> None:
    update = {
        "type": "configuration_update",
        "id": "cu_1",
        "reasoning": {"effort": "ultra"},
        "text": {"format": {"type": "json_schema", "name": "n", "schema": {}}},
    }
    read_back = conversation(USER, update, reasoning={"effort": "low"}, text={"verbosity": "low"})
    assert read_back.output_schema == OutputSchema({}, "n", None)
    assert read_back.vendor["openai"] == {"verbosity": "low", "reasoning_effort": "max"}
    assert len(read_back.turns) == 1


def test_images_of_a_result_follow_in_a_message_of_the_user() -> None:
    body, _ = sent("openai", USER, CALL, output("c1", [{"type": "input_text", "text": "seen"}, IMAGE]))
    tool, user = body["messages"][-2:]
    assert (tool["role"], tool["content"]) == ("tool", "seen")
    assert user["content"][0]["image_url"]["url"] == IMAGE["image_url"]


def test_nothing_that_a_conversation_holds_is_lost_without_a_name() -> None:
    odd: list[Body] = [
        {"type": "made_up"},
        {"type": ["x"]},
        {"role": "user", "content": [{"type": "input_audio"}]},
    ]
    read_back = conversation(USER, *odd)
    for writer in WRITERS.values():
        assert set(losses(read_back, writer.VOCABULARY)) == {"other", "input_audio"}


CHOICES = {
    "auto": ToolChoice("auto"),
    "none": ToolChoice("none"),
    "required": ToolChoice("required"),
}


@pytest.mark.parametrize("mode", CHOICES)
def test_a_mode_of_tool_choice(mode: str) -> None:
    assert conversation(USER, tool_choice=mode).tool_choice == CHOICES[mode]
