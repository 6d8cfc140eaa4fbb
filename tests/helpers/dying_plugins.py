"""Plug-ins that are killed with their process the first time they run: a proxy and a strategy."""

import os
from pathlib import Path

_DIES = """
import os, signal
from pathlib import Path

def die_once(what):
    if os.getpid() == CALLER:
        return
    try:
        (Path(FOLDER) / what).touch(exist_ok=False)
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
"""
_PROXY = '''"""Mean size of the logits."""
from benchsuite.api import Proxy
DIES
def score(passes):
    die_once("proxy")
    return {"": float(passes.tape.logits.abs().mean())}

PROXY = Proxy(
    version=1, direction="max", formula="mean |logit|", source="a test", cost="forward", score=score
)
'''
_STRATEGY = '''"""The first cells in a random order."""
from dataclasses import dataclass

from benchsuite.api import Strategy
DIES
@dataclass(frozen=True)
class Parameters:
    """None."""

def run(search, rng, parameters):
    die_once("strategy")
    search.query(rng.permutation(15_625))

STRATEGY = Strategy(version=1, source="a test", run=run, parameters=Parameters)
'''


def write(folder: Path, marks: Path) -> None:
    """Write `dying` of both kinds below a folder; marks: where they note that they have died.

    In this process they live.
    """
    dies = _DIES.replace("FOLDER", repr(str(marks))).replace("CALLER", str(os.getpid()))
    for kind, text in (("proxies", _PROXY), ("search", _STRATEGY)):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        (folder / kind / "dying.py").write_text(text.replace("DIES", dies))
