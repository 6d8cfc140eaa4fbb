"""Write a quantised network as an int8 .tflite file, without TensorFlow (extra `export`).

One operator per layer, so the file runs in the order of the deployed network; the affine layer is
a depthwise 1x1 convolution. Tensors are numbered in that order too, which decides where TensorFlow
Lite Micro puts tensors of equal size.

Source: the public schema of TensorFlow Lite, version 3, as packaged in PyPI `tflite`.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchsuite.devices._export.quantise import Quantised, Range, Weights
from benchsuite.space.network import Layer

_ALIGNMENT = 16
_SAME, _VALID = 0, 1
_RELU = 1


@dataclass(frozen=True)
class _Operator:
    name: str
    version: int
    options: str


_OPERATORS = {
    "conv": _Operator("CONV_2D", 3, "Conv2DOptions"),
    "affine": _Operator("DEPTHWISE_CONV_2D", 3, "DepthwiseConv2DOptions"),
    "linear": _Operator("FULLY_CONNECTED", 4, "FullyConnectedOptions"),
    "avg_pool": _Operator("AVERAGE_POOL_2D", 2, "Pool2DOptions"),
    "global_pool": _Operator("MEAN", 2, "ReducerOptions"),
    "add": _Operator("ADD", 2, "AddOptions"),
    "relu": _Operator("RELU", 2, ""),
}


def to_tflite(quantised: Quantised) -> bytes:
    """Return the bytes of a .tflite file: int8 [1, H, W, C] in, int8 [1, classes] out.

    Every layer of kind `input` is an input of the file.

    Raises ImportError without the packages `tflite` and `flatbuffers`.
    """
    if quantised.stride2 != "after":
        raise ValueError("TensorFlow Lite pads a convolution of stride 2 after the image only.")
    flatbuffers = importlib.import_module("flatbuffers")
    writer = _Writer(flatbuffers.Builder(1 << 20))
    tensor_of: list[int] = []
    operators = []
    for at, layer in enumerate(quantised.network.layers):
        reads = [tensor_of[i] for i in layer.inputs]
        if at in quantised.weights:
            before = quantised.ranges[layer.inputs[0]]
            reads += writer.weights(layer, quantised.weights[at], before)
        elif layer.kind == "global_pool":
            reads.append(writer.tensor("axes", np.array([1, 2], np.int32)))
        tensor_of.append(writer.activation(layer, quantised.ranges[at]))
        if layer.kind != "input":
            operators.append(writer.operator(layer, reads, tensor_of[-1]))
    reads = [tensor_of[at] for at, x in enumerate(quantised.network.layers) if x.kind == "input"]
    return writer.finish(reads, tensor_of[-1], operators)


@dataclass
class _Writer:
    """Collects flatbuffer offsets; tensors and operator codes are numbered as they come."""

    builder: Any
    tensors: list[int] = field(default_factory=list)
    buffers: list[int] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.buffers.append(self.table("Buffer"))

    def table(self, name: str, **fields: Any) -> int:
        """Write one table of the schema; fields are named as in the schema, in CamelCase."""
        module = importlib.import_module(f"tflite.{name}")
        module.Start(self.builder)
        for key, value in fields.items():
            getattr(module, f"Add{key}")(self.builder, value)
        return int(module.End(self.builder))

    def offsets(self, values: Sequence[int]) -> int:
        self.builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            self.builder.PrependUOffsetTRelative(value)
        return int(self.builder.EndVector())

    def numbers(self, values: Any, dtype: Any) -> int:
        return int(self.builder.CreateNumpyVector(np.asarray(values, dtype).reshape(-1)))

    def buffer(self, data: NDArray[Any]) -> int:
        raw = data.tobytes()
        self.builder.StartVector(1, len(raw), _ALIGNMENT)
        self.builder.head -= len(raw)
        self.builder.Bytes[self.builder.head : self.builder.head + len(raw)] = raw
        self.buffers.append(self.table("Buffer", Data=self.builder.EndVector()))
        return len(self.buffers) - 1

    def tensor(
        self,
        name: str,
        data: NDArray[Any] | None = None,
        shape: Sequence[int] = (),
        quantisation: int | None = None,
    ) -> int:
        """Write a tensor and return its number: a constant with `data`, else int8 of `shape`."""
        fields: dict[str, Any] = {"Name": self.builder.CreateString(name)}
        fields["Buffer"] = 0 if data is None else self.buffer(data)
        fields["Shape"] = self.numbers(shape if data is None else data.shape, np.int32)
        kinds = importlib.import_module("tflite.TensorType").TensorType
        dtype = "INT32" if data is not None and data.dtype == np.int32 else "INT8"
        fields["Type"] = getattr(kinds, dtype)
        if quantisation is not None:
            fields["Quantization"] = quantisation
        self.tensors.append(self.table("Tensor", HasRank=True, **fields))
        return len(self.tensors) - 1

    def quantisation(self, scales: Any, zero_points: Any, dimension: int = 0) -> int:
        return self.table(
            "QuantizationParameters",
            Scale=self.numbers(scales, np.float32),
            ZeroPoint=self.numbers(zero_points, np.int64),
            QuantizedDimension=dimension,
        )

    def activation(self, layer: Layer, at: Range) -> int:
        channels, height, width = layer.shape
        flat = layer.kind in ("global_pool", "linear")
        shape = (1, channels) if flat else (1, height, width, channels)
        return self.tensor(
            layer.name, shape=shape, quantisation=self.quantisation([at.scale], [at.zero_point])
        )

    def weights(self, layer: Layer, weights: Weights, before: Range) -> list[int]:
        values, dimension = weights.values, 0
        if layer.kind == "affine":
            values, dimension = values.transpose(3, 1, 2, 0), 3
        elif layer.kind == "linear":
            values = values[:, 0, 0]
        zeros = np.zeros(len(weights.scales))
        scales = self.quantisation(weights.scales, zeros, dimension)
        matrix = self.tensor(f"{layer.name}.weight", np.ascontiguousarray(values), (), scales)
        scales = self.quantisation(weights.scales * np.float32(before.scale), zeros)
        return [matrix, self.tensor(f"{layer.name}.bias", weights.biases, (), scales)]

    def operator(self, layer: Layer, reads: list[int], writes: int) -> int:
        operator = _OPERATORS[layer.kind]
        if layer.kind not in self.codes:
            self.codes.append(layer.kind)
        fields: dict[str, Any] = {"OpcodeIndex": self.codes.index(layer.kind)}
        if operator.options:
            kinds = importlib.import_module("tflite.BuiltinOptions").BuiltinOptions
            fields["BuiltinOptionsType"] = getattr(kinds, operator.options)
            fields["BuiltinOptions"] = self.table(operator.options, **_options(layer))
        fields["Inputs"] = self.numbers(reads, np.int32)
        fields["Outputs"] = self.numbers([writes], np.int32)
        return self.table("Operator", **fields)

    def finish(self, reads: list[int], writes: int, operators: list[int]) -> bytes:
        graph = self.table(
            "SubGraph",
            Tensors=self.offsets(self.tensors),
            Inputs=self.numbers(reads, np.int32),
            Outputs=self.numbers([writes], np.int32),
            Operators=self.offsets(operators),
            Name=self.builder.CreateString("main"),
        )
        builtin = importlib.import_module("tflite.BuiltinOperator").BuiltinOperator
        codes = []
        for kind in self.codes:
            code = getattr(builtin, _OPERATORS[kind].name)
            codes.append(
                self.table(
                    "OperatorCode",
                    DeprecatedBuiltinCode=code,
                    BuiltinCode=code,
                    Version=_OPERATORS[kind].version,
                )
            )
        model = self.table(
            "Model",
            Version=3,
            OperatorCodes=self.offsets(codes),
            Subgraphs=self.offsets([graph]),
            Description=self.builder.CreateString("benchsuite: random weights"),
            Buffers=self.offsets(self.buffers),
        )
        self.builder.Finish(model, b"TFL3")
        return bytes(self.builder.Output())


def _options(layer: Layer) -> dict[str, Any]:
    relu = {"FusedActivationFunction": _RELU} if layer.relu else {}
    stride = {"StrideW": layer.stride, "StrideH": layer.stride}
    dilation = {"DilationWFactor": 1, "DilationHFactor": 1}
    if layer.kind == "conv":
        return {"Padding": _SAME, **stride, **dilation, **relu}
    if layer.kind == "affine":
        return {"Padding": _SAME, **stride, **dilation, "DepthMultiplier": 1, **relu}
    if layer.kind == "avg_pool":
        padding = _SAME if layer.stride == 1 else _VALID
        window = {"FilterWidth": layer.kernel, "FilterHeight": layer.kernel}
        return {"Padding": padding, **stride, **window}
    if layer.kind == "global_pool":
        return {"KeepDims": False}
    return relu
