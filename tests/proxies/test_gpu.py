"""The path to a GPU, without one: on a pretended device every tensor has to lie where it should."""

import importlib.util
import math
import multiprocessing
import re
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pretended
import pytest
import threads as in_threads
import torch
from torch.utils import backend_registration

from benchsuite import plugins
from benchsuite.cli import main
from benchsuite.errors import UserError
from benchsuite.parallel import clusters, pool
from benchsuite.proxies._engine import wide
from benchsuite.proxies._scoring import device as _device
from benchsuite.proxies._scoring.batch import draw
from benchsuite.proxies._scoring.images import Images
from benchsuite.proxies._scoring.passes import Passes
from benchsuite.proxies._scoring.score import score_network
from benchsuite.proxies._tabulation import rows as _rows
from benchsuite.proxies._tabulation.merge import merge
from benchsuite.proxies._tabulation.spec import Spec, scoring_proxies
from benchsuite.proxies._tabulation.tabulate import choose_cells, run, tasks
from benchsuite.space.cell import CONV1, CONV3, NONE, POOL, SKIP, Cell
from benchsuite.space.network import Skeleton

MIXED = Cell((CONV3, CONV1, POOL, SKIP, CONV3, CONV1))
DEAD = Cell((CONV3, NONE, NONE, SKIP, CONV3, NONE))
SMALL = Skeleton(channels=4, cells_per_stage=1, resolution=8)
PROXIES = {
    plugin.name: proxy for plugin, proxy in plugins.usable("proxies") if proxy.score is not None
}
CPU = torch.device("cpu")
ROUNDING = Path(__file__).parents[2] / "docs" / "gpu_rounding.csv"
LACKING = ("linalg_eig", "linalg_svd", "linalg_slogdet", "linalg_det")

pretending = pytest.mark.skipif(
    not hasattr(backend_registration, "_setup_privateuseone_for_python_backend"),
    reason="this torch takes no device from Python",
)


def scores(device=CPU, cell=MIXED, dtype=torch.float64, unpruned=False, kind="cuda"):
    batches = [draw(Images("synthetic"), 16, 8, 10, seed=3, index=i) for i in range(2)]
    passes = Passes(cell, SMALL, batches, seed=3, dtype=dtype, device=device, unpruned=unpruned)
    proxies = {
        name: proxy
        for name, proxy in PROXIES.items()
        if kind in proxy.runs_on and proxy.unpruned >= unpruned
    }
    return score_network(proxies, passes)


def there(lacks_double=False, **settings):
    """Return scores of the pretended device, and how many tensors were made there."""
    made = []

    def see(operation, tensors):
        made.extend(tensors)
        if lacks_double:
            assert all(one.dtype != torch.float64 for one in tensors), operation
            name = operation._schema.name.partition("::")[2].lstrip("_")
            assert not tensors or not name.startswith(LACKING), operation

    with pretended.gpu(see) as device, pytest.MonkeyPatch.context() as patch:
        if lacks_double:
            patch.setattr(wide, "WITHOUT", (pretended.NAME,))
        return scores(device, **settings), len(made)


def changed_there():
    """Return what a proxy is caught at that changes the weights there; and one that does not."""
    batches = [draw(Images("synthetic"), 16, 8, 10, seed=3)]
    with pretended.gpu() as device:
        passes = Passes(MIXED, SMALL, batches, device=device)
        weight = passes.weights["stem.conv"]
        before = passes.changed()
        weight[1, 0, 0, 0] += 1e-6
        return before, passes.changed()


@pytest.fixture(scope="module")
def new_process():
    """A process whose torch may be told of a device, and is not asked after that."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        yield pool


@pretending
@pytest.mark.parametrize(
    ("settings", "lacks_double", "near"),
    [
        ({}, False, 1e-8),
        ({"cell": DEAD, "unpruned": True}, False, 1e-8),
        ({"dtype": torch.float32, "kind": "mps"}, True, 1e-2),
    ],
    ids=["cuda", "unpruned", "mps"],
)
def test_scores_stay_on_the_device_until_they_are_numbers(
    new_process, settings, lacks_double, near
):
    """Nothing reads numpy and nothing mixes devices, or the operation fails and names the proxy.

    As `mps` the device has no float64, and torch no eigenvalues and determinants there.
    """
    found, made = new_process.submit(there, lacks_double, **settings).result()
    expected = scores(**settings)
    assert made > 1000
    assert set(found.reasons) == set(expected.reasons)
    for name, value in expected.values.items():
        assert found.values[name] == pytest.approx(value, rel=near, abs=0, nan_ok=True), name


@pretending
def test_what_a_proxy_changes_there_is_seen(new_process):
    assert new_process.submit(changed_there).result() == ("", "weights")


SPEC = Spec(("l2_norm", "naswot"), Skeleton(2, 1, 4), batch_size=4, images="gaussian")
GPU = replace(SPEC, device="cuda")


@pytest.fixture
def gpus(monkeypatch):
    """Named devices that the processor stands for: `gpus("A")` is a machine with an A."""

    monkeypatch.setattr(pool, "processes", in_threads.threads)

    def stand_for(name):
        monkeypatch.setattr(_device, "torch_device", lambda kind: CPU)
        monkeypatch.setattr(_device, "name_of", lambda device: f"cuda ({name})")

    return stand_for


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is one")
@pytest.mark.parametrize("command", ["score 6111", "tabulate --cells 2 --out out"])
def test_a_device_that_is_not_there_is_a_sentence(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        main([*command.split(), "--proxy", "l2_norm", "--device", "cuda"])
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert "no device cuda here: it has cpu" in said
    assert "CUDA_VISIBLE_DEVICES" in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"device": "tpu"}, "on cpu, cuda, mps, not on 'tpu'"),
        ({"device": "mps", "dtype": "float64"}, "mps has no float64"),
    ],
)
def test_settings_that_no_device_has_are_refused(settings, what):
    with pytest.raises(UserError, match=what):
        replace(SPEC, **settings)


def test_a_proxy_without_a_path_says_so(monkeypatch):
    spec = replace(SPEC, proxies=("naswot", "croze"), device="mps")
    with pytest.raises(UserError, match=r"croze has no path on mps \(it has one on cpu and cuda\)"):
        spec.load()
    left = []
    monkeypatch.setattr(plugins, "leave_out", left.append)
    names = scoring_proxies(device="mps")
    assert (
        set(PROXIES) - set(names)
        == {"croze", "dextr", "log_synflow", "synflow"}
        == {said.partition(" has no path on mps")[0] for said in left}
    )
    with pytest.raises(UserError, match="runs on 'cpu'"):
        replace(PROXIES["naswot"], runs_on=("cuda",))


def test_rows_of_two_devices_do_not_meet(tmp_path, gpus):
    todo = tasks(choose_cells("3", 0), 1, 1, 1)
    gpus("A")
    _rows.claim(tmp_path / "cpu", SPEC.settings())
    with pytest.raises(UserError, match='other settings: device "cpu" instead of "cuda"'):
        run(GPU, todo, tmp_path / "cpu")
    run(GPU, todo[:1], tmp_path / "gpu")
    gpus("B")
    with pytest.raises(UserError, match=r"on cuda \(A\) and on cuda \(B\), which round"):
        run(GPU, todo, tmp_path / "gpu")
    run(GPU, todo[1:], tmp_path / "other")
    (tmp_path / "other/rows-1-of-1.jsonl").rename(tmp_path / "gpu/rows-2-of-2.jsonl")
    with pytest.raises(UserError, match=r"on cuda \(A\) and on cuda \(B\), which round"):
        merge(tmp_path / "gpu", GPU.load(), 1)


def test_the_table_says_what_computed_it(tmp_path, gpus):
    gpus("A")
    run(GPU, tasks([0, 16], 1, 1, 1), tmp_path)
    table = merge(tmp_path, GPU.load(), 1)
    assert table.provenance["device"] == "cuda (A)"
    assert table.provenance["settings"]["device"] == "cuda"
    assert "on cuda (A)" in table.column("naswot").description
    assert table.column("seconds.forward").description.startswith(
        "Time per cell of forward on cuda (A)"
    )


@pytest.mark.parametrize("gpu", [True, False])
def test_slurm_jobs_ask_for_the_gpu_they_need(gpu, monkeypatch):
    asked = {}
    executor = SimpleNamespace(update_parameters=lambda **those: asked.update(those))
    submitit = SimpleNamespace(AutoExecutor=lambda *_, **__: executor)
    monkeypatch.setattr(clusters, "_extra", lambda module: submitit)
    assert list(clusters.on_cluster("slurm:short", len, [], None, 1, gpu)) == []
    assert asked["slurm_partition"] == "short"
    assert asked.get("gpus_per_node") == (1 if gpu else None)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_gives_the_scores_of_the_processor():
    """Within what `docs/gpu_rounding.csv` states of single precision; a count may be 2 off."""
    tolerance = pd.read_csv(ROUNDING).set_index("output")["tolerance"]
    found = scores(torch.device("cuda"), dtype=torch.float32).values
    for name, value in scores(dtype=torch.float32).values.items():
        if name in tolerance:
            near = {"rel": tolerance[name], "abs": 2 if value.is_integer() else 0}
            assert found[name] == pytest.approx(value, **near, nan_ok=True), name


def test_the_page_states_the_tolerances_and_their_rule():
    """Four times the largest, 1e-6 at the least, to one digit."""
    page = (ROUNDING.parent / "gpu.md").read_text(encoding="utf-8")
    printed = re.findall(
        r"^\| ([\w.]+) \| ([\d.e+-]+) \| ([\d.e+-]+) \| ([\d.e+-]+) \|$", page, re.M
    )
    rows = pd.read_csv(ROUNDING).set_index("output")
    assert len(printed) >= 40
    for name, _, largest, tolerance in printed:
        assert largest == f"{rows['largest'][name]:.1e}"
        assert tolerance == f"{rows['tolerance'][name]:.0e}"
        assert float(tolerance) == float(f"{max(4 * rows['largest'][name], 1e-6):.0e}")
    words = " ".join(page.split())
    assert "four times the largest, or 1e-06 where that is more, rounded to one digit" in words
    above = rows[rows["largest"] * 4 > 1e-6]
    times = above["tolerance"] / above["largest"]
    assert f"{times.min():.1f} to {times.max():.1f} times the largest" in words


def test_a_score_that_one_device_alone_has_is_not_within_a_tolerance():
    spec = importlib.util.spec_from_file_location("gpu_check", ROUNDING.with_name("gpu.py"))
    gpu = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(gpu)
    assert gpu._apart(2.0, math.nan, math.inf) == math.inf
    assert gpu._apart(math.nan, 2.0, math.inf) == math.inf
    assert math.isnan(gpu._apart(math.nan, math.nan, math.inf))
    assert math.isnan(gpu._apart(2.0, math.nan, math.nan))
    assert gpu._apart(2.0, 2.5, math.inf) == 0.25
    assert gpu._apart(0.0, 0.0, math.inf) == 0.0
    assert gpu._apart(0.0, 1e-9, math.inf) == math.inf
    assert gpu._apart(0.0, 1.0, math.inf, 4.0) == 0.25
    assert gpu._apart(-5.0, -6.0, math.inf, 4.0) == 0.2
