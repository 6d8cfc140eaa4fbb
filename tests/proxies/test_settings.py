"""The sample under other settings: its cells, what a setting changes, resuming, what ships."""

import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch

from benchsuite.assembly import shipped
from benchsuite.proxies._tabulation import settings
from benchsuite.space.cell import connected
from benchsuite.space.equivalence import classes
from benchsuite.space.network import Skeleton

CELLS = settings.sampled()
SMALL = Skeleton(channels=4, cells_per_stage=1, resolution=8)


def small(**changes):
    given = {"proxies": (), "skeleton": SMALL, "batch_size": 6, "images": "synthetic"}
    return settings.Setting(**{**given, **changes})


def score(setting, cell=CELLS[0]):
    return settings.score_row(setting, cell, 0)["values"]


def test_the_sample_is_of_connected_cells_one_of_a_class():
    assert len(CELLS) == settings.SIZE
    assert connected()[CELLS].all()
    assert len(set(classes("functional")[CELLS])) == len(CELLS)
    assert settings.sampled(20) == CELLS[:20]


def test_an_initialisation_takes_the_place_of_the_default_alone():
    setting = small(init="kaiming")
    passes = setting.passes(CELLS[0], 0, setting.batches(0))
    plain = small().passes(CELLS[0], 0, setting.batches(0))
    of, other = passes.drawn("kaiming")[1], plain.drawn("kaiming")[1]
    net = passes.module()
    module = {
        layer.name: net.layers[at].weight
        for at, layer in enumerate(net.network.layers)
        if layer.kind in ("conv", "linear")
    }
    for name, weight in passes.weights.items():
        assert torch.equal(weight, of[name])
        assert torch.equal(weight, other[name])
        assert name.endswith(".bias") or torch.equal(weight, module[name])
        assert name.endswith(".bias") or not torch.equal(weight, plain.weights[name])
    for name, weight in passes.drawn("normal")[1].items():
        assert torch.equal(weight, plain.drawn("normal")[1][name])


def test_the_norm_over_every_parameter_is_that_of_a_loop():
    setting = small(proxies=("grad_norm_global", "fisher"), also=settings.ALSO, dtype="float64")
    values = score(setting)
    passes = setting.passes(CELLS[0], 0, setting.batches(0))
    net = passes.module()
    torch.nn.functional.cross_entropy(net(passes.images), passes.labels).backward()
    squares = {n: float((p.grad**2).sum()) for n, p in net.named_parameters()}
    assert values["grad_norm_every"] == pytest.approx(sum(squares.values()) ** 0.5)
    weights = [s for (n, p), s in zip(net.named_parameters(), squares.values(), strict=True)
               if net.get_parameter(n).ndim > 1]  # fmt: skip
    assert values["grad_norm_global"] == pytest.approx(sum(weights) ** 0.5)
    assert 0 < values["fisher_unweighted"] < values["fisher"]


def test_it_goes_on_and_ships_finished_repeats_only(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "sampled", lambda size=2: CELLS[:size])
    plan = {
        "noise": small(proxies=("naswot",), images="gaussian", repeats=2, size=2),
        "base+also": small(also=("fisher_unweighted",), repeats=1, size=2),
    }
    monkeypatch.setattr(settings, "IN_TABLE", ("naswot",))
    monkeypatch.setattr(settings, "MORE", 3)
    assert not settings.measure(plan, tmp_path, until=0.0, shard=1, of=1)
    assert settings.measure(plan, tmp_path, until=1e12, shard=1, of=2)
    settings.ship(plan, tmp_path, tmp_path / "half.parquet")
    assert set(pq.read_table(tmp_path / "half.parquet")["setting"].to_pylist()) <= {"base"}
    assert settings.measure(plan, tmp_path, until=1e12, shard=2, of=2)
    lines = [path.read_text("utf-8").splitlines() for path in tmp_path.glob("*/rows-*.jsonl")]
    assert sum(map(len, lines)) == 2 * 2 + 2
    settings.ship(plan, tmp_path, tmp_path / "all.parquet", [shipped.FOLDER / "proxies.parquet"])
    table = pq.read_table(tmp_path / "all.parquet").to_pandas()
    about = json.loads(pq.read_schema(tmp_path / "all.parquet").metadata[b"benchsuite"])
    noise = table[table["setting"] == "noise"]
    assert noise["cell"].tolist() == CELLS[:2] * 2
    assert about["settings"]["noise"]["repeats"] == 2
    alone = score(plan["noise"], CELLS[1])["naswot"]
    assert noise["value"].iloc[1] == pytest.approx(alone, rel=1e-6)
    assert (table["setting"] == "base").sum() == 2 + 3 * 3
    more = {"kaiming": small(proxies=("naswot",), init="kaiming", repeats=1, size=2)}
    assert settings.measure(more, tmp_path / "more", until=1e12, shard=1, of=1)
    settings.ship(more, tmp_path / "more", tmp_path / "all.parquet")
    both = pq.read_table(tmp_path / "all.parquet").to_pandas()
    assert both.groupby("setting").size().to_dict() == {"noise": 4, "base": 11, "kaiming": 2}
    pd.testing.assert_frame_equal(
        both[both["setting"] != "kaiming"].astype({"setting": str}),
        table.astype({"setting": str}),
    )
    told = json.loads(pq.read_schema(tmp_path / "all.parquet").metadata[b"benchsuite"])
    assert set(told["settings"]) == {"noise", "base+also", "kaiming"}
    assert told["settings"]["noise"] == about["settings"]["noise"]


@pytest.fixture(scope="module")
def frame():
    return pq.read_table(shipped.FOLDER / "sampled" / "settings.parquet").to_pandas()


def of(frame, setting, proxy):
    rows = frame[(frame["setting"] == setting) & (frame["proxy"] == proxy)]
    repeats = rows["repeat"].nunique()
    assert rows["cell"].tolist() == settings.sampled(len(rows) // repeats) * repeats
    return rows["value"].to_numpy().reshape(repeats, -1)


def test_what_ships_is_of_the_table(table, frame):
    for repeat, row in enumerate(of(frame, "base", "naswot")):
        cells = settings.sampled(settings.MORE)
        assert row == pytest.approx(table.values(f"naswot.r{repeat}@1")[cells])


def test_apart_every_cell_has_weights_and_images_of_its_own():
    """Two cells of one class: the same scores where a repeat is shared, others apart."""
    of = classes("functional")
    shared = next(c for c in CELLS if (of[connected()] == of[c]).sum() > 1)
    twins = np.flatnonzero(connected() & (of == of[shared])).tolist()
    together, apart = (small(also=("ntk_full",), apart=own) for own in (False, True))
    first, second = (together.row(cell, 0)["values"] for cell in twins[:2])
    assert first == second
    first, second, again = (apart.row(cell, 0) for cell in (*twins[:2], twins[0]))
    assert first["values"] != second["values"]
    assert (first["cell"], first["repeat"], first["values"]) == (twins[0], 0, again["values"])
    assert apart.row(twins[0], 1)["values"] != first["values"]


def test_random_labels_are_any_of_the_heads_and_hashed():
    skeleton = Skeleton(channels=4, cells_per_stage=1, resolution=8, classes=100)
    setting = small(skeleton=skeleton, batch_size=40, random_labels=True)
    found, plain = setting.batches(3), small(skeleton=skeleton, batch_size=40).batches(3)
    for one, other in zip(found, plain, strict=True):
        assert torch.equal(one.images, other.images)
        assert not torch.equal(one.labels, other.labels)
        assert 10 < one.labels.max() < 100
        assert one.labels.dtype == other.labels.dtype
        assert one.sha256 != other.sha256
    assert [torch.equal(one.labels, again.labels) for one, again in
            zip(found, setting.batches(3), strict=True)] == [True, True]  # fmt: skip


def test_the_sample_apart_is_of_all_cells_also_of_those_without_a_path():
    several = [of.cells() for of in settings.apart_plan("synthetic").values()]
    cells = max(several, key=len)
    assert all(fewer == cells[: len(fewer)] for fewer in several)
    assert len(set(cells)) == settings.MANY
    assert not connected()[cells].all()
    assert len(set(classes("functional")[cells])) < len(cells)
