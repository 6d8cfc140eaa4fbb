"""A process that forks children which run the command line, to be killed: imports cost once.

It reads one JSON object per line, {"args": [...], "cwd": ..., "limit": bytes or null, "err": file},
answers with the child's process id, and with its wait status once it has ended.
"""

import json
import os
import resource
import signal
import sys
from typing import Any, NoReturn

from descendants import MARK

REPORTS = ("correlations", "device_fit")


def prepared() -> None:
    """Import everything, make the table, and make what is slow but not of interest here quick."""
    import matplotlib as mpl
    import pandas  # noqa: F401

    mpl.use("agg")
    from benchsuite.assembly import whole
    from benchsuite.proxies._scoring import passes  # noqa: F401
    from benchsuite.proxies._tabulation import spec
    from benchsuite.reporting import pipeline
    from benchsuite.stats import intervals

    table = whole.whole_table()
    kept = ("flops@1", "naswot@1")
    slim = table.without(
        name
        for name, column in table.columns.items()
        if column.kind == "detail" or (column.kind == "proxy" and name not in kept)
    )
    whole.whole_table = lambda *_, **__: slim
    intervals.MIDDLE_RESAMPLES = 200
    jobs = pipeline.jobs
    pipeline.jobs = lambda reports, seconds: jobs(
        {name: reports[name] for name in REPORTS}, seconds
    )

    import torch

    torch.set_num_threads(1)
    spec.scoring_proxies()


def run(order: dict[str, Any]) -> NoReturn:
    """Do what was asked and leave."""
    from benchsuite import cli

    os.chdir(order["cwd"])
    code = 1
    os.environ[MARK] = order.get("mark", "")
    sys.stdout = open(order.get("out", os.devnull), "w")  # noqa: SIM115
    sys.stderr = open(order["err"], "w")  # noqa: SIM115
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        if order.get("limit"):
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (order["limit"], order["limit"]))
        if order.get("clock"):
            import time

            true, jumps = time.time, iter([0, 1e9, -1e9, 86400, -7200] * 10_000)
            time.time = lambda: true() + next(jumps)
        if order["args"][0] == "_fetch":
            fetch(*order["args"][1:])
        else:
            cli.main(order["args"])
        code = 0
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except KeyboardInterrupt:  # before the command line answers for it, or after
        code = 130
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def fetch(url: str, sha256: str, size: str, cache: str) -> None:
    """Fetch one file into a cache as the command does."""
    from pathlib import Path

    from benchsuite.sources._fetch import fetch as fetched
    from benchsuite.sources._public_files import Places
    from benchsuite.sources._source import PinnedFile, Source

    file = PinnedFile("owner/name/data.bin", (url,), sha256, int(size))
    source = Source("example", "nobody", "MIT", (file,), lambda folder: iter(()))
    fetched([source], where=Places(None, Path(cache)), attempts=1)


def main() -> None:
    """Serve orders until standard input ends."""
    prepared()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in a shell's background
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # until the child can answer it
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            run(order)
        print(child, flush=True)
        if order.get("wait", True):
            print(os.waitpid(child, 0)[1], flush=True)


if __name__ == "__main__":
    main()
