"""What the tests of the page share: a page of made reports, and a reader of its parts."""

import base64
import json
from html.parser import HTMLParser

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from benchsuite.api import Report, Result
from benchsuite.replays import outcome as outcomes
from benchsuite.replays import study
from benchsuite.reporting import artefacts
from benchsuite.reporting.page import MadeReport, write

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


def entries(folder, line="a line"):
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


def small_page(folder, table):
    """Write a page with searches below a folder; return its path."""
    (folder / "study.toml").write_text(STUDY)
    chosen = study.load(folder / "study.toml")
    outcome = outcomes.run(chosen, table, folder / "studies")
    return write(folder / "index.html", table, entries(folder), {chosen.name: outcome})


class Parts(HTMLParser):
    """Tags with their attributes, texts, and what script and style elements hold."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.texts, self.scripts, self._in = [], [], {}, None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self._in = dict(attrs).get("id", "code" if tag == "script" else "style")
            self.scripts[self._in] = ""

    def handle_endtag(self, tag):
        if tag in ("script", "style"):
            self._in = None

    def handle_data(self, data):
        if self._in is None:
            self.texts.append(data)
        else:
            self.scripts[self._in] += data

    def data(self, name="data"):
        return json.loads(self.scripts[name])

    def attributes(self, name):
        return [attrs[name] for _, attrs in self.tags if attrs.get(name)]


def unpacked(column, codes):
    """Return the values of a packed column, as the page's script does."""
    listed = np.frombuffer(base64.b64decode(column["values"]), f"<{column['type']}")
    if "codes" not in column:
        return listed.astype(float)
    packed = codes[column["codes"]]
    at = np.frombuffer(base64.b64decode(packed["data"]), f"<u{packed['bits'] // 8}")
    return listed[at].astype(float)
