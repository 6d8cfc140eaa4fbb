"""Tabulation: the same rows whatever the split, nothing lost or mixed, errors as sentences."""

import contextlib
import errno
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace

import numpy as np
import pytest
import threads as in_threads
from descendants import of_this_process

from benchsuite.cli import main
from benchsuite.errors import UserError
from benchsuite.parallel import pool
from benchsuite.proxies._scoring.score import NO_PATH
from benchsuite.proxies._tabulation import merge
from benchsuite.proxies._tabulation import rows as _rows
from benchsuite.proxies._tabulation.spec import Spec
from benchsuite.proxies._tabulation.tabulate import choose_cells, run, score_row, tasks
from benchsuite.space.cell import N_CELLS
from benchsuite.space.equivalence import classes, representatives
from benchsuite.space.network import Skeleton
from benchsuite.table.table import Table

SMALL = Skeleton(channels=2, cells_per_stage=1, resolution=4)
SPEC = Spec(("l2_norm", "naswot"), SMALL, batch_size=4, images="gaussian")
OPTIONS = ["--channels", "2", "--cells-per-stage", "1", "--resolution", "4", "--batch-size", "4"]
OPTIONS += ["--images", "gaussian", "--proxy", "l2_norm,naswot"]
DEAD_CELL = int(representatives("functional")[classes("functional")[1234]])


@pytest.fixture
def threads(monkeypatch):
    monkeypatch.setattr(pool, "processes", in_threads.threads)


def rows(folder):
    found = list(_rows.read(folder))
    for row in found:
        del row["seconds"]
    return sorted(found, key=lambda row: (row["repeat"], row["cell"]))


def test_shards_and_jobs_change_nothing(tmp_path, threads):
    cells = choose_cells("12", seed=5)
    one, two = tmp_path / "one", tmp_path / "two"
    assert run(SPEC, tasks(cells, 2, 1, 1), one) == 24
    for shard in (2, 1, 3):
        run(SPEC, tasks(cells, 2, shard, 3), two, shard=shard, shards=3, jobs=2)
    assert rows(one) == rows(two)
    assert len(rows(one)) == 24


def test_shards_share_out_every_task_once():
    cells = list(range(10))
    split = [task for shard in (1, 2, 3) for task in tasks(cells, 4, shard, 3)]
    assert sorted(split) == sorted(tasks(cells, 4, 1, 1))
    with pytest.raises(UserError, match="no shard 4/3"):
        tasks(cells, 1, 4, 3)


def test_a_torn_line_is_scored_again_and_nothing_else(tmp_path, threads):
    todo = tasks(choose_cells("6", 0), 1, 1, 1)
    run(SPEC, todo, tmp_path)
    before = rows(tmp_path)
    path = tmp_path / "rows-1-of-1.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    assert len(rows(tmp_path)) == 5
    steps = []
    assert run(SPEC, todo, tmp_path, finished=lambda *step: steps.append(step)) == 1
    assert steps == [(5, 6), (6, 6)]
    assert rows(tmp_path) == before
    assert run(SPEC, todo, tmp_path) == 0


def test_rows_of_another_split_count_as_done(tmp_path, threads):
    cells = choose_cells("5", 0)
    run(SPEC, tasks(cells, 1, 1, 2), tmp_path, shard=1, shards=2)
    assert run(SPEC, tasks(cells, 1, 1, 1), tmp_path) == 2
    assert len(rows(tmp_path)) == 5


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seed": 1}, "seed 0 instead of 1"),
        ({"batch_size": 5}, "batch "),
        ({"images": "synthetic"}, "gaussian.*synthetic"),
        ({"skeleton": Skeleton(channels=3, cells_per_stage=1, resolution=4)}, '"channels": 2'),
        ({"proxies": ("naswot",)}, "proxies "),
    ],
)
def test_results_of_other_settings_are_refused(tmp_path, threads, change, named):
    run(SPEC, tasks([0], 1, 1, 1), tmp_path)
    with pytest.raises(UserError, match=f"other settings: .*{named}"):
        run(replace(SPEC, **change), tasks([0], 1, 1, 1), tmp_path)


def test_results_of_other_code_are_refused(tmp_path, threads, monkeypatch):
    run(SPEC, tasks([0], 1, 1, 1), tmp_path)
    monkeypatch.setattr(
        "benchsuite.proxies._tabulation.spec.code", lambda packages: f"another of {packages}"
    )
    with pytest.raises(UserError, match='other settings: code "'):
        run(SPEC, tasks([0], 1, 1, 1), tmp_path)


def test_files_beside_a_proxy_are_in_the_settings(tmp_path):
    folder = tmp_path / "mine/proxies"
    folder.mkdir(parents=True)
    (folder / "mine.py").write_text(MINE)
    spec = replace(SPEC, proxies=("mine", "naswot"), plugin_folders=(tmp_path / "mine",))
    found = [SPEC.settings()["code"], spec.settings()["code"]]
    (folder / "_helper.py").write_text("X = 1")
    found.append(spec.settings()["code"])
    (folder / "mine.py").write_text(MINE + "\n")
    found.append(spec.settings()["code"])
    assert len(set(found)) == 4
    assert SPEC.settings()["code"] == found[0]


def test_rows_without_settings_are_refused(tmp_path):
    (tmp_path / "rows-1-of-1.jsonl").touch()
    with pytest.raises(UserError, match=r"rows but no settings.json"):
        run(SPEC, [], tmp_path)


def test_a_damaged_line_is_named(tmp_path, threads):
    run(SPEC, tasks([0], 1, 1, 1), tmp_path)
    with (tmp_path / "rows-1-of-1.jsonl").open("a") as file:
        file.write("{}\n")
    with pytest.raises(UserError, match=r"Line 2 of .*rows-1-of-1.jsonl is damaged"):
        list(_rows.read(tmp_path))


def test_a_full_disk_keeps_what_is_there(tmp_path, threads, monkeypatch):
    run(SPEC, tasks([0], 1, 1, 1), tmp_path)

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(UserError, match=r"No space left on device.*is kept"):
            run(SPEC, tasks([0, 16], 1, 1, 1), tmp_path)
    run(SPEC, tasks([0, 16], 1, 1, 1), tmp_path)
    assert [row["cell"] for row in rows(tmp_path)] == [0, 16]


def test_a_shard_has_one_writer(tmp_path):
    with (
        _rows.appending(tmp_path, 1, 1),
        pytest.raises(UserError, match=r"rows-1-of-1\.jsonl is in use by"),
        _rows.appending(tmp_path, 1, 1),
    ):
        pass


def test_a_killed_worker_is_a_sentence_and_rows_are_kept(tmp_path):
    todo = tasks(choose_cells("40", 1), 1, 1, 1)

    def kill(done, _):
        if done == 3:
            os.kill(of_this_process()[0], signal.SIGKILL)

    with pytest.raises(UserError, match=r"SIGKILL.*finished is kept; the same command goes on"):
        run(SPEC, todo, tmp_path, jobs=2, finished=kill)
    assert 3 <= len(rows(tmp_path)) < 40


def test_choosing_cells(tmp_path):
    everyone = set(representatives("functional").tolist())
    assert set(choose_cells("all", 0)) == everyone
    assert choose_cells("9", 1) == choose_cells("9", 1) != choose_cells("9", 2)
    assert set(choose_cells("9", 1)) <= everyone
    listed = tmp_path / "cells.txt"
    listed.write_text("6111\n\nhpo:333132\n1234\n")
    chosen = choose_cells(str(listed), 0)
    assert set(chosen) <= everyone
    wanted = {classes("functional")[i] for i in (6111, 1234)}
    assert wanted <= {classes("functional")[i] for i in chosen}
    for bad, what in (("0", "not 0"), ("5261", "not 5261"), ("nofile", "nor a file")):
        with pytest.raises(UserError, match=what):
            choose_cells(bad, 0)
    listed.write_text("\n")
    with pytest.raises(UserError, match="lists no cell"):
        choose_cells(str(listed), 0)
    listed.write_text("15625\n")
    with pytest.raises(UserError, match="no cell 15625"):
        choose_cells(str(listed), 0)


def test_the_table_expands_classes_and_tells_what_is_missing(tmp_path, threads, capsys):
    listed = tmp_path / "cells.txt"
    listed.write_text(f"6111\n77\n{DEAD_CELL}\n")
    out = tmp_path / "out"
    main_ok(["tabulate", *OPTIONS, "--cells", str(listed), "--repeats", "3", "--out", str(out)])
    assert "9 rows, 2 proxies, 3 repeats" in capsys.readouterr().out
    table = Table.open(out / "proxies.parquet")
    number = classes("functional")
    for name in ("naswot", "l2_norm"):
        repeats = np.stack([table.values(f"{name}.r{r}@1") for r in range(3)])
        mean, spread = table.values(f"{name}@1"), table.values(f"{name}.std@1")
        np.testing.assert_allclose(mean, repeats.mean(axis=0), rtol=1e-6)
        np.testing.assert_allclose(spread, repeats.std(axis=0, ddof=1), rtol=1e-3)
        there = np.isfinite(mean)
        assert set(number[there]) == {number[6111], number[77]}
        for index in (6111, 77):
            assert len(set(mean[number == number[index]])) == 1
        reasons = table.reasons(f"{name}@1")
        assert reasons[NO_PATH] == 341
        rest = "not tabulated: 3 of 3 repeats missing"
        assert reasons[rest] == N_CELLS - 341 - there.sum()
    row = score_row(SPEC, int(representatives("functional")[number[77]]), 2)
    assert table.values("naswot.r2@1")[77] == np.float32(row["values"]["naswot"])
    assert np.isfinite(table.values("seconds.forward@1")[77])
    assert table.column("naswot").direction == "max"
    assert table.column("naswot.std").direction == "none"
    assert table.provenance["settings"]["skeleton"]["channels"] == 2
    assert set(table.provenance["batches"]) == {"0", "1", "2"}


def test_repeats_over_orders_of_magnitude_weigh_alike():
    """GraSP of chain cells: -.24, -1.8 and -1.4 million in three repeats."""
    values = np.array([[-2.4e5, 10.0, 5.0], [-1.8e6, 1e3, -5.0], [-1.4e6, 1e5, 0.0]])
    found = merge.average(values, "log")
    assert found[:2] == pytest.approx([-(np.prod(-values[:, 0]) ** (1 / 3)), 1e3], rel=1e-2)
    assert found[2] == 0
    np.testing.assert_array_equal(merge.average(values[:1], "log"), values[0])
    np.testing.assert_array_equal(merge.average(values, "mean"), values.mean(axis=0))
    order = np.argsort(merge.average(values * [[1], [10], [0.1]], "log")[:2])
    np.testing.assert_array_equal(order, np.argsort(found[:2]))


def test_a_shard_alone_waits_for_the_others(tmp_path, threads, capsys):
    options = ["tabulate", *OPTIONS, "--cells", "4", "--repeats", "1", "--out", str(tmp_path)]
    main_ok([*options, "--shard", "1/2"])
    assert "2 rows of other shards are missing" in capsys.readouterr().out
    main_ok([*options, "--shard", "2/2"])
    assert (tmp_path / "proxies.parquet").exists()


MINE = '''
"""A proxy of one's own."""

from benchsuite.api import Proxy

PROXY = Proxy(
    version=2,
    direction="max",
    formula="mean logit, and that of the module",
    source="a test",
    cost="forward",
    outputs={"tape": "by the tape", "module": "by the module"},
    score=lambda p: {"tape": p.tape.logits.mean(), "module": p.module()(p.images).mean()},
)
'''


def test_a_proxy_of_ones_own(tmp_path, threads, capsys):
    (tmp_path / "mine" / "proxies").mkdir(parents=True)
    (tmp_path / "mine" / "proxies" / "mine.py").write_text(MINE)
    extra = [*OPTIONS[:-1], "mine,naswot", "--plugins", str(tmp_path / "mine")]
    main_ok(["score", "6111", *extra, "--json"])
    printed = json.loads(capsys.readouterr().out)
    assert printed["scores"]["mine.tape"] == pytest.approx(printed["scores"]["mine.module"])
    out = str(tmp_path / "out")
    main_ok(["tabulate", *extra, "--cells", "2", "--repeats", "1", "--out", out])
    assert Table.open(tmp_path / "out" / "proxies.parquet").present("mine.tape@2") > 0


def test_score_prints_for_people_too(capsys):
    main_ok(["score", "1234", *OPTIONS])
    printed = capsys.readouterr().out
    assert "the same function" in printed
    assert f"missing: {NO_PATH}" in printed


@pytest.mark.parametrize(
    ("args", "what"),
    [
        (["--proxy", "naswt"], "Did you mean naswot"),
        (["--proxy", "flops"], "of the cell's structure, and needs no tabulation"),
        (["--proxy", "te_nas"], "Tabulate ntk_cond, linear_regions for it"),
        (["--proxy", "vkdnw_agg"], "Tabulate jacob_cov, az_nas, vkdnw for it"),
        (["--shard", "5/4"], "give I/N"),
        (["--shard", "x"], "give I/N"),
        (["--jobs", "0"], "jobs is a whole number of 1 or more, not 0"),
        (["--resolution", "30"], "multiple of 4"),
        (["--seed", "-1"], "-1 is not in the range"),
        (["--batch-size", "0"], "batch of 0 images"),
        (["--batch-size", "1"], "at least two images"),
        (["--images", "/nowhere"], "no images at /nowhere"),
        (["--merge"], "no effect: --merge takes the rows there are"),
        (["--plugins", "."], "holds no plug-ins|proxies"),
    ],
)
def test_mistakes_are_sentences(tmp_path, threads, capsys, monkeypatch, args, what):
    monkeypatch.chdir(tmp_path)
    given = ["tabulate", *OPTIONS, "--cells", "1", "--repeats", "1", *args]
    with pytest.raises(SystemExit) as stop:
        main([*given, "--out", str(tmp_path / "out")])
    assert stop.value.code == 2
    assert re.search(what, capsys.readouterr().err)


def test_no_jobs_claim_no_folder(tmp_path):
    with pytest.raises(UserError, match="0 workers cannot do anything"):
        run(Spec(("l2_norm",), Skeleton(4, 1, 8)), [(6111, 0)], tmp_path / "out", jobs=0)
    assert not (tmp_path / "out").exists()


def test_nothing_to_merge_is_a_sentence(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["tabulate", "--merge", "--out", str(tmp_path)])
    assert stop.value.code == 2
    assert "holds no results" in capsys.readouterr().err


def test_killed_it_goes_on_and_ends_the_same(tmp_path):
    """Two workers whose parent is killed in the middle; then one worker does the rest."""
    out = tmp_path / "out"
    options = [*OPTIONS, "--cells", "40", "--repeats", "2", "--out", str(out)]
    program = "from benchsuite.cli import main; main()"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", program, "tabulate", *options]
    path = out / "rows-1-of-1.jsonl"
    two = [*command, "--jobs", "2"]
    with subprocess.Popen(two, env=environment, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 120
        while not (path.exists() and path.stat().st_size > 2000) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert 0 < len(list(_rows.read(out))) < 80
    subprocess.run(command, env=environment, check=True, timeout=240, capture_output=True)
    found = rows(out)
    assert len(found) == 80
    spec = Spec(SPEC.proxies, SMALL, 4, 0, "gaussian")
    for row in found[:: len(found) // 5]:
        expected = score_row(spec, row["cell"], row["repeat"])
        assert row["values"] == expected["values"]
    assert (out / "proxies.parquet").exists()


def main_ok(args):
    with contextlib.suppress(SystemExit):
        main(args)
        return
    raise AssertionError(textwrap.shorten(" ".join(args), 200))
