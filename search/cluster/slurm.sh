#!/bin/bash
# A sweep on the nodes of a Slurm job, with a Ray cluster that starts and ends with the job. All flags are passed to
# search/run.py. Submit it from the checkout, in the environment that has the packages:
#
#   sbatch --nodes=4 search/cluster/slurm.sh --space full --benchmark xtreme --data /shared/hub --results /shared/runs \
#       --gpus-per-trial 1
#
# Two minutes before its time is over the job gets a signal: running stages finish their tenth as far as the time lasts,
# and the job goes back into the queue to continue. Give more with --signal=B:TERM@SECONDS where a tenth takes longer.
# Remove --requeue to let it end.
#SBATCH --job-name=transfer-search
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --gpus-per-node=1
#SBATCH --time=24:00:00
#SBATCH --signal=B:TERM@120
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=transfer-search-%j.log
set -u

cpus=${SLURM_CPUS_PER_TASK:-1}
gpus=${SLURM_GPUS_ON_NODE:-0}
nodes=${SLURM_JOB_NUM_NODES:-1}
head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)  # this script runs there
ip=$(hostname -I | cut -d ' ' -f 1)
port=$((20000 + SLURM_JOB_ID % 20000))  # several jobs may share a node
unset RAY_ADDRESS
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN  # a token of this job: other users of these nodes must not reach its Ray
RAY_AUTH_TOKEN=$(od -An -N 16 -t x1 /dev/urandom | tr -d ' \n')
export RAY_USAGE_STATS_ENABLED=0 RAY_TMPDIR="/tmp/ray-$SLURM_JOB_ID"  # short: sockets lie below it

common=(--num-cpus="$cpus" --num-gpus="$gpus" --block)
step=(--overlap --cpus-per-task="$cpus")  # since Slurm 22.05 a step does not inherit the job's cores
srun "${step[@]}" --nodes=1 --ntasks=1 --nodelist="$head" \
    ray start --head --node-ip-address="$ip" --port="$port" --include-dashboard=false "${common[@]}" > /dev/null &
until ray health-check --address "$ip:$port" > /dev/null 2>&1; do
    kill -0 $! 2> /dev/null || { echo "slurm.sh: Ray's head did not start on $head." >&2; exit 1; }
    sleep 1
done
if [ "$nodes" -gt 1 ]; then
    srun "${step[@]}" --nodes=$((nodes - 1)) --ntasks=$((nodes - 1)) --exclude="$head" \
        ray start --address="$ip:$port" "${common[@]}" > /dev/null &
fi
for _ in $(seq 120); do  # after some minutes, go on with the nodes that have joined
    [ "$(ray status --address "$ip:$port" 2> /dev/null | grep -c ' node_')" -ge "$nodes" ] && break
    sleep 2
done

python search/run.py "$@" --address "$ip:$port" &
driver=$!
# The first signal lets running stages finish their tenth. The second one gives up those that take too long: 45 seconds
# before the end of the job, which a preemption brings forward, or after 75 seconds where Slurm does not tell it.
grace() {
    local when end left
    when=$(squeue --noheader --job="$SLURM_JOB_ID" --format=%e 2> /dev/null)
    end=$([ -n "$when" ] && date -d "$when" +%s 2> /dev/null) || { echo 75; return; }
    left=$((end - $(date +%s) - 45))
    echo $((left > 2 ? left : 2))  # two signals at once would be one
}
trap 'kill -TERM "$driver"; { sleep "$(grace)"; kill -TERM "$driver"; } 2> /dev/null &' TERM INT
code=0
while kill -0 "$driver" 2> /dev/null; do  # a signal ends `wait`, not the driver
    wait "$driver"
    code=$?
done
kill $(jobs -p) 2> /dev/null
wait
srun --overlap --nodes="$nodes" --ntasks="$nodes" rm -rf "$RAY_TMPDIR"
if [ "$code" -eq 130 ]; then  # interrupted: the same command continues
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
