"""docs/results: findings with their numbers, pages with narrow tables, a record that tells."""

import dataclasses
import importlib.util
import json
import re
import shutil
from pathlib import Path

import pytest

from benchsuite.errors import UserError
from benchsuite.reporting.results import pages, record
from benchsuite.reporting.results.contents import Contents, Finding, Page, answered
from benchsuite.version import __version__

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "results"
CONTENTS = Contents.read(FOLDER / "contents.toml")
# What RESULTS has to answer, each by a finding whose question holds these words.
ASKED = [
    "which proxy", "at what cost", "size", "which search", "fits an stm32l432", "flops miss",
    "claims hold", "int8 cost", "robust", "millijoule", "boards",
]  # fmt: skip
TAU = [
    {"proxy": "meco@1", "dataset": "cifar10", "tau": 0.756, "lo": 0.753, "hi": 0.76, "none": None},
    {"proxy": "flops@1", "dataset": "cifar10", "tau": 0.577, "lo": 0.57, "hi": 0.583, "none": None},
]
BEST = {"table": "t", "where": {"dataset": "cifar10"}, "most": "tau"}


def finding(
    says="{a[proxy]} {a[tau]:.3f} [{a[lo]:.3f}, {a[hi]:.3f}]", artefact="table t", **numbers
):
    return Finding("Which?", says, "test", artefact, numbers or {"a": BEST})


def small(**changed):
    made = Contents(
        (finding(),),
        (Page("p.md", "Paper (2024)", "Paper"), Page("o.md", "Others", reports=("r*",))),
        words={"meco": "MeCo", "x_cube_ai": "X-CUBE-AI", "own": "own kernels"},
        truths={"test": "accuracy, {kind}"},
        artefacts="paper_artefacts",
    )
    return dataclasses.replace(made, **changed)


def run(tables, notes=(), group="Ours", files=(), accuracy="measured (a)"):
    report = {
        "title": "T", "answers": "what", "group": group, "notes": list(notes),
        "files": list(files), "tables": tables,
    }  # fmt: skip
    versions = {"made_by": {"versions": {"benchsuite": "1"}, "revision": "abc"}}
    return pages.Run({"r": report}, {**versions, "accuracy": accuracy, "table": "0" * 64}, {})


def claim(verdict, alone="no", paper="P"):
    return {"paper": paper, "verdict": verdict, "printed alone": alone}


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ("how well it ranks", "How well it ranks."),
        ("muNAS (2021), Fig. 1: peak memory", "muNAS (2021), Fig. 1: peak memory."),
        ("Do they search better?", "Do they search better?"),
    ],
)
def test_a_name_begins_a_sentence_as_it_is_written(answers, said):
    made = run({"t": TAU})
    reports = {"r": {**made.reports["r"], "answers": answers}}
    texts = pages.documents(dataclasses.replace(made, reports=reports), small())
    assert f"\n{said}\n" in texts["o.md"]


def test_claims_are_counted_apart_from_printed_statements_that_disagree():
    """Each claim in one column, and what more seeds would decide is no claim that none could."""
    rows = [
        claim("holds"),
        claim("does not hold"),
        claim("does not hold (as printed)", "yes"),
        claim("undecided (n = 20, about 25 seeds would decide it)"),
        claim("cannot be tested here (true by construction)"),
        claim("holds", paper="Q"),
    ]
    lines = pages._claims_by_paper(rows).split("\n")
    assert lines[0].strip("| ").split(" | ") == [
        "paper", "holds", "does not hold", "undecided", "cannot be tested here", pages.ALONE
    ]  # fmt: skip
    assert [line.strip("| ").split(" | ") for line in lines[2:]] == [
        ["P", "1", "1", "1", "1", "1"],
        ["Q", "1", "0", "0", "0", "0"],
    ]


def test_the_finding_on_claims_counts_each_of_them_once():
    (of,) = (one for one in CONTENTS.findings if "claims hold" in one.question)
    kinds = ["holds", "does not hold (why)", "undecided (n = 3)", "cannot be tested here (x)"]
    rows = [
        {"verdict": kind, "printed alone": "no", "after Holm": left}
        for kind, left in zip(
            kinds * 2, ["holds", "does not hold", "undecided", "", "undecided", "", "", ""],
            strict=True,
        )
    ]  # fmt: skip
    rows.append({"verdict": kinds[1], "printed alone": "yes", "after Holm": "does not hold"})
    said = answered(of, {"paper_claims": rows}, CONTENTS)
    assert said.startswith("Of 8 claims 2 hold, 2 do not, 2 are open for want of seeds")
    assert "1 holds, 1 does not" not in said
    assert "1 hold, 1 do not and 2 are open" in said
    assert "2 cannot be tested here" in said
    assert "1 more" in said


def test_a_finding_is_said_with_its_numbers_and_words():
    assert answered(finding(), {"t": TAU}, small()) == "MeCo 0.756 [0.753, 0.760]"
    half = [{"best": 87.07499999999999}]
    rounded = finding("{a[best]:.2f}", a={"table": "t"})
    assert answered(rounded, {"t": half}, small()) == "87.08", "as in the table"
    least = finding(
        "{a[proxy]}, {n} in all", a={"table": "t", "least": "tau"}, n={"table": "t", "count": True}
    )
    assert answered(least, {"t": TAU}, small()) == "flops, 2 in all"
    matched = finding("{a[tau]}", a={"table": "t", "where": {"proxy": "flops@*"}})
    assert answered(matched, {"t": TAU}, small()) == "0.577"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (finding(a={"table": "u"}), "no report made a table 'u'"),
        (finding(a={"table": "t"}), "2 rows of table 't' are meant by all, one is needed"),
        (
            finding(a={"table": "t", "where": {"proxy": "x"}}),
            "0 rows of table 't' are meant by proxy = x",
        ),
        (finding(a={"table": "t", "most": "none"}), "0 rows"),
        (finding("{a[other]}"), "has no column 'other'"),
        (finding("{a[none]:.2f}"), "has no value in column 'none'"),
        (finding("{b[tau]}"), "cannot be said"),
        (finding("{a[proxy]:.2f}"), "cannot be said"),
    ],
)
def test_a_number_that_is_missing_is_a_sentence(wrong, told):
    with pytest.raises(UserError, match=re.escape(told)):
        answered(wrong, {"t": TAU}, small())


def test_words_stand_for_ids_in_prose_and_not_in_code():
    words = small().worded
    assert words("own") == "own kernels"
    assert words("meco@1 + own") == "MeCo + own kernels"
    assert words("ours of its own under `x_cube_ai`, `meco` on stm32l432") == (
        "ours of its own under X-CUBE-AI, MeCo on STM32L432"
    )
    assert words("`latency.stm32l432.x_cube_ai`") == "`latency.stm32l432.x_cube_ai`"
    assert words("`devices/stm32l432.py`") == "`devices/stm32l432.py`"


def test_pages_hold_findings_first_and_every_table_narrow():
    wide = [{"name": f"n{row}", **{f"c{at}": at for at in range(20)}} for row in range(3)]
    long = [{"name": str(row), "value": row / 7} for row in range(30)]
    cells = [{"index": row, "arch": "|a~0|+|b~0|", "accuracy": row / 7} for row in range(80)]
    texts = pages.documents(run({"t": TAU, "wide": wide, "long": long, "cells": cells}), small())
    assert (
        "MeCo 0.756 [0.753, 0.760] *Truth: accuracy, measured.* [Table](o.md#table-t)"
        in texts["README.md"]
    )
    page = texts["o.md"]
    for name in ("t", "wide", "long", "cells"):
        assert page.count(f'<a id="table-{name}"></a>') == 1
    assert max(line.count("|") for line in page.splitlines()) <= 9
    assert "| MeCo | CIFAR" not in page
    assert "| MeCo | cifar10 | 0.756 [0.753, 0.760] |" in page
    assert page.index("<summary>More columns") < page.index("<summary>The rows")
    assert "tables/wide.csv" in texts
    assert "tables/cells.csv" not in texts, "no table of cells is copied"
    assert "80 rows: its file is written by a run" in page


@pytest.mark.parametrize(
    ("of", "contents", "told"),
    [
        (run({"t": TAU}), small(findings=(finding(artefact="figure f"),)), "figure f, which"),
        (run({"t": TAU}), small(pages=(Page("p.md", "P", "Paper"),)), "The report r has no page"),
        (run({"t": TAU}), small(truths={}), "unknown truth"),
        (run({"t": TAU}), small(tables={"t": ["gone"]}), "has no column 'gone'"),
        (
            run({"t": TAU, "paper_artefacts": [
                {"paper": "Paper", "printed": "Fig. 1", "shows": "s", "stands for it": "table u",
                 "why none or what differs": ""}
            ]}),
            small(), "the table u stands for a printed one and is not made",
        ),
    ],
)  # fmt: skip
def test_what_is_missing_ends_with_a_sentence(of, contents, told):
    with pytest.raises(UserError, match=re.escape(told)):
        pages.documents(of, contents)


def test_estimated_accuracies_are_told_as_such():
    texts = pages.documents(run({"t": TAU}, accuracy="ESTIMATED of structure"), small())
    assert "*Truth: accuracy, ESTIMATED.*" in texts["README.md"]


def test_every_question_has_a_finding_and_every_finding_its_artefact_and_truth():
    asked = " ".join(finding.question.lower() for finding in CONTENTS.findings)
    assert not [words for words in ASKED if words not in asked]
    made = "".join(path.read_text("utf-8") for path in FOLDER.glob("*.md"))
    for one in CONTENTS.findings:
        assert one.truth in CONTENTS.truths, one.question
        kind, name = one.artefact.split(" ")
        there = "## Claims" if name == "paper_claims" else f'<a id="{kind}-{name}"></a>'
        assert there in made, one.question
        assert one.question in (FOLDER / "README.md").read_text("utf-8")


def test_links_of_the_documents_lead_somewhere():
    for path in FOLDER.glob("*.md"):
        for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text("utf-8")):
            file, _, anchor = link.partition("#")
            there = path.parent / file if file else path
            assert there.exists(), (path.name, link)
            if anchor and anchor != "claims":
                assert f'<a id="{anchor}"></a>' in there.read_text("utf-8"), (path.name, link)


def test_the_documents_have_narrow_tables_and_no_ids_where_there_are_words():
    ids = [word for word in CONTENTS.words if re.search(r"[\d_]", word)]
    for path in FOLDER.glob("*.md"):
        if path.name == "moved.md":
            continue
        text = path.read_text("utf-8")
        rows = [line for line in text.splitlines() if line.startswith("|")]
        assert all(len(re.findall(r"(?<!\\)\|", row)) <= 9 for row in rows), path.name
        assert not [word for word in ids if f"`{word}`" in text], path.name


def test_what_moved_and_the_changelog_agree_on_what_was_released():
    changes = (FOLDER.parents[1] / "CHANGELOG.md").read_text("utf-8")
    moved = " ".join((FOLDER / "moved.md").read_text("utf-8").split())
    released = re.findall(r"^## \[?(\d+\.\d+\.\d+)", changes, re.M)
    assert (f"this is what {__version__} will hold" in changes) == (__version__ not in released)
    assert (f"version {__version__}, which is not released yet" in moved) == (
        __version__ not in released
    )


def test_the_documents_are_current_as_far_as_can_be_told_without_a_run():
    assert record.stale(FOLDER) == []


@pytest.fixture
def copy(tmp_path):
    shutil.copytree(FOLDER, tmp_path / "results")
    return tmp_path / "results"


def test_the_record_tells_what_was_changed(copy):
    (copy / "README.md").write_text("by hand", encoding="utf-8")
    (copy / "monas.md").unlink()
    (copy / "other.md").write_text("", encoding="utf-8")
    with (copy / "contents.toml").open("a", encoding="utf-8") as file:
        file.write("more = 1\n")
    said = json.loads((copy / record.NAME).read_text("utf-8"))
    said["versions"]["proxies"]["meco"] = 0
    said["reports made"] = [*said["reports made"][1:], "gone"]
    said["sources"]["reports"]["correlations.py"] = ""
    (copy / record.NAME).write_text(json.dumps(said), encoding="utf-8")
    told = " ".join(record.stale(copy))
    for part in (
        "README.md was edited by hand.", "monas.md is lost.", "other.md was not made",
        "contents.toml has changed", "is not in it.", "The report gone is gone.",
        "meco is of version 1, here of 0.",
    ):  # fmt: skip
        assert part in told
    assert any("of reports have changed since" in told for told in record.older(copy))


def test_lines_that_end_otherwise_are_no_edit(copy):
    text = (copy / "README.md").read_bytes()
    (copy / "README.md").write_bytes(text.replace(b"\n", b"\r\n"))
    assert record.stale(copy) == []


def command():
    spec = importlib.util.spec_from_file_location("collect_of_docs", FOLDER / "collect.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_command_writes_what_it_then_finds_current(tmp_path, capsys):
    folder, made = tmp_path / "docs", tmp_path / "out"
    folder.mkdir()
    made.mkdir()
    (made / "f.png").write_bytes(b"picture")
    (folder / "old.png").write_bytes(b"picture")
    (folder / "contents.toml").write_text(
        '[truths]\ntest = "accuracy, {kind}"\n[[finding]]\nquestion = "Which?"\ntruth = "test"\n'
        'says = "{a[tau]}"\nartefact = "figure f"\nnumbers.a = {table = "t", most = "tau"}\n'
        '[[page]]\nfile = "o.md"\ntitle = "Others"\nreports = ["r"]\n',
        encoding="utf-8",
    )
    of = run({"t": TAU}, files=["out/f.png", "out/t.csv"])
    (tmp_path / "run.json").write_text(json.dumps(dataclasses.asdict(of)), encoding="utf-8")
    main = command().main
    assert main([str(tmp_path / "run.json"), "--into", str(folder)]) == 0
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert names == {
        "README.md",
        "contents.toml",
        "f.png",
        "made_from.json",
        "o.md",
        "tables/t.csv",
    }
    assert main(["--check", "--into", str(folder)]) == 0
    (folder / "o.md").write_text("x", encoding="utf-8")
    assert main(["--check", "--into", str(folder)]) == 1
    (made / "f.png").unlink()
    assert main([str(tmp_path / "run.json"), "--into", str(folder)]) == 2
    assert "The figure out/f.png lies neither below" in capsys.readouterr().err
    (tmp_path / "run.json").write_text("[]", encoding="utf-8")
    assert main([str(tmp_path / "run.json"), "--into", str(folder)]) == 2
    assert "is not what a run printed" in capsys.readouterr().err
    (folder / "contents.toml").write_text("[[finding]]\nx = 1\n", encoding="utf-8")
    with pytest.raises(UserError, match="declares no findings"):
        Contents.read(folder / "contents.toml")
