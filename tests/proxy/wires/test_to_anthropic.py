from typing import Any

import pytest

from coderouter_proxy.wires import sequence
from coderouter_proxy.wires.anthropic import request_writer
from coderouter_proxy.wires.clients import CLIENT_WIRES
from coderouter_proxy.wires.losses import losses

Body = dict[str, Any]
PARAMETERS = {"type": "object", "properties": {"path": {"type": "string"}}}
FUNCTION = {"name": "ls", "description": "List.", "parameters": PARAMETERS}
TOOL = {"type": "function", "function": FUNCTION}
EPHEMERAL = {"type": "ephemeral"}


def translated(drops: list[str] | None = None, **fields: Any) -> Body:
    """Return the translation, after asserting that it loses exactly `drops`."""
    dropped: list[str] = []
    given = {"model": "m", "messages": [user("Hi")], **fields}
    conversation = CLIENT_WIRES["openai"].conversation(given, dropped.append)
    dropped += losses(conversation, request_writer.VOCABULARY)
    assert dropped == (drops or [])
    return request_writer.write(conversation)


def user(content: object) -> Body:
    return {"role": "user", "content": content}


def system(content: object, role: str = "system") -> Body:
    return {"role": role, "content": content}


def text(words: str) -> Body:
    return {"type": "text", "text": words}


def messages(*given: Body, drops: list[str] | None = None) -> list[Body]:
    written: list[Body] = translated(drops, messages=list(given))["messages"]
    return written


def test_the_smallest_request_gets_the_max_tokens_that_anthropic_requires() -> None:
    assert translated() == {
        "max_tokens": request_writer.MAX_TOKENS,
        "messages": [user([text("Hi")])],
    }


@pytest.mark.parametrize(
    ("fields", "max_tokens"),
    [
        ({"max_tokens": 5}, 5),
        ({"max_completion_tokens": 6}, 6),
        ({"max_tokens": 5, "max_completion_tokens": 6}, 6),
        ({"max_tokens": None}, request_writer.MAX_TOKENS),
    ],
)
def test_both_names_of_max_tokens(fields: Body, max_tokens: int) -> None:
    assert translated(**fields)["max_tokens"] == max_tokens


def test_system_messages_at_the_beginning_become_the_system_prompt() -> None:
    leading = [system("Be brief."), system([text("Be kind."), text("Be.")], "developer")]
    body = translated(messages=[*leading, user("Hi")])
    assert body["system"] == "Be brief.\n\nBe kind.\n\nBe."
    assert body["messages"] == [user([text("Hi")])]


def test_a_system_message_in_the_middle_becomes_part_of_the_user_message_beside_it() -> None:
    written = messages(
        user("Hi"), {"role": "assistant", "content": "Hello."}, system("Be brief."), user("Go")
    )
    assert [message["role"] for message in written] == ["user", "assistant", "user"]
    assert written[2]["content"] == [text("<system>\nBe brief.\n</system>\n\nGo")]


def test_adjacent_messages_of_one_role_are_merged() -> None:
    assert messages(user("one"), user("two")) == [user([text("one"), text("two")])]


@pytest.mark.parametrize("blank", ["", " \n", None, [], [text(" ")]])
def test_blank_text_is_left_out_because_anthropic_rejects_it(blank: object) -> None:
    written = messages(user("Hi"), {"role": "assistant", "content": blank}, user("Go"))
    assert written == [user([text("Hi"), text("Go")])]


@pytest.mark.parametrize(
    ("url", "source"),
    [
        ("data:image/png;base64,iVBO", {"type": "base64", "media_type": "image/png", "data": "iVBO"}),
        (
            "data:image/png;charset=x;base64,iVBO",
            {"type": "base64", "media_type": "image/png", "data": "iVBO"},
        ),
        ("https://example.org/a.png", {"type": "url", "url": "https://example.org/a.png"}),
    ],
)
@pytest.mark.parametrize("bare", [False, True])
def test_images(url: str, source: Body, bare: bool) -> None:
    part = {"type": "image_url", "image_url": url if bare else {"url": url, "detail": "low"}}
    assert messages(user([part])) == [user([{"type": "image", "source": source}])]


def test_documents() -> None:
    part = {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"}}
    source = {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}
    assert messages(user([part])) == [user([{"type": "document", "source": source, "title": "a.pdf"}])]


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ({"type": "input_audio", "input_audio": {"data": "x", "format": "wav"}}, "input_audio"),
        ({"type": "file", "file": {"file_id": "file_1"}}, "file"),
        ({"type": "image_url", "image_url": 5}, "other"),
        ({"type": "my secret"}, "other"),
        ({}, "other"),
    ],
)
def test_parts_that_anthropic_does_not_support_are_reported_as_lost(part: Body, name: str) -> None:
    assert messages(user([part, text("Hi")]), drops=[name]) == [user([text("Hi")])]


def called(*calls: Body, content: object = None) -> Body:
    return {"role": "assistant", "content": content, "tool_calls": list(calls)}


def call(call_id: str = "call_1", arguments: object = '{"path": "/é"}') -> Body:
    return {"id": call_id, "type": "function", "function": {"name": "ls", "arguments": arguments}}


def test_calls_and_their_results() -> None:
    result = {"role": "tool", "content": [text("one"), text("two")]}
    [_, *written] = messages(
        user("Look."),
        called(call(), call("call_2"), content="I look."),
        {**result, "tool_call_id": "call_1"},
        {**result, "tool_call_id": "call_2", "content": "ok"},
        user("And?"),
    )
    use = {"type": "tool_use", "name": "ls", "input": {"path": "/é"}}
    assert written == [
        {"role": "assistant", "content": [text("I look."), {**use, "id": "call_1"}, {**use, "id": "call_2"}]},
        user(
            [
                {"type": "tool_result", "tool_use_id": "call_1", "content": [text("one"), text("two")]},
                {"type": "tool_result", "tool_use_id": "call_2", "content": [text("ok")]},
                text("And?"),
            ]
        ),
    ]


def test_tool_results_come_before_earlier_text() -> None:
    [_, _, answered] = messages(
        user("Look."),
        called(call()),
        user("Wait."),
        {"role": "tool", "tool_call_id": "call_1", "content": ""},
    )
    assert answered["content"] == [
        {"type": "tool_result", "tool_use_id": "call_1", "content": ""},
        text("Wait."),
    ]


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        ('{"a": 1}', {"a": 1}),
        ({"a": 1}, {"a": 1}),
        ("", {}),
        (None, {}),
        ("[1]", {"arguments": [1]}),
        ("{not json", {"arguments": "{not json"}),
    ],
)
def test_arguments_of_any_shape_become_an_object(arguments: object, given: Body) -> None:
    [_, written, _] = messages(user("Look."), called(call(arguments=arguments)))
    assert written["content"][0]["input"] == given


def test_ids_are_made_valid_for_anthropic_and_still_match() -> None:
    [_, *written] = messages(
        user("Look."), called(call("a.b:1")), {"role": "tool", "tool_call_id": "a.b:1", "content": "ok"}
    )
    assert written[0]["content"][0]["id"] == written[1]["content"][0]["tool_use_id"] == "a_b_1"


def test_a_call_of_the_functions_api_and_its_result_are_matched_by_name() -> None:
    [_, *written] = messages(
        user("Look."),
        {"role": "assistant", "content": None, "function_call": {"name": "ls", "arguments": "{}"}},
        {"role": "function", "name": "ls", "content": "ok"},
    )
    assert written[0]["content"] == [{"type": "tool_use", "id": "ls", "name": "ls", "input": {}}]
    assert written[1]["content"][0]["tool_use_id"] == "ls"


EMPTY_SCHEMA = {"type": "object", "properties": {}}


@pytest.mark.parametrize(
    ("fields", "tool"),
    [
        ({"tools": [TOOL]}, {"name": "ls", "description": "List.", "input_schema": PARAMETERS}),
        ({"functions": [FUNCTION]}, {"name": "ls", "description": "List.", "input_schema": PARAMETERS}),
        (
            {"tools": [{"type": "function", "function": {"name": "ls"}}]},
            {"name": "ls", "input_schema": EMPTY_SCHEMA},
        ),
    ],
)
def test_tools(fields: Body, tool: Body) -> None:
    assert translated(**fields)["tools"] == [tool]


def test_tools_that_are_not_functions_are_reported_as_lost() -> None:
    assert "tools" not in translated(["custom"], tools=[{"type": "custom", "custom": {"name": "x"}}])


@pytest.mark.parametrize(
    ("fields", "choice"),
    [
        ({"tool_choice": "auto"}, {"type": "auto"}),
        ({"tool_choice": "required"}, {"type": "any"}),
        ({"tool_choice": "none", "parallel_tool_calls": False}, {"type": "none"}),
        ({"tool_choice": {"type": "function", "function": {"name": "ls"}}}, {"type": "tool", "name": "ls"}),
        ({"function_call": {"name": "ls"}}, {"type": "tool", "name": "ls"}),
        ({"parallel_tool_calls": False}, {"type": "auto", "disable_parallel_tool_use": True}),
        (
            {"tool_choice": "required", "parallel_tool_calls": False},
            {"type": "any", "disable_parallel_tool_use": True},
        ),
        ({"parallel_tool_calls": True}, None),
    ],
)
def test_tool_choice(fields: Body, choice: Body | None) -> None:
    assert translated(tools=[TOOL], **fields).get("tool_choice") == choice


@pytest.mark.parametrize("choice", [{"type": "allowed_tools", "allowed_tools": {}}, {"function": "ls"}])
def test_a_tool_choice_that_anthropic_does_not_support_is_reported_as_lost(choice: Body) -> None:
    assert "tool_choice" not in translated(["tool_choice"], tools=[TOOL], tool_choice=choice)


def test_settings_under_other_names() -> None:
    schema = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
    body = translated(stop="END", user="someone", temperature=1.7, top_p=0.5, response_format=schema)
    assert body["stop_sequences"] == ["END"]
    assert body["metadata"] == {"user_id": "someone"}
    assert (body["temperature"], body["top_p"]) == (1, 0.5)
    assert body["output_config"] == {"format": {"type": "json_schema", "schema": {"type": "object"}}}


def test_fields_that_only_anthropic_knows_are_kept() -> None:
    fields: Body = {"top_k": 5, "thinking": {"type": "adaptive"}, "metadata": {"user_id": "someone"}}
    body = translated(**fields)
    assert {name: body[name] for name in fields} == fields


def test_cache_breakpoints_stay_where_they_are() -> None:
    marked = {**text("Be brief."), "cache_control": EPHEMERAL}
    body = translated(
        messages=[system([text("Be."), marked]), user([{**text("Hi"), "cache_control": EPHEMERAL}])],
        tools=[{**TOOL, "cache_control": EPHEMERAL}],
    )
    assert body["system"] == [text("Be."), marked]
    assert body["messages"][0]["content"][0]["cache_control"] == EPHEMERAL
    assert body["tools"][0]["cache_control"] == EPHEMERAL


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n", 2),
        ("seed", 7),
        ("logit_bias", {"5": 1}),
        ("frequency_penalty", 0.5),
        ("metadata", {"team": "x"}),
        ("service_tier", "flex"),
        ("reasoning_effort", "high"),
        ("audio", {"voice": "x"}),
    ],
)
def test_fields_that_anthropic_rejects_are_dropped_and_reported_as_lost(name: str, value: object) -> None:
    assert name not in translated([name], **{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n", 1),
        ("presence_penalty", 0),
        ("store", False),
        ("seed", None),
        ("metadata", {}),
        ("service_tier", "default"),
    ],
)
def test_fields_whose_value_changes_nothing_are_dropped_silently(name: str, value: object) -> None:
    assert name not in translated([], **{name: value})


def test_an_unknown_field_is_reported_as_other() -> None:
    assert "my secret" not in translated(["other"], **{"my secret": 1})


CONTINUED = user([text(sequence.CONTINUED)])


def written(content: object) -> Body:
    return {"role": "assistant", "content": content}


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (
            [written("Hi."), user("Go")],
            [CONTINUED, written([text("Hi.")]), user([text("Go")])],
        ),
        ([system("Be brief.")], [CONTINUED]),
        (
            [user("Go"), written("So \n")],
            [user([text("Go")]), written([text("So")])],
        ),
    ],
    ids=["assistant first", "system only", "white space at the end"],
)
def test_what_anthropic_rejects_at_either_end_is_repaired(given: list[Body], sent: list[Body]) -> None:
    assert messages(*given) == sent
