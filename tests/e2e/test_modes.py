"""In a user's home no other user can read configuration, state or spending, whatever the umask."""

import stat
from collections.abc import Mapping
from pathlib import Path

import pytest

from support.exporter.process import running_exporter
from support.processes import eventually
from support.proxy import openai_answers
from support.proxy.process import CODEROUTER, config, provider, serving
from support.proxy.upstream import serving as serving_upstream
from support.run_command import coderouter

WITHOUT_UMASK = ("sh", "-c", 'umask 0; exec "$0" "$@"')


def modes(folder: Path) -> Mapping[str, int]:
    """Return the mode of the folder, as `.`, and of what is in it."""
    found = {".": folder, **{path.name: path for path in folder.iterdir()}}
    return {name: stat.S_IMODE(path.stat().st_mode) for name, path in found.items()}


def spend(folder: Path, events_path: Path, home: Path) -> None:
    """Run a proxy that has something to spend, and an exporter beside it."""
    with serving_upstream() as upstream:
        a = upstream.provider("a")
        a.plays(openai_answers.answer())
        cost = {"input_per_mtok": 1, "output_per_mtok": 1, "monthly_budget_usd": 1}
        text = config([provider("a", a.base_url, cost=cost)])
        program = (*WITHOUT_UMASK, CODEROUTER, "serve")
        with serving(
            folder, text, events_path=events_path, env={"HOME": str(home)}, program=program
        ) as proxy:
            assert proxy.chat().rest().status == 200
            assert proxy.command.stop() == 0


def test_what_the_programs_create_in_a_home_belongs_to_its_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "deep" / ".coderouter"
    spend(tmp_path, folder / "events.jsonl", home=tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    with running_exporter(folder / "events.jsonl", state=folder / "state" / "exporter.db") as exporter:
        eventually(exporter.is_ready)
    found = modes(folder)
    assert found["."] == found["state"] == modes(tmp_path)["deep"] == 0o700
    assert found["spend.db"] == found["spend.db-live"] == modes(folder / "state")["exporter.db"] == 0o600


def test_outside_a_home_modes_are_the_usual_ones(tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "elsewhere"
    home.mkdir()
    spend(home, folder / "events.jsonl", home=home)
    found = modes(folder)
    assert (found["."], found["events.jsonl"], found["spend.db"]) == (0o777, 0o640, 0o644)


@pytest.mark.parametrize("output", ["~/.coderouter/providers.yaml", "~/new/p.yaml"])
def test_init_writes_a_file_that_only_the_user_can_read(output: str, tmp_path: Path) -> None:
    ended = coderouter(tmp_path, "init", "--non-interactive", "--output", output)
    assert ended.code == 0, ended.stderr
    path = tmp_path / output.removeprefix("~/")
    assert modes(path.parent) == {".": 0o700, path.name: 0o600}


def test_doctor_reports_what_others_can_read_and_how_to_change_it(tmp_path: Path) -> None:
    assert coderouter(tmp_path, "init", "--non-interactive").code == 0
    folder = tmp_path / ".coderouter"
    assert f"only you have access to {folder}" in " ".join(coderouter(tmp_path, "doctor").stdout.split())
    folder.chmod(0o755)
    (folder / "exporter.db").touch(0o644)
    shown = " ".join(coderouter(tmp_path, "doctor").stdout.split())
    assert "other users have access to .coderouter (0755), exporter.db (0644)" in shown
    assert f"chmod -R go= {folder}" in shown
