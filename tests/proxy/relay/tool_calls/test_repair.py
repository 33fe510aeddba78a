"""Which texts become tool calls, and with which arguments."""

import orjson
import pytest

from coderouter_proxy.relay.tool_calls.repair import Repairer, TextualCall
from coderouter_proxy.relay.tool_calls.syntaxes import CLOSERS, SYNTAXES
from proxy.relay.tool_calls.samples import ALL, NAMES, SAMPLES, STAYS_TEXT, Item, fed, joined, repaired


@pytest.mark.parametrize(("text", "expected"), SAMPLES.values(), ids=SAMPLES)
def test_a_call_written_as_text_becomes_one(text: str, expected: list[Item]) -> None:
    repairer = Repairer(NAMES)
    assert joined(fed(repairer, text)) == joined(expected)
    assert repairer.count == sum(isinstance(item, TextualCall) for item in expected)


@pytest.mark.parametrize("text", STAYS_TEXT.values(), ids=STAYS_TEXT)
def test_anything_else_stays_text_byte_for_byte(text: str) -> None:
    assert "".join(map(str, repaired(text))) == text


@pytest.mark.parametrize("text", ALL.values(), ids=ALL)
def test_without_tools_every_text_stays(text: str) -> None:
    assert "".join(map(str, fed(Repairer(()), text))) == text


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("/a", "/a"), ("\n/a\n", "/a"), ("\n\n a \n\n", "\n a \n"), ("", ""), ("\n", ""),
        ("1", 1), ("\n-1.5\n", -1.5), ("true", True), ("null", None), ('{"a": [1]}', {"a": [1]}), ("[]", []),
        ('"quoted"', '"quoted"'), ("NaN", "NaN"), ("True", "True"), ("01", "01"), ("[1", "[1"),
        ("a < b </p>", "a < b </p>"),
    ],
)  # fmt: skip
def test_a_parameter_is_read_as_json_unless_that_is_a_string(written: str, value: object) -> None:
    [call] = repaired(f"<function=read><parameter=p>{written}</parameter></function>")
    assert isinstance(call, TextualCall)
    assert orjson.loads(call.arguments) == {"p": value}


def test_every_opener_and_closer_has_a_sample() -> None:
    written = "".join(text for text, _ in SAMPLES.values())
    assert not [opener for opener in SYNTAXES if opener not in written]
    assert not [closer for closer in CLOSERS if closer not in written]


def test_no_opener_is_the_start_of_another() -> None:
    assert not [(a, b) for a in SYNTAXES for b in SYNTAXES if a != b and b.startswith(a)]
