"""Which work on a GPU's streams comes before which, and who touches the same memory without such an order (a race)."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Memory(NamedTuple):
    """A storage, or a workspace: `alive` says whether its key still stands for the same one."""

    key: Hashable
    alive: Any = None  # a weak reference to the storage

    @property
    def gone(self) -> bool:
        return self.alive is not None and self.alive.expired()


class Launch(NamedTuple):
    stream: Hashable
    number: int  # on its stream, from 1
    what: str


@dataclass
class Touched:
    memory: Memory
    written: Launch | None = None
    read: dict[Hashable, Launch] = field(default_factory=dict)  # since then, the last on each stream


class Order:
    """Happens-before, by vector clocks: a stream knows how far others had come when it waited for them."""

    def __init__(self) -> None:
        self.launched: Counter[Hashable] = Counter()
        self.races: Counter[str] = Counter()
        self._knows: defaultdict[Hashable, Counter[Hashable]] = defaultdict(Counter)
        self._host: Counter[Hashable] = Counter()
        self._touched: dict[Hashable, Touched] = {}

    def waits(self, later: Hashable, earlier: Hashable) -> None:
        """What is launched on `later` from now on comes after all that was launched on `earlier`."""
        self._learn(self._knows[later], earlier)

    def host_waits(self, stream: Hashable) -> None:
        self._learn(self._host, stream)

    def host_waits_for_all(self) -> None:
        for stream in list(self.launched):
            self.host_waits(stream)

    def launch(self, what: str, stream: Hashable, reads: Iterable[Memory], writes: Iterable[Memory]) -> None:
        self.launched[stream] += 1
        now = Launch(stream, self.launched[stream], what)
        for memory in reads:
            touched = self._of(memory)
            self._check(now, "reads", "writes", touched.written)
            touched.read[stream] = now
        for memory in writes:
            touched = self._of(memory)
            self._check(now, "overwrites", "writes", touched.written)
            for other in touched.read.values():
                self._check(now, "overwrites", "reads", other)
            touched.written, touched.read = now, {}

    def _check(self, now: Launch, does: str, did: str, before: Launch | None) -> None:
        if before and before.stream != now.stream:
            known = max(self._knows[now.stream][before.stream], self._host[before.stream])
            if known < before.number:
                text = f"{now.what} on {now.stream} {does} what {before.what} {did} on {before.stream}"
                self.races[text] += 1

    def _learn(self, knows: Counter[Hashable], stream: Hashable) -> None:
        for other, number in [*self._knows[stream].items(), (stream, self.launched[stream])]:
            knows[other] = max(knows[other], number)

    def _of(self, memory: Memory) -> Touched:
        found = self._touched.get(memory.key)
        if found is None or found.memory.gone:
            found = self._touched[memory.key] = Touched(memory)
        return found
