"""Markers of the prompt format are removed; code, quotations and HTML stay."""

import pytest

from coderouter_proxy.config.provider import OutputFilter
from coderouter_proxy.relay.marks import ANYTHING, NAME
from coderouter_proxy.relay.output_filters.stop_markers import STOP_MARKERS, StripStopMarkers
from proxy.relay.output_filters.filtering import Outcome, filtered_anyhow

STOP: list[OutputFilter] = ["strip_stop_markers"]
SPECIAL = [
    "<|endoftext|>",
    "<|im_end|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|end_of_text|>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "<|user|>",
    "<|assistant|>",
    "<|observation|>",
    "<|python_tag|>",
    "<|endofprompt|>",
    "<|END_OF_TURN_TOKEN|>",
    "<|END_RESPONSE|>",
    "<|fim_prefix|>",
    "<｜end▁of▁sentence｜>",  # noqa: RUF001
    "<｜Assistant｜>",  # noqa: RUF001
    "<｜hy_eos｜>",  # noqa: RUF001
    "[|endofturn|]",
    "</s>",
    "<|message_sep|>",
    "<|plamo:tag|>",
]
MARKERS = [mark.replace(NAME, "x1").replace(ANYTHING, "assistant") for mark in STOP_MARKERS]


@pytest.mark.parametrize("marker", [*MARKERS, *SPECIAL])
def test_every_marker_is_removed(marker: str) -> None:
    assert filtered_anyhow(STOP, f"Hello{marker}, there.{marker}") == Outcome(
        "Hello, there.", (), tuple(STOP)
    )


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Hello.<|im_end|>\n<|im_start|>assistant\n", "Hello."),
        ("Hello.<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n", "Hello."),
        ("<|im_start|>assistant\nHello.", "Hello."),
        ("<｜Assistant｜>Hello.<｜end▁of▁sentence｜>", "Hello."),  # noqa: RUF001
        ("<|channel|>final<|message|>Hello.<|return|>", "Hello."),
        ("]~b]ai\nHello.[e~[", "Hello."),
        ("[gMASK]<sop><|assistant|>\nHello.<|user|>", "Hello."),
        ("<s>[INST] Hi [/INST] Hello.</s>", "Hi  Hello."),
        ("<|open|>response<|sep|>Hello.<|close|>response<|sep|><|end_of_msg|>", "Hello."),
        ("```\nls\n```<|im_end|>", "```\nls\n```"),
        ("```\nls<|im_end|>\n", "```\nls"),
        ("Say `hello<|im_end|>", "Say `hello"),
        ("<s>Old</s> new.</s>", "<s>Old</s> new."),
        ("1. One\n\n2. Two<|IM_END|>", "1. One\n\n2. Two"),
    ],
)
def test_markers_are_removed_with_the_white_space_at_the_edges(text: str, kept: str) -> None:
    assert filtered_anyhow(STOP, text) == Outcome(kept, (), tuple(STOP))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hello.\n\n",
        "a < b <| c |> d",
        "<",
        "<|im_end",
        "`<|im_end|>` ends a turn.",
        "```\n<|im_end|>\n```\n",
        "```jinja\n{{ '<|im_start|>user\n' }}\n```\nThat is it.",
        'It writes "<|im_end|>" and "[INST]".',
        "<s>old</s> new, says the HTML.",
        "The </s> tag closes it.",
        "<end> <turn> [INSTALL] [/x] <|x y|>",
        "<|tool_call|>",
        "As in\n\n    <|im_end|>\n\nthere.",
    ],
)
def test_anything_else_stays(text: str) -> None:
    assert filtered_anyhow(STOP, text) == Outcome(text, (), ())


def test_only_what_may_become_a_marker_is_held_back() -> None:
    filter_ = StripStopMarkers()
    pieces = ("Hello <", "q", "r> <|im ", "e>", " <|im_e")
    assert ["".join(map(str, filter_.feed(piece))) for piece in pieces] == [
        "Hello",
        " <q",
        "r> <|im",
        " e>",
        "",
    ]
    assert filter_.end() == [" <|im_e"]
