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
    verdicts = [judge(case) for case in cases()]
    for kind, title in TITLES.items():
        of_kind = [verdict for verdict in verdicts if verdict.case.kind == kind]
        _table(title, of_kind)
    print()
    for kind, title in TITLES.items():
        of_kind = [verdict for verdict in verdicts if verdict.case.kind == kind]
        good = sum(verdict.good for verdict in of_kind)
        false = f", {sum(v.has_calls for v in of_kind)} became calls" if kind == "text" else ""
        print(f"{title}: {good} of {len(of_kind)} hold in every way, {good / len(of_kind):.1%}{false}")


def _table(title: str, verdicts: Sequence[Verdict]) -> None:
    by_format: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        by_format[verdict.case.format.partition(":")[0]].append(verdict)
    print(f"\n{title:<24} {'cases':>5} " + " ".join(WAYS) + "   missing")
    for form, of_form in by_format.items():
        held = " ".join(f"{sum(way in v.held for v in of_form):>{len(way)}}" for way in WAYS)
        missing = " ".join(v.case.id.rpartition("/")[2] for v in of_form if not v.good)
        print(f"{form:<24} {len(of_form):>5} {held}   {missing}".rstrip())


def _explain(wanted: set[str]) -> None:
    for case in cases():
        if case.id in wanted:
            print(f"=== {case.id}\n{case.text}\n--- has to be {case.calls} and {case.texts}")
            for way, send in WAYS.items():
                print(f"--- {way}: {send(case)}")


if __name__ == "__main__":
    main()
