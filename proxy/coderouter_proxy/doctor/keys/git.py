"""Whether a git repository holds a file, or could come to hold it."""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from coderouter_proxy.doctor.result import Result, Verdict

GIT_S = 10
# A repository's own configuration must not run programs only because we look at it.
GIT = ("git", "--no-optional-locks", "-c", "core.fsmonitor=false")


def check(path: Path) -> Iterator[Result]:
    """Yield whether git ignores the file and whether it tracks it; of a symlink, the file that holds the keys."""
    subject = str(path)
    if shutil.which("git") is None:
        yield Result(subject=subject, check="git", verdict=Verdict.SKIP, message="git is not installed")
        return
    try:
        yield from _looked_at(subject, path.resolve())
    except subprocess.TimeoutExpired:
        message = f"git said nothing within {GIT_S} s"
        yield Result(subject=subject, check="git", verdict=Verdict.TRANSPORT_ERROR, message=message)


def _looked_at(subject: str, path: Path) -> Iterator[Result]:
    inside = _git(path, "rev-parse", "--is-inside-work-tree")
    if inside.stdout.strip() != b"true":
        foreign = b"dubious ownership" in inside.stderr
        message = "the repository belongs to another user" if foreign else "not in a repository"
        verdict = Verdict.SKIP if foreign else Verdict.OK
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
        message="yes" if ignored else "no: the next `git add` of its folder takes it along",
        remedy="" if ignored else f"echo {name} >> {folder}/.gitignore",
    )
    remedy = (
        f"git -C {folder} rm --cached {literal}, commit, and make new keys: the history keeps the old ones"
    )
    yield Result(
        subject=subject,
        check="tracked by git",
        verdict=Verdict.NEEDS_TUNING if tracked else Verdict.OK,
        message="yes: whoever has the repository has the keys" if tracked else "no",
        remedy=remedy if tracked else "",
    )


def _git(path: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    # In a hook, git's variables would point at the hook's repository.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return subprocess.run(
        [*GIT, "-C", path.parent, *arguments],
        env=environment,
        capture_output=True,
        timeout=GIT_S,
        check=False,
    )
