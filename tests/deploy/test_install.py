"""`make install`, twice, with running services and the real logrotate, and `make uninstall`: only data is left."""

import re
import stat
import time
from pathlib import Path

from coderouter_events.lock import LOCK_SUFFIX
from support.processes import eventually
from support.proxy import openai_answers as says
from support.proxy import process
from support.proxy.upstream import Provider
from support.scratch import ScratchRoot
from support.systemd.services import running_exporter, running_proxy

STANZA = "/etc/logrotate.d/coderouter"
DATA = (
    "/etc/coderouter",
    "/etc/cr-exporter",
    "/var/log/coderouter",
    "/var/lib/coderouter",
    "/var/lib/cr-exporter",
)


PYTHON = """\
#!/bin/sh
set -eu
if [ "$1 $2" != "-m venv" ]; then
    exec /usr/bin/python3 "$@"
fi
cp -a {app} "$3"
printf '#!/bin/sh\\n[ "$1" = install ] || rm "$0"\\n' >"$3/bin/pip"
chmod 755 "$3/bin/pip"
"""


def python_without_pip(folder: Path, root: ScratchRoot) -> Path:
    """Return a Python that creates a copy of what is installed, because pip takes long to do the same again."""
    path = folder / "python3"
    path.write_text(PYTHON.format(app=root.path("/usr/local/lib/coderouter")), encoding="utf-8")
    path.chmod(0o755)
    return path


def files(root: ScratchRoot) -> set[str]:
    """Return every file that neither the test nor systemd's own tools created."""
    found = {f"/{path.relative_to(root.folder)}" for path in root.folder.rglob("*") if not path.is_dir()}
    ours = re.compile(
        r"/(etc/(passwd|group|shadow|gshadow)-?|bin|lib|lib64|sbin|etc/\.pwd\.lock)$|/run/|/var/lib/logrotate/"
    )
    return {path for path in found if not ours.match(path)}


def ownership(root: ScratchRoot, place: str) -> tuple[str, str, str]:
    """Return user, group and mode."""
    user, group, mode = root.output("stat", "-c", "%U %G %a", place).split()
    return user, group, mode


def event_files(events: Path) -> list[str]:
    return sorted(path.name for path in events.parent.iterdir() if not path.name.endswith(LOCK_SUFFIX))


def test_what_is_installed_runs_rotates_is_upgraded_and_is_removed_without_its_data(
    copy: ScratchRoot, a: Provider, tmp_path: Path
) -> None:
    root = copy
    configuration = root.configure(process.config([process.provider("a", a.base_url)]))
    a.plays(always=says.answer())
    with running_exporter(root) as exporter, running_proxy(root) as served:
        served.chat().rest()
        assert exporter.tries("a") == 1
        assert "renaming" in root.output("logrotate", "--debug", "--force", STANZA)
        assert len(event_files(served.events_path)) == 1
        for requests in (2, 3):  # in different seconds, which name the rotated files
            root.output("logrotate", "--force", STANZA)
            served.chat().rest()
            assert exporter.tries("a") == requests
            second = int(time.time())
            eventually(lambda second=second: int(time.time()) > second)  # type: ignore[misc]
        assert exporter.scrape()["cr_exporter_exact", ()] == 1
        rotated = event_files(served.events_path)
        assert [path.rpartition(".")[2] for path in rotated[1:]] == ["gz", rotated[2].rpartition(".")[2]]
        for name in rotated:
            user, group, mode = ownership(root, f"/var/log/coderouter/{name}")
            assert (user, group, mode) == ("coderouter", "coderouter-events", "640")
        assert len(root.output("zcat", "-f", f"/var/log/coderouter/{rotated[1]}", user="cr-exporter")) > 0

        configuration.write_text(configuration.read_text() + "# mine\n", encoding="utf-8")
        root.make("install", SYSTEM_PYTHON=str(python_without_pip(tmp_path, root)))
        served.chat().rest()
        assert exporter.tries("a") == 4

    assert configuration.read_text().endswith("# mine\n")
    assert "coderouter" in root.output("/usr/local/bin/coderouter", "--version")
    before = files(root)
    assert not [
        path
        for path in before
        if path.startswith(("/usr/local/lib/coderouter.new", "/usr/local/lib/coderouter.old"))
    ]
    root.make("uninstall")
    assert files(root) == {path for path in before if path.startswith(DATA)}
    assert {
        "/etc/coderouter/providers.yaml",
        "/etc/coderouter/coderouter.env",
        "/etc/cr-exporter/cr-exporter.env",
    } < files(root)
    root.make("uninstall", PURGE="1")
    assert files(root) == set()


def test_modes_keep_keys_from_everyone_and_the_configuration_from_others(root: ScratchRoot) -> None:
    assert ownership(root, "/etc/coderouter") == ("root", "coderouter", "750")
    assert ownership(root, "/etc/coderouter/providers.yaml") == ("root", "coderouter", "640")
    assert ownership(root, "/etc/coderouter/coderouter.env") == ("root", "root", "600")
    assert ownership(root, "/etc/cr-exporter") == ("root", "cr-exporter", "750")
    assert ownership(root, "/etc/cr-exporter/cr-exporter.env") == ("root", "root", "600")
    assert ownership(root, "/var/log/coderouter") == ("coderouter", "coderouter-events", "2750")


def test_the_installed_folder_is_self_contained_without_installers(
    root: ScratchRoot,
) -> None:
    app = root.path("/usr/local/lib/coderouter")
    packages = {path.name for path in app.glob("lib/python3*/site-packages/*")}
    assert {"coderouter_proxy", "coderouter_exporter"} < packages
    assert not packages & {"pip", "setuptools", "hatchling"}
    for script in (app / "bin").iterdir():
        if not script.is_symlink():
            assert script.read_bytes().startswith(b"#!/usr/local/lib/coderouter/bin/python")
    assert not [
        path for path in app.rglob("*") if not path.is_symlink() and path.stat().st_mode & stat.S_IWOTH
    ]
