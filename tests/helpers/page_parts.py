"""What the tests of the page share: a page of made reports, and a reader of its parts."""

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from benchsuite.api import Report, Result
from benchsuite.replays import outcome as outcomes
from benchsuite.replays import study
from benchsuite.reporting import artefacts
from benchsuite.reporting.page import MadeReport, write
from benchsuite.table.table import Table

STUDY = """
schema = 1
name = "two-searches"
traces = true
[defaults]
epochs = 12
seeds = 3
budget = { seconds = 3000 }
[[searches]]
strategy = "rea"
[[searches]]
strategy = "random"
[[searches]]
strategy = "proxy_top"
label = "top by flops"
"""


def entries(folder: Path, line: str = "a line") -> list[MadeReport]:
    """Two made reports, one of them with a ranking, and one that lacks a column."""
    figure = Figure(figsize=(4, 3))
    figure.add_subplot().plot([1, 2, 3])
    rows = pd.DataFrame({"device": ["b", "a", "c"], "cells": [10, 2, 3000], "x": [2.5, np.nan, -1]})
    taus = pd.DataFrame(
        [
            {
                "proxy": p,
                "dataset": d,
                "tau": tau,
                "lo": tau - 0.01,
                "hi": tau + 0.01,
            }
            for p, tau in (("worse@1", 0.31), ("better@1", 0.62))
            for d in ("cifar10", "cifar100", "imagenet16-120")
        ]
    )
    made = [
        (
            "drawn",
            "MONAS Table 10",
            "MONAS",
            Result({"drawn": rows}, {"drawn": figure}, ("A note.",)),
        ),
        ("taus", "Proxies", "Ours", Result({"taus": taus}, ranking=taus)),
    ]
    found = [
        MadeReport.of(
            n,
            Report(title=t, answers="what it answers", make=lambda _: Result(), group=g),
            r,
            files=artefacts.write(r, folder / "reports", line),
        )
        for n, t, g, r in made
    ]
    return [
        *found,
        MadeReport("lost", "MONAS Table 2", "asks", "MONAS", reason="There is no column."),
    ]


def small_page(folder: Path, table: Table) -> Path:
    """Write a page with searches below a folder; return its path."""
    (folder / "study.toml").write_text(STUDY)
    chosen = study.load(folder / "study.toml")
    outcome = outcomes.run(chosen, table, folder / "studies")
    return write(folder / "index.html", table, entries(folder), {chosen.name: outcome})


class Parts(HTMLParser):
    """Tags with their attributes, texts, and what script and style elements hold."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.scripts: dict[str, str] = {}
        self._in: str | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self._in = dict(attrs).get("id") or ("code" if tag == "script" else "style")
            self.scripts[self._in] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._in = None

    def handle_data(self, data: str) -> None:
        if self._in is None:
            self.texts.append(data)
        else:
            self.scripts[self._in] += data

    def data(self, name: str = "data") -> Any:
        return json.loads(self.scripts[name])

    def attributes(self, name: str) -> list[str | None]:
        return [attrs[name] for _, attrs in self.tags if attrs.get(name)]


def inflated(parts: Parts) -> bytes:
    """Return the bytes of all columns, as the page's script has them."""
    return zlib.decompress(base64.b64decode(parts.scripts["packed"]))


def unpacked(
    column: Mapping[str, Any], codes: Sequence[Mapping[str, Any]], packed: bytes
) -> NDArray[np.float64]:
    """Return the values of a packed column, as the page's script does."""
    listed = array_at(column, packed)
    if "codes" not in column:
        return listed.astype(float)
    return np.asarray(listed[array_at(codes[column["codes"]], packed)], dtype=np.float64)


def array_at(placed: Mapping[str, Any], packed: bytes) -> NDArray[Any]:
    """Return an array: the first bytes of all its numbers lie before the second ones."""
    kind = np.dtype(f"<{placed['type']}")
    end = placed["at"] + placed["length"] * kind.itemsize
    planes = np.frombuffer(packed[placed["at"] : end], np.uint8).reshape(kind.itemsize, -1)
    return planes.T.copy().view(kind).ravel()
