"""Reads an int8 .onnx file of quantise-dequantise pairs (extra `export`): never its weights.

A `QuantizeLinear` and the `DequantizeLinear` after it are how such a file writes an int8 tensor,
not operators. A `Relu` or `Clip` that reads a convolution, an addition or a classifier before it is
quantised is fused, and a `Flatten` there moves nothing. Weights that lie in other files are not
needed and not opened. What is not int8 or has no fixed shape is refused with a sentence; operators
without a kernel here are listed by name, with the bytes of their constants. Shapes are those that
the package `onnx` infers, where it does: an operator whose output is another is refused.

Source: ONNX operators.
"""

from __future__ import annotations

import importlib
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from benchsuite import bounds
from benchsuite.devices._models.building import (
    NO_PADDING,
    Builder,
    Out,
    Padding,
    Pair,
    same,
)
from benchsuite.devices._models.model import Model
from benchsuite.devices._models.without_weights import without_weights
from benchsuite.errors import UserError

_UINT8, _INT8 = 2, 3
_BYTES = {2: 1, _INT8: 1, 4: 2, 5: 2, 9: 1, 10: 2, 7: 8, 11: 8, None: 1}  # By data type; else 4.
_WIDE = {4: 2, 5: 2, 6: 4, 7: 8, 12: 4, 13: 8}  # Of whole numbers; real ones stand for int8.
_FUSABLE = ("conv", "depthwise", "affine", "linear", "add")
_SAME = ("Identity", "Dropout")
_RESHAPES = ("Flatten", "Reshape", "Squeeze", "Unsqueeze")
_VALUES = ("value_float", "value_int", "value_floats", "value_ints", "value_string")
_WEIGHTED = ("Conv", "Gemm", "MatMul")
_OF_INT8 = (*_WEIGHTED, "AveragePool", "GlobalAveragePool", "Add")
_OPERATORS_OF_INT8 = ("QLinear", "ConvInteger", "MatMulInteger")


def read(path: Path) -> Model:
    """Return the model in an .onnx file.

    Raises UserError for a file that is malformed, of floating point, of shapes that are not fixed,
    or larger than the format allows, or without the package `onnx`.
    """
    try:
        onnx = importlib.import_module("onnx")
        damaged = importlib.import_module("google.protobuf.message").DecodeError
    except ImportError as error:
        raise UserError(
            f"An .onnx file needs the package onnx, which cannot be imported ({error}). Install "
            "the extra: pip install 'benchsuite[export]'."
        ) from error
    with bounds.mapped(path, bounds.MODEL) as content:
        try:
            file = onnx.ModelProto()
            file.ParseFromString(without_weights(content, bounds.TEXT))
            return _Reader(onnx, file, path.name).model()
        except (
            damaged, ValueError, IndexError, TypeError, KeyError, OverflowError, MemoryError,
        ) as error:  # fmt: skip
            reason = bounds.because(error)
    raise UserError(f"{path} is no .onnx file, or a damaged one{reason}. Export or copy it again.")


class _Reader:
    def __init__(self, onnx: Any, file: Any, name: str) -> None:
        self._onnx, self._file, self._name = onnx, file, name
        self._graph = graph = file.graph
        self._builder = Builder(name, "onnx")
        self._made: dict[str, int] = {}  # The position of what computes a tensor.
        self._whole: set[str] = set()  # Tensors that are int8, or int8 that is dequantised.
        self._stored = {tensor.name: tensor for tensor in graph.initializer}
        self._constants: dict[str, Any] = {}  # Tensors that hold a stored one, dequantised.
        self._types: dict[str, int | None] = {}  # What stored ones become where they are quantised.
        self._values: set[str] = set()  # Constants of a few numbers, as the ends of a Clip.
        self._counted: set[int] = set()  # Stored tensors whose bytes an operator before has.
        self._wide: dict[str, int] = {}  # Bytes of an element, by tensor.
        self._unlike: set[str] = set()  # Tensors of another shape than their operator's first.

    def model(self) -> Model:
        """Return the model."""
        if not self._graph.node:
            raise bounds.FaultError("it holds no operators")
        for value in self._graph.input:
            if value.name not in self._stored:
                self._input(value)
        self._shapes = self._inferred()
        outputs = [value.name for value in self._graph.output]
        self._readers = Counter(outputs)
        self._readers.update(name for node in self._graph.node for name in node.input)
        for number, node in enumerate(self._graph.node):
            self._append(number, node)
        self._builder.kept.update(self._made[name] for name in outputs if name in self._made)
        return self._builder.model()

    def _input(self, value: Any) -> None:
        shape = [int(dimension.dim_value) for dimension in value.type.tensor_type.shape.dim]
        if len(shape) > 8 or not shape or min(shape) < 1:
            raise UserError(
                f"{self._name} has an input whose shape is not fixed ({value.name}: {shape}, 0 "
                "where any): nothing can be said of its latency or memory. Export it with a fixed "
                "input shape."
            )
        if shape[0] != 1:
            raise UserError(
                f"{self._name} runs {shape[0]} images at once; a device runs one. Export it with a "
                "batch of 1."
            )
        self._made[value.name] = self._builder.input("input", _out(shape))
        if value.type.tensor_type.elem_type == _INT8:
            self._whole.add(value.name)

    def _inferred(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes that the package onnx infers, and note which hold wide numbers."""
        try:
            graph = self._onnx.shape_inference.infer_shapes(self._file).graph
        except Exception:  # Of a malformed file it raises errors of several packages.
            return {}
        values = (*graph.value_info, *graph.output)
        self._wide = {one.name: _WIDE.get(one.type.tensor_type.elem_type, 1) for one in values}
        return {
            value.name: tuple(int(d.dim_value) for d in value.type.tensor_type.shape.dim)
            for value in values
        }

    def _append(self, number: int, node: Any) -> None:
        kind = node.op_type
        name = f"{kind.lower()}.{number}"[:60]
        if not node.output:
            raise bounds.FaultError(f"{name} writes nothing")
        if kind.startswith(_OPERATORS_OF_INT8):
            raise UserError(
                f"{self._name} is quantised in the operator-oriented format ({kind}); what is read "
                "are quantise-dequantise pairs (QuantFormat.QDQ of onnxruntime.quantization)."
            )
        if kind == "Constant":
            for given in node.attribute:
                if given.name == "value":
                    self._stored[node.output[0]] = given.t
                elif given.name in _VALUES:
                    self._values.add(node.output[0])
            return
        if kind in ("QuantizeLinear", "DequantizeLinear"):
            self._alias(node)
            return
        activations = [one for one in node.input if one in self._made]
        missing = [
            one for one in node.input
            if one and one not in self._made and one not in self._stored
            and one not in self._constants and one not in self._values
        ]  # fmt: skip
        if missing:
            raise bounds.FaultError(f"{name} reads {missing[0]:.40}, which nothing writes")
        here = self._covered(kind, name, node, activations)
        if here is None:
            here = self._other(kind, name, node, activations)
        elif kind in _WEIGHTED and not self._counts(node.input[1]):
            self._builder.share_weights(here)
        out = self._builder.operations[here].out
        self._check(name, node.output[0], out)
        for output in filter(None, node.output):
            self._made[output] = here
            if output != node.output[0] and _out(self._shapes.get(output, ())) != out:
                self._unlike.add(output)

    def _check(self, name: str, output: str, out: Out) -> None:
        """Raise UserError for an operator that was read as one of another output."""
        shape = self._shapes.get(output, ())
        if not shape or min(shape) < 1:
            return
        if math.prod(out) != math.prod(shape) or (len(shape) == 4 and out != _out(shape)):
            raise UserError(
                f"{self._name}: {name} is read as one that writes {out} (channels, height, width), "
                f"and the package onnx infers {shape}. Nothing can be said of what follows."
            )

    def _alias(self, node: Any) -> None:
        """Let a quantised or dequantised tensor stand for what it is of."""
        source, target = node.input[0], node.output[0]
        if source in self._made:
            kind = self._zero_point(node)
            if kind != _INT8:
                raise UserError(
                    f"{self._name} has a tensor that is quantised, but not to int8; only int8 "
                    "networks are priced (activation_type=QuantType.QInt8)."
                )
            self._made[target] = self._made[source]
            self._whole.add(target)
            if source in self._unlike:
                self._unlike.add(target)
        elif source in self._stored or source in self._constants:
            held = self._constants.get(source, self._stored.get(source))
            assert held is not None
            self._constants[target] = held
            self._types[target] = self._types.get(source, held.data_type)
            if node.op_type == "DequantizeLinear":
                self._whole.add(target)
            else:
                self._types[target] = self._zero_point(node)
        else:
            raise bounds.FaultError(f"{node.op_type} reads {source:.40}, which nothing writes")

    def _zero_point(self, node: Any) -> int | None:
        """Return the type of the zero point, which is that of the tensor.

        Without one it is the tensor's own, or what the operator says that it writes.
        """
        if len(node.input) > 2 and node.input[2]:
            zero = self._stored.get(node.input[2])
            return zero.data_type if zero is not None else None
        if node.op_type == "DequantizeLinear":
            return _INT8 if node.input[0] in self._whole else None
        return int(_attribute(node, "output_dtype", _UINT8))

    def _covered(self, kind: str, name: str, node: Any, activations: list[str]) -> int | None:
        """Append an operator that has a kernel and return its position; None if it has none."""
        if not activations or activations[0] != node.input[0] or self._unlike & {*activations}:
            return None
        source, build = node.input[0], self._builder
        at = self._made[source]
        is_before_int8 = source not in self._whole
        is_alone = is_before_int8 and self._readers[source] == 1
        if kind in _SAME or kind in _RESHAPES:
            if not is_before_int8:
                self._whole.add(node.output[0])
            elif not is_alone:
                self._readers[node.output[0]] += 1  # Whoever reads the tensor by its other name.
            return at if kind in _SAME else self._reshape(kind, name, node.output[0], at)
        if kind in ("Relu", "Clip"):
            if is_alone and build.operations[at].kind in _FUSABLE:
                build.fuse_relu(at)
                return at
            return build.relu(name, at) if not is_before_int8 else self._refuse_floats(name)
        if kind in _OF_INT8 and not all(one in self._whole for one in activations):
            return self._refuse_floats(name)
        if kind == "Conv":
            return self._conv(name, node, at)
        if kind in ("Gemm", "MatMul"):
            return self._linear(kind, name, node, at)
        if kind == "AveragePool":
            if max(_attribute(node, "dilations", [1])) > 1:
                return None
            kernel, stride, pad = self._window(node, at)
            return build.avg_pool(name, at, kernel, stride, pad)
        if kind == "GlobalAveragePool":
            return build.global_pool(name, at)
        if kind == "Add" and len(activations) == 2:
            both = [self._made[one] for one in activations]
            is_same = build.operations[both[0]].out == build.operations[both[1]].out
            return build.add(name, both, False) if is_same else None
        return None

    def _reshape(self, kind: str, name: str, output: str, at: int) -> int:
        """Return the position of a tensor in another shape; a vector stays what it is of."""
        shape = self._shapes.get(output, ())
        if kind == "Flatten" or (len(shape) == 2 and min(shape) > 0):
            return at
        if not shape or min(shape) < 1:
            raise UserError(
                f"{self._name}: the shape that {name} gives is not fixed: nothing can be said of "
                "what follows. Export it with a fixed shape."
            )
        is_same = self._builder.operations[at].out == _out(shape)
        return at if is_same else self._builder.reshape(name, kind.lower(), at, _out(shape))

    def _refuse_floats(self, name: str) -> int:
        raise UserError(
            f"{self._name} computes in floating point ({name} reads what is not int8); only int8 "
            "networks are priced. Quantise it with quantise-dequantise pairs "
            "(onnxruntime.quantization.quantize_static)."
        )

    def _weights(self, name: str, node: Any) -> tuple[int, ...]:
        """Return the shape of an operator's int8 weights."""
        weights = self._constants.get(node.input[1]) if len(node.input) > 1 else None
        if weights is None or node.input[1] not in self._whole:
            self._refuse_floats(name)
        assert weights is not None
        if self._types.get(node.input[1]) != _INT8:
            raise UserError(
                f"{self._name} has weights that are not int8 ({name}); only int8 networks are "
                "priced (weight_type=QuantType.QInt8)."
            )
        shape = tuple(int(n) for n in weights.dims)
        if len(shape) > 8 or min(shape, default=0) < 1:
            raise bounds.FaultError(f"{name} has weights of shape {shape}")
        return shape

    def _conv(self, name: str, node: Any, at: int) -> int | None:
        weights = self._weights(name, node)
        if len(weights) != 4:
            return None
        kernel, stride, pad = self._window(node, at, (weights[2], weights[3]))
        group = int(_attribute(node, "group", 1))
        channels = self._builder.operations[at].out[0]
        if max(_attribute(node, "dilations", [1])) > 1:
            return None
        if group * weights[1] != channels:
            raise bounds.FaultError(
                f"{name} has weights of shape {weights} and reads {channels} channels"
            )
        if group == channels and weights[1] == 1 and channels > 1 and weights[0] % channels == 0:
            return self._builder.depthwise(name, at, weights[0], kernel, stride, pad, False)
        if group > 1:
            return None
        return self._builder.conv(name, at, weights[0], kernel, stride, pad, False)

    def _linear(self, kind: str, name: str, node: Any, at: int) -> int | None:
        weights = self._weights(name, node)
        if len(weights) != 2 or _attribute(node, "transA", 0):
            return None
        out, read = weights if _attribute(node, "transB", 0) else weights[::-1]
        if math.prod(self._builder.operations[at].out) != read:
            return None
        return self._builder.linear(name, at, out, False)

    def _window(self, node: Any, at: int, kernel: Sequence[int] = ()) -> tuple[Pair, Pair, Padding]:
        kernel = tuple(map(int, _attribute(node, "kernel_shape", kernel)))
        stride = tuple(map(int, _attribute(node, "strides", [1, 1])))
        pads = tuple(map(int, _attribute(node, "pads", [0] * 4)))
        if (len(kernel), len(stride), len(pads)) != (2, 2, 4) or min(*kernel, *stride) < 1:
            raise bounds.FaultError(f"{node.op_type} has a window of {kernel}, {stride} and {pads}")
        pad: Padding = ((pads[0], pads[2]), (pads[1], pads[3]))
        how = _attribute(node, "auto_pad", b"NOTSET")
        if how == b"VALID":
            pad = NO_PADDING
        elif how in (b"SAME_UPPER", b"SAME_LOWER"):
            _, height, width = self._builder.operations[at].out
            extra: Literal["after", "before"] = "after" if how == b"SAME_UPPER" else "before"
            pad = (
                same(height, kernel[0], stride[0], extra),
                same(width, kernel[1], stride[1], extra),
            )
        if _attribute(node, "ceil_mode", 0):
            sizes = self._builder.operations[at].out[1:]
            tops = [_up(*one) for one in zip(sizes, kernel, stride, pad, strict=True)]
            pad = (tops[0], tops[1])
        return (kernel[0], kernel[1]), (stride[0], stride[1]), pad

    def _other(self, kind: str, name: str, node: Any, activations: list[str]) -> int:
        first, *others = node.output
        shape = self._shapes.get(first, ())
        needed = [first, *(one for one in others if self._readers[one])]
        if any(min(self._shapes.get(one, ()), default=0) < 1 for one in needed):
            raise UserError(
                f"{self._name} has an operator without a kernel here, {name}, and the shape of "
                "what it writes is not fixed: nothing can be said of its memory."
            )
        reads = [self._made[one] for one in activations]
        sizes = (
            math.prod(self._shapes.get(one, (0,))) * self._wide.get(one, 1)
            for one in (first, *filter(None, others))
        )
        beside = sum(sizes) - math.prod(shape)
        weights = sum(map(self._counts, node.input))
        kind = kind.lower()[:40]
        return self._builder.other(name, kind, reads, _out(shape), beside, weights)

    def _counts(self, name: str) -> int:
        """Return the bytes of a stored tensor that were not counted before; 0 of what is none."""
        tensor = self._constants.get(name, self._stored.get(name))
        if tensor is None or id(tensor) in self._counted:
            return 0
        self._counted.add(id(tensor))
        element = _BYTES.get(self._types.get(name, tensor.data_type), 4)
        return math.prod(map(int, tensor.dims)) * element


def _up(size: int, kernel: int, stride: int, pad: Pair) -> Pair:
    """Return the padding with which a window that is begun counts, if it begins in the image."""
    padded = size + sum(pad)
    out = math.ceil((padded - kernel) / stride) + 1
    if (out - 1) * stride >= size + pad[0]:
        out -= 1
    return pad[0], pad[1] + max((out - 1) * stride + kernel - padded, 0)


def _attribute(node: Any, name: str, default: Any) -> Any:
    for given in node.attribute:
        if given.name == name:
            by_type = {2: given.i, 3: given.s, 7: list(given.ints)}
            return by_type.get(given.type, default)
    return default


def _out(shape: Sequence[int]) -> Out:
    """Return channels, height and width of a tensor's shape, whose first dimension is the batch."""
    if len(shape) == 4 and shape[0] == 1:
        return shape[1], shape[2], shape[3]
    if len(shape) == 3 and shape[0] == 1:
        return shape[1], shape[2], 1
    return math.prod(shape), 1, 1
