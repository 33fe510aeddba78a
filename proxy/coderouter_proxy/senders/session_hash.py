"""What events call a session: a keyed hash of its id. The key is in a file that only the proxy's user can read."""

import logging
import os
import secrets
from contextlib import suppress
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

from coderouter_events import private
from coderouter_events.reasons import reason_of
from coderouter_proxy.request import Session

FILE = "session.key"
KEY_BYTES = 32
DIGEST_BYTES = 6

log = logging.getLogger(__name__)


def shown(session: Session | None, key: bytes) -> str | None:
    """Return 12 hexadecimal digits."""
    return None if session is None else _digest(session.id, key)


@lru_cache(maxsize=1024)
def _digest(session_id: bytes, key: bytes) -> str:
    return blake2b(session_id, key=key, digest_size=DIGEST_BYTES).hexdigest()


def key_in(folder: Path) -> bytes:
    """Return the key in the folder, which is created if there is none; one of this process if that cannot be."""
    path = folder / FILE
    try:
        private.make_folder(folder)
        if not path.exists():
            _create(path)
        key = path.read_bytes()
    except OSError as error:
        reason = reason_of(error)
    else:
        if len(key) == KEY_BYTES:
            return key
        reason = "it holds no key"
    log.warning("cannot use %s (%s); events name sessions by a key of this process", path, reason)
    return secrets.token_bytes(KEY_BYTES)


def _create(path: Path) -> None:
    """Create the file at once with its key: of several processes that do so, all use the first."""
    new = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, private.FILE_MODE)
    try:
        os.write(fd, secrets.token_bytes(KEY_BYTES))
        with suppress(FileExistsError):
            os.link(new, path)
    finally:
        os.close(fd)
        new.unlink(missing_ok=True)
