from typing import Any

import pytest

from coderouter_proxy.errors import ProviderError
from coderouter_proxy.wires.clients import CLIENT_WIRES
from coderouter_proxy.wires.losses import losses
from coderouter_proxy.wires.openai import request_writer
from coderouter_proxy.wires.tool_names import NAME_CHARS_MAX, ToolNames, short

Body = dict[str, Any]
PDF = {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}}
IMAGE_PART = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}}
LONG = "mcp__a-server-with-a-long-name__" + "and_a_tool_with_a_longer_one_" * 3


def translated(drops: list[str] | None = None, **fields: Any) -> Body:
    """Return the translation, after asserting that it loses exactly `drops`."""
    dropped: list[str] = []
    given = {"model": "m", "messages": [user("Hi")], **fields}
    conversation = CLIENT_WIRES["anthropic"].conversation(given, dropped.append)
    dropped += losses(conversation, request_writer.VOCABULARY)
    assert dropped == (drops or [])
    return request_writer.write(conversation)


def user(content: object) -> Body:
    return {"role": "user", "content": content}


def assistant(*blocks: Body) -> Body:
    return {"role": "assistant", "content": list(blocks)}


def text(words: str) -> Body:
    return {"type": "text", "text": words}


def messages(*given: Body, drops: list[str] | None = None, **fields: Any) -> list[Body]:
    written: list[Body] = translated(drops, messages=list(given), **fields)["messages"]
    return written


def use(call_id: str = "toolu_1", name: str = "ls", **arguments: object) -> Body:
    return {"type": "tool_use", "id": call_id, "name": name, "input": arguments}


def result(content: object, call_id: str = "toolu_1", **more: object) -> Body:
    return {"type": "tool_result", "tool_use_id": call_id, "content": content, **more}


@pytest.mark.parametrize(
    ("system", "words"),
    [("Be brief.", "Be brief."), ([text("Be brief."), text("Be kind.")], "Be brief.\n\nBe kind.")],
)
def test_a_system_of_any_shape_becomes_one_message(system: object, words: str) -> None:
    assert messages(user("Hi"), system=system)[0] == {"role": "system", "content": words}


@pytest.mark.parametrize("system", [None, "", []])
def test_without_a_system_prompt_there_is_no_system_message(system: object) -> None:
    assert messages(user("Hi"), system=system) == [user("Hi")]


def test_a_system_message_in_the_middle_becomes_part_of_the_user_message_beside_it() -> None:
    written = messages(user("Hi"), {"role": "system", "content": [text("Now be brief.")]}, user("Go"))
    assert written == [user("Hi\n\n<system>\nNow be brief.\n</system>\n\nGo")]


def test_several_texts_of_a_user_become_one() -> None:
    assert messages(user([text("one"), text("two")])) == [user("one\n\ntwo")]


@pytest.mark.parametrize(
    ("source", "url"),
    [
        ({"type": "base64", "media_type": "image/png", "data": "iVBO"}, "data:image/png;base64,iVBO"),
        ({"type": "url", "url": "https://example.org/a.png"}, "https://example.org/a.png"),
    ],
)
def test_images(source: Body, url: str) -> None:
    [written] = messages(user([{"type": "image", "source": source}, text("What?")]))
    part = {"type": "image_url", "image_url": {"url": url}}
    assert written["content"] == [part, text("What?")]


def test_an_image_that_only_anthropic_supports_is_reported_as_lost() -> None:
    image = {"type": "image", "source": {"type": "file", "file_id": "file_1"}}
    assert messages(user([image, text("What?")]), drops=["image"]) == [user("What?")]


@pytest.mark.parametrize(
    ("document", "part"),
    [
        (
            {"source": PDF, "title": "a.pdf"},
            {
                "type": "file",
                "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"},
            },
        ),
        ({"source": {"type": "text", "media_type": "text/plain", "data": "words"}}, text("words")),
        ({"source": {"type": "content", "content": [text("one"), text("two")]}}, text("one\n\ntwo")),
    ],
)
def test_documents(document: Body, part: Body) -> None:
    [written] = messages(user([{"type": "document", **document}, IMAGE]))
    assert written["content"] == [part, IMAGE_PART]


def test_a_call_and_its_result() -> None:
    called, answered = messages(assistant(text("I look."), use(path="/é")), user([result("a\nb")]))
    assert called == {
        "role": "assistant",
        "content": "I look.",
        "tool_calls": [
            {"id": "toolu_1", "type": "function", "function": {"name": "ls", "arguments": '{"path":"/é"}'}}
        ],
    }
    assert answered == {"role": "tool", "tool_call_id": "toolu_1", "content": "a\nb"}


def test_a_call_without_text_has_null_content_and_an_object_as_arguments() -> None:
    [called, _] = messages(assistant(use()))
    assert called["content"] is None
    assert called["tool_calls"][0]["function"]["arguments"] == "{}"


@pytest.mark.parametrize(
    ("content", "words"),
    [("ok", "ok"), ([text("one"), text("two")], "one\n\ntwo"), (None, ""), ([], "")],
)
def test_results_of_any_shape_become_text(content: object, words: str) -> None:
    [_, written] = messages(assistant(use()), user([result(content)]))
    assert written == {"role": "tool", "tool_call_id": "toolu_1", "content": words}


def test_a_result_that_is_an_error_says_so() -> None:
    [_, written] = messages(assistant(use()), user([result("no such file", is_error=True)]))
    assert written["content"] == "Error: no such file"


def test_images_of_results_move_to_a_user_message_after_all_results() -> None:
    [_, *written] = messages(
        assistant(use("toolu_1"), use("toolu_2")),
        user([text("And?"), result([text("shot"), IMAGE], "toolu_1"), result("ok", "toolu_2")]),
    )
    assert written == [
        {"role": "tool", "tool_call_id": "toolu_1", "content": "shot"},
        {"role": "tool", "tool_call_id": "toolu_2", "content": "ok"},
        {"role": "user", "content": [IMAGE_PART, text("And?")]},
    ]


def test_thinking_is_dropped_and_reported_as_lost() -> None:
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "s"}
    redacted = {"type": "redacted_thinking", "data": "x"}
    written = messages(assistant(thought, redacted, text("Hi")), drops=["thinking"])
    assert written == [{"role": "assistant", "content": "Hi"}]


TOOL: Body = {"name": "ls", "description": "List.", "input_schema": {"type": "object"}}
FUNCTION: Body = {"name": "ls", "description": "List.", "parameters": {"type": "object"}}


def test_tools() -> None:
    assert translated(tools=[TOOL])["tools"] == [{"type": "function", "function": FUNCTION}]


def test_a_tool_that_runs_at_anthropic_is_dropped_and_reported_without_its_version() -> None:
    web = {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}
    assert len(translated(["web_search"], tools=[web, TOOL])["tools"]) == 1


CHOICES: list[tuple[Body, Body]] = [
    ({"type": "auto"}, {"tool_choice": "auto"}),
    ({"type": "any"}, {"tool_choice": "required"}),
    ({"type": "none"}, {"tool_choice": "none"}),
    (
        {"type": "tool", "name": "ls"},
        {"tool_choice": {"type": "function", "function": {"name": "ls"}}},
    ),
    (
        {"type": "auto", "disable_parallel_tool_use": True},
        {"tool_choice": "auto", "parallel_tool_calls": False},
    ),
]


@pytest.mark.parametrize(("choice", "fields"), CHOICES)
def test_tool_choice(choice: Body, fields: Body) -> None:
    body = translated(tools=[TOOL], tool_choice=choice)
    assert {name: body.get(name) for name in ("tool_choice", "parallel_tool_calls")} == {
        "tool_choice": None,
        "parallel_tool_calls": None,
        **fields,
    }


def test_a_tool_choice_without_tools_is_left_out() -> None:
    assert "tool_choice" not in translated(tool_choice={"type": "auto"})


def test_names_too_long_are_shortened_the_same_way_everywhere_and_mapped_back() -> None:
    body = translated(
        tools=[{**TOOL, "name": LONG}, {**TOOL, "name": LONG + "x"}, TOOL],
        tool_choice={"type": "tool", "name": LONG},
        messages=[assistant(use(name=LONG))],
    )
    cut, other, plain = (tool["function"]["name"] for tool in body["tools"])
    assert len(cut) == len(other) == NAME_CHARS_MAX
    assert cut != other
    assert plain == "ls"
    assert body["tool_choice"]["function"]["name"] == cut
    assert body["messages"][0]["tool_calls"][0]["function"]["name"] == cut
    names = ToolNames([LONG, LONG + "x", "ls"])
    assert [names.long(name) for name in (cut, other, plain, "rm")] == [LONG, LONG + "x", "ls", "rm"]


@pytest.mark.parametrize("name", ["a b", "über", "a.b"])
def test_names_with_other_characters_are_replaced_and_mapped_back(name: str) -> None:
    assert short(name).isascii()
    assert ToolNames([name]).long(short(name)) == name


def test_settings_under_other_names() -> None:
    body = translated(
        max_tokens=32000,
        stop_sequences=["END", "STOP"],
        metadata={"user_id": "someone"},
        output_config={"format": {"type": "json_schema", "schema": {"type": "object"}}},
    )
    assert (body["max_tokens"], body["stop"], body["user"]) == (32000, ["END", "STOP"], "someone")
    assert body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": {"type": "object"}, "strict": True},
    }
    assert {"stop_sequences", "metadata", "output_config", "system"}.isdisjoint(body)


def test_more_stop_sequences_than_openai_accepts_are_reported_as_lost() -> None:
    assert translated(["stop_sequences"], stop_sequences=list("abcde"))["stop"] == list("abcd")


def test_a_user_id_longer_than_openai_accepts_becomes_a_stable_shorter_one() -> None:
    given = {"user_id": "user_" + "0123456789abcdef" * 8}
    first, again = (translated(metadata=given)["user"] for _ in range(2))
    assert first == again
    assert len(first) == request_writer.USER_CHARS_MAX


def test_fields_that_openai_does_not_know_are_reported_as_lost() -> None:
    fields = {"thinking": {"type": "enabled"}, "context_management": {"edits": []}, "mcp_servers": [{}]}
    body = translated(["thinking", "context_management", "mcp_servers"], **fields)
    assert fields.keys().isdisjoint(body)


def test_cache_breakpoints_are_reported_as_lost_once() -> None:
    marked = {**text("Be brief."), "cache_control": {"type": "ephemeral"}}
    body = translated(["cache_control"], system=[marked], messages=[user([marked])])
    assert body["messages"] == [{"role": "system", "content": "Be brief."}, user("Be brief.")]


def test_fields_of_both_wires_and_of_openai_are_written() -> None:
    fields: Body = {"temperature": 0.3, "top_p": 0.9, "stream": True, "seed": 7}
    body = translated(**fields)
    assert {name: body[name] for name in fields} == fields


@pytest.mark.parametrize(
    ("name", "value", "lost"),
    [
        ("cache_control", {"type": "ephemeral"}, "cache_control"),
        ("speed", "fast", "speed"),
        ("fallbacks", ["m"], "fallbacks"),
        ("top_k", 5, "top_k"),
        ("user_profile_id", "u", "user_profile_id"),
        ("diagnostics", {"level": 1}, "diagnostics"),
        ("min_p", 0.1, "min_p"),
        ("made up", 1, "other"),
    ],
)
def test_fields_that_openai_does_not_have_are_dropped_and_reported_as_lost(
    name: str, value: object, lost: str
) -> None:
    assert name not in translated([lost], **{name: value})


def test_an_unknown_block_is_reported_as_other() -> None:
    assert messages(user([{"type": "my secret"}, text("Hi")]), drops=["other"]) == [user("Hi")]


def test_arguments_nested_too_deeply_to_be_written_are_a_client_error() -> None:
    deep: Body = {}
    for _ in range(600):
        deep = {"a": deep}
    with pytest.raises(ProviderError) as caught:
        translated(messages=[assistant(use(**deep))])
    assert caught.value.retryable is False
