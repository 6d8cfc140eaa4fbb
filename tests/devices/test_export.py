"""Exported files: run by other people's interpreters, compared with arithmetic of our own."""

import csv
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from benchsuite.cli.commands.export import command
from benchsuite.deployment.arena import arena, head, plan, tail
from benchsuite.deployment.flash import all_entropy, all_udc, constants
from benchsuite.deployment.graph import graph
from benchsuite.deployment.ram import ram
from benchsuite.devices._export import formats
from benchsuite.devices._export.quantise import (
    Range,
    _quantise_weights,
    evaluate,
    evaluate_layer,
    quantise,
)
from benchsuite.errors import UserError
from benchsuite.space.cell import CONV1, CONV3, POOL, SKIP, Cell
from benchsuite.space.deploy import deploy
from benchsuite.space.equivalence import classes
from benchsuite.space.network import Skeleton

TINY = Skeleton(channels=4, cells_per_stage=1, resolution=16)
MIXED = Cell((CONV3, POOL, CONV1, SKIP, CONV3, POOL))
CONNECTED = np.flatnonzero(classes("connected"))
SKELETONS = [
    Skeleton(16, 1, 16),
    Skeleton(8, 2, 16, 100),
    Skeleton(3, 1, 24, 7),
    Skeleton(5, 3, 8, 2),
    Skeleton(16, 4, 8),
]


def network(skeleton, cell=MIXED, stride2="after", seed=0):
    return quantise(deploy(cell, skeleton), np.random.default_rng(seed), stride2)


def picture(skeleton, seed=1):
    shape = (1, skeleton.resolution, skeleton.resolution, 3)
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32).clip(-3, 3)


def connected_cells(count, seed):
    chosen = np.random.default_rng(seed).choice(CONNECTED, count, replace=False)
    return [Cell.from_index(index) for index in chosen.tolist()]


@pytest.mark.parametrize("skeleton", [TINY, Skeleton(6, 2, 8, 3)])
def test_evaluation_is_torchs(skeleton):
    """The float evaluation of the deployed network, layer by layer in torch."""
    torch = pytest.importorskip("torch")
    f = torch.nn.functional
    for cell in connected_cells(6, seed=2):
        ours = network(skeleton, cell, "before")
        image = picture(skeleton)
        outputs = []
        for at, layer in enumerate(ours.network.layers):
            reads = [outputs[i] for i in layer.inputs]
            if at in ours.weights:
                w, before = ours.weights[at], ours.ranges[layer.inputs[0]]
                values = w.values * w.scales[:, None, None, None]
                kernel = torch.tensor(values.transpose(0, 3, 1, 2).astype(np.float32))
                bias = torch.tensor((w.biases * w.scales * before.scale).astype(np.float32))
            if layer.kind == "input":
                y = torch.tensor(image.transpose(0, 3, 1, 2))
            elif layer.kind == "conv":
                y = f.conv2d(reads[0], kernel, bias, layer.stride, layer.kernel // 2)
            elif layer.kind == "affine":
                y = f.conv2d(reads[0], kernel, bias, groups=layer.shape[0])
            elif layer.kind == "avg_pool":
                pad = 1 if layer.stride == 1 else 0
                args = (layer.kernel, layer.stride, pad)
                y = f.avg_pool2d(reads[0], *args, count_include_pad=False)
            elif layer.kind == "global_pool":
                y = reads[0].mean((2, 3))
            elif layer.kind == "linear":
                y = f.linear(reads[0], kernel[:, :, 0, 0], bias)
            else:
                y = reads[0] + reads[1] if layer.kind == "add" else reads[0]
            outputs.append(f.relu(y) if layer.relu or layer.kind == "relu" else y)
        logits = outputs[-1].numpy()
        np.testing.assert_allclose(evaluate(ours, image), logits, rtol=1e-4, atol=1e-4)


def test_rounding_costs_a_few_steps():
    ours, image = network(TINY), picture(TINY)
    steps = (evaluate(ours, image, rounded=True) - evaluate(ours, image)) / ours.ranges[-1].scale
    assert 0 < np.abs(steps).max() < 8


@given(st.floats(1e-3, 10), st.integers(-128, 127), st.integers(-128, 127))
def test_a_range_holds_its_own_values(scale, zero_point, value):
    at = Range(scale, zero_point)
    real = at.real(np.array([value], np.int8))
    assert at.whole(real) == value
    np.testing.assert_array_equal(at.round(real), real)


@settings(max_examples=100)
@given(
    st.lists(
        st.tuples(st.integers(1, 9), st.integers(0, 9), st.integers(0, 4)), min_size=1, max_size=12
    )
)
def test_a_plan_never_overlaps_and_holds_the_live_peak(buffers):
    sizes, firsts, lengths = zip(*buffers, strict=True)
    lasts = [first + length for first, length in zip(firsts, lengths, strict=True)]
    offsets = plan(sizes, firsts, lasts)
    live = [[i for i in range(len(sizes)) if firsts[i] <= time <= lasts[i]] for time in range(15)]
    for together in live:
        taken = [byte for i in together for byte in range(offsets[i], offsets[i] + sizes[i])]
        assert len(taken) == len(set(taken))
    top = max(offset + size for offset, size in zip(offsets, sizes, strict=True))
    assert max(sum(sizes[i] for i in together) for together in live) <= top <= sum(sizes)


# Head and tail [bytes], 64 bits, as tflite-micro 0.dev20261023182759 reports them of our files.
REPORTED = {
    (6111, Skeleton()): (81920, 56736),
    (9930, Skeleton(cells_per_stage=1)): (81920, 16976),
    (1462, Skeleton()): (98304, 63088),
    (3, Skeleton(3, 1, 24, 7)): (5184, 4672),
    (4969, Skeleton(12, 3, 16, 100)): (15360, 27920),
    (100, Skeleton(5, 2, 8, 2)): (1280, 14224),
}


@pytest.mark.parametrize("case", REPORTED)
def test_arena_as_the_interpreter_reported_it(case):
    index, skeleton = case
    own = graph(deploy(Cell.from_index(index), skeleton))
    assert (head(own), tail(own, 64)) == REPORTED[case]


def reported_arena(interpreter):
    """Head and tail that the interpreter prints to the process's stderr."""
    with tempfile.TemporaryFile() as file:
        kept = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            interpreter.print_allocations()
        finally:
            os.dup2(kept, 2)
            os.close(kept)
        file.seek(0)
        lines = file.read().decode().splitlines()
    return tuple(
        next(int(line.split()[-2]) for line in lines if f"Arena allocation {part} " in line)
        for part in ("head", "tail")
    )


@pytest.fixture(scope="module")
def tflm():
    runtime = pytest.importorskip("tflite_micro.python.tflite_micro.runtime")
    pytest.importorskip("tflite")

    def interpreter(data, keep=False, arena=8 << 20):
        config = runtime.InterpreterConfig
        mode = config.kPreserveAllTensors if keep else config.kAllocationRecording
        return runtime.Interpreter.from_bytes(data, arena_size=arena, intrepreter_config=mode)

    return interpreter


def test_arena_is_the_interpreters(tflm):
    """Byte for byte, on fifty cells in five skeletons: a mean absolute error of nothing."""
    from benchsuite.devices._export.tflite import to_tflite

    for skeleton in SKELETONS:
        for cell in connected_cells(10, seed=skeleton.channels):
            ours = network(skeleton, cell)
            own = graph(ours.network)
            assert reported_arena(tflm(to_tflite(ours))) == (head(own), tail(own, 64))


def test_arena_is_the_smallest_that_works(tflm):
    """To 16 bytes, whether the tensors need it or the plan's own notes do."""
    from benchsuite.devices._export.tflite import to_tflite

    limits = set()
    for skeleton in (*SKELETONS, Skeleton(4, 3, 4, 7)):
        for cell in connected_cells(3, seed=skeleton.channels + 1):
            ours = network(skeleton, cell)
            data, own = to_tflite(ours), graph(ours.network)
            needed = arena(own, 64)
            limits.add(needed > head(own) + tail(own, 64))
            tflm(data, arena=needed)
            with pytest.raises(RuntimeError):
                tflm(data, arena=needed - 32)
    assert limits == {False, True}


def check_layers(ours, whole):
    """Every int8 tensor is, within one step, our layer's output of the int8 tensors it read.

    whole: what another interpreter computed for each layer, [1, H, W, C] or [1, C].
    """
    for at, layer in enumerate(ours.network.layers):
        reads = [ours.ranges[i].real(whole[i]) for i in layer.inputs]
        if reads:
            expected = ours.ranges[at].round(evaluate_layer(ours, at, reads))
            found = ours.ranges[at].real(whole[at])
            assert np.abs(found - expected).max() <= 1.01 * ours.ranges[at].scale, layer


def check_logits(ours, image, logits):
    """Steps add up along the network: 16 of 256 against our rounded arithmetic, see above."""
    step = ours.ranges[-1].scale
    rounded, exact = evaluate(ours, image, rounded=True), evaluate(ours, image)
    assert np.abs(logits - rounded).max() <= 16 * step
    assert np.abs(logits - exact).max() <= np.abs(rounded - exact).max() + 16 * step
    assert np.ptp(logits) > 32 * step


@pytest.mark.parametrize("skeleton", SKELETONS)
def test_tflm_computes_what_we_compute(tflm, skeleton):
    from tflite.Model import Model

    from benchsuite.devices._export.tflite import to_tflite

    for cell in connected_cells(3, seed=3):
        ours, image = network(skeleton, cell), picture(skeleton)
        data = to_tflite(ours)
        interpreter = tflm(data, keep=True)
        interpreter.set_input(ours.ranges[0].whole(image), 0)
        interpreter.invoke()
        subgraph = Model.GetRootAs(data).Subgraphs(0)
        steps = range(subgraph.OperatorsLength())
        tensors = [subgraph.Inputs(0), *(subgraph.Operators(i).Outputs(0) for i in steps)]
        check_layers(ours, [interpreter.GetTensor(i, 0)["tensor_data"] for i in tensors])
        exact = ours.ranges[0].round(image)
        check_logits(ours, exact, ours.ranges[-1].real(interpreter.get_output(0)))


@pytest.mark.parametrize("skeleton", SKELETONS)
def test_onnx_runtime_computes_what_we_compute(skeleton):
    runtime = pytest.importorskip("onnxruntime")
    onnx = pytest.importorskip("onnx")
    from benchsuite.devices._export.onnx import to_onnx

    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    # Without it, x86 kernels saturate sums of two products at 16 bits (8 bits x 8 bits, no VNNI).
    options.add_session_config_entry("session.x64quantprecision", "1")
    for cell in connected_cells(3, seed=4):
        ours, image = network(skeleton, cell, "before"), picture(skeleton)
        data = to_onnx(ours)
        feed = {"image": image.transpose(0, 3, 1, 2)}
        (logits,) = runtime.InferenceSession(data, options).run(None, feed)
        check_logits(ours, ours.ranges[0].round(image), logits)
        model = onnx.load_from_string(data)
        names = [f"{layer.name}.int8" for layer in ours.network.layers]
        whole = [onnx.helper.make_tensor_value_info(n, onnx.TensorProto.INT8, None) for n in names]
        model.graph.output.extend(whole)
        tensors = runtime.InferenceSession(model.SerializeToString(), options).run(names, feed)
        check_layers(ours, [t.transpose(0, 2, 3, 1) if t.ndim == 4 else t for t in tensors])


def test_a_tflite_file_stores_what_flash_counts():
    pytest.importorskip("tflite")
    from tflite.Model import Model

    from benchsuite.devices._export.tflite import to_tflite

    ours = network(TINY)
    model = Model.GetRootAs(to_tflite(ours))
    axes = 8
    stored = sum(model.Buffers(i).DataLength() for i in range(model.BuffersLength()))
    found = constants(ours.network)
    assert stored - axes == found.weights + 4 * found.channels
    tensors = model.Subgraphs(0)
    scales = [tensors.Tensors(i).Quantization() for i in range(tensors.TensorsLength())]
    assert sum(q.ScaleLength() for q in scales if q) >= found.channels
    assert tensors.OperatorsLength() == len(ours.network.layers) - 1


@pytest.mark.parametrize("file_format", formats.FORMATS)
def test_files_depend_on_the_seed_alone(file_format):
    for package in formats.FORMATS[file_format].packages:
        pytest.importorskip(package)
    one, two, other = (formats.export(MIXED, TINY, file_format, seed) for seed in (0, 0, 1))
    assert one == two != other


def test_writers_refuse_the_padding_they_cannot_write():
    from benchsuite.devices._export import onnx as _onnx
    from benchsuite.devices._export import tflite as _tflite

    with pytest.raises(ValueError, match="after the image"):
        _tflite.to_tflite(network(TINY, stride2="before"))
    with pytest.raises(ValueError, match="before the image"):
        _onnx.to_onnx(network(TINY, stride2="after"))


@pytest.mark.parametrize("file_format", formats.FORMATS)
def test_the_command_writes_a_file_and_says_what_it_means(tmp_path, file_format):
    for package in formats.FORMATS[file_format].packages:
        pytest.importorskip(package)
    out = tmp_path / "new" / f"cell.{file_format}"
    small = ["--channels", "4", "--cells-per-stage", "1", "--resolution", "16"]
    result = CliRunner().invoke(
        command, [str(MIXED.index), *small, "--format", file_format, "--out", str(out)]
    )
    assert result.exit_code == 0, result.output
    assert out.read_bytes() == formats.export(MIXED, TINY, file_format, 0)
    assert "accuracy is not" in result.output
    assert f"{ram('ram.tflm', MIXED, TINY):,} bytes" in result.output


def test_the_command_cannot_write_into_a_file(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(formats, "export", lambda *_: b"")
    with pytest.raises(UserError, match="cannot be written"):
        CliRunner().invoke(
            command, ["6111", "--out", str(tmp_path / "file" / "x.tflite")], catch_exceptions=False
        )


def test_a_missing_package_is_a_sentence(monkeypatch):
    missing = replace(formats.FORMATS["onnx"], packages=("no_such_package",))
    monkeypatch.setitem(formats.FORMATS, "onnx", missing)
    with pytest.raises(UserError, match=r"no_such_package.*benchsuite\[export\]"):
        formats.export(MIXED, TINY, "onnx", 0)


def test_bad_input_is_a_sentence():
    with pytest.raises(UserError, match=r"no format 'tflit'.*Did you mean tflite"):
        formats.export(MIXED, TINY, "tflit", 0)
    with pytest.raises(UserError, match="nothing to export"):
        network(TINY, Cell((0,) * 6))


def test_nothing_heavy_is_imported_before_a_file_is_written():
    code = (
        "import sys, benchsuite.cli.commands.export\n"
        "import benchsuite.devices._export.formats, benchsuite.deployment.ram\n"
        "print({'torch', 'onnx', 'tflite', 'flatbuffers', 'numba'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


@pytest.mark.parametrize(("bits", "sparsity"), [(8, 0.5), (4, 0.5), (4, 0.9)])
def test_vela_compresses_near_the_entropy(tmp_path, bits, sparsity):
    """Arm's compiler for the Ethos-U55 on sparse weights of few bits (extra `vela`).

    Its flash is the entropy within 5 %, plus ten bytes per channel in place of our eight and a
    command stream; UDC's bound as printed charges zeros for their bits and lies far above.
    """
    vela = shutil.which("vela", path=str(Path(sys.executable).parent))
    if not vela:
        pytest.skip("the command vela (PyPI ethos-u-vela) is not installed beside this Python")
    pytest.importorskip("tflite")
    from benchsuite.devices._export.tflite import to_tflite

    skeleton, rng = Skeleton(16, 1, 32), np.random.default_rng(0)
    dense = network(skeleton)
    largest = 2 ** (bits - 1) - 1

    def sparse(weights):
        values = rng.integers(1, largest + 1, weights.values.shape)
        values *= rng.choice([-1, 1], values.shape) * (rng.random(values.shape) >= sparsity)
        return replace(weights, values=values.astype(np.int8))

    ours = replace(dense, weights={at: sparse(w) for at, w in dense.weights.items()})
    (tmp_path / "cell.tflite").write_bytes(to_tflite(ours))
    system = ["--accelerator-config", "ethos-u55-128", "--config", "Arm/vela.ini"]
    system += ["--system-config", "Ethos_U55_High_End_Embedded", "--memory-mode", "Shared_Sram"]
    made = ["--output-dir", str(tmp_path)]
    run = [vela, str(tmp_path / "cell.tflite"), *system, *made]
    subprocess.run(run, check=True, capture_output=True)
    with next(tmp_path.glob("*summary*.csv")).open() as file:
        flash = 1024 * float(next(csv.DictReader(file))["off_chip_flash_memory_used"])
    entropy = int(all_entropy(skeleton, bits, sparsity)[MIXED.index])
    channels = constants(ours.network).channels
    assert 0.95 * entropy < flash < 1.05 * entropy + 2 * channels + 4096
    assert flash < 0.75 * all_udc(skeleton, bits, sparsity)[MIXED.index]


def test_biases_beyond_32_bits_are_the_nearest_that_fit():
    kernels, biases = np.ones((3, 1, 1, 1), np.float32), np.array([1e9, -1e9, 2], np.float32)
    made = _quantise_weights(kernels, biases, input_scale=1e-3)
    assert made.biases.tolist() == [2**31 - 1, -(2**31), round(2 * 127 * 1e3)]
