"""Each proxy is scored as if it were alone: whatever ran before, beside it, or in the caller."""

# ruff: noqa: NPY002

import itertools
import math
import os
import random
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from benchsuite import calling, plugins
from benchsuite.api import Proxy
from benchsuite.errors import PluginError
from benchsuite.proxies._scoring.batch import draw
from benchsuite.proxies._scoring.images import Images
from benchsuite.proxies._scoring.passes import Passes
from benchsuite.proxies._scoring.score import FAILED, score_network
from benchsuite.proxies._scoring.seal import _afar, seal
from benchsuite.proxies._tabulation import rows as _rows
from benchsuite.proxies._tabulation.spec import Spec
from benchsuite.proxies._tabulation.tabulate import run, score_row, tasks
from benchsuite.space.cell import Cell
from benchsuite.space.network import Skeleton

SMALL = Skeleton(channels=4, cells_per_stage=1, resolution=8)
ENOUGH = 16  # Images, of which every proxy has a score.
TINY = Skeleton(channels=2, cells_per_stage=1, resolution=4)
SHIPPED = {p.name: record for p, record in plugins.usable("proxies") if record.score}
RIGHT = {"grad_norm": 39.43, "snip": 41.21, "zen": 19.43}


def proxy(act):
    """A proxy that does something, and whose score is what that gives, if it is a number."""

    def score(passes):
        found = act(passes)
        number = isinstance(found, float) or (torch.is_tensor(found) and found.dim() == 0)
        return {"": float(found) if number else 0.0}

    fields = {"version": 1, "direction": "max", "formula": "", "source": "", "cost": "forward"}
    return Proxy(**fields, score=score)


def hooked(*_):
    torch.nn.modules.module.register_module_forward_hook(lambda *_: _[2] * 2)


def hooked_backward(*_):
    def doubled(module, grads):
        return tuple(None if grad is None else 2 * grad for grad in grads)

    torch.nn.modules.module.register_module_full_backward_pre_hook(doubled)


def saving_nothing(*_):
    torch.autograd.graph.saved_tensors_hooks(torch.zeros_like, lambda saved: saved).__enter__()


def hooks_now():
    return (
        [len(value) if isinstance(value, dict) else value
         for name, value in vars(torch.nn.modules.module).items() if name.startswith("_global_")],
        torch._C._autograd._top_saved_tensors_default_hooks(True),
        torch._C._autograd._saved_tensors_hooks_get_disabled_error_message(),
    )  # fmt: skip


# What changes the surroundings: taken back, so that nobody else sees it.
RUDE = {
    "dtype": lambda _: torch.set_default_dtype(torch.float64),
    "dtype first": lambda p: (torch.set_default_dtype(torch.float64), p.gradients()),
    "device": lambda _: torch.set_default_device("meta"),
    "no gradients": lambda _: torch.set_grad_enabled(False),
    "inference": lambda p: torch.inference_mode()(lambda: p.tape.logits.mean())(),
    "deterministic": lambda _: torch.use_deterministic_algorithms(True),
    "anomalies": lambda _: torch.autograd.set_detect_anomaly(True),
    "threads": lambda _: torch.set_num_threads(2),
    "precision": lambda _: torch.set_float32_matmul_precision("medium"),
    "newer precision": lambda _: setattr(torch.backends.cuda.matmul, "fp32_precision", "tf32"),
    "every precision": lambda _: setattr(torch.backends, "fp32_precision", "tf32"),
    "precision here": lambda _: setattr(torch.backends.mkldnn.conv, "fp32_precision", "bf16"),
    "autocast": lambda _: torch.set_autocast_enabled("cpu", True),
    "mkldnn": lambda _: torch.backends.mkldnn.set_flags(False),
    "denormals": lambda _: torch.set_flush_denormal(True),
    "torch seed": lambda _: torch.manual_seed(3),
    "numpy seed": lambda _: np.random.seed(3),
    "seed": lambda _: random.seed(3),
    "draws": lambda _: torch.rand(1) + np.random.rand() + random.random(),
    "numpy errors": lambda _: np.seterr(all="raise"),
    "warnings": lambda _: warnings.simplefilter("error"),
    "environment": lambda _: os.environ.update(OMP_NUM_THREADS="3", BENCHSUITE_IMAGES="gaussian"),
    "folder": lambda _: os.chdir("/"),
    "hooks": hooked,
    "backward hooks": hooked_backward,
    "no saved tensors": saving_nothing,
    "saving as it is": lambda _: torch._C._autograd._saved_tensors_hooks_disable("no"),
    "module": lambda p: p.module().eval().requires_grad_(False),
    "a module's weights": lambda p: [w.data.mul_(3) for w in p.module().parameters()],
    "its images": lambda p: p.images.mul_(3).requires_grad_(),
}  # fmt: skip
# What changes the passes that others read: an error of that proxy, whichever way it is done.
HOSTILE = {
    "a weight": lambda p: next(iter(p.weights.values())).mul_(2).sum(),
    "weight data": lambda p: next(iter(p.weights.values())).data.mul_(2).sum(),
    "weights by numpy": lambda p: next(iter(p.weights.values())).numpy().fill(0.1),
    "weights exchanged": lambda p: p.weights.update({k: 2 * w for k, w in p.weights.items()}),
    "weights with gradients": lambda p: next(iter(p.weights.values())).requires_grad_().sum(),
    "batch": lambda p: p.batches[0].images.mul_(2).sum(),
    "batch turned": lambda p: p.batches[0].images.copy_(p.batches[0].images.flip(3)).sum(),
    "labels": lambda p: p.batches[0].labels.zero_().sum(),
    "logits": lambda p: p.tape.logits.add_(1).sum(),
    "a gradient": lambda p: next(iter(p.gradients().weights.values())).neg_().sum(),
    "all signs of the gram": lambda p: p.gram.neg_().sum(),
    "the jacobian": lambda p: p.jacobian.zero_().sum(),
    "the seed": lambda p: setattr(p, "seed", 5),
    "the dtype": lambda p: setattr(p, "dtype", torch.float64),
}  # fmt: skip


def passes(skeleton=SMALL, cell=6111, **given):
    size = 4 if skeleton is SMALL else ENOUGH
    batches = [
        draw(Images("synthetic"), size, skeleton.resolution, 10, seed=0, index=i) for i in (0, 1)
    ]
    return Passes(Cell.from_index(cell), skeleton, batches, **given)


def equal(one, other):
    return all(
        one[name] == value or (math.isnan(one[name]) and math.isnan(value))
        for name, value in other.items()
    )


@pytest.fixture(scope="module")
def alone():
    """The scores of every shipped proxy, each alone on passes of its own, of a tiny network."""
    found = {}
    for name, one in SHIPPED.items():
        found[name] = score_network({name: one}, passes(TINY)).values
    return found


def test_right_values_whatever_is_beside():
    for names in itertools.permutations(RIGHT):
        values = score_network({name: SHIPPED[name] for name in names}, passes()).values
        assert {name: round(value, 2) for name, value in values.items()} == RIGHT


def test_each_shipped_proxy_before_and_after_every_other(alone):
    """Of every pair each comes first in one of the two orders."""
    everything = {name: value for one in alone.values() for name, value in one.items()}
    for order in (list(SHIPPED), list(reversed(SHIPPED))):
        found = score_network({name: SHIPPED[name] for name in order}, passes(TINY)).values
        assert equal(found, everything)


@pytest.mark.parametrize("rude", RUDE)
def test_what_a_proxy_sets_is_taken_back(rude, alone):
    rude, among = proxy(RUDE[rude]), {}
    for name, one in SHIPPED.items():
        among |= {f"before {name}": rude, name: one}
    with warnings.catch_warnings(record=True):
        before = surroundings_now()
        found = score_network(among, passes(TINY)).values
        assert surroundings_now() == before
    for name in SHIPPED:
        assert equal(found, alone[name]), name


@pytest.mark.parametrize("hostile", HOSTILE)
def test_who_changes_what_is_shared_is_named_and_costs_nobody_else(hostile, alone):
    bad = {"bad": proxy(HOSTILE[hostile])}
    some = {name: SHIPPED[name] for name in ("snip", "zen", "jacob_cov", "swap", "vkdnw")}
    for among in (bad | some, some | bad):
        network = passes(TINY)
        with pytest.raises(PluginError, match=r"proxy bad changed the .*test_isolation.py, line"):
            score_network(among, network)
        network = passes(TINY)
        scores = score_network(among, network, keep_going=True)
        assert scores.reasons["bad"].startswith(FAILED)
        for name in some:
            assert equal(scores.values, alone[name]), name
    batch = network._given[2][0]
    assert torch.equal(batch.images, draw(Images("synthetic"), ENOUGH, 4, 10, seed=0).images)


def test_one_that_breaks_others_is_blamed_and_not_they(alone):
    def empties(p):
        p.weights.clear()

    with pytest.raises(PluginError, match="proxy bad changed the weights"):
        score_network({"bad": proxy(empties), "snip": SHIPPED["snip"]}, passes(TINY))


def surroundings_now():
    return (
        torch.get_default_dtype(), torch.get_default_device(), torch.is_grad_enabled(),
        torch.get_num_threads(), torch.are_deterministic_algorithms_enabled(),
        torch.is_anomaly_enabled(), torch.get_float32_matmul_precision(),
        torch.backends.fp32_precision, torch.backends.mkldnn.conv.fp32_precision,
        (torch.full((1,), 1e-40) * 1).eq(0).item(),
        torch.is_autocast_enabled("cpu"), torch.backends.mkldnn.enabled,
        torch.initial_seed(), torch.get_rng_state().sum().item(), random.getstate(),
        str(np.random.get_state()), np.geterr(), list(warnings.filters), dict(os.environ),
        Path.cwd(), hooks_now(),
    )  # fmt: skip


CALLERS = {
    "dtype": lambda: torch.set_default_dtype(torch.float64),
    "device": lambda: torch.set_default_device("meta"),
    "no gradients": lambda: torch.set_grad_enabled(False),
    "threads": lambda: torch.set_num_threads(3),
    "deterministic": lambda: torch.use_deterministic_algorithms(True),
    "seed": lambda: torch.manual_seed(5),
    "newer precision": lambda: setattr(torch.backends.cuda.matmul, "fp32_precision", "tf32"),
    "every precision": lambda: setattr(torch.backends, "fp32_precision", "tf32"),
    "denormals": lambda: torch.set_flush_denormal(True),
    "inference": lambda: torch.inference_mode().__enter__(),
    "hooks": hooked,
    "backward hooks": hooked_backward,
    "saved tensors": saving_nothing,
}


def test_nor_do_the_callers_settings_matter():
    code = (
        "import sys; sys.path.insert(0, 'tests/proxies')\n"
        "import test_isolation as t\n"
        "network = t.passes()\n"
        "[t.CALLERS[caller]() for caller in t.CALLERS]\n"
        "print(sorted(t.score_network(t.SHIPPED, network).values.items()))\n"
    )
    here = str(sorted(score_network(SHIPPED, passes()).values.items()))
    assert run_python(code) == here


def test_nor_does_a_device_that_the_caller_is_in():
    expected = score_network(SHIPPED, passes()).values
    with torch.device("meta"):
        assert equal(score_network(SHIPPED, passes()).values, expected)
        assert torch.get_default_device().type == "meta"


def test_places_of_layers_cannot_be_moved():
    with pytest.raises(PluginError, match="no attribute 'clear'"):
        score_network({"mine": proxy(lambda p: p.places.clear())}, passes(TINY))


def run_python(code, **environment):
    kept = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=kept | environment, capture_output=True, text=True,
        cwd=Path(__file__).parents[2], check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def row_here():
    return str(
        sorted(score_row(Spec(tuple(SHIPPED), SMALL, 16), 6111, 0)["values"].items(), key=str)
    )


@pytest.mark.parametrize("threads", ["2", "8", None])
def test_results_do_not_depend_on_threads_or_order(threads, row_here):
    """Of this library's calls in a process that torch and BLAS have started with some threads."""
    code = (
        "import sys; sys.path.insert(0, 'tests/proxies')\n"
        "import test_isolation as t\n"
        "names = sorted(t.SHIPPED, reverse=True)\n"
        "spec = t.Spec(tuple(names), t.SMALL, 16)\n"
        "print(sorted(t.score_row(spec, 6111, 0)['values'].items(), key=str))\n"
    )
    given = {} if threads is None else {"OMP_NUM_THREADS": threads}
    assert run_python(code, **given) == row_here


def test_a_subset_and_jobs_give_the_same_rows(tmp_path):
    cells = tasks([6111, 5000], 2, 1, 1)
    rows = {}
    for jobs, names in ((1, ("snip", "zen", "swap")), (2, ("swap", "zen"))):
        spec = Spec(names, SMALL, 4, images="synthetic")
        folder = tmp_path / str(jobs)
        run(spec, cells, folder, jobs=jobs)
        rows[jobs] = {(r["cell"], r["repeat"]): r["values"] for r in _rows.read(folder)}
    for at, values in rows[2].items():
        assert values.items() <= rows[1][at].items()


def test_global_generators_begin_anew_for_every_score():
    drawing = proxy(lambda _: torch.rand(1).item() + np.random.rand() + random.random())
    one = score_network({"mine": drawing}, passes(TINY)).values["mine"]
    torch.manual_seed(1)
    np.random.seed(1)
    random.seed(1)
    again = score_network({"zen": SHIPPED["zen"], "mine": drawing}, passes(TINY)).values["mine"]
    other = score_network({"mine": drawing}, passes(TINY, repeat=1)).values["mine"]
    assert one == again != other


def test_surroundings_are_put_back_after_an_error():
    before = surroundings_now()

    def fails():
        torch.set_default_dtype(torch.float64)
        raise KeyError

    with pytest.raises(PluginError, match="it failed: KeyError"):
        calling.call("it failed", fails)
    assert surroundings_now() == before


def test_a_proxy_that_prints_leaves_stdout_alone(capsys):
    score_network({"mine": proxy(lambda _: print("hello"))}, passes(TINY))
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "hello\n")


def test_a_seal_breaks_whatever_is_exchanged():
    values = torch.randn(8, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    whole = seal([values])
    assert whole == seal([values.clone()])
    for changed in (values.flip(3), values.flip(0), values.roll(1), values.neg(), values.double()):
        assert seal([changed.contiguous()]) != whole
    for size in ((32, 32), (64, 64), (8, 3, 16, 16)):  # an even number of rows of words
        for dtype in (torch.float32, torch.float64):
            some = torch.randn(size, dtype=dtype, generator=torch.Generator().manual_seed(1))
            assert seal([some]) != seal([some.neg()])
            assert _afar(some) != _afar(some.neg())
    one = values.clone()
    one[0, 0, 0, 0], one[7, 2, 15, 15] = one[7, 2, 15, 15].item(), one[0, 0, 0, 0].item()
    assert seal([one]) != whole
    assert seal({"a": values}) != seal({"b": values})


def test_hooks_of_the_call_that_imports_torch_are_taken_back():
    code = (
        "from benchsuite.surroundings import surroundings\n"
        "with surroundings(0):\n"
        "    import torch\n"
        "    torch.nn.modules.module.register_module_forward_hook(print)\n"
        "    torch.autograd.graph.saved_tensors_hooks(print, print).__enter__()\n"
        "print(len(torch.nn.modules.module._global_forward_hooks),\n"
        "      torch._C._autograd._top_saved_tensors_default_hooks(True))\n"
    )
    assert run_python(code) == "0 None"
