"""Check that a file is not in a git repository, and that it is ignored there."""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from coderouter_proxy.doctor.result import Result, Verdict

TIMEOUT_S = 10
# A repository's own configuration must not run programs only because we inspect it.
GIT = ("git", "--no-optional-locks", "-c", "core.fsmonitor=false")


def check(path: Path) -> Iterator[Result]:
    """Yield whether git ignores the file and whether it tracks it; for a symlink, its target is checked."""
    subject = str(path)
    if shutil.which("git") is None:
        yield Result(subject=subject, check="git", verdict=Verdict.SKIP, message="git is not installed")
        return
    try:
        yield from _check_repository(subject, path.resolve())
    except subprocess.TimeoutExpired:
        message = f"git did not respond within {TIMEOUT_S} s"
        yield Result(subject=subject, check="git", verdict=Verdict.TRANSPORT_ERROR, message=message)


def _check_repository(subject: str, path: Path) -> Iterator[Result]:
    inside = _git(path, "rev-parse", "--is-inside-work-tree")
    if inside.stdout.strip() != b"true":
        is_foreign = b"dubious ownership" in inside.stderr
        message = "the repository belongs to another user" if is_foreign else "not in a repository"
        verdict = Verdict.SKIP if is_foreign else Verdict.OK
        yield Result(subject=subject, check="git", verdict=verdict, message=message)
        return
    tracked = _git(path, "ls-files", "--error-unmatch", "--", f":(literal){path.name}").returncode == 0
    ignored = _git(path, "check-ignore", "--quiet", "--no-index", "--", path.name).returncode == 0
    name, folder = shlex.quote(path.name), shlex.quote(str(path.parent))
    literal = name if re.fullmatch(r"[\w.-]+", path.name) else shlex.quote(f":(literal){path.name}")
    yield Result(
        subject=subject,
        check="ignored by git",
        verdict=Verdict.OK if ignored else Verdict.NEEDS_TUNING,
        message="yes" if ignored else "no: the next `git add` of its folder includes it",
        remedy="" if ignored else f"echo {name} >> {folder}/.gitignore",
    )
    remedy = (
        f"git -C {folder} rm --cached {literal}, commit, and create new keys: the history keeps the old ones"
    )
    yield Result(
        subject=subject,
        check="tracked by git",
        verdict=Verdict.NEEDS_TUNING if tracked else Verdict.OK,
        message="yes: anyone with the repository has the keys" if tracked else "no",
        remedy=remedy if tracked else "",
    )


def _git(path: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    # In a hook, git's variables would point at the hook's repository.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return subprocess.run(
        [*GIT, "-C", path.parent, *arguments],
        env=environment,
        capture_output=True,
        timeout=TIMEOUT_S,
        check=False,
    )
