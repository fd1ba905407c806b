"""A real Slurm over hosts of our own: munged and slurmd on each, slurmctld on the first.

Slurm resolves no name to an address of loopback, so the hosts get an /etc/hosts of their own.
"""

import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hosts import Host, Impossible

NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol", "squeue", "scancel")
LIMIT = 120.0  # seconds for a command
CONFIGURATION = """
ClusterName=nas
SlurmctldHost={head.name}({head.address})
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=/run/munge/socket,cred_expire=5
StateSaveLocation=/tmp/slurmctld
SlurmdSpoolDir=/tmp/slurmd
SlurmctldPidFile=/run/slurmctld.pid
SlurmdPidFile=/run/slurmd.pid
SlurmctldLogFile=/tmp/slurmctld.log
SlurmdLogFile=/tmp/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
SlurmdTimeout=30
GresTypes=gpu
{nodes}
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
PartitionName=all Nodes=ALL Default=YES PriorityTier=1 GraceTime=20
PartitionName=urgent Nodes=ALL PriorityTier=2
"""
START = """
mount -t tmpfs none /run && mkdir -p -m 755 /run/sshd /run/munge
mount --bind {workspace}/etc-hosts /etc/hosts
munged --force --key-file={workspace}/munge.key --socket=/run/munge/socket --pid-file=/run/munge/pid \\
    --log-file=/run/munge/log --seed-file=/run/munge/seed
"""


def refuse_without_slurm() -> None:
    """Raises Impossible where it is not installed."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if missing := [name for name in NEEDED if not shutil.which(name)]:
        raise Impossible(f"{', '.join(missing)} not installed (slurm-wlm, munge)")


@dataclass(frozen=True)
class Slurm:
    """`hosts[0]` is where jobs are submitted and slurmctld runs."""

    workspace: Path
    hosts: Sequence[Host]

    def start(self) -> None:
        """Raises Impossible where it does not come up."""
        names = "".join(f"{host.address} {host.name}\n" for host in self.hosts)
        (self.workspace / "etc-hosts").write_text(f"127.0.0.1 localhost\n{names}")
        (self.workspace / "munge.key").write_bytes(os.urandom(1024))
        (self.workspace / "munge.key").chmod(0o400)
        nodes = "\n".join(f"NodeName={host.name} NodeAddr={host.address} CPUs={os.cpu_count()} Gres=gpu:2 State=UNKNOWN"
                          for host in self.hosts)  # fmt: skip
        (self.workspace / "slurm.conf").write_text(CONFIGURATION.format(head=self.hosts[0], nodes=nodes))
        (self.workspace / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")  # hosts have none to find out from
        (self.workspace / "gres.conf").write_text("Name=gpu File=/dev/null,/dev/zero\n")
        for number, host in enumerate(self.hosts):
            line = START.format(workspace=self.workspace) + ("slurmctld && " if number == 0 else "") + "slurmd"
            done = self.on(host, line)
            if done.returncode:
                why = self.on(host, "tail -n 5 /run/munge/log /tmp/slurm*.log").stdout
                raise Impossible(f"Slurm does not start on {host.name}: {done.stderr.strip()}\n{why}")
        end = time.monotonic() + LIMIT
        while self.said("sinfo --noheader --states=idle --format=%D").split() != [str(len(self.hosts))]:
            if time.monotonic() > end:
                raise Impossible(f"Slurm's nodes do not come up: {self.said('sinfo; tail /tmp/slurm*.log')}")
            time.sleep(0.5)

    def on(self, host: Host, line: str) -> "subprocess.CompletedProcess[str]":
        """A shell's line there."""
        ssh = ["ssh", "-i", str(self.workspace / "key"), "-o", "StrictHostKeyChecking=no", "-o",
               "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=5",
               f"root@{host.address}"]  # fmt: skip
        return subprocess.run([*ssh, f"bash -c {shlex.quote(line)}"], capture_output=True, text=True, timeout=LIMIT,
                              check=False, stdin=subprocess.DEVNULL)  # fmt: skip

    def said(self, line: str) -> str:
        """What it prints where jobs are submitted."""
        done = self.on(self.hosts[0], line)
        return done.stdout + done.stderr
