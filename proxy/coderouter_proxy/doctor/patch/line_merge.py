"""Carry a change of one text over into another one that differs from it in form only."""

from collections.abc import Callable, Sequence
from difflib import SequenceMatcher

HasContent = Callable[[str], bool]


def is_no_comment(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def is_not_blank(line: str) -> bool:
    return bool(line.strip())


def carried_over(
    before: Sequence[str], original: Sequence[str], after: Sequence[str], end: str, has_content: HasContent
) -> list[str]:
    """Return the lines of the original with what changed from before to after; where both changed, after wins.

    `end` is what lines of the original end with; the others have no such end. Lines without content belong to what
    follows them: new lines are put before them.
    """
    in_original = _same(before, original)
    in_after = _same(before, after)
    result: list[str] = []
    b = o = a = 0
    for same in [*sorted(in_original.keys() & in_after.keys()), len(before)]:
        to_o, to_a = in_original.get(same, len(original)), in_after.get(same, len(after))
        old, new = before[b:same], after[a:to_a]
        inserted = _inserted(old, new, has_content)
        if inserted is None:
            result += [line + end for line in new]
        else:
            result += original[o:to_o]
            lines = _as_far_in(inserted, old, original[o:to_o])
            _insert(result, [line + end for line in lines], has_content)
        result += original[to_o : to_o + 1]
        b, o, a = same + 1, to_o + 1, to_a + 1
    return result


def _same(before: Sequence[str], other: Sequence[str]) -> dict[int, int]:
    """Return which line of the other each line is, but for its end; blank lines are everywhere and tell nothing."""
    a, b = ([line.rstrip() for line in lines] for lines in (before, other))
    matcher = SequenceMatcher(None, a, b, autojunk=False)
    return {
        block.a + offset: block.b + offset
        for block in matcher.get_matching_blocks()
        for offset in range(block.size)
        if a[block.a + offset]
    }


def _inserted(before: Sequence[str], after: Sequence[str], has_content: HasContent) -> Sequence[str] | None:
    """Return the lines that were only added after the last content; None where more has changed."""
    kept = next((at for at, line in enumerate(before) if after[at : at + 1] != [line]), len(before))
    more = len(after) - len(before)
    if more < 0 or after[kept + more :] != before[kept:] or any(map(has_content, before[kept:])):
        return None
    return after[kept : kept + more]


def _as_far_in(lines: Sequence[str], before: Sequence[str], original: Sequence[str]) -> list[str]:
    """Return the lines with new items of a list as far in as the original has the item before them."""
    item = next(filter(is_no_comment, reversed(before)), "")
    there = next(filter(is_no_comment, reversed(original)), "")
    dash, wanted = item[: _indent(item)] + "- ", there[: _indent(there)] + "- "
    if not (item.startswith(dash) and there.startswith(wanted)):
        return list(lines)
    return [wanted + line.removeprefix(dash) if line.startswith(dash) else line for line in lines]


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _insert(result: list[str], lines: list[str], has_content: HasContent) -> None:
    at = len(result)
    while at and not has_content(result[at - 1]):
        at -= 1
    result[at:at] = lines
