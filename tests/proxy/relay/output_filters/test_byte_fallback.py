"""Bytes that a tokenizer wrote out become the characters that they encode."""

import pytest

from coderouter_proxy.config.provider import OutputFilter
from proxy.relay.output_filters.filtering import Outcome, filtered_anyhow

BYTES: list[OutputFilter] = ["repair_byte_fallback"]


def written(text: str) -> str:
    return "".join(f"<0x{byte:02X}>" for byte in text.encode())


@pytest.mark.parametrize("char", ["\n", "\t", "a", "é", "あ", "😀", "ラム"])
def test_bytes_become_characters(char: str) -> None:
    for form in (written(char), written(char).lower()):
        assert filtered_anyhow(BYTES, f"x {form}y") == Outcome(f"x {char}y", (), tuple(BYTES))


def test_bytes_in_a_block_become_characters() -> None:
    assert filtered_anyhow(BYTES, f"```\n# {written('é')}\n```").text == "```\n# é\n```"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<0xE3>",
        "<0xE3><0x81>",
        "<0xE3><0x81>x",
        "<0xE3>a<0x81><0x82>",
        "<0x81>",
        "<0xFF><0xFE>",
        "<0xED><0xA0><0x80>",
        "<0x00>",
        "<0x1B>[31m",
        "<0xE>",
        "<0xGG>",
        "`<0xE3><0x81><0x82>` is a letter.",
    ],
)
def test_what_encodes_no_character_stays(text: str) -> None:
    assert filtered_anyhow(BYTES, text) == Outcome(text, (), ())


def test_incomplete_bytes_do_not_hide_the_next_character() -> None:
    assert filtered_anyhow(BYTES, f"<0xE3>{written('é')}<0x81>").text == "<0xE3>é<0x81>"
