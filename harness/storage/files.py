"""Files and folders: opened without following links, written atomically, made durable, measured."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_IMODE

from harness.errors import BadInput

LINK = "is a symbolic link out of the results folder; a folder that somebody else made could so change other files"
LARGEST = 2**24  # bytes of a file that people write
LONGEST = 50  # characters of a file's name that its temporary one has, too: there is more to it


def small_file(path: Path) -> bytes:
    """The content of a file that somebody named. Raises OSError where it is none, such as a pipe, or very large."""
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "no regular file", str(path))
    with open(path, "rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise OSError(errno.EFBIG, f"more than {LARGEST:,} bytes", str(path))
    return content


def write_over(path: Path, content: bytes, beginnings: tuple[bytes, ...] = ()) -> None:
    """Into a new file, or over one that begins as what is written does: the old content or the new, never a part.

    A link stays, and so do the file's permissions. Raises BadInput where it is something else.
    """
    if path.exists() and (before := small_file(path)) and not before.lstrip().startswith(beginnings):
        raise BadInput(f"{path} exists already and has other contents; name another file, or remove it")
    try:
        if _is_output(path):
            path.write_bytes(content)  # whoever redirected it reads on in that very file
        else:
            write_atomically(Path(os.path.realpath(path)), content, like=_writable(path))
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None


def _is_output(path: Path) -> bool:
    """Whether it is what this process's output goes into, as /dev/stdout is."""
    with suppress(OSError):
        return any(os.path.samestat(path.stat(), os.fstat(stream)) for stream in (1, 2))
    return False


def _writable(path: Path) -> os.stat_result | None:
    """Of the file that is there. Raises PermissionError where it may not be written."""
    if not path.exists():
        return None
    if not os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    return path.stat()


def refuse_links(folder: Path) -> None:
    """Raises BadInput where something below `folder` leads out of it, or is neither a file nor a folder."""
    home = os.path.realpath(folder)
    for entry in _below(home):
        if entry.is_symlink():
            if not Path(os.path.realpath(entry.path)).is_relative_to(home):
                raise BadInput(f"{entry.path} {LINK}: remove it")
        elif not (entry.is_dir(follow_symlinks=False) or entry.is_file(follow_symlinks=False)):
            raise BadInput(f"{entry.path} is neither a file nor a folder: remove it")


def opened(path: Path, flags: int) -> int:
    """A descriptor of the very file at `path`. Raises BadInput where it is a link, OSError as `os.open` does."""
    try:
        return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise BadInput(f"{path} is a symbolic link, which is not followed: remove it") from None


def _below(folder: str) -> Iterator["os.DirEntry[str]"]:
    """Everything below `folder`, through no link, whatever vanishes meanwhile or cannot be read."""
    with suppress(FileNotFoundError, NotADirectoryError, PermissionError), os.scandir(folder) as entries:
        for entry in entries:
            yield entry
            if entry.is_dir(follow_symlinks=False):
                yield from _below(entry.path)


def write_atomically(path: Path, content: bytes, durable: bool = True, like: os.stat_result | None = None) -> None:
    """The old content or the new, never a part: a temporary file beside it, synced, then renamed.

    `like`: whose owner and permissions it gets.
    """
    temporary = path.with_name(f".{path.name[:LONGEST]}.{os.getpid()}.tmp")
    descriptor = opened(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        with open(descriptor, "wb") as file:
            if like:
                with suppress(PermissionError):
                    os.fchown(file.fileno(), like.st_uid, like.st_gid)
                os.fchmod(file.fileno(), S_IMODE(like.st_mode))
            file.write(content)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:  # a signal, too
        temporary.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """While nobody else has this file open so: for what is read, changed and written anew. Waits for its turn.

    Raises BadInput where the file system cannot lock.
    """
    with open(opened(path, os.O_RDWR | os.O_CREAT), "rb") as file:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX)
        except OSError as error:
            raise BadInput(f"{path.parent}: its file system cannot lock files ({error.strerror})") from None
        yield


def sync_folder(folder: Path) -> None:
    """Makes a new or renamed file's name durable, where the file system can."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
    finally:
        os.close(descriptor)


def size_below(folder: Path) -> int:
    """Bytes below `folder`, whatever vanishes meanwhile."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(parent, name)).st_size
            except FileNotFoundError:
                continue
    return total
