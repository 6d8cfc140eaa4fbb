"""Lists of layers as int8 files with random weights, to be read back, and files that are not."""

import math
from typing import Any, cast

import flatbuffers
import numpy as np
import onnx
import tflite

from benchsuite.devices._export.tflite import _Writer
from benchsuite.devices._models.model import Model, Operation

CODES = {
    "conv": ("CONV_2D", "Conv2DOptions", 3),
    "depthwise": ("DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions", 3),
    "avg_pool": ("AVERAGE_POOL_2D", "Pool2DOptions", 2),
    "linear": ("FULLY_CONNECTED", "FullyConnectedOptions", 4),
    "add": ("ADD", "AddOptions", 2),
    "pad": ("PAD", "", 2),
    "reshape": ("RESHAPE", "ReshapeOptions", 1),
    "softmax": ("SOFTMAX", "SoftmaxOptions", 2),
}


class Writer(_Writer):
    """Writes operators of other networks too."""

    def make(self, kind: str, reads: list[int], writes: int, **options: Any) -> int:
        _, table, _ = CODES[kind]
        if kind not in self.codes:
            self.codes.append(kind)
        fields: dict[str, Any] = {"OpcodeIndex": self.codes.index(kind)}
        if table:
            fields["BuiltinOptionsType"] = getattr(tflite.BuiltinOptions, table)
            fields["BuiltinOptions"] = self.table(table, **options)
        fields["Inputs"] = self.numbers(reads, np.int32)
        fields["Outputs"] = self.numbers([writes], np.int32)
        return self.table("Operator", **fields)

    def model(self, reads: list[int], writes: int, operators: list[int]) -> bytes:
        graph = self.table(
            "SubGraph",
            Tensors=self.offsets(self.tensors),
            Inputs=self.numbers(reads, np.int32),
            Outputs=self.numbers([writes], np.int32),
            Operators=self.offsets(operators),
        )
        codes = []
        for kind in self.codes:
            name, _, version = CODES[kind]
            code = getattr(tflite.BuiltinOperator, name)
            fields = {"DeprecatedBuiltinCode": code, "BuiltinCode": code, "Version": version}
            codes.append(self.table("OperatorCode", **fields))
        whole = self.table(
            "Model",
            Version=3,
            OperatorCodes=self.offsets(codes),
            Subgraphs=self.offsets([graph]),
            Buffers=self.offsets(self.buffers),
        )
        self.builder.Finish(whole, b"TFL3")
        return bytes(self.builder.Output())


def kind_of(one: Operation) -> str:
    return "depthwise" if one.kind == "affine" else one.kind


def to_tflite(model: Model, padded: bool = False) -> bytes:
    """Return a list of layers as a .tflite file; padded: with PAD before strided convolutions."""
    writer = Writer(flatbuffers.Builder(1 << 16))
    rng = np.random.default_rng(0)
    scale = [0.05]
    tensors: list[int] = []
    inputs, operators = [], []

    def activation(shape: tuple[int, ...]) -> int:
        return writer.tensor("t", shape=shape, quantisation=writer.quantisation(scale, [0]))

    for one in model.operations:
        channels, height, width = one.out
        vectors = ("linear", "reshape", "softmax") if one.inputs else ("input",)
        flat = one.kind in vectors and one.out[1:] == (1, 1)
        shape = (1, channels) if flat else (1, height, width, channels)
        reads = [tensors[at] for at in one.inputs]
        kind = kind_of(one)
        options: dict[str, Any] = {}
        if one.shape and kind in ("conv", "depthwise", "linear"):
            sides = one.shape.height, one.shape.width
            kernel = (sides[0].kernel, sides[1].kernel)
            before = one.shape.in_channels
            of = {
                "conv": (channels, *kernel, before),
                "depthwise": (1, *kernel, channels),
                "linear": (channels, before),
            }[kind]
            scales = writer.quantisation(
                np.full(channels, 0.01), np.zeros(channels), 3 if kind == "depthwise" else 0
            )
            stride = {"StrideH": sides[0].stride, "StrideW": sides[1].stride}
            is_valid = all(s.before == s.after == 0 for s in sides)
            if padded and kind != "linear" and sides[0].stride > 1 and not is_valid:
                pads = [[0, 0], *[[s.before, s.after] for s in sides], [0, 0]]
                amounts = writer.tensor("pads", np.array(pads, np.int32))
                wider = [s.size + s.before + s.after for s in sides]
                out = activation((1, *wider, before))
                operators.append(writer.make("pad", [reads[0], amounts], out))
                reads, is_valid = [out], True
            weights = rng.integers(-127, 128, of).astype(np.int8)
            reads.append(writer.tensor("w", weights, (), scales))
            bias = writer.quantisation(np.full(channels, 0.0005), np.zeros(channels))
            reads.append(writer.tensor("b", np.zeros(channels, np.int32), (), bias))
            if kind != "linear":
                options |= {"Padding": int(is_valid), **stride, "DilationWFactor": 1}
                options |= {"DilationHFactor": 1}
            if kind == "depthwise":
                options["DepthMultiplier"] = 1
        if one.shape and kind == "avg_pool":
            sides = one.shape.height, one.shape.width
            options |= {"Padding": 1, "StrideH": sides[0].stride, "StrideW": sides[1].stride}
            options |= {"FilterHeight": sides[0].kernel, "FilterWidth": sides[1].kernel}
        if one.relu:
            options["FusedActivationFunction"] = 1
        if kind == "softmax":
            options["Beta"] = 1.0
        if kind == "reshape":
            reads.append(writer.tensor("to", np.array(shape, np.int32)))
        quantised = writer.quantisation([1 / 256], [-128]) if kind == "softmax" else None
        tensors.append(
            activation(shape)
            if quantised is None
            else writer.tensor("p", shape=shape, quantisation=quantised)
        )
        if one.kind == "input":
            inputs.append(tensors[-1])
        else:
            operators.append(writer.make(kind, reads, tensors[-1], **options))
    return writer.model(inputs, tensors[-1], operators)


def to_onnx(model: Model, quantised: bool = True) -> bytes:
    """Return a list of layers as an .onnx file, of quantise-dequantise pairs or of floats."""
    helper, stored = onnx.helper, onnx.numpy_helper.from_array
    nodes, constants = [], []
    scale = stored(np.array(0.05, np.float32), "scale")
    zero = stored(np.array(0, np.int8), "zero")
    constants += [scale, zero]

    def through(name: str) -> str:
        if not quantised:
            return name
        nodes.append(helper.make_node("QuantizeLinear", [name, "scale", "zero"], [name + "q"]))
        nodes.append(
            helper.make_node("DequantizeLinear", [name + "q", "scale", "zero"], [name + "d"])
        )
        return name + "d"

    names: list[str] = []
    for at, one in enumerate(model.operations):
        name = f"n{at}"
        reads = [names[i] for i in one.inputs]
        kind = kind_of(one)
        if one.kind == "input":
            names.append(through(name))
            continue
        attributes: dict[str, Any] = {}
        if one.shape and kind in ("conv", "depthwise", "avg_pool"):
            sides = one.shape.height, one.shape.width
            attributes["kernel_shape"] = [s.kernel for s in sides]
            attributes["strides"] = [s.stride for s in sides]
            attributes["pads"] = [s.before for s in sides] + [s.after for s in sides]
        if one.shape and kind in ("conv", "depthwise", "linear"):
            before = 1 if kind == "depthwise" else one.shape.in_channels
            kernel = attributes.get("kernel_shape", [])
            weights = np.ones((one.out[0], before, *kernel), np.int8)
            constants.append(stored(weights if quantised else weights.astype("f4"), name + "w"))
            if quantised:
                parts = [name + "w", "scale", "zero"]
                nodes.append(helper.make_node("DequantizeLinear", parts, [name + "wd"]))
            reads.append(name + ("wd" if quantised else "w"))
            if kind == "depthwise":
                attributes["group"] = one.out[0]
            if kind == "linear":
                attributes["transB"] = 1
        written = {
            "conv": "Conv",
            "depthwise": "Conv",
            "linear": "Gemm",
            "avg_pool": "AveragePool",
            "add": "Add",
            "reshape": "Flatten",
            "softmax": "Softmax",
        }[kind]
        nodes.append(helper.make_node(written, reads, [name], **attributes))
        if one.relu:
            nodes.append(helper.make_node("Relu", [name], [name + "r"]))
            name += "r"
        names.append(name if kind == "reshape" else through(name))
    floats = onnx.TensorProto.FLOAT
    shape: tuple[int, ...] = (1, *model.operations[0].out)
    if math.prod(shape[2:]) == 1:
        shape = shape[:2]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("n0", floats, shape)],
        [helper.make_tensor_value_info(names[-1], floats, (1, model.operations[-1].out[0]))],
        constants,
    )
    whole = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    onnx.checker.check_model(whole)
    return bytes(whole.SerializeToString())


def patched(content: bytes, tensor: int, field: int, value: int) -> bytes:
    """Return a .tflite file with one byte of a tensor's field, or of its shape, changed.

    field: of the schema's table, 0 the shape (its second dimension), 1 the type.
    """
    changed = bytearray(content)
    table = cast(Any, tflite.Model.GetRootAs(changed, 0)).Subgraphs(0).Tensors(tensor)._tab
    at = table.Offset(4 + 2 * field)
    where = table.Vector(at) + 4 if field == 0 else table.Pos + at
    changed[where : where + (4 if field == 0 else 1)] = value.to_bytes(
        4 if field == 0 else 1, "little", signed=True
    )
    return bytes(changed)
