"""Apply a change between two texts to a third one that differs from the first only in its formatting."""

from collections.abc import Callable, Sequence
from difflib import SequenceMatcher

HasContent = Callable[[str], bool]


def is_not_comment(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def is_not_blank(line: str) -> bool:
    return bool(line.strip())


def merge_lines(
    before: Sequence[str], original: Sequence[str], after: Sequence[str], end: str, has_content: HasContent
) -> list[str]:
    """Return the lines of the original with what changed from before to after; if both changed a line, after wins.

    `end` is appended to new lines, as the lines of the original have it. Lines without content belong to what
    follows them, so new lines are inserted before them.
    """
    in_original = _matching_lines(before, original)
    in_after = _matching_lines(before, after)
    result: list[str] = []
    b = o = a = 0
    for same in [*sorted(in_original.keys() & in_after.keys()), len(before)]:
        to_o, to_a = in_original.get(same, len(original)), in_after.get(same, len(after))
        old, new = before[b:same], after[a:to_a]
        added = _added_lines(old, new, has_content)
        if added is None:
            result += [line + end for line in new]
        else:
            result += original[o:to_o]
            lines = _reindent_items(added, old, original[o:to_o])
            _insert(result, [line + end for line in lines], has_content)
        result += original[to_o : to_o + 1]
        b, o, a = same + 1, to_o + 1, to_a + 1
    return result


def _matching_lines(before: Sequence[str], other: Sequence[str]) -> dict[int, int]:
    """Return which line of the other text each line is, trailing space aside; blank lines match nothing."""
    a, b = ([line.rstrip() for line in lines] for lines in (before, other))
    matcher = SequenceMatcher(None, a, b, autojunk=False)
    return {
        block.a + offset: block.b + offset
        for block in matcher.get_matching_blocks()
        for offset in range(block.size)
        if a[block.a + offset]
    }


def _added_lines(
    before: Sequence[str], after: Sequence[str], has_content: HasContent
) -> Sequence[str] | None:
    """Return the lines that were added after the last content; None if anything else changed."""
    kept = next((at for at, line in enumerate(before) if after[at : at + 1] != [line]), len(before))
    more = len(after) - len(before)
    if more < 0 or after[kept + more :] != before[kept:] or any(map(has_content, before[kept:])):
        return None
    return after[kept : kept + more]


def _reindent_items(lines: Sequence[str], before: Sequence[str], original: Sequence[str]) -> list[str]:
    """Return the lines with new list items indented like the item before them in the original."""
    item = next(filter(is_not_comment, reversed(before)), "")
    original_item = next(filter(is_not_comment, reversed(original)), "")
    dash, wanted = item[: _indent(item)] + "- ", original_item[: _indent(original_item)] + "- "
    if not (item.startswith(dash) and original_item.startswith(wanted)):
        return list(lines)
    return [wanted + line.removeprefix(dash) if line.startswith(dash) else line for line in lines]


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _insert(result: list[str], lines: list[str], has_content: HasContent) -> None:
    at = len(result)
    while at and not has_content(result[at - 1]):
        at -= 1
    result[at:at] = lines
