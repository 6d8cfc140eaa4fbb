"""A name that is not there is a sentence with those that are near, or with what there is."""

from fnmatch import fnmatch

import pytest
from command_line import call

from benchsuite.errors import did_you_mean

pytestmark = pytest.mark.usefixtures("only_what_ships")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("ls device", "WHAT is one of columns, *, not 'device'. Did you mean devices?"),
        ("ls column", "Did you mean columns?"),
        ("export-api nat", "Did you mean nats"),
        ("score 6111 --dtype float", "--dtype is one of float32, float64, not 'float'. Did you"),
        ("score 6111 --device cud", "Did you mean cuda?"),
        ("profile stm32f746 --compiler clang", "--compiler is one of zig, gcc, not 'clang'."),
        ("devices estimate resnet9", "'resnet9' is no network: * Did you mean resnet8?"),
        ("devices estimate resnet", "Did you mean resnet8?"),
        ("devices estimate mobilenet", "Did you mean mobilenet_v1?"),
        ("devices estimate nowhere", "is no network: * .tflite, *resnet8*6111"),
        ("devices estimate resnet8 --runtime tflm", "there are own, *mean tflm_cmsis_nn or tflm_"),
        ("cell 6111 --runtime tflm", "Did you mean tflm_cmsis_nn or tflm_cmsis_nn_os?"),
        ("cell resnet8", "is no cell: *'benchsuite devices estimate' takes networks"),
        ("best --device stm32l432 --runtime tflm", "Did you mean tflm_cmsis_nn?"),
        ("best --device stm32l432 --dataset cifar", "no dataset 'cifar'* Did you mean cifar10 or"),
        ("best --device stm32l432 --skeleton offical", "no skeleton 'offical'* mean official?"),
        ("cell 6111 --dataset cifar", "There is no dataset 'cifar'"),
        ("devices estimate 6111 --skeleton ofical", "There is no skeleton 'ofical'"),
        ("replay rea --device stm32f746 --runtime tflm", "Did you mean tflm_cmsis_nn or tflm_"),
        ("replay rea --bound flop=3", "Did you mean flops"),
        ("baseline compare befor", "Did you mean before?"),
    ],
)  # fmt: skip
def test_what_is_near_is_suggested(line, said, capsys, only_what_ships):
    (only_what_ships / "out/baselines/before").mkdir(parents=True)
    (only_what_ships / "out/baselines/before/baseline.json").write_text("{}")
    code, _, err = call(capsys, *line.split())
    assert code == 2
    assert fnmatch(err, f"*{said}*"), err


def test_a_long_list_of_accuracies_is_cut(capsys):
    code, _, err = call(capsys, *["best", "--device", "stm32l432", "--accuracy", "valid"])
    assert code == 2
    assert "Did you mean validation?" in err
    assert len(err) < 400


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("tflm", " Did you mean tflm_cmsis_nn or tflm_cmsis_nn_os?"),
        ("x_cub", " Did you mean x_cube_ai?"),
        ("CUBE", " Did you mean x_cube_ai?"),
        ("e", ""),
        ("", ""),
        ("nothing like it", ""),
    ],
)
def test_names_that_hold_what_was_given_are_near(name, said):
    known = ["own", "tflm_cmsis_nn", "tflm_cmsis_nn_os", "x_cube_ai"]
    assert did_you_mean(name, known) == said


def test_three_names_are_a_list():
    assert did_you_mean("stm32f7", ["stm32f746", "stm32f765", "stm32f7x"]).endswith(
        "stm32f746, stm32f765 or stm32f7x?"
    )
