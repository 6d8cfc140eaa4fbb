#!/bin/sh
# Installs what cluster.txt names for `python`, each file by its SHA-256. With TORCH_INDEX, the index of
# wheels for CPUs that PyTorch's installation page names, PyTorch is the one for CPUs, of the same version:
# its files are not those of the lock, so it is taken by its version, and CUDA is left out.
set -eu
lock=$(dirname "$0")/cluster.txt
if [ -z "${TORCH_INDEX:-}" ]; then
    python -m pip install --no-deps --require-hashes -r "$lock"
    exec python -m pip check
fi
version=$(sed -n 's/^torch==\([0-9.]*\).*/\1/p' "$lock")
few=$(mktemp)
trap 'rm -f "$few"' EXIT
awk '/^[a-z0-9]/ {kept = !/^(torch|triton|nvidia-|cuda-)/} kept' "$lock" > "$few"
python -m pip install --no-deps --require-hashes -r "$few"
python -m pip install --no-deps --index-url "$TORCH_INDEX" "torch==$version+cpu"
python -m pip check
