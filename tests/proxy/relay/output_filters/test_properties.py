"""What holds for all filters and any text: where it is split never matters, and work is linear in it."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coderouter_proxy.config.provider import OutputFilter
from coderouter_proxy.relay.markup import ANSWER, THINKING
from coderouter_proxy.relay.output_filters.filters import FILTERS
from coderouter_proxy.relay.output_filters.stop_markers import STOP_MARKERS
from coderouter_proxy.relay.output_filters.tool_call_xml import TOOL_CALL_TAGS
from proxy.relay.output_filters.filtering import ALL, Outcome, filtered, filtered_anyhow, pieces_of
from support.growth import GROWTH_MAX, growth_in_calls, growth_in_cpu_time

SAMPLES = [
    json.loads(line) for line in (Path(__file__).parent / "samples.jsonl").read_text("utf-8").splitlines()
]

TAGS = (
    *(tag.opener for tag in THINKING),
    *(closer for tag in THINKING for closer in tag.closers),
    *(end for tag in ANSWER for end in (tag.opener, tag.closer)),
    *STOP_MARKERS,
    *TOOL_CALL_TAGS,
    "<0xE3>",
    "<0x81>",
    "<0x41>",
    "<s>",
    "</s>",
)
CODE = ("`", "``", "```", "~~~", "\n```\n", "\n````", "\n\n    ", "```py\n", "<pre>")
PROSE = (
    "a",
    " ",
    "\n",
    "\n\n",
    "\t",
    "\r\n",
    "<",
    ">",
    "|",
    "[",
    "é",
    '"',
    "'",
    "and",
    ". ",
    "analysis",
    "Answer",
)
texts = st.lists(
    st.one_of(
        st.sampled_from(TAGS),
        st.sampled_from(CODE),
        st.sampled_from(PROSE),
        st.builds(lambda tag, cut: tag[:cut], st.sampled_from(TAGS), st.integers(1, 12)),
        st.builds(str.swapcase, st.sampled_from(TAGS)),
    ),
    max_size=14,
).map("".join)
plain_texts = st.lists(st.sampled_from([*CODE, *PROSE, "< a", "Hello", "x<y"]), max_size=20).map("".join)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample["id"])
def test_a_sample_is_filtered(sample: dict[str, str]) -> None:
    assert filtered_anyhow(["strip_thinking", "strip_stop_markers"], sample["text"]).text == sample["expect"]


@settings(max_examples=150, deadline=None)
@given(text=texts, cuts=st.lists(st.integers(0, 200)), names=st.sets(st.sampled_from(ALL)))
def test_where_a_text_is_split_does_not_matter(text: str, cuts: list[int], names: set[OutputFilter]) -> None:
    ends = [*sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    whole = filtered(names, text)
    assert filtered(names, *pieces) == whole
    assert filtered(names, *text) == whole


@settings(max_examples=200, deadline=None)
@given(text=plain_texts)
def test_text_without_markup_is_unchanged(text: str) -> None:
    assert filtered(ALL, text) == Outcome(text, (), ())


@settings(max_examples=200, deadline=None)
@given(text=texts)
def test_what_is_taken_out_and_what_stays_is_the_text(text: str) -> None:
    """Without the markup itself and white space next to it, nothing is lost, made up, or put elsewhere."""
    outcome = filtered(["strip_thinking"], text)
    remains = iter(text)
    assert all(char in remains for char in outcome.text)
    remains = iter(text)
    assert all(char in remains for char in "".join(outcome.thoughts))


ADVERSARIAL = {
    "markers": "<|im_end|>",
    "half markers": "<|im_en",
    "starts of markers": "<",
    "starts of several": "<|[]◁",
    "backticks": "`",
    "code": "`a` ",
    "code of all sizes": "`a``b```c````d",
    "fences": "```\n",
    "fenced markers": "```\n<think>\n<|im_end|>\n```\n",
    "openers": "<think>",
    "openers and closers": "<think></think>",
    "closers": "</think>",
    "spoken of": " <think> a",
    "cases": "<tHiNk></ThInK>",
    "attributes": '<think a="b" ',
    "headers": "<|start|>a<|channel|>b",
    "phrases": "analysisassistantfinal",
    "bytes": "<0xE3><0x81>",
    "calls": "<function=a <parameter=",
    "crossed out": "<s></s></s>",
    "line breaks": "\n",
    "indented": "\n\n    <|im_end|>",
    "blanks": " ",
    "prose": "Hello there. ",
}


@pytest.mark.parametrize("part", ADVERSARIAL.values(), ids=ADVERSARIAL)
def test_steps_grow_with_the_text_alone(part: str) -> None:
    for name in FILTERS:
        for size in (1, 100_000):

            def run(text: str, name: OutputFilter = name, size: int = size) -> None:
                filtered([name], *pieces_of(text, size))

            run("")  # compiles the patterns
            assert growth_in_calls(run, lambda chars: (part * chars)[:chars], 500) <= GROWTH_MAX, name


@pytest.mark.long
@pytest.mark.parametrize("part", ADVERSARIAL.values(), ids=ADVERSARIAL)
def test_cpu_time_grows_with_the_text_alone(part: str) -> None:
    """Copies of what is held back are no steps, but would take time."""
    for size, chars in ((1, 1_000), (10_000_000, 10_000)):

        def run(text: str, size: int = size) -> None:
            for name in FILTERS:
                filtered([name], *pieces_of(text, size))

        run("")
        assert growth_in_cpu_time(run, lambda chars: (part * chars)[:chars], chars) <= GROWTH_MAX
