"""Write a quantised network as an .onnx file with quantise-dequantise pairs (extra `export`).

Float32 [1, 3, H, W] in, float32 [1, classes] out; weights are stored as int8, biases as int32, and
every tensor passes through int8, which is the form ONNX Runtime, ST Edge AI and others turn into
integer kernels. Convolutions are padded on both sides, as in the network of NAS-Bench-201.

Source: ONNX operators, opset 13 (the first with scales per channel).
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchsuite.devices._export.quantise import Quantised, Range, Weights
from benchsuite.space.network import Layer

_OPSET = 13
_IR_VERSION = 8


def to_onnx(quantised: Quantised) -> bytes:
    """Return the bytes of an .onnx file.

    Raises ImportError without the package `onnx`.
    """
    if quantised.stride2 != "before":
        raise ValueError("The .onnx file pads as NAS-Bench-201 does: before the image.")
    onnx = importlib.import_module("onnx")
    writer = _Writer(onnx)
    layers = quantised.network.layers
    outputs: list[str] = []
    for at, layer in enumerate(layers):
        reads = [outputs[i] for i in layer.inputs] or ["image"]
        if at in quantised.weights:
            before = quantised.ranges[layer.inputs[0]]
            reads += writer.weights(layer, quantised.weights[at], before)
        name = writer.operator(layer, reads)
        last = "logits" if at == len(layers) - 1 else f"{layer.name}.int8.real"
        outputs.append(writer.through_int8(layer.name, name, quantised.ranges[at], last))
    floats = onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        writer.nodes,
        "benchsuite, random weights",
        [onnx.helper.make_tensor_value_info("image", floats, (1, *layers[0].shape))],
        [onnx.helper.make_tensor_value_info("logits", floats, (1, layers[-1].shape[0]))],
        writer.constants,
    )
    opsets = [onnx.helper.make_opsetid("", _OPSET)]
    model = onnx.helper.make_model(graph, opset_imports=opsets, producer_name="benchsuite")
    model.ir_version = _IR_VERSION
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


@dataclass
class _Writer:
    """Collects nodes and constants; every method returns the name of the tensor it wrote."""

    onnx: Any
    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)

    def node(self, kind: str, reads: list[str], writes: str, **attributes: Any) -> str:
        made = self.onnx.helper.make_node(kind, reads, [writes], name=writes, **attributes)
        self.nodes.append(made)
        return writes

    def constant(self, name: str, values: NDArray[Any]) -> str:
        self.constants.append(self.onnx.numpy_helper.from_array(np.array(values, order="C"), name))
        return name

    def through_int8(self, name: str, real: str, at: Range, writes: str) -> str:
        scale = self.constant(f"{name}.scale", np.array(at.scale, np.float32))
        zero = self.constant(f"{name}.zero_point", np.array(at.zero_point, np.int8))
        whole = self.node("QuantizeLinear", [real, scale, zero], f"{name}.int8")
        return self.node("DequantizeLinear", [whole, scale, zero], writes)

    def weights(self, layer: Layer, weights: Weights, before: Range) -> list[str]:
        values = weights.values.transpose(0, 3, 1, 2)
        if layer.kind == "linear":
            values = values[:, :, 0, 0]
        names = []
        for part, whole, scales in (
            ("weight", values, weights.scales),
            ("bias", weights.biases, weights.scales * np.float32(before.scale)),
        ):
            name = f"{layer.name}.{part}"
            stored = [
                self.constant(f"{name}.stored", whole),
                self.constant(f"{name}.scale", scales.astype(np.float32)),
                self.constant(f"{name}.zero_point", np.zeros(len(scales), whole.dtype)),
            ]
            names.append(self.node("DequantizeLinear", stored, name, axis=0))
        return names

    def operator(self, layer: Layer, reads: list[str]) -> str:
        pads = [layer.kernel // 2] * 4
        window = {"kernel_shape": [layer.kernel] * 2, "strides": [layer.stride] * 2}
        if layer.kind == "input":
            return reads[0]
        if layer.kind in ("conv", "affine"):
            groups = layer.shape[0] if layer.kind == "affine" else 1
            name = self.node("Conv", reads, layer.name, **window, pads=pads, group=groups)
        elif layer.kind == "avg_pool":
            pads = pads if layer.stride == 1 else [0] * 4
            name = self.node("AveragePool", reads, layer.name, **window, pads=pads)
        elif layer.kind == "global_pool":
            pooled = self.node("GlobalAveragePool", reads, f"{layer.name}.mean")
            name = self.node("Flatten", [pooled], layer.name)
        elif layer.kind == "linear":
            name = self.node("Gemm", reads, layer.name, transB=1)
        else:
            name = self.node({"add": "Add", "relu": "Relu"}[layer.kind], reads, layer.name)
        return self.node("Relu", [name], f"{layer.name}.relu") if layer.relu else name
