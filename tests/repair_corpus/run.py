"""`make bench-repair`: print, for each format, how many texts reach the client as they should.

Ids of cases as arguments print what their client gets instead.
"""

import sys
from collections import defaultdict
from collections.abc import Sequence

from repair_corpus.judge import WAYS, Verdict, cases, judge

TITLES = {"call": "calls", "text": "look-alikes", "filter": "filtered texts"}


def main() -> None:
    if wanted := set(sys.argv[1:]):
        _explain(wanted)
        return
    of_kind: dict[str, list[Verdict]] = {kind: [] for kind in TITLES}
    for case in cases():
        of_kind[case.kind].append(judge(case))
    for kind, verdicts in of_kind.items():
        _table(TITLES[kind], verdicts)
    print()
    for kind, verdicts in of_kind.items():
        good = sum(verdict.good for verdict in verdicts)
        print(
            f"{TITLES[kind]}: {good} of {len(verdicts)} arrive as they should in every way, {good / len(verdicts):.1%}"
        )
    print(f"look-alikes that became calls: {sum(verdict.has_calls for verdict in of_kind['text'])}")


def _table(title: str, verdicts: Sequence[Verdict]) -> None:
    """Print a row for each format: how many arrive as they should in each way, and which do not in some."""
    by_format: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        by_format[verdict.case.format.partition(":")[0]].append(verdict)
    print(f"\n{title:<24} cases  {'  '.join(WAYS)}  false calls")
    for form, of_form in by_format.items():
        held = "  ".join(f"{sum(way in verdict.held for verdict in of_form):>{len(way)}}" for way in WAYS)
        false = sum(verdict.has_calls for verdict in of_form if not verdict.case.calls)
        bad = " ".join(
            verdict.case.id.removeprefix(form).lstrip("/:") for verdict in of_form if not verdict.good
        )
        print(f"{form:<24} {len(of_form):>5}  {held}  {false:>11}  {bad}".rstrip())


def _explain(wanted: set[str]) -> None:
    for case in cases():
        if case.id in wanted:
            print(f"=== {case.id}\n{case.text}\n--- has to be {case.calls} and {case.texts}")
            for way, send in WAYS.items():
                print(f"--- {way}: {send(case)}")


if __name__ == "__main__":
    main()
