"""Separate hosts on one machine: each has a network, process and mount namespace, an address, a /tmp and an sshd.

Nothing outside the namespaces is changed but for one bridge, which goes away with them.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

NEEDED = ("ip", "unshare", "sshd", "ssh", "ssh-keygen", "rsync", "mount", "hostname")
BOOT_SECONDS = 60.0
REPOSITORY = Path(__file__).resolve().parents[2]


class Impossible(Exception):
    """This machine does not let us make hosts; the message says why."""


@dataclass
class Host:
    """A running host; `veth` is its end of the cable, `process` what keeps it alive."""

    name: str
    address: str
    veth: str
    process: "subprocess.Popen[bytes]"
    log: Path

    def wait(self) -> None:
        """Until it can be logged in to. Raises Impossible where it does not come up."""
        end = time.monotonic() + BOOT_SECONDS
        while True:
            try:
                return socket.create_connection((self.address, 22), 2).close()
            except OSError as error:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise Impossible(
                        f"{self.name} does not come up ({error}): {self.log.read_text().strip()}"
                    ) from None
                time.sleep(0.2)

    def unplug(self) -> None:
        subprocess.run(["ip", "link", "set", self.veth, "down"], check=True)

    def plug_in(self) -> None:
        subprocess.run(["ip", "link", "set", self.veth, "up"], check=True)

    def kill(self) -> None:
        """Power off: every process of the host gets SIGKILL."""
        self.process.kill()
        self.process.wait(30)


@contextmanager
def hosts(workspace: Path, count: int, environment: dict[str, str]) -> Iterator[list[Host]]:
    """So many hosts, who see the same file system but for /tmp, /dev/shm and root's home. Raises Impossible.

    `workspace / "key"` is the SSH key with which root may log in; `environment` is what their sessions get.
    """
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if missing := [name for name in NEEDED if not shutil.which(name)]:
        raise Impossible(f"{', '.join(missing)} not installed (openssh-server, rsync, iproute2)")
    if os.getuid():
        raise Impossible("namespaces need root")
    number = os.getpid() % 200
    with ExitStack() as stack:
        _keys(workspace)
        net = f"10.{200 + number % 50}.{number}"
        bridge = stack.enter_context(_link(f"nh{number}br", "type", "bridge"))
        run("ip", "address", "add", f"{net}.1/24", "dev", bridge)
        run("ip", "link", "set", bridge, "up")
        made = []
        for index in range(1, count + 1):
            made.append(stack.enter_context(_host(workspace, bridge, f"nh{number}-{index}", f"{net}.{10 + index}",
                                                  environment)))  # fmt: skip
        yield made


@contextmanager
def _host(workspace: Path, bridge: str, name: str, address: str, environment: dict[str, str]) -> Iterator[Host]:
    own = workspace / name
    (own / "tmp" / "root").mkdir(parents=True)
    (own / "tmp").chmod(0o1777)
    (own / "sshd_config").write_text(_sshd(workspace, address, environment))
    (own / "passwd").write_text(_passwd())
    run("ip", "netns", "add", name)
    try:
        with _link(f"{name}v", "type", "veth", "peer", "name", "eth0", "netns", name) as veth:
            run("ip", "link", "set", veth, "master", bridge, "up")
            inside = ("ip", "-netns", name)
            run(*inside, "address", "add", f"{address}/24", "dev", "eth0")
            for link in ("eth0", "lo"):
                run(*inside, "link", "set", link, "up")
            run(*inside, "route", "add", "default", "via", address.rpartition(".")[0] + ".1")
            with open(own / "log", "w") as log:
                process = subprocess.Popen(
                    ["ip", "netns", "exec", name, "unshare", "--pid", "--fork", "--mount", "--uts", "--kill-child",
                     "--mount-proc", "bash", "-euc", _boot(own, name)],
                    stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
                )  # fmt: skip
            host = Host(name, address, veth, process, own / "log")
            try:
                host.wait()
                yield host
            finally:
                if process.poll() is None:
                    os.kill(process.pid, signal.SIGKILL)
                process.wait(30)
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)


@contextmanager
def _link(name: str, *kind: str) -> Iterator[str]:
    run("ip", "link", "add", name, *kind)
    try:
        yield name
    finally:
        subprocess.run(["ip", "link", "delete", name], check=False, capture_output=True)


def _boot(own: Path, name: str) -> str:
    """A shell script. What the hosts need of /tmp itself (a clone that lies there) is bound back into theirs."""
    needed = [path for path in dict.fromkeys((REPOSITORY, own.parent, Path(sys.prefix), Path(sys.base_prefix)))
              if path.is_relative_to("/tmp")]  # fmt: skip
    back = [f"mkdir -p {own}/tmp{p.as_posix()[4:]}; mount --rbind {p} {own}/tmp{p.as_posix()[4:]}" for p in needed]
    return "\n".join([
        "mount --make-rprivate /", *back, f"mount --rbind {own}/tmp /tmp", "mount -t tmpfs none /dev/shm",
        f"mount --bind {own}/passwd /etc/passwd", f"hostname {name}", "mkdir -p /run/sshd",
        f"exec {shutil.which('sshd')} -D -e -f {own}/sshd_config",
    ])  # fmt: skip


def _sshd(workspace: Path, address: str, environment: dict[str, str]) -> str:
    pairs = " ".join(f"{name}={value}" for name, value in environment.items())
    return "\n".join([
        f"ListenAddress {address}", f"HostKey {workspace}/host_key", f"AuthorizedKeysFile {workspace}/key.pub",
        "StrictModes no", "UsePAM no", "PermitRootLogin prohibit-password", "PidFile none", "MaxStartups 100",
        "MaxSessions 100", "Subsystem sftp internal-sftp", f"SetEnv {pairs}", "",
    ])  # fmt: skip


def _passwd() -> str:
    """Root's home lies in the host's own /tmp."""
    lines = Path("/etc/passwd").read_text().splitlines()
    kept = [line for line in lines if not line.startswith("root:")]
    return "\n".join(["root:x:0:0:root:/tmp/root:/bin/bash", *kept, ""])


def _keys(workspace: Path) -> None:
    for name in ("key", "host_key"):
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(workspace / name))


def run(*command: str) -> None:
    """Raises Impossible with what the command said."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise Impossible(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()}")
