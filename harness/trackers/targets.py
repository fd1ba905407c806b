"""What `--track` and `--to` name: a tracker and, of MLflow, its server. Standard library only."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.util import find_spec
from urllib.parse import SplitResult, unquote, urlsplit

from harness.errors import BadInput, first_line

TRACKERS = ("mlflow", "wandb", "tensorboard")  # each is the name of its package and of the extra, too
SCHEMES = ("http", "https")
LONGEST = 200  # letters of a reason


@dataclass(frozen=True)
class Target:
    """`uri`: of MLflow's server, perhaps with a user's name and password, which nothing may show."""

    kind: str
    uri: str = field(default="", repr=False)

    @property
    def shown(self) -> str:
        """As it is named on the command line, without what is secret."""
        return self.kind + (f":{self.address}" if self.uri else "")

    @property
    def address(self) -> str:
        """The URI without user, password and query."""
        parts = urlsplit(self.uri)
        return SplitResult(parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", "").geturl()

    @property
    def login(self) -> tuple[str, str]:
        parts = urlsplit(self.uri)
        return unquote(parts.username or ""), unquote(parts.password or "")

    @property
    def secret(self) -> bool:
        """Whether more stands in the URI than may be shown."""
        parts = urlsplit(self.uri)
        return any((*self.login, parts.query, parts.fragment))

    @property
    def digest(self) -> str:
        """Tells targets apart in names of files."""
        return hashlib.sha256(self.shown.encode()).hexdigest()[:8]

    def reason(self, error: BaseException) -> str:
        """What went wrong, in one short line without what is secret; libraries bury it in chains of their own."""
        text, inner = "no answer in time" if isinstance(error, TimeoutError) else first_line(error), error
        while inner := inner.__cause__ or inner.__context__:  # type: ignore[assignment]
            if isinstance(inner, TimeoutError):
                text = "no answer in time"
            elif isinstance(inner, OSError) and inner.strerror:
                text = inner.strerror
        for secret in (self.uri, *self.login, urlsplit(self.uri).query):
            text = text.replace(secret, "…") if secret else text
        return " ".join(text.split())[:LONGEST]


def targets(option: str, texts: Iterable[str]) -> tuple[Target, ...]:
    """Each once. Raises BadInput where one names no tracker, or one whose package is not installed."""
    found = tuple(dict.fromkeys(_target(option, text) for text in texts))
    for kind in (target.kind for target in found):
        if not _installed(kind):
            raise BadInput(f"{option} {kind} needs the package {kind}: pip install 'nas-harness[{kind}]'")
    return found


def _target(option: str, text: str) -> Target:
    """No message repeats what follows the colon: it may hold a password."""
    kind, colon, uri = text.partition(":")
    if kind not in TRACKERS:
        raise BadInput(f"{option} {kind}{'…' * bool(colon)} is no tracker; write mlflow:URI, wandb or tensorboard")
    if kind == "mlflow":
        return Target(kind, _checked(option, uri))
    if colon:
        raise BadInput(f"{option} {kind} takes no address; write {option} {kind}")
    return Target(kind)


def _checked(option: str, uri: str) -> str:
    """Raises BadInput."""
    form = f"write {option} mlflow:http://HOST:PORT with the address of an MLflow server"
    if not uri:
        raise BadInput(f"{option} mlflow lacks its server; {form}")
    try:
        parts = urlsplit(uri)
        sound = bool(parts.hostname) and parts.port != 0 and uri.isprintable() and " " not in uri
    except ValueError:  # of a port that is none
        raise BadInput(f"{option} mlflow: the address is not valid; {form}") from None
    if parts.scheme not in SCHEMES:
        raise BadInput(f"{option} mlflow: an address begins with http:// or https://; {form}")
    if not sound:
        raise BadInput(f"{option} mlflow: the address names no host; {form}")
    return uri


def _installed(package: str) -> bool:
    """A folder of that name, such as W&B writes into the current one, is no package."""
    found = find_spec(package)
    return found is not None and found.origin is not None
