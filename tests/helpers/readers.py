"""Everything that reads foreign bytes, each as a function of a file, with files that it reads."""

import bz2
import contextlib
import functools
import io
import json
import os
import pickle
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import model_files
import numpy as np

from benchsuite.devices._models import layer_list, onnx, tflite
from benchsuite.errors import UserError
from benchsuite.proxies._scoring.images import _npz as npz
from benchsuite.proxies._tabulation import rows
from benchsuite.regression import tolerances
from benchsuite.remembered import Digests
from benchsuite.replays import study
from benchsuite.sources import analog_nasbench, mini_nasbench, naslib_zen
from benchsuite.sources._official import Records
from benchsuite.sources._source import read_pickle, read_zipped_pickle
from benchsuite.sources._whole_file import opened
from benchsuite.space.cell import N_CELLS, all_archs
from benchsuite.space.spellings import cell_of
from benchsuite.table import score_files
from benchsuite.table.columns import Column
from benchsuite.table.stored import DamagedError, Stored, store
from benchsuite.table.table import Table, Values

STUDY = b"""schema = 1
name = "few"
[defaults]
seeds = 20
budget = { seconds = 1e4, queries = 50 }
[[searches]]
strategy = "rea"
parameters = { population = 10, edges = "uniform" }
bounds = { "cifar10.flops" = 1e8 }
"""
LAYERS = b"""name,operator,reads,size,channels,kernel,stride,padding,relu
image,input,,9x8,3,,,,
a,conv,,,8,3,2,same,1
b,depthwise,,,,3x1,1,same,
c,conv,a,,8,1,1,valid,
d,add,c b,,,,,,
e,avg_pool,,,,5x4,,valid,
f,reshape,,,,,,,
g,linear,,,4,,,,
h,other,,,,,,,
"""
TOLERANCES = b"""schema = 1
[columns."latency.*"]
relative = 1e-6
[speeds."*"]
slower = 2.0
"""


class At:
    """A folder that holds one file under every name."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __truediv__(self, _: object) -> Path:
        return self._path


def _folder(path: Path) -> Path:
    return cast(Path, At(path))


def records(path: Path) -> None:
    with opened(path) as stream:
        stream.load(Records("nb201-v1_1", "tests", "a file").take)


def table(path: Path) -> tuple[str, str]:
    read = Table.open(path)
    for name in read.columns:
        assert read.values(name).shape == (N_CELLS,)
        read.reasons(name)
    return repr(read), read.provenance_line


def kept(path: Path) -> None:
    with contextlib.suppress(DamagedError):
        read = Stored(path, dict)
        for name in read.column_names:
            read._read(read._columns[name].part)


def cell(path: Path) -> None:
    cell_of(path.read_bytes().decode("latin-1"))


def a_table() -> Table:
    about = Column("x", "made up", "1", "max", "tests", "1", "proxy")
    values = np.where(np.arange(N_CELLS) % 7, np.arange(N_CELLS) % 5, np.nan)
    return Table.empty({"accuracy": "none"}).with_columns([Values(about, values, "why")])


def written(write: Callable[[Path], Any], name: str = "it") -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        write(path)
        return path.read_bytes()


def zipped(name: str, content: bytes | str, packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", packing) as archive:
        archive.writestr(name, content)
    return file.getvalue()


def record() -> dict[str, Any]:
    run = {
        "epochs": 12,
        "eval_names": ["x-valid"],
        "eval_acc1es": {"x-valid@11": 50.0},
        "train_times": dict.fromkeys(range(12), 1.5),
    }
    state = {
        "arch_index": 7,
        "arch_str": all_archs()[7],
        "all_results": {("cifar10-valid", 777): run},
    }
    return {"12": state}


# Reader -> (what reads a file, its name there, files that are read or are nearly read).
@functools.cache
def readers() -> dict[str, tuple[Callable[[Path], object], str, list[bytes]]]:
    data = {"a": [1.5, "text", (1, 2)], "b": np.arange(3.0), "c": {1}, "d": np.array(["x"], object)}
    pickles = [pickle.dumps(data, protocol) for protocol in (2, 4, 5)]
    row = {"cell": 5, "repeat": 0, "batches": ["a"], "values": {"x": 1.5}}
    row |= {"reasons": {}, "seconds": {"forward": 0.1}}
    array = io.BytesIO()
    np.savez(array, train_images=np.zeros((2, 4, 4, 3), np.uint8), train_labels=[0, 1])
    zen = json.dumps([{"arch": "(0, 1, 2, 3, 4, 0)", "zen": {"score": 1.5}}])
    member = "zen/benchmark--nasbench201--cifar10--0.json"
    small = a_table().pandas(["x"]).head(20)
    layers = layer_list.parse(LAYERS.decode().replace("h,", "softmax,"), "f.csv")
    tflites = [model_files.to_tflite(layers, pad) for pad in (False, True)]
    return {
        "pickle": (read_pickle, "f.pkl", pickles),
        "pandas pickle": (lambda p: list(mini_nasbench.read(_folder(p))), "f.pd", pickles),
        "analog": (
            lambda p: list(analog_nasbench.read(_folder(p))),
            "f.anb",
            [*pickles, pickle.dumps({(0, 0, 0, 0, 0, 0): [1.0]}, 4)],
        ),
        "records": (
            records,
            "f.pickle.pbz2",
            [bz2.compress(pickle.dumps(record(), p)) for p in (2, 4)],
        ),
        "whole file": (
            records,
            "f.pth",
            [
                zipped("a/data.pkl", pickle.dumps(record(), 2)),
                pickle.dumps(0x1950A86A20F9469CFC6C, 2)
                + pickle.dumps(1001, 2)
                + pickle.dumps({}, 2)
                + pickle.dumps({"arch2infos": {7: record()}}, 2),
            ],
        ),
        "archive": (
            read_zipped_pickle,
            "f.pt",
            [
                zipped("a/data.pkl", pickles[0], packing)
                for packing in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA)
            ],
        ),
        "zen": (lambda p: list(naslib_zen.read(_folder(p))), "f.zip", [zipped(member, zen)]),
        "study": (study.load, "f.toml", [STUDY]),
        "tolerances": (tolerances.load, "f.toml", [TOLERANCES]),
        "rows": (
            lambda p: list(rows.read(p.parent)),
            "rows-1-of-1.jsonl",
            [(json.dumps(row) + "\n").encode()],
        ),
        "settings": (lambda p: rows.read_settings(p.parent), "settings.json", [b'{"a": [1]}']),
        "table": (table, "f.parquet", [written(a_table().write, "it.parquet")]),
        "scores": (
            lambda p: score_files.one_score(p, "x"),
            "f.csv",
            [
                small.to_csv().encode(),
                b"# a note\narch;x\n" + all_archs()[3].encode() + b";1.5\n",
                written(small.to_parquet),
            ],
        ),
        "kept": (kept, "kept", [written(lambda p: store(p, a_table().data, {}, {}))]),
        "digests": (Digests, "f.json", [b'{"sha256:/a": [1, 2, 3, 4, "x"]}']),
        "tflite": (tflite.read, "f.tflite", tflites),
        "onnx": (onnx.read, "f.onnx", [model_files.to_onnx(layers)]),
        "layers": (layer_list.read, "f.csv", [LAYERS]),
        "images": (npz, "f.npz", [array.getvalue()]),
        "cell": (
            cell,
            "cell",
            [b"6111", b"hpo:333132", b"naslib:(1, 2, 3, 4, 0, 1)", all_archs()[9].encode()],
        ),
    }


def read(name: str, content: bytes, folder: Path) -> bool:
    """Read bytes as a file of a kind; whether they were taken. Only a UserError is a refusal."""
    return not refusal(name, content, folder)


def refusal(name: str, content: bytes, folder: Path) -> str:
    """Read bytes as a file of a kind; return the sentence that refuses them, empty if none does."""
    reader, called, _ = readers()[name]
    path = Path(folder) / called
    path.write_bytes(content)
    refused = ""
    try:
        reader(path)
    except UserError as error:
        refused = str(error)
    finally:
        os.unlink(path)
    assert len(refused) < 5000
    return refused
