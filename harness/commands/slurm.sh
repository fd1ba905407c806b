#!/bin/bash
# Written by `nas-harness slurm`; docs/slurm.md explains it. It can be submitted again at any time.
@DIRECTIVES@

# ---- The study, at this site
cd @FOLDER@ || exit 2
@SETUP@export bin=@BIN@ # of the environment that has nas-harness, on a disk that all nodes see
warning=@WARNING@ # seconds before the time limit at which Slurm sends SIGUSR1

study() {
    exec "$bin/python" -m harness run @WORDS@ --address "$address"
}

# ---- A Ray of this job's own, with a token, ports and a temporary folder that no other job has
job=$SLURM_JOB_ID
export job own=/tmp/nas-harness-slurm-$job # on each node; short, as the names of sockets must be
export RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0
RAY_AUTH_TOKEN=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
export RAY_AUTH_TOKEN

my_address() { # of this node, as the others know it
    getent ahostsv4 "$SLURMD_NODENAME" | awk '$1 !~ /^127[.]/ { print $1; exit }'
}
port=$((20000 + job % 5000 * 2))
export port address=$(my_address):$port

ray_start() { # on a node, until it is asked to end
    local asked='' ray
    rm -rf "$own" && mkdir -m 700 "$own" || exit
    "$bin/ray" start --block --node-ip-address="$(my_address)" --temp-dir="$own" --object-store-memory=100000000 \
        --num-cpus="$SLURM_CPUS_ON_NODE" --num-gpus=@GPUS@ --min-worker-port=0 --max-worker-port=0 "$@" >"$own/out" &
    ray=$!
    trap 'asked=yes; kill -KILL $ray' USR2
    trap 'asked=yes; $at_term' TERM
    while kill -0 "$ray" 2>/dev/null; do wait "$ray"; done
    [ -n "$asked" ] || tail -n 20 "$own/out" # it died
    rm -rf "$own"
}

ray_head() {
    local at_term="scancel --batch --signal=TERM $job" # Slurm may tell a job's steps alone that it is preempted
    local client=()                                    # its port, where this Ray has a server for clients
    "$bin/python" -c 'import grpc' 2>/dev/null && client=(--ray-client-server-port=$((port + 1)))
    ray_start --head --port="$port" --include-dashboard=false "${client[@]}"
}

ray_worker() {
    local at_term=: # its node alone may be lost
    ray_start --address="$address"
}

on_nodes() { # FUNCTION OPTIONS-OF-SRUN... : a step of this job, which goes on when one of its nodes is lost
    srun --overlap --no-kill --kill-on-bad-exit=0 --export=ALL --cpu-bind=none --ntasks-per-node=1 @STEP@"${@:2}" \
        bash -c "$1" &
    steps+=($!)
}

end_ray() { # the steps of this job; Ray's own way to stop would end every Ray of this user on these nodes
    scancel --signal=USR2 "$job"
    (sleep 15 && kill "${steps[@]}") 2>/dev/null &
    wait "${steps[@]}" 2>/dev/null
}

# ---- What Slurm sends: SIGUSR1 before the time limit, SIGTERM before the job is taken off its nodes
stop() { # SIGNAL SECONDS: trials end after their epoch, and all that still runs after so many seconds at once
    [ "$1" = "$stopped" ] && return
    echo "$1 at $(date '+%F %T'): the study stops"
    stopped=$1
    [ -z "$driver" ] && return
    kill -USR1 "$driver"
    (sleep "$2" && kill -TERM "$driver") 2>/dev/null &
}

went_on() { # whether this start wrote a row or a checkpoint
    [ -n "$(find @RESULTS@ \( -name trials.jsonl -o -name '??????.pt' \) -newermt "@$began" 2>/dev/null)" ]
}

again() { # puts this job back into the queue, unless somebody cancelled it, or the driver dies in each start
    state=''
    if [ $status -ne 75 ] && [[ $stopped != SIG* ]] && [ "${SLURM_RESTART_COUNT:-0}" -gt 0 ] && ! went_on; then
        echo "nothing was written since this start: see above why, mend it, and submit this file again"
        exit $status
    fi
    for _ in 1 2 3; do # the controller may be away for a moment
        state=$(squeue --noheader --job "$job" --format %T) && [ -n "$state" ] && break
        sleep 5
    done
    [ -z "$state" ] || [ "$state" = RUNNING ] || exit 75
    echo "job $job goes back into the queue"
    scontrol requeue "$job" || echo "Slurm does not take the job back: submit this file again"
    exit 75
}

# ---- The run
export -f my_address ray_start ray_head ray_worker
steps=() stopped='' driver='' status=75 began=$(date +%s)
trap 'stop SIGUSR1 $((warning - 45))' USR1
trap 'stop SIGTERM 10' TERM
trap 'stop SIGHUP 10' HUP
echo "job $job, start $((${SLURM_RESTART_COUNT:-0} + 1)) at $(date '+%F %T') on $SLURM_JOB_NODELIST; Ray at $address"

rm -rf "$own" # of an earlier start that was killed
on_nodes ray_head --nodes=1 --ntasks=1 --nodelist="$SLURMD_NODENAME"
head=$!
until [ -e "$own/ray_current_cluster" ] || [ -n "$stopped" ]; do
    kill -0 "$head" 2>/dev/null || { echo "Ray does not start on $SLURMD_NODENAME" && exit 1; }
    sleep 1
done
others=$((SLURM_JOB_NUM_NODES - 1))
[ $others -gt 0 ] && on_nodes ray_worker --nodes=$others --ntasks=$others --exclude="$SLURMD_NODENAME"

if [ -z "$stopped" ]; then
    study &
    driver=$!
    while kill -0 "$driver" 2>/dev/null; do wait "$driver"; done # a signal ends `wait`, too
    wait "$driver"
    status=$?
fi
waited=0 # trials failed, or Ray died: then its step ends soon, too
while [ $status -eq 1 ] && [ -z "$stopped" ] && [ $((waited++)) -lt 10 ]; do
    if kill -0 "$head" 2>/dev/null; then sleep 1; else stopped="Ray's death"; fi
done
trap '' TERM HUP USR1
end_ray

echo "the study ended with status $status${stopped:+ after $stopped} at $(date '+%F %T')"
if [ $status -eq 0 ] || [ $status -eq 2 ]; then exit $status; fi # all is there; bad input
if [ $status -eq 1 ] && [ -z "$stopped" ]; then exit $status; fi # trials failed
again
