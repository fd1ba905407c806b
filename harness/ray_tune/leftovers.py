"""What a Ray of one's own puts on the disk, written down while it runs, so that it goes even if its driver is killed.

A run's storage, in the folder for temporary files, holds a lock while its driver lives, and the path of Ray's session.
A process of its own, which is this file, sees the driver's end, and ends what Ray's agents would do for minutes yet.
"""

import fcntl
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

GRACE = 2.0  # seconds in which Ray's processes may end by themselves
HELD, SESSION = ".held", ".session"
_locks: dict[Path, int] = {}
_watchers: list["subprocess.Popen[bytes]"] = []


def prefix() -> str:
    return f"nas-harness-{os.getuid()}-"


def hold(storage: Path) -> None:
    """Says that a driver uses it, for as long as this process lives or until `clear`."""
    _locks[storage] = os.open(storage / HELD, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(_locks[storage], fcntl.LOCK_EX | fcntl.LOCK_NB)


def note(storage: Path, session: str) -> None:
    (storage / SESSION).write_text(session)


def clear(storage: Path) -> None:
    """Removes a run's storage; where it is one that this user's runs alone make, also the session that it names."""
    if not _mine(storage):
        return
    if storage.parent == Path(tempfile.gettempdir()) and storage.name.startswith(prefix()):
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
        owner = folder.lstat().st_uid
        own = owner == os.getuid() or owner == _owner_of_new(folder.parent)
        return own and folder.is_dir() and not folder.is_symlink()
    except OSError:
        return False


def _owner_of_new(folder: Path) -> int:
    """Whose what this user makes there is: some file systems make it another one's (root_squash, access points).

    Raises OSError where nothing can be made.
    """
    with tempfile.TemporaryFile(dir=folder) as file:
        return os.fstat(file.fileno()).st_uid


def watched(storage: Path, rays: Path) -> None:
    """Starts what clears up once this process is gone, however it goes. `rays`: where Ray is installed."""
    arguments = [sys.executable, "-I", __file__, str(storage), str(os.getpid()), str(rays)]
    _watchers.append(subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL, start_new_session=True))  # fmt: skip


def let_go() -> None:
    """Ends what watches, once it has ended what Ray left: runs that this process makes later have others."""
    for one in _watchers:
        if one.stdin:
            one.stdin.close()
    _watchers[:] = [one for one in _watchers if one.poll() is None]


def _watch(storage: Path, driver: int, home: bytes) -> None:
    """Until standard input ends, which the driver alone holds open."""
    rays: dict[int, str] = {}
    while not select.select([0], [], [], GRACE)[0]:
        rays = _rays_below(driver, home)
    time.sleep(GRACE)
    for process, started in rays.items():
        if _stat(process)[1] == started:
            with suppress(OSError):
                os.kill(process, signal.SIGKILL)
    if storage.is_dir() and _abandoned(storage):
        clear(storage)


def _rays_below(driver: int, home: bytes) -> dict[int, str]:
    """Ray's processes among a process's descendants, each with its time of start; none where there is no /proc."""
    parents = {int(path.name): _stat(int(path.name)) for path in Path("/proc").glob("[0-9]*")}
    found, new = set[int](), {driver}
    while new:
        found |= new
        new = {process for process, (parent, _) in parents.items() if parent in new} - found
    others = found - {driver, os.getpid()}
    return {process: parents[process][1] for process in others if _is_rays(process, home)}


def _stat(process: int) -> tuple[int, str]:
    """(parent, time of start); (0, "") where it is gone."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0, ""
    return int(fields[1]), fields[19]


def _is_rays(process: int, home: bytes) -> bool:
    """By its command: a worker's title, or a file below `home`."""
    try:
        line = Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return False
    return line.startswith(b"ray::") or home + b"/" in line


if __name__ == "__main__":
    _watch(Path(sys.argv[1]), int(sys.argv[2]), os.fsencode(sys.argv[3]))
