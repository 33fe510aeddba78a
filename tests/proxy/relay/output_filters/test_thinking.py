"""Thinking is taken out of an answer however models mark it; a mention of the markup is not."""

import pytest

from coderouter_proxy.relay.markup import ANSWER, HARMONY, THINKING, AnswerTag
from coderouter_proxy.relay.output_filters.filter import Thought
from coderouter_proxy.relay.output_filters.thinking import HELD_CHARS_MAX, ORPHANS, StripThinking
from proxy.relay.output_filters.filtering import Outcome, filtered_anyhow

PAIRS = [(tag.opener, closer) for tag in THINKING for closer in tag.closers]


def thinking(text: str) -> Outcome:
    return filtered_anyhow(["strip_thinking"], text)


@pytest.mark.parametrize(("opener", "closer"), [pair for pair in PAIRS if pair[1] not in HARMONY.closers[1:]])
def test_text_between_tags_of_any_family_is_thinking(opener: str, closer: str) -> None:
    assert thinking(f"{opener}Hm.{closer}Hello.") == Outcome("Hello.", ("Hm.",), ("strip_thinking",))


@pytest.mark.parametrize("closer", sorted(ORPHANS))
def test_what_precedes_a_closer_without_an_opener_is_thinking(closer: str) -> None:
    assert thinking(f"Hm.\n{closer}\n\nHello.") == Outcome("Hello.", ("Hm.",), ("strip_thinking",))


@pytest.mark.parametrize(
    ("text", "kept", "thoughts"),
    [
        ("<think>\nHm.\n</think>\n\nHello.", "Hello.", ["Hm."]),
        ("<THINK>Hm.</Think>Hello.", "Hello.", ["Hm."]),
        ('<think time="3" effort="low">Hm.</think>Hello.', "Hello.", ["Hm."]),
        ("Hello <think>Hm.</think>there.<think>Done.</think>", "Hello there.", ["Hm.", "Done."]),
        ("Hello <think> Hm, well. </think> there.", "Hello  there.", ["Hm, well."]),
        ("Hello.\n<think>Hm. Who never ends", "Hello.", ["Hm. Who never ends"]),
        ("<think></think>Hello.", "Hello.", []),
        ("<think>\n\n</think>\n\nHello.", "Hello.", []),
        ("<think><think>Hm.</think>Hello.", "Hello.", ["Hm."]),
        ("<think>A.<think>B.</think>C.</think>Hello.", "Hello.", ["A.B.C."]),
        ("Hm.</think>\n</think>\nHello.", "Hello.", ["Hm."]),
        ("<think>Hm.</think>Hello.</think>", "Hello.", ["Hm."]),
        ("    <think>Hm.</think>Hello.", "Hello.", ["Hm."]),
        ("<mm:think>So <think> and </think>.</mm:think>Hello.", "Hello.", ["So <think> and </think>."]),
        ("<think>Close it by `</think>`.</think>Hello.", "Hello.", ["Close it by `</think>`."]),
        (
            "<think>Run\n```\nls\n</think>\nHello <think>Hm.</think>there.",
            "Hello there.",
            ["Run\n```\nls", "Hm."],
        ),
    ],
)
def test_thinking_is_taken_out(text: str, kept: str, thoughts: list[str]) -> None:
    assert thinking(text) == Outcome(kept, tuple(thoughts), ("strip_thinking",))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hello.",
        "a < b, [x], ◁ and <| y |>",
        "<thinker>, <th, </think, [think]",
        "`<think>` opens it, `</think>` closes it.",
        "``Use `<think>` ``, then.",
        "So the `</think>` tag ends it.",
        "```xml\n<think>\nHm.\n</think>\n```\nThat is it.",
        "~~~\n</think>\n~~~\nThat is it.",
        "1. Write\n   ```\n   </think>\n   ```\nThat is it.",
        "As in\n\n    <think>\n    </think>\n\nThat is it.",
        'The tag "<think>" and the tag "</think>".',
        "Wrap it in <think> and </think> tags.",
        "Wrap it in <think>...</think>, please.",
        "The <think> tag opens it.",
        "<config><reasoning>x</reasoning></config>",
        "Analysis: all is well.",
    ],
)
def test_a_mention_is_text(text: str) -> None:
    assert thinking(text) == Outcome(text, (), ())


@pytest.mark.parametrize(
    ("text", "kept", "thoughts"),
    [
        ("Hm.<|end|><|start|>assistant<|channel|>final<|message|>Hello.<|return|>", "Hello.", ["Hm."]),
        ("Hm.<|end|><|channel|>final <|constrain|>", "<|channel|>final <|constrain|>", ["Hm."]),
        ("Hm.<|start|>assistant<|channel|>final<|message|>Hello.", "Hello.", ["Hm."]),
        ("Hm.<|channel|>commentary<|message|>I look.<|end|>", "I look.<|end|>", ["Hm."]),
        (
            "Hm.<|end|><|start|>assistant<|channel|>commentary to=functions.f<|message|>{}",
            "<|start|>assistant<|channel|>commentary to=functions.f<|message|>{}",
            ["Hm."],
        ),
    ],
)
def test_only_the_analysis_channel_is_thinking(text: str, kept: str, thoughts: list[str]) -> None:
    for opener in ("<|channel|>analysis<|message|>", "<|start|>assistant<|channel|>analysis code<|message|>"):
        assert thinking(opener + text) == Outcome(kept, tuple(thoughts), ("strip_thinking",))


@pytest.mark.parametrize("tag", ANSWER, ids=lambda tag: tag.opener)
def test_tags_around_the_answer_are_removed_behind_thinking(tag: AnswerTag) -> None:
    closer = "" if tag.closer in HARMONY.closers else tag.closer
    assert thinking(f"<think>Hm.</think>\n{tag.opener}\nHello.{closer}").text == "Hello."


def test_tags_that_are_words_stay_where_no_thinking_precedes() -> None:
    text = "<answer>Hello.</answer>\n<response>There.</response>"
    assert thinking(text) == Outcome(text, (), ())


@pytest.mark.parametrize(
    ("text", "thought"),
    [
        ("Here is my thought process: Hm.\n\nHere is my response: Hello.", "Here is my thought process: Hm."),
        ("analysisHm.assistantfinalHello.", "analysisHm."),
        ("Hm.\n[BEGIN FINAL RESPONSE]\nHello.\n[END FINAL RESPONSE]", "Hm."),
    ],
)
def test_phrases_delimit_thinking_where_families_write_them(text: str, thought: str) -> None:
    assert thinking(text) == Outcome("Hello.", (thought,), ("strip_thinking",))
    mention = f"So. {text}"
    if "[" not in text:
        assert thinking(mention) == Outcome(mention, (), ())


def test_the_start_of_an_answer_is_held_until_it_cannot_be_thinking() -> None:
    filter_ = StripThinking()
    assert filter_.feed("Hello. ") == []
    assert filter_.feed("There.\n<think>Hm") == ["Hello.", " There.", Thought("Hm")]
    assert filter_.feed("m.</think>\n\nYou") == [Thought("m."), "\n\n\nYou"]
    assert filter_.feed(" there") == [" there"]


def test_a_long_start_of_an_answer_is_text_and_passed_on() -> None:
    filter_ = StripThinking()
    assert filter_.feed("x" * HELD_CHARS_MAX) == []
    assert filter_.feed("x") == ["x" * HELD_CHARS_MAX, "x"]
    assert filter_.feed("x</think>y") == ["x", "y"]


def test_text_behind_something_else_is_not_held() -> None:
    """A server that sends thinking or a tool call of its own before the text leaves no closer in it."""
    filter_ = StripThinking()
    assert filter_.end() == []
    assert filter_.feed("Hello.") == ["Hello."]
