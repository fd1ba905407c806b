"""A Store at a URL: an object store, or any other file system that pyarrow opens. Broken connections are tried again.

Credentials come from the environment of each machine, or from its role in a cloud. They are never part of a URL, so
none is written down.
"""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

from pyarrow import ArrowException
from pyarrow import fs as file_systems

from harness.errors import BadInput, first_line
from harness.storage.store import PATIENCE, Refused, Unreachable

OBJECTS = ("s3", "gs", "gcs", "abfs", "abfss")  # where a new object is whole once it is seen
WITHOUT_USER = ("s3", "gs", "gcs")  # elsewhere what stands before the host may be a container or a user's name
SCHEMES = (*OBJECTS, "hdfs", "viewfs", "file")
QUERY = ("region", "scheme", "endpoint_override", "allow_bucket_creation", "tls_ca_file_path", "blob_storage_authority",
         "dfs_storage_authority", "blob_storage_scheme", "dfs_storage_scheme", "enable_tls")  # fmt: skip
FIRST, LONGEST = 0.2, 10.0  # seconds between two attempts
REFUSALS = ("ACCESS_DENIED", "INVALID_ACCESS_KEY", "INVALID_CLIENT_TOKEN", "SIGNATURE_DOES_NOT_MATCH", "NO_SUCH_BUCKET",
            "EXPIRED_TOKEN", "HTTP status 401", "HTTP status 403", "PERMISSION_DENIED", "UNAUTHENTICATED")  # fmt: skip
SECRET = ("KEY", "TOKEN", "SECRET", "PASSWORD", "CONNECTION_STRING")  # in names of variables
T = TypeVar("T")


def check_url(url: str) -> None:
    """Raises BadInput where it names no store, or holds credentials; these are not repeated in the message."""
    try:
        parts = urlsplit(url)
        secret = parts.password or (parts.username and parts.scheme in WITHOUT_USER)
    except ValueError:
        raise BadInput("--checkpoints: that is no URL; write one as in s3://bucket/prefix") from None
    if secret or (odd := [name for name, _ in parse_qsl(parts.query, True) if name not in QUERY]):
        what = "credentials" if secret else f"'{odd[0]}'"
        raise BadInput(f"--checkpoints: the URL holds {what}, which does not belong there: it is written down; give "
                       "credentials by the environment, as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")  # fmt: skip
    if parts.scheme not in SCHEMES:
        raise BadInput(f"--checkpoints {url}: its scheme must be one of {', '.join(SCHEMES)}, as in s3://bucket/prefix")
    if "#" in url:
        raise BadInput(f"--checkpoints {url}: what follows # belongs to no place; leave it out")
    if not (parts.netloc or parts.scheme == "file") or not (parts.path + parts.netloc).strip("/"):
        raise BadInput(f"--checkpoints {url}: it names no bucket; write one as in s3://bucket/prefix")


def below(url: str, name: str) -> str:
    """The URL of a place below one."""
    head, mark, query = url.partition("?")
    return f"{head.rstrip('/')}/{name}{mark}{query}"


@dataclass(frozen=True)
class Bucket:
    """`url`: as the user wrote it, and what is below it; `path`: as the file system calls it."""

    url: str
    path: str
    system: Any
    patience: float = PATIENCE

    @classmethod
    def opened(cls, url: str, patience: float = PATIENCE) -> "Bucket":
        """Raises Unreachable where this pyarrow cannot open such a URL."""
        system, path = _system(url)
        return cls(url, path.rstrip("/"), system, patience)

    def __str__(self) -> str:
        return self.url.partition("?")[0]

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    def at(self, name: str) -> "Bucket":
        return Bucket(below(self.url, name), f"{self.path}/{name}", self.system, self.patience)

    def make(self) -> None:
        """Objects need no folder; other file systems do."""
        if not self._objects:
            self._tried(lambda: self.system.create_dir(self.path, recursive=True))

    def put(self, name: str, content: bytes, durable: bool = True) -> None:
        """`durable` says nothing here: what an object store has taken it keeps."""
        self._tried(lambda: self._put(name, content))

    def get(self, name: str) -> bytes | None:
        return self._tried(lambda: self._get(name))

    def sizes(self) -> dict[str, int]:
        return {one.base_name: one.size for one in self._listed() if one.is_file}

    def places(self) -> list[str]:
        return [one.base_name for one in self._listed() if not one.is_file]

    def rename(self, name: str, new: str) -> None:
        """Done too where it is gone: an attempt whose answer was lost has renamed it."""
        with suppress(FileNotFoundError):
            self._tried(lambda: self.system.move(f"{self.path}/{name}", f"{self.path}/{new}"))

    def delete(self, name: str) -> None:
        self._tried(lambda: self._delete(name))

    def clear(self) -> None:
        """What remains because the connection breaks is removed by the next sweep."""
        with suppress(OSError):
            self._tried(lambda: self.system.delete_dir(self.path))

    @property
    def _objects(self) -> bool:
        return self.url.partition(":")[0] in OBJECTS

    def _put(self, name: str, content: bytes) -> None:
        """Elsewhere than in object stores: into a file beside it, then renamed."""
        path = f"{self.path}/{name}"
        written = path if self._objects else f"{self.path}/.{name}.{os.getpid()}.tmp"
        if not self._objects:
            self.system.create_dir(self.path, recursive=True)
        with self.system.open_output_stream(written) as file:
            file.write(content)
        if written != path:
            self.system.move(written, path)

    def _get(self, name: str) -> bytes | None:
        try:
            with self.system.open_input_stream(f"{self.path}/{name}") as file:
                content: bytes = file.read()
        except FileNotFoundError:
            return None
        return content

    def _delete(self, name: str) -> None:
        with suppress(FileNotFoundError):
            self.system.delete_file(f"{self.path}/{name}")

    def _listed(self) -> list[Any]:
        found: list[Any] = self._tried(lambda: self.system.get_file_info(
            file_systems.FileSelector(self.path, allow_not_found=True)))  # fmt: skip
        return found

    def _tried(self, call: Callable[[], T]) -> T:
        """Again and again, ever more rarely, for `patience` seconds. Raises Unreachable, Refused at once."""
        end, pause = time.monotonic() + self.patience, FIRST
        while True:
            try:
                return call()
            except FileNotFoundError:
                raise
            except (OSError, ArrowException) as error:
                if any(one in str(error) for one in REFUSALS):
                    raise Refused(f"{self} refuses access: {said(error)}") from None
                if time.monotonic() + pause > end:
                    raise Unreachable(f"{self} cannot be reached: {said(error)}") from None
            time.sleep(pause)
            pause = min(2 * pause, LONGEST)


@lru_cache(maxsize=8)
def _system(url: str) -> tuple[Any, str]:
    """pyarrow's file system, which many places share, and the path in it."""
    more = "&allow_delayed_open=true" if "?" in url else "?allow_delayed_open=true"  # small objects in one request
    try:
        found: tuple[Any, str] = file_systems.FileSystem.from_uri(url + more * url.startswith("s3:"))
    except (ImportError, NotImplementedError) as error:
        raise Unreachable(f"this pyarrow has no file system for {url}: {said(error)}; install another build") from None
    except (ArrowException, ValueError) as error:
        raise Unreachable(f"{url.partition('?')[0]} cannot be opened: {said(error)}") from None
    return found


def said(error: BaseException) -> str:
    """In one line, without anything secret of the environment."""
    text = first_line(error)
    for name, value in os.environ.items():
        if name.startswith(("AWS_", "AZURE_", "GOOGLE_")) and len(value) >= 8 and any(one in name for one in SECRET):
            text = text.replace(value, "…")
    return text
