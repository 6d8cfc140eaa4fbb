"""Proxies of one's own: what they give is kept as it is, and what they cannot be called."""

import errno

import numpy as np
import pytest

from benchsuite import plugins
from benchsuite.api import Proxy
from benchsuite.cli import main
from benchsuite.errors import UserError
from benchsuite.proxies._scoring.batch import draw
from benchsuite.proxies._scoring.images import Images
from benchsuite.proxies._scoring.passes import Passes
from benchsuite.proxies._scoring.score import ShortageError, score_network
from benchsuite.proxies._tabulation import rows
from benchsuite.proxies._tabulation.merge import merge
from benchsuite.proxies._tabulation.spec import Spec
from benchsuite.proxies._tabulation.tabulate import run, tasks
from benchsuite.space.cell import Cell, connected
from benchsuite.space.network import Skeleton
from benchsuite.table.columns import TAKEN
from benchsuite.table.table import Table

SMALL = Skeleton(channels=2, cells_per_stage=1, resolution=8)
MINE = """
from benchsuite.api import Proxy

def score(passes):
    {body}

PROXY = Proxy(version=1, direction="max", formula="f", source="me", cost="forward", score=score)
"""


def proxy(score, **more):
    fields = {"version": 1, "direction": "max", "formula": "", "source": "", "cost": "forward"}
    return Proxy(**fields, score=score, **more)


def written(folder, body, name="mine"):
    path = folder / "plug/proxies" / f"{name}.py"
    path.parent.mkdir(parents=True)
    path.write_text(MINE.format(body=body))
    return folder / "plug"


def spec(plug, skeleton=SMALL):
    return Spec(("mine", "naswot"), skeleton, 4, images="gaussian", plugin_folders=(plug,))


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        RuntimeError("could not create a primitive"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
    ],
)
def test_a_shortage_of_memory_is_no_property_of_a_cell(error):
    def fails(_):
        raise error

    batches = [draw(Images("gaussian"), 4, 8, 10, seed=0, index=index) for index in (0, 1)]
    passes = Passes(Cell.from_index(6111), SMALL, batches)
    with pytest.raises(ShortageError, match=r"the proxy mine scored cell 6111.*the same"):
        score_network({"mine": proxy(fails)}, passes, keep_going=True)
    other = score_network({"mine": proxy(lambda _: 1 / [])}, passes, keep_going=True)
    assert "failed" in other.reasons["mine"], "other mistakes are the proxy's"


def test_rows_are_written_once_there_is_memory(tmp_path):
    """Where memory ran out no row is, so that the same command scores the cell again."""
    flag = tmp_path / "enough"
    body = f"import os\n    if passes.skeleton.channels == 4 and not os.path.exists({str(flag)!r}):"
    plug = written(tmp_path, f"{body}\n        raise MemoryError\n    return {{'': 1.0}}")
    given, todo = spec(plug, Skeleton(4, 1, 8)), tasks([6111, 818], 1, 1, 1)
    with pytest.raises(UserError, match="Memory ran out"):
        run(given, todo, tmp_path / "out")
    assert not list(rows.read(tmp_path / "out"))
    flag.touch()
    assert run(given, todo, tmp_path / "out") == 2
    assert all(row["values"]["mine"] == 1 for row in rows.read(tmp_path / "out"))


@pytest.mark.parametrize(
    "body",
    [
        "return {'': 1e300 if passes.cell.index == 818 else 1.0}",
        "return {'': 1e-50 * (1 + passes.cell.index)}",
        "return {'': float(2**24 + passes.cell.index)}",
        "return {'': 1 - 1e-9 * passes.cell.index}",
    ],
)
def test_scores_beyond_single_precision_are_kept(tmp_path, body):
    plug, cells = written(tmp_path, body), [818, 819, 820, 6111]
    given = spec(plug)
    run(given, tasks(cells, 1, 1, 1), tmp_path / "out")
    table = merge(tmp_path / "out", given.load(), 1)
    table.write(tmp_path / "t.parquet")
    found = Table.open(tmp_path / "t.parquet").values("mine@1")[cells]
    wanted = {row["cell"]: row["values"]["mine"] for row in rows.read(tmp_path / "out")}
    assert found.tolist() == [wanted[cell] for cell in cells]


def test_shipped_proxies_say_why_a_score_is_missing(shipped_table):
    """Of networks that have a path: not that a number is not finite, which says nothing."""
    batches = [draw(Images("gaussian"), 16, 8, 10, seed=0, index=index) for index in (0, 1)]
    for name, output, why in (
        ("epsinas", "epsinas", "all features are equal under one of the two constant weights"),
        ("az_nas", "az_nas.trainability", "a block passes every gradient on unchanged"),
    ):
        cell = np.flatnonzero(connected() & np.isnan(shipped_table.values(output)))[0]
        passes = Passes(Cell.from_index(int(cell)), Skeleton(4, 1, 8), batches)
        found = score_network({name: plugins.load("proxies", name)}, passes)
        assert np.isnan(found.values[output])
        assert found.reasons[output].startswith(why)


@pytest.mark.parametrize("suffix", ["std", "r0", "r12"])
def test_outputs_are_not_called_as_repeats_and_spreads_are(suffix):
    with pytest.raises(UserError, match=f"{suffix!r} of a proxy's output is that of a spread"):
        proxy(lambda _: {}, outputs={"": "a", suffix: "b"})
    proxy(lambda _: {}, outputs={"": "a", "r": "b", "std2": "c"})


def test_a_proxy_is_not_called_as_columns_that_are_no_scores(shipped_table, tmp_path):
    others = {c.family for c in shipped_table.columns.values() if c.kind not in ("proxy", "detail")}
    assert others - {"imagenet16-120"} <= TAKEN
    assert not TAKEN & set(plugins.find("proxies"))
    plug = written(tmp_path, "return {'': 1.0}", "seconds")
    assert "naswot" in plugins.find("proxies", [plug])
    with pytest.raises(UserError, match="A proxy cannot be called seconds"):
        plugins.load("proxies", "seconds", [plug])


def test_a_proxy_is_tried_on_images_of_the_size_that_it_is_scored_on(tmp_path):
    body = "if passes.images.shape[3] < 16:\n        raise ValueError('too small')"
    plug = written(tmp_path, f"{body}\n    return {{'': 1.0}}")
    large = spec(plug, Skeleton(2, 1, 16))
    large.check()
    run(large, tasks([6111], 1, 1, 1), tmp_path / "out")
    assert merge(tmp_path / "out", large.load(), 1).values("mine@1")[6111] == 1
    with pytest.raises(UserError, match=r"On a small network that .*8x8 pixels\): .*too small"):
        spec(plug).check()


def test_labels_are_those_of_the_whole_file(tmp_path):
    """Not of the images drawn: whether a draw has the last class is chance."""
    pixels = np.zeros((40, 8, 8, 3), dtype=np.uint8)
    np.savez(tmp_path / "mine.npz", train_images=pixels, train_labels=np.r_[9, np.zeros(39, int)])
    options = ["--channels", "2", "--cells-per-stage", "1", "--resolution", "8", "--cells", "1"]
    options += ["--images", str(tmp_path / "mine.npz"), "--classes", "8", "--repeats", "3"]
    options += ["--batch-size", "2", "--proxy", "l2_norm", "--out", str(tmp_path / "out")]
    with pytest.raises(SystemExit, match="2"):
        main(["tabulate", *options])
    assert not list((tmp_path / "out").glob("rows*"))
