"""Traits about messages: system text, neighbours of one role, ids of calls, images and documents."""

import re
from dataclasses import replace
from typing import Any

import pytest

from coderouter_proxy.config.traits import ProviderTraits
from coderouter_proxy.wires import fitting
from support.proxy.fitted_requests import (
    ANY,
    HISTORIES,
    MIXED,
    PDF,
    PDF_PART,
    PNG,
    PNG_PART,
    Body,
    Wire,
    call,
    result,
    said,
    sent,
    text,
    use,
)

NINE = re.compile(r"[A-Za-z0-9]{9}")
NOW = text("<system>\nNow.\n</system>")


@pytest.mark.parametrize(
    ("where", "roles"),
    [
        ("anywhere", ["system", "developer", "user", "assistant", "system", "user"]),
        ("first", ["system", "user", "assistant", "user"]),
        ("never", ["user", "assistant", "user"]),
    ],
)
def test_system_text_of_an_openai_client(where: Any, roles: list[str]) -> None:
    traits = replace(ANY, system_text=where)
    body = sent("openai", "openai", traits, {"messages": MIXED})
    assert [message["role"] for message in body["messages"]] == roles
    if where == "first":
        assert body["messages"][0]["content"] == "Be brief.\n\nBe kind."
    if where == "never":
        marked = "<system>\nBe brief.\n</system>\n\n<system>\nBe kind.\n</system>\n\nHi"
        assert body["messages"][0]["content"] == marked
    if where != "anywhere":
        assert body["messages"][-1]["content"] == "<system>\nNow.\n</system>\n\nGo"


@pytest.mark.parametrize("where", ["anywhere", "first", "never"])
def test_system_text_of_an_anthropic_client(where: Any) -> None:
    messages = [said("user", "Hi"), said("system", "Now."), said("assistant", "Hello."), said("user", "Go")]
    body = sent(
        "anthropic", "anthropic", replace(ANY, system_text=where), {"system": "S", "messages": messages}
    )
    first = body["messages"][0]["content"]
    if where == "anywhere":
        assert (body["system"], body["messages"]) == ("S", messages)
    elif where == "first":
        assert (body["system"], first) == ("S", [text("Hi"), NOW])
    else:
        assert "system" not in body
        assert first == [text("<system>\nS\n</system>"), text("Hi"), NOW]


def test_leading_system_messages_become_the_system_prompt_of_an_anthropic_provider() -> None:
    messages = [said("system", "Two."), said("user", "Hi")]
    traits = replace(ANY, system_text="first")
    body = sent("anthropic", "anthropic", traits, {"system": "One.", "messages": messages})
    assert (body["system"], body["messages"]) == ([text("One."), text("Two.")], [said("user", "Hi")])


def test_the_providers_own_system_text_is_settled_like_that_of_the_client() -> None:
    traits = replace(ANY, system_text="never")
    marked = "<system>\nIn French.\n</system>"
    contents = {"openai": f"{marked}\n\nHi", "anthropic": [text(marked), text("Hi")]}
    for client in ("openai", "anthropic"):
        for to in ("openai", "anthropic"):
            body = sent(to, client, traits, {}, append_system_prompt="In French.")
            assert body["messages"] == [said("user", contents[to])]
            assert "system" not in body


@pytest.mark.parametrize("to", ["openai", "anthropic"])
def test_a_developer_message_reaches_a_server_that_does_not_know_the_role(to: Wire) -> None:
    body = sent(
        to, "openai", ProviderTraits(), {"messages": [said("developer", "Be brief."), said("user", "Hi")]}
    )
    if to == "openai":
        assert body["messages"] == [said("system", "Be brief."), said("user", "Hi")]
    else:
        assert body["system"] == "Be brief."


@pytest.mark.parametrize(
    ("messages", "merged"),
    [
        ([said("user", "a"), said("user", "b")], [said("user", "a\n\nb")]),
        ([said("user", "a"), said("user", [PNG_PART])], [said("user", [text("a"), PNG_PART])]),
        (
            [said("user", "a"), said("assistant", "b"), said("assistant", None, tool_calls=[call("c")])],
            [said("user", "a"), said("assistant", "b", tool_calls=[call("c")])],
        ),
        (
            [
                said("assistant", None, tool_calls=[call("c")]),
                said("tool", "x", tool_call_id="c"),
                said("user", "d"),
            ],
            None,
        ),
        ([said("tool", "x", tool_call_id="c"), said("tool", "y", tool_call_id="d")], None),
    ],
)
def test_neighbours_of_one_role_are_merged_for_an_openai_provider(
    messages: list[Body], merged: list[Body] | None
) -> None:
    body = sent("openai", "openai", replace(ANY, alternating=True), {"messages": messages})
    assert body["messages"] == (merged or messages)
    assert sent("openai", "openai", ANY, {"messages": messages})["messages"] == messages


def test_neighbours_of_one_role_are_merged_for_an_anthropic_provider() -> None:
    messages = [
        said("user", "a"),
        said("assistant", [use("c")]),
        said("user", "b"),
        said("user", [result("c")]),
    ]
    body = sent("anthropic", "anthropic", replace(ANY, alternating=True), {"messages": messages})
    assert body["messages"] == [*messages[:2], said("user", [result("c"), text("b")])]
    assert sent("anthropic", "anthropic", ANY, {"messages": messages})["messages"] == messages


@pytest.mark.parametrize("client", ["openai", "anthropic"])
@pytest.mark.parametrize("to", ["openai", "anthropic"])
def test_ids_of_calls_have_nine_letters_or_digits_and_still_match_their_results(
    to: Wire, client: Wire
) -> None:
    body = sent(to, client, replace(ANY, call_ids="nine"), {"messages": HISTORIES[client]})
    if to == "openai":
        made = [each["id"] for each in body["messages"][1]["tool_calls"]]
        answered = [each["tool_call_id"] for each in body["messages"][2:]]
    else:
        made = [each["id"] for each in body["messages"][1]["content"]]
        answered = [each["tool_use_id"] for each in body["messages"][2]["content"]]
    assert made == answered
    assert all(NINE.fullmatch(each) for each in made)
    assert made[1] == "Abc123xyZ", "an id that fits stays as it is"
    assert made[0] == fitting.nine("toolu_01AbCdEfGh"), "without state"


IMAGE, DOCUMENT = text(fitting.IMAGE_PLACEHOLDER), text(fitting.DOCUMENT_PLACEHOLDER)


@pytest.mark.parametrize("to", ["openai", "anthropic"])
@pytest.mark.parametrize("client", ["openai", "anthropic"])
def test_a_text_stands_for_images_and_documents(to: Wire, client: Wire) -> None:
    shown = [PNG, PDF, text("what")] if client == "anthropic" else [PNG_PART, PDF_PART, text("what")]
    fields = {"messages": [said("user", shown)]}
    traits = replace(ANY, images=False, documents=False)
    body = sent(to, client, traits, fields, ["image", "document"])
    assert body["messages"] == [said("user", [IMAGE, DOCUMENT, text("what")])]
    only_images = sent(to, client, replace(ANY, images=False), fields, ["image"])
    assert only_images["messages"][0]["content"][1] != DOCUMENT


def test_a_text_stands_for_the_image_in_a_tool_result() -> None:
    messages = [said("user", "hi"), said("assistant", [use("c")]), said("user", [result("c", [PNG])])]
    body = sent("anthropic", "anthropic", replace(ANY, images=False), {"messages": messages}, ["image"])
    assert body["messages"][2]["content"] == [result("c", [IMAGE])]


def test_a_document_that_is_text_stays_text() -> None:
    document = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Words."}}
    body = sent(
        "anthropic", "anthropic", replace(ANY, documents=False), {"messages": [said("user", [document])]}
    )
    assert body["messages"][0]["content"] == [text("Words.")]
