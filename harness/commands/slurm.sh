#!/bin/bash
# Written by `nas-harness slurm` (docs/slurm.md explains it). The same file can be submitted again: sbatch FILE
@DIRECTIVES@

# ---- This study, at this site
cd @FOLDER@ || exit 2
@SETUP@
bin=@BIN@
warning=@WARNING@ # seconds before the time limit at which Slurm sends SIGUSR1
study() {
    "$bin/python" -m harness run @WORDS@ \
        --device @DEVICE@ --address "$address"
}

# ---- A Ray of this job's own: ports, token and temporary folders that no other job has
job=$SLURM_JOB_ID
port=$((20000 + job % 5000 * 2))
own=/tmp/nas-harness-slurm-$job # sockets need a short path; the same on every node, and of each node
export RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0
RAY_AUTH_TOKEN=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
export RAY_AUTH_TOKEN

step() { # on nodes of this allocation, beside what else runs there: step SRUN_OPTIONS... -- COMMAND...
    srun --overlap --no-kill --kill-on-bad-exit=0 --export=ALL --ntasks-per-node=1 "$@"
}

on_node='
    rm -rf "$0" && mkdir -m 700 "$0" || exit
    ip=$(getent ahostsv4 "$SLURMD_NODENAME" | awk "\$1 !~ /^127\./ { print \$1; exit }")
    "$@" ${ip:+--node-ip-address="$ip"} --temp-dir="$0"
    rm -rf "$0"
'
ray_start() { # step's options, --, then those of `ray start`
}

