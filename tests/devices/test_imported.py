"""Files of networks as other tools write them: shapes, types, constants, states, names."""

import math

import flatbuffers
import model_files
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import benchsuite as bs
from benchsuite.deployment import arena
from benchsuite.deployment.liveness import best_peak
from benchsuite.devices._models.reading import read
from benchsuite.errors import UserError
from benchsuite.space.spellings import cell_of


class Graph:
    """An .onnx file of quantise-dequantise pairs, operator by operator."""

    def __init__(self, *shape):
        self.nodes, self.constants, self.shape, self.count = [], [], shape, 0
        self.constant("scale", np.array(0.05, np.float32))
        self.constant("zero", np.array(0, np.int8))
        self.last = self.whole("image")

    def constant(self, name, values):
        self.constants.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def name(self):
        self.count += 1
        return f"t{self.count}"

    def node(self, kind, reads, **attributes):
        self.nodes.append(helper.make_node(kind, reads, [self.name()], **attributes))
        return f"t{self.count}"

    def whole(self, real):
        return self.node(
            "DequantizeLinear",
            [self.node("QuantizeLinear", [real, "scale", "zero"]), "scale", "zero"],
        )

    def weights(self, *shape, dtype=np.int8):
        stored = self.constant(self.name(), np.ones(shape, dtype))
        zero = self.constant(self.name(), np.array(0, dtype))
        return self.node("DequantizeLinear", [stored, "scale", zero])

    def then(self, kind, *reads, whole=True, **attributes):
        real = self.node(kind, [self.last, *reads], **attributes)
        self.last = self.whole(real) if whole else real
        return self

    def conv(self, *shape, **attributes):
        return self.then("Conv", self.weights(*shape), **attributes)

    def write(self, path, opset=13):
        floats = TensorProto.FLOAT
        graph = helper.make_graph(
            self.nodes,
            "network",
            [helper.make_tensor_value_info("image", floats, self.shape)],
            [helper.make_empty_tensor_value_info(self.last)],
            self.constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
        model.ir_version = 8
        path.write_bytes(model.SerializeToString())
        return str(path)


def outputs(path):
    """Return the outputs [channels, height, width] that the package onnx infers, by kind."""
    graph = onnx.shape_inference.infer_shapes(onnx.load(path)).graph
    kinds = {node.output[0]: node.op_type for node in graph.node}
    return [
        (kinds[value.name], tuple(d.dim_value for d in value.type.tensor_type.shape.dim[1:]))
        for value in graph.value_info
        if kinds.get(value.name) in ("Conv", "AveragePool", "Reshape", "Unsqueeze")
    ]


def test_a_reshape_gives_what_follows_another_shape(tmp_path):
    graph = Graph(1, 16, 8, 8)
    graph.then("Reshape", graph.constant("to", np.array([1, 16, 64, 1])), whole=False)
    path = graph.conv(16, 16, 3, 1, pads=[1, 0, 1, 0], strides=[2, 1]).write(tmp_path / "m.onnx")
    assert outputs(path)[-1] == ("Conv", (16, 32, 1))
    assert read(path).operations[-1].out == (16, 32, 1)
    assert read(path).macs == 16 * 16 * 3 * 32


def test_an_image_may_come_as_a_vector(tmp_path):
    graph = Graph(1, 490)
    graph.then("Reshape", graph.constant("to", np.array([1, 1, 49, 10])), whole=False)
    path = graph.conv(64, 1, 10, 4, pads=[4, 1, 5, 2], strides=[2, 2]).write(tmp_path / "m.onnx")
    assert read(path).operations[-1].out == (64, 25, 5) == outputs(path)[-1][1]


@pytest.mark.parametrize("size", [31, 32, 33])
@pytest.mark.parametrize("pads", [[0] * 4, [1] * 4])
def test_a_pooling_may_round_up(size, pads, tmp_path):
    graph = Graph(1, 3, size, size)
    graph.then("AveragePool", kernel_shape=[3, 3], strides=[2, 2], pads=pads, ceil_mode=1)
    path = graph.conv(8, 3, 3, 3, pads=[1] * 4).write(tmp_path / "m.onnx", 22)
    (_, pooled), (_, out) = outputs(path)
    assert [one.out for one in read(path).operations[1:]] == [pooled, out]


def test_what_is_read_as_another_operator_is_refused(tmp_path, monkeypatch):
    path = Graph(1, 3, 8, 8).conv(8, 3, 3, 3, pads=[1] * 4).write(tmp_path / "m.onnx")
    monkeypatch.setattr("benchsuite.devices._models.onnx._up", lambda *_: (0, 0))
    graph = Graph(1, 3, 32, 32).then(
        "AveragePool", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1
    )
    rounded = graph.write(tmp_path / "r.onnx")
    assert read(path).macs
    with pytest.raises(UserError, match=r"averagepool.2 is read as one that writes \(3, 15, 15\)"):
        read(rounded)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32])
def test_weights_that_are_not_int8_are_refused(dtype, tmp_path):
    graph = Graph(1, 3, 8, 8)
    graph.then("Conv", graph.weights(8, 3, 3, 3, dtype=dtype), pads=[1] * 4)
    with pytest.raises(UserError, match="weights that are not int8"):
        read(graph.write(tmp_path / "m.onnx", 21))


def test_constants_of_every_kind_and_older_operators_are_read(tmp_path):
    graph = Graph(1, 3, 8, 8)
    graph.then("Conv", graph.weights(8, 3, 3, 3), whole=False, pads=[1] * 4)
    for end, value in (("low", 0.0), ("high", 6.0)):
        graph.nodes.append(helper.make_node("Constant", [], [end], value_float=value))
    assert read(graph.then("Clip", "low", "high").write(tmp_path / "m.onnx")).operations[-1].relu
    old = Graph(1, 3, 8, 8).then("Pad", pads=[0, 0, 1, 1, 0, 0, 1, 1]).conv(8, 3, 3, 3)
    assert read(old.write(tmp_path / "old.onnx", 10)).operations[-1].out == (8, 8, 8)


@pytest.mark.parametrize("attributes", [{"dilations": [2, 2]}, {"group": 2}])
def test_weights_of_what_no_kernel_covers_count_in_flash(attributes, tmp_path):
    weights = 1024, 64 // attributes.get("group", 1), 3, 3
    graph = Graph(1, 64, 8, 8).conv(*weights, pads=[2] * 4, **attributes)
    found = bs.estimate(graph.write(tmp_path / "m.onnx"), device="stm32l432")
    assert found.model.weights_bytes == math.prod(weights)
    assert found.model.macs == 0
    assert {one.fits for one in found.estimates} == {"no"}
    assert all(one.flash > math.prod(weights) for one in found.estimates)


def test_shared_weights_of_an_onnx_file_count_once(tmp_path):
    graph = Graph(1, 8, 8, 8)
    shared = graph.weights(8, 8, 3, 3)
    for kernel in (shared, shared, graph.weights(8, 8, 3, 3)):
        graph.then("Conv", kernel, pads=[1] * 4)
    graph.then("Conv", shared, pads=[2] * 4, dilations=[2, 2])
    model = read(graph.write(tmp_path / "m.onnx"))
    assert sum(one.weights for one in model.operations) == 2 * 9 * 8 * 8
    assert model.macs == 3 * 8 * 8 * 9 * 8 * 8


def test_shared_weights_save_their_bytes_alone(tmp_path):
    flash = []
    for shared in (True, False):
        graph = Graph(1, 8, 8, 8)
        kernel = graph.weights(8, 8, 3, 3)
        graph.then("Conv", kernel, pads=[1] * 4)
        graph.then("Conv", kernel if shared else graph.weights(8, 8, 3, 3), pads=[1] * 4)
        path = graph.write(tmp_path / "m.onnx")
        found = bs.estimate(path, device="stm32l4r5", runtime="tflm_cmsis_nn")
        flash.append(found.estimates[0].flash)
    assert flash[1] - flash[0] == 9 * 8 * 8


def test_a_pooling_with_gaps_is_not_priced(tmp_path):
    graph = Graph(1, 8, 8, 8)
    graph.then("AveragePool", kernel_shape=[3, 3], pads=[2] * 4, dilations=[2, 2])
    (_, pool) = read(graph.write(tmp_path / "m.onnx", opset=19)).operations
    assert (pool.out, pool.covered) == ((8, 8, 8), False)


def test_an_activation_is_not_fused_by_another_name_of_what_others_read(tmp_path):
    graph = Graph(1, 4, 8, 8)
    conv = graph.then("Conv", graph.weights(4, 4, 1, 1), whole=False).last
    graph.whole(conv)
    graph.then("Identity", whole=False).then("Relu")
    with pytest.raises(UserError, match="floating point"):
        read(graph.write(tmp_path / "m.onnx"))


def test_what_is_left_out_of_an_onnx_operator_is_no_tensor(tmp_path):
    graph = Graph(1, 8, 8, 8)
    graph.nodes.append(helper.make_node("Dropout", [graph.last], ["dropped", ""]))
    graph.last = "dropped"
    graph.then("Conv", graph.weights(8, 8, 1, 1), "", pads=[0] * 4)
    assert read(graph.write(tmp_path / "m.onnx")).macs == 8 * 8 * 8 * 8


def test_a_zero_point_of_zero_may_be_left_out(tmp_path):
    graph = Graph(1, 8, 8, 8)
    for node in graph.nodes:
        (node.input if node.op_type == "DequantizeLinear" else [0]).pop()
    graph.conv(8, 8, 1, 1)
    assert read(graph.write(tmp_path / "m.onnx")).macs == 8 * 8 * 8 * 8


def writer():
    made = model_files.Writer(flatbuffers.Builder(1 << 16))
    return made, lambda n=1: made.quantisation(np.full(n, 0.05), np.zeros(n))


def kernel_of(made, scales, channels, before=64):
    """Weights 3x3, and biases."""
    return (
        made.tensor("k", np.ones((channels, 3, 3, before), np.int8), (), scales(channels)),
        made.tensor("b", np.zeros(channels, np.int32), (), scales(channels)),
    )


def convolution(made, read_, kernel, written, dilation=1):
    options = {"Padding": 0, "StrideH": 1, "StrideW": 1}
    return made.make(
        "conv",
        [read_, *kernel],
        written,
        **options,
        DilationWFactor=dilation,
        DilationHFactor=dilation,
    )


def test_shared_weights_of_a_tflite_file_count_once(tmp_path):
    made, scales = writer()
    image = made.tensor("x", shape=(1, 8, 8, 64), quantisation=scales())
    kernel = kernel_of(made, scales, 64)
    at, operators = image, []
    for number in range(3):
        written = made.tensor(f"o{number}", shape=(1, 8, 8, 64), quantisation=scales())
        operators.append(convolution(made, at, kernel, written))
        at = written
    path = tmp_path / "m.tflite"
    path.write_bytes(made.model([image], at, operators))
    model = read(str(path))
    assert sum(one.weights for one in model.operations) == 9 * 64 * 64
    assert model.macs == 3 * 9 * 64 * 64 * 64


def test_a_dilated_convolution_of_a_tflite_file_holds_its_weights(tmp_path):
    made, scales = writer()
    image = made.tensor("x", shape=(1, 8, 8, 64), quantisation=scales())
    kernel = kernel_of(made, scales, 512)
    out = made.tensor("o", shape=(1, 8, 8, 512), quantisation=scales())
    path = tmp_path / "m.tflite"
    path.write_bytes(made.model([image], out, [convolution(made, image, kernel, out, 2)]))
    found = bs.estimate(path, device="stm32l432", runtime="tflm_cmsis_nn")
    assert found.model.weights_bytes == 512 * (9 * 64 + 4)
    assert found.estimates[0].fits == "no"
    assert arena.tail(found.model.graph(), 64) == 5088  # As the interpreter reports it.


def test_a_state_of_a_tflite_file_is_no_tensor_that_nothing_writes(tmp_path, monkeypatch):
    monkeypatch.setitem(model_files.CODES, "svdf", ("SVDF", "SVDFOptions", 3))
    made, scales = writer()
    image = made.tensor("x", shape=(1, 40), quantisation=scales())
    constants = [
        made.tensor("f", np.ones((32, 40), np.int8), (), scales()),
        made.tensor("t", np.ones((32, 8), np.int8), (), scales()),
        made.tensor("b", np.zeros(32, np.int32), (), scales()),
    ]
    state = made.table(
        "Tensor",
        Shape=made.numbers([1, 256], np.int32),
        Type=9,
        Name=made.builder.CreateString("state"),
        Quantization=scales(),
        IsVariable=True,
    )
    made.tensors.append(state)
    out = made.tensor("o", shape=(1, 32), quantisation=scales())
    reads = [image, *constants, len(made.tensors) - 2]
    path = tmp_path / "m.tflite"
    path.write_bytes(made.model([image], out, [made.make("svdf", reads, out, Rank=1)]))
    (_, one) = read(str(path)).operations
    assert (one.kind, one.covered, one.bytes) == ("svdf", False, 32 + 256)
    assert one.weights == 32 * 40 + 32 * 8 + 4 * 32


ROWS = "name,operator,size,channels,kernel\nimage,input,8,3,\na,conv,,8,3\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_list_of_layers_is_read_in_every_encoding_of_a_text(encoding, tmp_path):
    (tmp_path / "m.csv").write_text(ROWS, encoding=encoding)
    assert read(str(tmp_path / "m.csv")).macs == 9 * 3 * 8 * 64


def test_a_note_of_a_list_of_layers_is_printed(tmp_path):
    (tmp_path / "m.csv").write_text("# note: of a\n# note: kind.\n# comment\n" + ROWS)
    assert "\nNote: of a kind.\n" in f"{bs.estimate(tmp_path / 'm.csv', device='stm32f746')}\n"


def test_a_layer_that_is_named_like_an_operator_is_none(tmp_path):
    rows = "name,operator,reads,size,channels,weights\nx,input,,8,4,\n"
    for name in ("add", "other"):
        (tmp_path / "m.csv").write_text(f"{rows}{name},other,x,,,0\n")
        model = read(str(tmp_path / "m.csv"))
        assert best_peak(model.graph()) == 2 * 8 * 8 * 4


def test_weights_that_nothing_states_leave_flash_open(tmp_path):
    path = tmp_path / "m.csv"
    header, *rows = ROWS.splitlines()
    text = "\n".join([f"{header},weights", *(f"{row}," for row in rows), "odd,other,,,,"])
    for weights, flash, fits in (("", ">=", "maybe"), ("0", "", "yes"), ("3000000", "", "no")):
        path.write_text(f"{text}{weights}\n")
        found = bs.estimate(path, device="stm32l4r5", runtime="x_cube_ai")
        row = next(line for line in repr(found).split("\n") if line.startswith("stm32l4r5"))
        assert found.estimates[0].fits == fits
        assert row.split()[5].startswith(flash or tuple("0123456789"))
        assert row.split()[6].startswith(">="), "energy, of what is priced alone"
    path.write_text(f"{text}-1\n")
    with pytest.raises(UserError, match=r"line 4: odd needs .* weights of 0 or more, not '-1'"):
        read(str(path))


def test_the_name_of_a_file_or_folder_does_not_hide_a_cell(tmp_path, monkeypatch):
    expected = bs.estimate("6111", device="stm32f746", runtime="own").estimates
    monkeypatch.chdir(tmp_path)
    (tmp_path / "6111").mkdir()
    (tmp_path / "resnet8").write_text("")
    assert bs.estimate("6111", device="stm32f746", runtime="own").estimates == expected
    (tmp_path / "rows.csv").write_text(
        "device,runtime,model,ms\nstm32f746,own,6111,9\nstm32f746,own,resnet8,9\n"
    )
    with pytest.raises(UserError, match=r"'\./model\.pt' is no network"):
        bs.estimate("./model.pt")
    from benchsuite.devices._models.blind import compare
    from benchsuite.plugins import load

    rows = compare(tmp_path / "rows.csv", {"stm32f746": load("devices", "stm32f746")})
    assert rows[0].predicted == pytest.approx(1e3 * expected[0].latency)


def test_a_name_is_no_formula(tmp_path):
    path = tmp_path / "a$\\x{$.csv"
    path.write_text(ROWS + "b$\\x{$,other,,,\n")
    assert bs.estimate(path, device="stm32f746").memory(tmp_path / "m.png").stat().st_size > 1000


def test_six_operators_are_a_cell_to_estimate_as_to_look_up():
    found = bs.estimate((2, 2, 0, 2, 2, 3), device="stm32f746", runtime="own")
    assert found.model.name.startswith(f"cell {cell_of((2, 2, 0, 2, 2, 3)).index},")
