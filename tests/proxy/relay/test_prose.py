"""Marks are found in prose, reported in blocks, and hidden in inline code, while the text arrives."""

import pytest

from coderouter_proxy.relay.marks import ANYTHING, NAME, Marks
from coderouter_proxy.relay.prose import INLINE_CHARS_MAX, Mark, Scanner

MARKS = Marks(["<a>", f"<a {ANYTHING}>", f"<|{NAME}|>", "<|b|>", "<|b|>c", "[D]"])


def found(*pieces: str) -> list[Mark]:
    scanner = Scanner(MARKS)
    parts: list[str | Mark] = []
    for piece in pieces:
        scanner.feed(piece)
        parts += scanner.read()
    parts += scanner.end()
    assert "".join(part if isinstance(part, str) else part.text for part in parts) == "".join(pieces)
    return [part for part in parts if isinstance(part, Mark)]


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("<a>", ["<a>"]),
        ("<A>", ["<a>"]),
        ('<a x="y z">', [f"<a {ANYTHING}>"]),
        ("<ab> < a> <a\n>", []),
        ("<|b|>", ["<|b|>"]),
        ("<|b|>c<|b|>d", ["<|b|>c", "<|b|>"]),
        ("<|x▁1|><|x y|>", [f"<|{NAME}|>"]),
        ("[D][d]", ["[D]"]),
        ("<<a>", ["<a>"]),
        (f"<a {'x' * 250}>", []),
    ],
)
def test_the_most_specific_mark_is_found_in_any_case(text: str, marks: list[str]) -> None:
    assert [mark.mark for mark in found(text)] == marks
    assert [mark.mark for mark in found(*text)] == marks


@pytest.mark.parametrize(
    ("text", "in_prose", "in_block"),
    [
        ("`<a>` <a>", 1, 0),
        ("``<a> ` <a>`` <a>", 1, 0),
        ("`<a>", 1, 0),
        ("`<a>\n` <a>", 2, 0),
        ("`" * 33 + "<a>`", 1, 0),
        ("```\n<a>\n```\n<a>", 1, 1),
        ("```\n<a>\n``` x\n<a>", 0, 2),
        ("````\n```\n<a>\n````\n<a>", 1, 1),
        ("```x`` <a>", 1, 0),
        ("~~~ `x`\n<a>\n~~~~\n<a>", 1, 1),
        ("  - x\n    ```\n    <a>\n    ```\n<a>", 1, 1),
        ("```\n<a>\n```<a>", 1, 1),
        ("x\n    <a>", 1, 0),
        ("x\n\n    <a>\n    <a>\nx <a>", 1, 2),
        ("x\r\n\r\n\t<a>", 0, 1),
        ("    <a>", 1, 0),
        (f"`{'x' * (INLINE_CHARS_MAX + 1)}<a>`", 1, 0),
    ],
)
def test_code_is_what_markdown_shows_as_code(text: str, in_prose: int, in_block: int) -> None:
    for pieces in ([text], list(text)):
        marks = found(*pieces)
        assert [mark.in_block for mark in marks].count(False) == in_prose
        assert [mark.in_block for mark in marks].count(True) == in_block


@pytest.mark.parametrize(
    ("text", "quoted", "spoken_of", "opens_line"),
    [
        ("<a>", False, False, True),
        ("x\n  <a> y", False, False, True),
        ("[D]<a> y", False, False, True),
        ('"<a>"', True, False, False),
        ("“<a>”", True, False, False),
        ('"<a>', False, False, False),
        ("the <a> tag", False, True, False),
        ("the <a>, then", False, True, False),
        ("the <a>\n", False, False, False),
        ("the <a> \n", False, False, False),
        ("the<a> tag", False, False, False),
    ],
)
def test_a_mark_knows_what_is_around_it(text: str, quoted: bool, spoken_of: bool, opens_line: bool) -> None:
    for pieces in ([text], list(text)):
        mark = found(*pieces)[-1]
        assert (mark.is_quoted, mark.is_spoken_of, mark.opens_line) == (quoted, spoken_of, opens_line)


def test_after_a_restart_no_block_is_open() -> None:
    scanner = Scanner(MARKS)
    scanner.feed("```\n<a>    <a>")
    marks: list[Mark] = []
    for part in scanner.end():
        if isinstance(part, Mark):
            marks.append(part)
            scanner.restart()
    assert [mark.in_block for mark in marks] == [True, False]


def test_only_what_is_not_certain_is_held_back() -> None:
    scanner = Scanner(MARKS)

    def read(text: str) -> list[str | Mark]:
        scanner.feed(text)
        return list(scanner.read())

    assert read("x `a") == ["x "]
    assert read("b` <") == ["`ab` "]
    assert read("q [") == ["<q "]
    assert read("D") == []
    assert read("]]") == [Mark("[D]", "[D]", in_block=False, opens_line=False, before=" ", after="]"), "]"]
