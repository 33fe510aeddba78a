"""The leaks probe finds markup in replies that no filter removes."""

from pathlib import Path

from support.proxy.doctor import run_probes
from support.proxy.model import Model
from support.proxy.upstream import Provider


def test_a_tag_that_is_only_closed_has_to_be_fixed_in_the_server(tmp_path: Path, a: Provider) -> None:
    found = run_probes(tmp_path, a, Model(leak="Hm.</think>"))
    assert (found.verdicts["leaks"], found.patch("leaks")) == ("NEEDS_TUNING", {})
    assert "--reasoning-format" in found.text("leaks")
