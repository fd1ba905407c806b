"""Whether anything answers at an address, soon: Ray's own attempt is silent for minutes. Nothing of Ray in here."""

import socket
from threading import Thread

from harness.errors import BadInput

SECONDS = 10.0  # for an answer, name look-up and all


def check(address: str) -> None:
    """Raises BadInput where nobody answers at a cluster's address; `auto` is looked up by Ray itself."""
    if address != "auto" and (wrong := fault(address)):
        raise BadInput(f"--address {address}: {wrong}")


def fault(address: str) -> str:
    """What is wrong with `HOST:PORT`; '' where somebody answers."""
    if address.startswith("ray://"):
        return ("Ray's client cannot drive a study; run this command on a machine of the cluster, with --address auto "
                "or HOST:PORT")  # fmt: skip
    host, colon, port = address.rpartition(":")
    if not (colon and host and port.isdecimal() and 0 < int(port[:6]) < 65536):
        return "write auto or HOST:PORT, as in 10.0.0.1:6379"
    said = [f"no answer within {SECONDS:g} s; is that the address of Ray's head, and can it be reached from here?"]
    attempt = Thread(target=_knock, args=(host.strip("[]"), int(port), said), daemon=True)
    attempt.start()
    attempt.join(SECONDS)
    return said[-1]


def _knock(host: str, port: int, said: list[str]) -> None:
    try:
        socket.create_connection((host, port), SECONDS).close()
    except (OSError, UnicodeError) as error:
        said.append(f"nobody answers there ({getattr(error, 'strerror', None) or error}); is Ray's head running?")
    else:
        said.append("")
