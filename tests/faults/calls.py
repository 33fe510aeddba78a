"""The system calls on event files and state, and the errors that each can return."""

from collections.abc import Iterator
from dataclasses import dataclass

_LOOKUP = ("EACCES", "ELOOP", "ENAMETOOLONG", "ENOENT", "ENOTDIR", "EIO", "ESTALE", "ENOTCONN", "ENOMEM")
_READ = ("EIO", "ESTALE", "ENOTCONN", "EISDIR", "EBADF", "EAGAIN", "ENOMEM", "EINTR")
_WRITE = ("ENOSPC", "EDQUOT", "EIO", "EROFS", "EFBIG", "EPERM")
_SYNC = ("EIO", "ENOSPC", "EDQUOT", "EROFS")

WHILE_RUNNING = {
    "newfstatat": (*_LOOKUP, "EOVERFLOW"),
    "readlink": (*_LOOKUP, "EINVAL"),
    "openat": (*_LOOKUP, "EMFILE", "ENFILE", "EPERM", "ENXIO", "ENODEV", "ENOSPC", "EROFS", "EINTR"),
    "getdents64": ("EIO", "ENOENT", "ENOTDIR", "EBADF", "ESTALE", "ENOTCONN"),
    "pread64": _READ,
    "read": tuple(error for error in _READ if error != "EAGAIN"),  # of a file, it never says that
    "lseek": ("EINVAL", "EIO", "ESPIPE", "EBADF"),
    "close": ("EIO", "ENOSPC", "EDQUOT", "EINTR"),
    "pwrite64": _WRITE,
    "fdatasync": _SYNC,
    "fsync": _SYNC,
    "ftruncate": ("EIO", "EFBIG", "EPERM", "ENOSPC", "EROFS"),
    "fallocate": ("ENOSPC", "EIO", "EOPNOTSUPP"),
    "fcntl": ("EAGAIN", "EACCES", "ENOLCK", "EIO", "EDEADLK", "EINTR"),
    "fchown": ("EPERM", "EIO"),
    "unlink": ("EACCES", "EPERM", "EIO", "EROFS", "EBUSY"),
    "inotify_add_watch": ("ENOSPC", "EACCES", "ENOENT", "ENOMEM", "ENOTDIR"),
}
AT_THE_START = WHILE_RUNNING | {
    "flock": ("ENOLCK", "EIO", "EINTR", "EOPNOTSUPP"),
    "mkdir": ("EACCES", "EROFS", "ENOSPC", "EDQUOT", "EIO", "EMLINK"),
    "rename": ("EACCES", "EROFS", "ENOSPC", "EDQUOT", "EIO", "EBUSY"),
    "inotify_init1": ("EMFILE", "ENFILE", "ENOMEM"),
}
_RETRIED_AT_ONCE = frozenset(("EINTR",))
"""A program may try again at once, so only a single failure is a fault."""
_WITHOUT_PATH = frozenset(("inotify_init1",))


@dataclass(frozen=True)
class Fault:
    call: str
    error: str
    lasts: bool
    """Until it is taken back; else it happens once."""

    def __str__(self) -> str:
        return f"{self.call} {self.error} {'lasting' if self.lasts else 'once'}"

    @property
    def has_path(self) -> bool:
        return self.call not in _WITHOUT_PATH


def faults(calls: dict[str, tuple[str, ...]]) -> Iterator[Fault]:
    for call, errors in calls.items():
        for error in errors:
            yield Fault(call, error, lasts=False)
            if error not in _RETRIED_AT_ONCE:
                yield Fault(call, error, lasts=True)
