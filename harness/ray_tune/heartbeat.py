"""Notices that Ray's services have died."""

import socket
import threading
import time
from collections.abc import Callable, Mapping

Address = tuple[str, int]


class Heartbeat(threading.Thread):
    """Looks whether services answer, and calls `dead` once with the name of one that does not.

    Refused connections count at the second look, silence after `patience` seconds: a head that is cut off may return.
    """

    def __init__(self, services: Mapping[str, Address], dead: Callable[[str], None], patience: float = 60,
                 every: float = 2) -> None:  # fmt: skip
        super().__init__(daemon=True, name="heartbeat")
        self.services, self.dead, self.patience, self.every = services, dead, patience, every
        self._over = threading.Event()

    def run(self) -> None:
        answered = dict.fromkeys(self.services, time.monotonic())
        refused = dict.fromkeys(self.services, 0)
        while not self._over.wait(self.every):
            for name, address in self.services.items():
                found = _knock(address, self.every)
                refused[name] = refused[name] + 1 if found == "refused" else 0
                if found == "open":
                    answered[name] = time.monotonic()
                if refused[name] >= 2 or time.monotonic() - answered[name] > self.patience:
                    if not self._over.is_set():
                        self.dead(name)
                    return

    def stop(self) -> None:
        self._over.set()


def _knock(address: Address, timeout: float) -> str:
    try:
        socket.create_connection(address, timeout).close()
    except ConnectionRefusedError:
        return "refused"
    except OSError:
        return "silent"
    return "open"
