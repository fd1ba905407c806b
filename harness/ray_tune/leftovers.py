"""What a Ray of one's own puts on the disk, written down while it runs, so that it goes even if its driver is killed.

A run's storage, in the folder for temporary files, holds a lock while its driver lives, and the path of Ray's session.
"""

import fcntl
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

HELD, SESSION = ".held", ".session"
_locks: dict[Path, int] = {}


def prefix() -> str:
    return f"nas-harness-{os.getuid()}-"


def hold(storage: Path) -> None:
    """Says that a driver uses it, for as long as this process lives or until `clear`."""
    _locks[storage] = os.open(storage / HELD, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(_locks[storage], fcntl.LOCK_EX | fcntl.LOCK_NB)


def note(storage: Path, session: str) -> None:
    (storage / SESSION).write_text(session)


def clear(storage: Path) -> None:
    """Removes a run's storage and the session that it names; nothing of another user's."""
    if not _mine(storage):
        return
    with suppress(OSError, ValueError):
        _remove_session(Path((storage / SESSION).read_text()))
    shutil.rmtree(storage, ignore_errors=True)
    if (lock := _locks.pop(storage, None)) is not None:
        os.close(lock)


def sweep() -> None:
    """Clears what drivers left that were killed."""
    for storage in Path(tempfile.gettempdir()).glob(f"{prefix()}*"):
        if _mine(storage) and storage not in _locks and _abandoned(storage):
            clear(storage)


def _abandoned(storage: Path) -> bool:
    try:
        lock = os.open(storage / HELD, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(lock)
    return True


def _remove_session(session: Path) -> None:
    """And the link that Ray keeps to its newest session, where it is this one."""
    if not (session.is_absolute() and session.name.startswith("session_") and _mine(session)):
        return
    latest = session.parent / "session_latest"
    with suppress(OSError):
        if os.path.realpath(latest) == os.path.realpath(session):
            latest.unlink()
    shutil.rmtree(session, ignore_errors=True)


def _mine(folder: Path) -> bool:
    """A folder of this user, and no link."""
    try:
        return folder.lstat().st_uid == os.getuid() and folder.is_dir() and not folder.is_symlink()
    except OSError:
        return False
