"""`nas-harness serve`: the live page of a study, for browsers on this machine alone.

The server listens on 127.0.0.1 and answers only those who know the address that it prints: other users of the machine
do not. It answers two paths, reads the results folder alone, writes there that it was looked at, and refuses requests
under another host's name, which a web page elsewhere could send (DNS rebinding).
"""

import argparse
import hmac
import os
import secrets
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock

from harness.commands import live, status
from harness.commands.unplanned_looks import note_look
from harness.errors import ODD, BadInput, Ended
from harness.storage.folder import rows_file, running_file, study_file

HOST = "127.0.0.1"
HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}
POLICY = ("default-src 'none'; script-src 'nonce-{0}'; style-src 'nonce-{0}'; connect-src 'self'; base-uri 'none'; "
          "form-action 'none'; frame-ancestors 'none'")  # fmt: skip


def command(options: argparse.Namespace) -> int:
    """Until Ctrl-C, which is how it is meant to end: status 0."""
    folder = Path(options.folder)
    seen = status.look(folder)["states"]
    try:
        server = Server(folder, options.port)
    except (OSError, OverflowError) as error:
        raise BadInput(
            f"--port {options.port}: {getattr(error, 'strerror', None) or error}; name another one"
        ) from None
    with server:
        server.fragment()  # where no page can be made, nobody looks
        note_look(folder)
        print(f"{server.address}  (Ctrl-C ends it)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt as end:
            if status.look(folder)["states"] != seen:
                note_look(folder)
            if isinstance(end, Ended):
                raise
    return 0


class Server(ThreadingHTTPServer):
    """Of one results folder; the address holds a secret."""

    daemon_threads = True

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.folder, self.secret, self.lock = folder, secrets.token_urlsafe(16), Lock()
        self.made: tuple[object, str] | None = None
        super().__init__((HOST, port), Handler)

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.server_port}/{self.secret}/"

    def fragment(self) -> str:
        """Made anew only where a file changed or the driver came or went: every open page asks every two seconds."""
        files = study_file(self.folder), rows_file(self.folder), running_file(self.folder)
        stamps = ((info.st_mtime_ns, info.st_size) if (info := _info(file)) else None for file in files)
        now = (*stamps, status.held(self.folder))
        with self.lock:
            if self.made is None or self.made[0] != now:
                self.made = now, live.fragment(self.folder)
            return self.made[1]

    def seen(self, nonce: str | None = None) -> str:
        """The whole page, or with no `nonce` its fragment, for somebody who looks at it: where rows are missing, the
        protocol holds that, once for each number of rows."""
        before = self.made
        text = live.page(self.folder, nonce) if nonce else self.fragment()
        if nonce or self.made is not before:
            note_look(self.folder, again=False)
        return text


def _info(file: Path) -> os.stat_result | None:
    try:
        return file.stat()
    except OSError:
        return None


class Handler(BaseHTTPRequestHandler):
    server: Server
    server_version, sys_version = "nas-harness", ""

    def do_GET(self) -> None:
        host, port = self.headers.get("Host", ""), self.server.server_port
        if host not in (f"{HOST}:{port}", f"localhost:{port}"):
            return self.send_error(HTTPStatus.FORBIDDEN)
        _, _, rest = self.path.partition("/")
        secret, _, what = rest.partition("/")
        known = hmac.compare_digest(secret.encode(), self.server.secret.encode())
        if not known or what not in ("", "now"):
            return self.send_error(HTTPStatus.NOT_FOUND)
        return self._answer(what)

    def _answer(self, what: str) -> None:
        nonce = secrets.token_urlsafe(16)
        try:
            text = self.server.seen(None if what else nonce)
        except (BadInput, OSError, *ODD) as error:  # a folder that is moved or damaged meanwhile
            return self.send_error(HTTPStatus.SERVICE_UNAVAILABLE, explain=str(error))
        content = text.encode(errors="backslashreplace")
        self.send_response(HTTPStatus.OK)
        for name, value in {**HEADERS, "Content-Security-Policy": POLICY.format(nonce)}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        return None

    def log_message(self, *_: object) -> None:
        """Nothing: a line for every two seconds would hide what matters."""
