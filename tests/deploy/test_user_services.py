"""`coderouter service`: the units of one user, without root, and what is said where no systemd of the user answers."""

import subprocess
from pathlib import Path

import pytest

from support.processes import SCRIPTS, clean_environment
from support.programs import program
from support.proxy.process import CODEROUTER, serving
from support.systemd.units import Unit

PROGRAMS = ("coderouter", "cr-exporter")


def service(home: Path, *arguments: str, coderouter: Path = CODEROUTER) -> subprocess.CompletedProcess[str]:
    """Run the command as a user of this home whose systemd does not answer."""
    own = {"HOME": str(home), "XDG_RUNTIME_DIR": str(home / "none"), "DBUS_SESSION_BUS_ADDRESS": ""}
    environment = clean_environment(**own)
    environment.pop("XDG_CONFIG_HOME", None)
    command: list[str | Path] = [coderouter, "service", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def units(home: Path) -> list[Path]:
    return sorted((home / ".config/systemd/user").iterdir())


def complaints(home: Path, found: list[Path]) -> str:
    """Return what the user's systemd would find wrong with the units."""
    command: list[str | Path] = [program("systemd-analyze"), "--user", "verify", *found]
    environment = clean_environment(HOME=str(home), XDG_RUNTIME_DIR=str(home))
    checked = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert checked.returncode == 0 or checked.stderr
    return checked.stdout + checked.stderr


def test_it_writes_units_that_run_the_programs_beside_it_and_says_how_to_start_them(tmp_path: Path) -> None:
    said = service(tmp_path, "install", "--user")
    assert said.returncode == 0, said.stderr
    assert "systemctl --user enable cr-exporter.service coderouter.service" in said.stdout
    for name in PROGRAMS:
        program_path, *_ = Unit(tmp_path / f".config/systemd/user/{name}.service").one("ExecStart").split()
        assert Path(program_path) == SCRIPTS / name


def test_what_it_writes_is_sound(tmp_path: Path) -> None:
    service(tmp_path, "install", "--user")
    assert complaints(tmp_path, units(tmp_path)) == ""
    with serving(tmp_path, None, "--config", str(tmp_path / ".coderouter/providers.yaml")) as served:
        assert served.gets("/healthz").status == 200


def test_it_keeps_a_configuration_that_is_there_and_keys_from_others(tmp_path: Path) -> None:
    mine = tmp_path / ".coderouter/providers.yaml"
    mine.parent.mkdir()
    mine.write_text("# mine\n", encoding="utf-8")
    for _ in range(2):
        assert service(tmp_path, "install", "--user").returncode == 0
    assert mine.read_text() == "# mine\n"
    assert (tmp_path / ".coderouter/coderouter.env").stat().st_mode & 0o777 == 0o600


def test_a_folder_with_odd_characters_reaches_systemd_as_it_is(tmp_path: Path) -> None:
    odd = tmp_path / "100% my programs"
    odd.mkdir()
    for name in PROGRAMS:
        (odd / name).symlink_to(SCRIPTS / name)
    assert service(tmp_path, "install", "--user", coderouter=odd / "coderouter").returncode == 0
    assert complaints(tmp_path, units(tmp_path)) == ""


def test_without_its_sibling_it_writes_nothing(tmp_path: Path) -> None:
    alone = tmp_path / "bin/coderouter"
    alone.parent.mkdir()
    alone.symlink_to(CODEROUTER)
    said = service(tmp_path, "install", "--user", coderouter=alone)
    assert said.returncode == 3
    assert f"{alone.parent}/cr-exporter is not there" in said.stderr
    assert not (tmp_path / ".config").exists()


def test_uninstall_takes_the_units_and_leaves_the_data(tmp_path: Path) -> None:
    assert service(tmp_path, "status", "--user").returncode == 4
    service(tmp_path, "install", "--user")
    assert service(tmp_path, "status", "--user").returncode == 3
    said = service(tmp_path, "uninstall", "--user")
    assert said.returncode == 0
    assert units(tmp_path) == []
    assert sorted(path.name for path in (tmp_path / ".coderouter").iterdir()) == [
        "coderouter.env",
        "cr-exporter.env",
        "logrotate.conf",
        "providers.yaml",
    ]


@pytest.mark.parametrize("command", ["install", "uninstall", "status"])
def test_services_of_the_machine_are_left_to_make_install(tmp_path: Path, command: str) -> None:
    said = service(tmp_path, command)
    assert said.returncode == 2
    assert "make install" in said.stderr


def test_the_stanza_of_one_user_rotates_the_usual_file(tmp_path: Path) -> None:
    service(tmp_path, "install", "--user")
    folder = tmp_path / ".coderouter"
    (folder / "events.jsonl").write_text("{}\n", encoding="utf-8")
    for options in (("--debug",), ("--force",)):
        command: list[str | Path] = [program("logrotate"), *options, "--state", folder / "status"]
        command.append(folder / "logrotate.conf")
        ended = subprocess.run(
            command, env=clean_environment(HOME=str(tmp_path)), capture_output=True, check=False
        )
        assert ended.returncode == 0, ended.stderr
    [rotated] = folder.glob("events.jsonl*")
    assert rotated.name.startswith("events.jsonl-")
