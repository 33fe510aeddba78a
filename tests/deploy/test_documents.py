"""The programs that deploy/README.md shows configurations for accept them."""

import re
import subprocess
from pathlib import Path

import pytest

from support.programs import program
from support.scratch import REPOSITORY, ScratchRoot

PAGE = REPOSITORY / "deploy/README.md"
AGENT = "# prometheus --agent"


def blocks(language: str) -> list[str]:
    return re.findall(
        rf"^```{language}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )


@pytest.mark.parametrize("block", blocks("yaml"), ids=["server", "agent"])
def test_prometheus_accepts_the_scrape_configurations(tmp_path: Path, block: str) -> None:
    path = tmp_path / "prometheus.yml"
    path.write_text(block, encoding="utf-8")
    options = ["--agent"] if AGENT in block else []
    checked = subprocess.run(
        [program("promtool"), "check", "config", *options, path], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("block", blocks("sh"))
def test_the_shell_lines_have_no_syntax_error(block: str) -> None:
    subprocess.run(["sh", "-n"], input=block.replace("NAME", "name"), text=True, check=True)


@pytest.mark.parametrize("block", blocks("ini"))
def test_systemd_accepts_the_drop_in(root: ScratchRoot, block: str) -> None:
    drop_in = root.path("/etc/systemd/system/coderouter.service.d/override.conf")
    drop_in.parent.mkdir(exist_ok=True)
    drop_in.write_text(block, encoding="utf-8")
    try:
        output = root.output("systemd-analyze", "verify", "/etc/systemd/system/coderouter.service")
    finally:
        drop_in.unlink()
    assert output == ""


def test_the_table_of_places_lists_installed_files(root: ScratchRoot) -> None:
    table = PAGE.read_text(encoding="utf-8").partition("## Install")[0]
    places = [place for place in re.findall(r"`(/[^`]+)`", table) if not place.startswith("/var/lib/")]
    made_by_the_proxy = "/var/log/coderouter/events.jsonl"
    assert len(places) >= 6
    for place in places:
        if place != made_by_the_proxy:
            assert root.path(place).exists(), place
