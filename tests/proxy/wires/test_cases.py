"""Situations from public reports, and more of their kinds, against the real proxy."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.conftest import serving_soundly
from support.proxy import process, wire_cases
from support.proxy.process import Proxy
from support.proxy.upstream import Upstream

pytestmark = pytest.mark.slow

CASES = sorted((Path(__file__).parent / "cases").glob("*/case.json"))


@pytest.fixture(scope="module")
def rig(upstream_server: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """One proxy for all cases."""
    with serving_soundly(tmp_path_factory.mktemp("cases"), wire_cases.config(upstream_server)) as started:
        yield started


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.parent.name)
def test_a_case_ends_as_it_has_to(path: Path, rig: Proxy, upstream_server: Upstream, tmp_path: Path) -> None:
    case = wire_cases.load(path)
    if case.refuses:  # what a proxy learns from it must not reach other cases
        with process.serving(tmp_path, wire_cases.config(upstream_server)) as own:
            outcome = wire_cases.run(case, own, upstream_server)
    else:
        outcome = wire_cases.run(case, rig, upstream_server)
    for name, fields in case.sent.items():
        last = outcome.seen[name][-1]
        assert {field: last.get(field) for field in fields} == fields, name
    assert outcome.fulfils(case.ok), f"{case.ok} is not true of {outcome}"
