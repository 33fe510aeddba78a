"""What documents and search results of a messages request become for a provider of the other wire."""

from typing import Any

import pytest

from coderouter_proxy.config.traits import ProviderTraits
from coderouter_proxy.wires.anthropic.fit import fit
from coderouter_proxy.wires.anthropic.request_reader import read
from coderouter_proxy.wires.losses import losses
from coderouter_proxy.wires.openai.request_writer import VOCABULARY, write

Body = dict[str, Any]

CACHE = {"type": "ephemeral"}
PDF: Body = {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}
PNG: Body = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}}
IMAGE: Body = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}}


def text(words: str) -> Body:
    return {"type": "text", "text": words}


def sent(*blocks: Body) -> tuple[Any, tuple[str, ...]]:
    """Return the content that the provider gets, and what is reported as lost."""
    conversation = read({"messages": [{"role": "user", "content": list(blocks)}]})
    return write(conversation)["messages"][0]["content"], losses(conversation, VOCABULARY)


def test_what_is_said_about_a_document_goes_with_it() -> None:
    document = {"type": "document", "source": PDF, "title": "Plan.pdf", "context": "Of last year."}
    file = {"filename": "Plan.pdf", "file_data": "data:application/pdf;base64,JVBE"}
    assert sent(document) == ([text("Of last year."), {"type": "file", "file": file}], ())

    plain = {"type": "text", "media_type": "text/plain", "data": "Words."}
    document = {"type": "document", "source": plain, "title": "Plan", "context": "Of last year."}
    assert sent(document) == ("Plan\n\nOf last year.\n\nWords.", ())


def test_a_document_of_texts_and_images_keeps_them_in_order() -> None:
    content = [text("One."), text("Two."), PNG, text("Three."), "odd", {"type": "audio"}]
    document = {
        "type": "document",
        "title": "Plan",
        "context": "Of last year.",
        "source": {"type": "content", "content": content},
    }
    assert sent(document) == (
        [text("Plan\n\nOf last year.\n\nOne.\n\nTwo."), IMAGE, text("Three.")],
        (),
    )
    only_image = {"type": "document", "source": {"type": "content", "content": [PNG]}}
    assert sent(only_image) == ([IMAGE], ())
    assert sent({"type": "document", "source": {"type": "content", "content": "Words."}}) == ("Words.", ())


def test_a_search_result_says_where_it_is_from() -> None:
    result = {
        "type": "search_result",
        "title": "Rivers",
        "source": "https://example.org/rivers",
        "content": [text("Long."), text("Wet.")],
    }
    assert sent(result) == ("Rivers\nhttps://example.org/rivers\n\nLong.\n\nWet.", ())


def test_a_document_inside_a_result_is_read_as_well() -> None:
    document = {
        "type": "document",
        "title": "Plan",
        "source": {"type": "content", "content": [text("a"), PNG]},
    }
    use = {"type": "tool_use", "id": "t", "name": "find", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "t", "content": [document]}
    messages = [{"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]
    _, tool, user = write(read({"messages": messages}))["messages"]
    assert tool["content"] == "Plan\n\na"
    assert user["content"] == [IMAGE]


@pytest.mark.parametrize(
    "block",
    [
        {"type": "document", "source": PDF},
        {"type": "document", "source": {"type": "content", "content": "Words."}},
        {"type": "search_result", "source": "https://example.org", "content": [text("found")]},
    ],
    ids=["file", "content", "search result"],
)
@pytest.mark.parametrize(
    ("citations", "lost"), [({"enabled": True}, ("citations",)), ({"enabled": False}, ()), (None, ())]
)
def test_citations_that_were_asked_for_are_reported_as_lost(
    block: Body, citations: object, lost: tuple[str, ...]
) -> None:
    assert sent({**block, "citations": citations})[1] == lost


def test_a_breakpoint_of_a_document_is_behind_its_last_part() -> None:
    source = {"type": "content", "content": [text("One."), PNG]}
    block = {"type": "document", "source": source, "cache_control": CACHE}
    [turn] = read({"messages": [{"role": "user", "content": [block]}]}).turns
    assert [part.cache for part in turn.parts] == [None, CACHE]
    assert sent(block)[1] == ("cache_control",)


@pytest.mark.parametrize("source", [None, "x", {"type": "file", "file_id": "f"}, {"type": ["text"]}, {}])
def test_a_document_of_an_unknown_source_is_lost(source: object) -> None:
    assert sent({"type": "document", "source": source})[1] == ("document",)


def test_a_text_document_keeps_what_is_said_about_it_where_the_provider_takes_no_documents() -> None:
    source = {"type": "text", "media_type": "text/plain", "data": "Words."}
    document = {"type": "document", "source": source, "title": "Plan", "context": "Of last year."}
    dropped: list[str] = []
    body = fit(
        {"messages": [{"role": "user", "content": [document]}]},
        ProviderTraits(documents=False),
        dropped.append,
    )
    assert body["messages"][0]["content"] == [text("Plan\n\nOf last year.\n\nWords.")]
    assert dropped == []
