"""Show how the runs went: agents down, providers across."""

from collections.abc import Sequence

from real_agents.run import Cell

NOT_RUN = "-"


def render(cells: Sequence[Cell], providers: Sequence[str]) -> str:
    """Return the table, and below it the problems and notes of each run."""
    runs = {(_title(cell), cell.provider): shown(cell) for cell in cells}
    titles = dict.fromkeys(title for title, _ in runs)
    rows = [["agent", *providers]]
    rows += [[title, *(runs.get((title, name), NOT_RUN) for name in providers)] for title in titles]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    for cell in cells:
        remarks = [f"problem: {problem}" for problem in cell.problems] + [
            f"note: {note}" for note in cell.notes
        ]
        lines += [f"{cell.agent}, {cell.provider}: {words}" for words in remarks]
    return "\n".join(lines)


def shown(cell: Cell) -> str:
    return f"{'FAILED' if cell.problems else 'ok'}, {cell.duration_s:g} s"


def _title(cell: Cell) -> str:
    return f"{cell.agent} {cell.version}"
