"""Files of networks with several inputs and outputs: what is in memory, and until when."""

import model_files
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from test_imported import Graph, convolution, kernel_of, writer

from benchsuite.deployment import arena
from benchsuite.deployment.liveness import best_peak, order_peak
from benchsuite.devices._models.reading import read
from benchsuite.errors import UserError


@pytest.mark.parametrize(("parts", "covered"), [((4, 4), True), ((6, 2), False)])
def test_every_output_of_an_operator_counts(parts, covered, tmp_path):
    graph = Graph(1, 8, 8, 8)
    names = [graph.name(), graph.name()]
    reads = [graph.last, graph.constant("parts", np.array(parts))]
    graph.nodes.append(helper.make_node("Split", reads, names, axis=1))
    ends = []
    for name, channels in zip(names, parts, strict=True):
        graph.last = graph.whole(name)
        ends.append(graph.conv(8, channels, 1, 1).last)
    graph.last = ends[0]
    model = read(graph.then("Add", ends[1]).write(tmp_path / "m.onnx"))
    _, split, one, other, add = model.operations
    assert (split.bytes, add.covered) == (8 * 8 * 8, True)
    assert (one.covered, other.covered, other.out) == (True, covered, (8, 8, 8))
    assert other.weights == 8 * parts[1]


def test_whole_numbers_that_an_operator_writes_take_their_bytes(tmp_path):
    """Classes of pixels: 64 bits each; real numbers of such a file stand for 8 bits."""
    graph = Graph(1, 8, 8, 8).conv(5, 8, 1, 1).then("ArgMax", axis=1, whole=False)
    (*_, classes) = read(graph.write(tmp_path / "m.onnx")).operations
    assert (classes.out, classes.bytes) == ((1, 8, 8), 8 * 8 * 8)
    graph = Graph(1, 8, 8, 8).then("Softmax", axis=1)
    (*_, shares) = read(graph.write(tmp_path / "m.onnx")).operations
    assert shares.bytes == 8 * 8 * 8


def test_an_output_that_others_read_stays_in_memory(tmp_path):
    graph = Graph(1, 4, 8, 8).conv(16, 4, 1, 1)
    for shape in ((4, 16, 1, 1), (4, 4, 1, 1), (16, 4, 1, 1)):
        graph.conv(*shape)
    path = graph.write(tmp_path / "m.onnx")
    peaks = [best_peak(read(path).graph())]
    file = onnx.load(path)
    (first, *_) = [node for node in file.graph.node if node.op_type == "Conv"]
    at = next(n.output[0] for n in file.graph.node if n.input[0] == first.output[0])
    inner = next(n.output[0] for n in file.graph.node if n.input[0] == at)
    file.graph.output.append(helper.make_tensor_value_info(inner, TensorProto.FLOAT, None))
    onnx.save(file, path)
    assert [*peaks, best_peak(read(path).graph())] == [20 * 64, 36 * 64]


def test_an_activation_is_not_fused_to_what_is_an_output_itself(tmp_path):
    graph = Graph(1, 4, 8, 8)
    graph.then("Conv", graph.weights(4, 4, 1, 1), whole=False)
    path = graph.then("Relu").write(tmp_path / "m.onnx")
    assert read(path).operations[-1].relu
    file = onnx.load(path)
    name = next(node.output[0] for node in file.graph.node if node.op_type == "Conv")
    file.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    onnx.save(file, path)
    with pytest.raises(UserError, match="floating point"):
        read(path)


def test_outputs_of_a_tflite_file_that_differ_are_each_their_own(tmp_path, monkeypatch):
    monkeypatch.setitem(model_files.CODES, "split_v", ("SPLIT_V", "SplitVOptions", 2))
    made, scales = writer()
    image = made.tensor("x", shape=(1, 8, 8, 80), quantisation=scales())
    parts = [made.tensor(n, shape=(1, 8, 8, int(n)), quantisation=scales()) for n in ("16", "64")]
    reads = [image, *(made.tensor("n", np.array(n, np.int32)) for n in ([16, 64], 3))]
    out = made.tensor("o", shape=(1, 8, 8, 64), quantisation=scales())
    operators = [
        made.make("split_v", reads, parts, NumSplits=2),
        convolution(made, parts[1], kernel_of(made, scales, 64), out),
    ]
    path = tmp_path / "m.tflite"
    path.write_bytes(made.model([image], out, operators))
    _, split, conv = read(str(path)).operations
    assert (split.bytes, conv.out, conv.covered) == (8 * 8 * 80, (64, 8, 8), False)
    assert conv.weights == 64 * (9 * 64 + 4)


def test_an_output_of_a_tflite_file_that_others_read_stays_in_memory(tmp_path):
    """Planned bytes as TensorFlow Lite Micro's interpreter reported them of these files."""
    planned = []
    for beside in ([], [0]):
        made, scales = writer()
        at = image = made.tensor("x", shape=(1, 8, 8, 4), quantisation=scales())
        operators, written = [], []
        for channels in (16, 4, 4, 16):
            shape = (1, 8, 8, channels)
            written.append(made.tensor(f"o{len(written)}", shape=shape, quantisation=scales()))
            before = 16 if len(written) == 2 else 4
            kernel = kernel_of(made, scales, channels, before)
            operators.append(convolution(made, at, kernel, written[-1]))
            at = written[-1]
        path = tmp_path / "m.tflite"
        path.write_bytes(made.model([image], [at, *(written[i] for i in beside)], operators))
        planned.append(arena.head(read(str(path)).graph()))
    assert planned == [1536, 2304]


def test_all_images_are_in_memory_before_anything_runs(tmp_path):
    """However late a list of layers names one."""
    rows = "name,operator,reads,size,channels,kernel\nx,input,,8,16,\na,conv,x,,4,3\n"
    rows += "y,input,,8,16,\nb,conv,y,,4,3\nc,add,a b,,,\n"
    (tmp_path / "m.csv").write_text(rows)
    model = read(str(tmp_path / "m.csv"))
    assert len(model.computed) == 3
    graph = model.graph()
    assert (order_peak(graph), best_peak(graph), arena.head(graph)) == (2304, 2304, 2304)
