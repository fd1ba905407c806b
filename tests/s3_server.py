"""An S3 server in a process of its own, on loopback or at an address, and a proxy in front that breaks connections."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "made-up-key", "AWS_SECRET_ACCESS_KEY": "made-up-secret", "AWS_REGION": "us-east-1",
               "AWS_EC2_METADATA_DISABLED": "true"}  # fmt: skip
SERVER = """
from moto.server import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server
server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True,
                     request_handler=MotoRequestHandler)
print(server.server_port, flush=True)
server.serve_forever()
"""
SIZE = 2**16


@contextmanager
def server(host: str = "127.0.0.1", bucket: str = "bucket") -> Iterator["Proxy"]:
    """A proxy through which the server is reached; what it holds lies in its process's memory."""
    process = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True, env={**os.environ, **CREDENTIALS})  # fmt: skip
    assert process.stdout
    proxy = Proxy(host, int(process.stdout.readline()))
    try:
        make_bucket(proxy, bucket)
        yield proxy
    finally:
        proxy.close()
        process.kill()
        process.wait(30)
        process.stdout.close()


def make_bucket(proxy: "Proxy", bucket: str) -> None:
    from urllib.request import Request, urlopen

    host = proxy.host if proxy.host != "0.0.0.0" else "127.0.0.1"
    with urlopen(Request(f"http://{host}:{proxy.port}/{bucket}", method="PUT"), timeout=30) as answer:
        assert answer.status == 200


@dataclass
class Proxy:
    """Passes bytes on to a server on loopback. `broken` of the connections, counted out evenly, are cut in the middle;
    while it is `away`, nobody is let in and whoever is in is thrown out."""

    host: str
    target: int
    broken: float = 0.0
    away: bool = False
    cut: int = 0
    connections: int = 0
    _open: list[socket.socket] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._socket = socket.create_server((self.host, 0))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def url(self, bucket: str = "bucket", prefix: str = "prefix", host: str | None = None) -> str:
        return f"s3://{bucket}/{prefix}?scheme=http&endpoint_override={host or self.host}:{self.port}&region=us-east-1"

    def leave(self) -> None:
        """From now on it is away."""
        self.away = True
        for one in self._open:
            _shut(one)

    def come_back(self) -> None:
        self.away = False

    def close(self) -> None:
        self.leave()
        _shut(self._socket)

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            if self.away:
                _shut(client)
                continue
            self.connections += 1
            broken = int(self.connections * self.broken) > int((self.connections - 1) * self.broken)
            self.cut += broken
            with suppress(OSError):
                there = socket.create_connection(("127.0.0.1", self.target), 10)
                self._open += [client, there]
                for source, sink in ((client, there), (there, client)):
                    threading.Thread(target=self._pass_on, args=(source, sink, broken), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, broken: bool) -> None:
        passed = 0
        with suppress(OSError):
            while content := source.recv(SIZE):
                if broken and (passed := passed + len(content)) > 100:
                    break
                sink.sendall(content)
        for one in (source, sink):
            _shut(one)


def _shut(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
