"""Most of what models write reaches the client as they meant it, however it is cut into pieces.

`make bench-repair` prints the same by format, and sends every text by single characters.
"""

from collections.abc import Sequence

import pytest

from repair_corpus.calls import FORMATS
from repair_corpus.judge import WAYS, Verdict, cases, judge

pytestmark = pytest.mark.slow

CASES = list(cases())
SLOW_WAY = "by 1"

FALSE_CALLS_MAX = 2
GOOD_MIN = {"call": 0.95, "text": 0.98, "filter": 0.90}


@pytest.fixture(scope="module")
def verdicts() -> list[Verdict]:
    """Judge every case; by single characters only every third, as that takes most of the time."""
    fast = WAYS.keys() - {SLOW_WAY}
    return [judge(case, fast if number % 3 else WAYS) for number, case in enumerate(CASES)]


def ids(verdicts: Sequence[Verdict]) -> str:
    return "\n".join(
        f"{verdict.case.id}: {', '.join(sorted(verdict.sent - verdict.held))}" for verdict in verdicts
    )


@pytest.mark.parametrize("kind", GOOD_MIN)
def test_most_texts_reach_the_client_as_they_are_meant(kind: str, verdicts: list[Verdict]) -> None:
    of_kind = [verdict for verdict in verdicts if verdict.case.kind == kind]
    bad = [verdict for verdict in of_kind if not verdict.good]
    assert 1 - len(bad) / len(of_kind) >= GOOD_MIN[kind], f"{len(bad)} of {len(of_kind)}:\n{ids(bad)}"


def test_hardly_any_text_becomes_a_call(verdicts: list[Verdict]) -> None:
    false = [verdict for verdict in verdicts if verdict.case.kind == "text" and verdict.has_calls]
    assert len(false) <= FALSE_CALLS_MAX, ids(false)


def test_where_a_text_is_cut_does_not_matter(verdicts: list[Verdict]) -> None:
    torn = [verdict for verdict in verdicts if verdict.is_torn]
    assert not torn, ids(torn)


def test_the_corpus_is_as_large_as_it_was() -> None:
    kinds = [case.kind for case in CASES]
    assert len({case.id for case in CASES}) == len(CASES)
    assert len(FORMATS) >= 100
    assert kinds.count("call") >= 800
    assert kinds.count("text") >= 200
    assert kinds.count("filter") >= 120
