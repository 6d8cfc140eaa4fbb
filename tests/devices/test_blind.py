"""Figures of one's own beside predictions: the same price as everywhere, and bad rows said."""

import json

import pytest
from click.testing import CliRunner

from benchsuite import plugins
from benchsuite.cli.commands import devices as command
from benchsuite.devices._latency.latency import latency
from benchsuite.devices._latency.measured import models
from benchsuite.devices._latency.work import work_of
from benchsuite.devices._models import reading
from benchsuite.devices._models.blind import agreement, compare
from benchsuite.devices._validation.boards import check
from benchsuite.errors import UserError
from benchsuite.space.cell import Cell
from benchsuite.space.network import SKELETONS

DEVICES = {name: plugins.load("devices", name) for name in ("stm32l4r5", "stm32h7a3", "stm32f746")}
HEAD = "device,runtime,version,model,ms,skeleton,note\n"


def write(folder, *rows, head=HEAD):
    path = folder / "rows.csv"
    path.write_text(head + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_published_boards_are_predicted_as_the_validation_does(tmp_path):
    """One path: the list of layers of ResNet-8 costs what the sums of its work do."""
    made = {}
    for one in check().predictions:
        figure = one.figure
        board = {"NUCLEO-L4R5ZI": "stm32l4r5", "NUCLEO-H7A3ZI-Q": "stm32h7a3"}.get(figure.board)
        if board and figure.runtime == "x_cube_ai" and figure.family == "resnet8":
            made[board, figure.version] = one
    rows = [
        f"{board},x_cube_ai,{version},resnet8,{one.figure.latency * 1e3},,"
        for (board, version), one in made.items()
    ]
    found = compare(write(tmp_path, *rows), DEVICES)
    assert len(found) == len(made) >= 10
    for row, one in zip(found, made.values(), strict=True):
        # The validation counts a pooling of the whole image and no softmax, as here.
        assert row.predicted == pytest.approx(one.predicted * 1e3, rel=1e-7)
        assert row.ratio == pytest.approx(one.predicted / one.figure.latency)


@pytest.mark.parametrize(
    ("example", "model"),
    [
        ("resnet8", "pretrainedResnet_quant"),
        ("ds_cnn", "kws_ref_model"),
        ("mobilenet_v1", "vww_96_int8"),
        ("autoencoder", "ad01_int8"),
    ],
)
def test_the_work_of_a_measured_model_is_that_of_its_layers(example, model):
    shapes = [one.shape for one in reading.read(example).operations if one.shape]
    assert work_of(shapes) == models()[model]


def test_a_cell_is_predicted_as_its_column(tmp_path):
    (row,) = compare(write(tmp_path, "stm32f746,own,,6111,100,mcu,x"), DEVICES)
    whole = latency(Cell.from_index(6111), SKELETONS["mcu"]["cifar10"], DEVICES["stm32f746"], "own")
    assert row.predicted == pytest.approx(1e3 * whole)
    assert row.beyond == 0


def test_a_version_may_be_short(tmp_path):
    rows = [f"stm32f746,x_cube_ai,{version},resnet8,9,," for version in ("", "10.2", "10.2.0")]
    found = compare(write(tmp_path, *rows), DEVICES)
    assert len({row.predicted for row in found}) == 1
    (one,) = agreement(found)  # What is priced alike is one version, its name in full.
    assert (one.version, one.n) == ("10.2.0", 3)


def test_agreement_by_hand(tmp_path):
    cells = (6111, 9930, 1000)
    rows = compare(write(tmp_path, *(f"stm32f746,own,,{c},1,," for c in cells)), DEVICES)
    again = [
        f"stm32f746,own,,{r.model},{r.predicted / f},,"
        for r, f in zip(rows, (1.2, 0.9, 1), strict=True)
    ]
    found = compare(write(tmp_path, *again), DEVICES)
    (one,) = agreement(found)
    assert (one.n, one.device, one.runtime) == (3, "stm32f746", "own")
    assert one.mape == pytest.approx(0.1)
    assert one.bias == pytest.approx(0.1 / 3)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("stm32f747,own,,6111,1,,", "line 2: there is no device 'stm32f747'"),
        ("stm32f746,owen,,6111,1,,", "line 2: There is no runtime 'owen'"),
        ("stm32f746,x_cube_ai,3.3.0,6111,1,,", "line 2: X-CUBE-AI 3.3.0 on cortex-m7 was not"),
        ("stm32f746,x_cube_ai,new,6111,1,,", "line 2: X-CUBE-AI new on cortex-m7 was not"),
        (
            "stm32f746,x_cube_ai,10.2.1,6111,1,,",
            "there is 7.1.0, .*, 9.0.0, 10.0.0, 10.2.0.",
        ),
        ("stm32f746,tflm_cmsis_nn,10.2,6111,1,,", "line 2: tflm_cmsis_nn has no versions"),
        ("stm32f746,own,,99999,1,,", "line 2: "),
        ("stm32f746,own,,no.tflite,1,,", "line 2: "),
        ("stm32f746,own,,6111,1,huge,", "line 2: There is no skeleton 'huge'"),
        ("stm32f746,own,,resnet8,1,mcu,", "line 2: resnet8 is a network of its own: skeleton is"),
        *((f"stm32f746,own,,6111,{ms},,", "line 2: ms is a number") for ms in ("", "x", "-1", "0")),
        *((f"stm32f746,own,,6111,{ms},,", "line 2: ms is a number") for ms in ("nan", "inf")),
        ("", "holds no rows"),
    ],
)
def test_rows_that_cannot_be_compared(row, why, tmp_path):
    with pytest.raises(UserError, match=why):
        compare(write(tmp_path, *[row] if row else []), DEVICES)


def test_files_that_are_no_tables(tmp_path):
    with pytest.raises(UserError, match="lacks the column 'runtime'"):
        compare(write(tmp_path, "a,b,c", head="device,model,ms\n"), DEVICES)
    with pytest.raises(UserError, match="more than one column 'skeleton'"):
        compare(write(tmp_path, head="device,runtime,model,ms,skeleton,skeleton\n"), DEVICES)
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="no text in UTF-8"):
        compare(tmp_path / "bytes.csv", DEVICES)
    with pytest.raises(UserError):
        compare(tmp_path / "missing.csv", DEVICES)


def test_the_command_prints_both_forms(tmp_path):
    path = write(tmp_path, "stm32f746,own,,6111,400,mcu,", "stm32f746,own,,9930,400,mcu,")
    shown = CliRunner().invoke(command.command, ["check", str(path)])
    assert shown.exit_code == 0, shown.output
    assert "Nothing was fitted to these rows" in " ".join(shown.output.split())
    printed = CliRunner().invoke(command.command, ["check", str(path), "--json"])
    found = json.loads(printed.output)
    assert [row["model"] for row in found["rows"]] == ["6111", "9930"]
    assert found["agreement"][0]["n"] == 2
