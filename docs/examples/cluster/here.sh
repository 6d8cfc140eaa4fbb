#!/bin/sh
# Starts a Dask scheduler and N workers of one thread each on this machine, runs a job on them, ends them.
#
#   sh docs/examples/cluster/here.sh N COMMAND ...       as in here.sh 2 study baselines --out out/studies
set -eu
workers=$1
shift
at=127.0.0.1:${PORT:-8786}
root=$(cd "$(dirname "$0")/../../.." && pwd)
export OMP_NUM_THREADS=1 PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}"
kept=$(mktemp -d)
started=
ended() {
    code=$?
    trap - EXIT
    # The workers first, one after the other: without a scheduler they wait for ever.
    (
        trap 'kill "$!"; exit' TERM
        sleep 20 &
        wait
        kill -9 $started
    ) 2>/dev/null &
    late=$!
    {
        for process in $started; do kill "$process" && wait "$process" || true; done
        kill "$late" || true
        wait
    } 2>/dev/null
    [ "$code" = 0 ] || cat "$kept/log" >&2
    rm -rf "$kept"
    exit "$code"
}
trap ended EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
dask scheduler --host 127.0.0.1 --port "${at#*:}" --no-dashboard >>"$kept/log" 2>&1 &
started=$!
dask worker "tcp://$at" --host 127.0.0.1 --nworkers "$workers" --nthreads 1 --no-dashboard \
    --local-directory "$kept" >>"$kept/log" 2>&1 &
started="$! $started"
python -c '
import sys
from distributed import Client
with Client(f"tcp://{sys.argv[1]}", timeout=60) as client:
    client.wait_for_workers(int(sys.argv[2]), timeout=60)
' "$at" "$workers"
python -m benchsuite "$@" --cluster "dask://$at"
