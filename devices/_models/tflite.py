"""Reads an int8 .tflite file (extra `export`): its operators, never its weights.

The file is mapped, so that of the weights only their lengths are touched. What is not int8, has
no fixed shape or holds more than one graph is refused with a sentence; operators without a kernel
here are listed by name.

Source: the public schema of TensorFlow Lite, version 3, as packaged in PyPI `tflite`.
"""

from __future__ import annotations

import functools
import importlib
import math
import struct
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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
from benchsuite.errors import UserError

_IDENTIFIER = b"TFL3"
_INT8, _INT32, _FLOAT32 = 9, 2, 0
_ELEMENT = {_FLOAT32: 4, _INT32: 4, 4: 8, 7: 2, 1: 2, 10: 8}  # Bytes by the schema's type; else 1.
_FUSED = {0: False, 1: True, 2: True, 3: True}  # NONE, RELU, RELU_N1_TO_1, RELU6.
_SMALL = 64  # Bytes of a constant that says something of a shape.
_MOST_TENSORS = 20_000
_MOVES_NOTHING = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")
_CASTS = ("QUANTIZE", "DEQUANTIZE")
_WEIGHTED = {"CONV_2D": "conv", "DEPTHWISE_CONV_2D": "depthwise"}  # Priced or not.


def read(path: Path) -> Model:
    """Return the model in a .tflite file.

    Raises UserError for a file that is malformed, of floating point, of shapes that are not fixed,
    or larger than the format allows, or without the package `tflite`.
    """
    tflite = _package()
    with bounds.mapped(path, bounds.MODEL) as content:
        if content[4:8] != _IDENTIFIER:
            raise UserError(f"{path} is no .tflite file: it does not begin as one.")
        try:
            return _Reader(tflite.Model.GetRootAs(content, 0), path.name).model()
        except (
            struct.error, IndexError, TypeError, ValueError, KeyError, AttributeError,
            OverflowError, MemoryError,
        ) as error:  # fmt: skip
            reason = bounds.because(error)
    raise UserError(f"{path} is a damaged .tflite file{reason}. Convert or copy it again.")


def _package() -> Any:
    try:
        return importlib.import_module("tflite")
    except ImportError as error:
        raise UserError(
            f"A .tflite file needs the package tflite, which cannot be imported ({error}). Install "
            "the extra: pip install 'benchsuite[export]'."
        ) from error


@functools.cache
def _operator_names() -> dict[int, str]:
    codes = importlib.import_module("tflite.BuiltinOperator").BuiltinOperator
    return {value: name for name, value in vars(codes).items() if isinstance(value, int)}


class _Reader:
    def __init__(self, file: Any, name: str) -> None:
        self._file, self._name = file, name
        self._builder = Builder(name, "tflite")
        self._made: dict[int, int] = {}  # The position of what writes a tensor.
        self._counted: set[int] = set()  # Buffers whose bytes an operator before has.
        self._unlike: set[int] = set()  # Tensors of another shape than their operator's first.

    def model(self) -> Model:
        """Return the model."""
        if self._file.SubgraphsLength() != 1:
            raise UserError(
                f"{self._name} holds {self._file.SubgraphsLength()} graphs; a network without "
                "control flow holds one."
            )
        self._graph = graph = self._file.Subgraphs(0)
        if graph.TensorsLength() > _MOST_TENSORS:
            raise UserError(f"{self._name} has more than {_MOST_TENSORS:,} tensors.")
        if graph.OperatorsLength() > _MOST_TENSORS:
            raise UserError(f"{self._name} has more than {_MOST_TENSORS:,} operators.")
        for number in range(graph.InputsLength()):
            at = graph.Inputs(number)
            shape = self._shape(at)
            if len(shape) > 1 and shape[0] != 1:
                raise UserError(
                    f"{self._name} runs {shape[0]} images at once; a device runs one. Convert it "
                    "with a batch of 1."
                )
            element = _ELEMENT.get(self._tensor(at).Type(), 1)
            self._made[at] = self._builder.input("input", _out(shape), element)
        outputs = [
            graph.Outputs(number) for number in range(min(graph.OutputsLength(), _MOST_TENSORS))
        ]
        operators = [graph.Operators(number) for number in range(graph.OperatorsLength())]
        self._readers = Counter(outputs)
        self._readers.update(
            one.Inputs(i) for one in operators for i in range(min(one.InputsLength(), 100))
        )
        self._padded_conv = {
            one.Inputs(0)
            for one in operators
            if self._kind(one) in _WEIGHTED and self._is_valid(one)
        }
        for number, operator in enumerate(operators):
            self._append(number, operator)
        self._builder.kept.update(self._made[at] for at in outputs if at in self._made)
        return self._builder.model()

    def _append(self, number: int, operator: Any) -> None:
        kind = self._kind(operator)
        name = f"{kind.lower()}.{number}"
        if max(operator.InputsLength(), operator.OutputsLength()) > 100:
            raise UserError(f"{self._name}: {name} has more than 100 inputs or outputs.")
        reads = [operator.Inputs(i) for i in range(operator.InputsLength())]
        writes = [operator.Outputs(i) for i in range(operator.OutputsLength())]
        if not writes:
            raise bounds.FaultError(f"{name} writes nothing")
        activations = [at for at in reads if at >= 0 and at in self._made]
        loose = [at for at in reads if at >= 0 and at not in self._made and not self._held(at)]
        if loose:
            raise bounds.FaultError(f"{name} reads tensor {loose[0]}, which nothing writes")
        for at in (*activations, *writes):
            if kind not in _CASTS and self._tensor(at).Type() in (_FLOAT32, 1, 10):
                raise UserError(
                    f"{self._name} computes in floating point ({name}); only int8 networks are "
                    "priced. Convert it with post-training quantisation to int8."
                )
        here = self._covered(kind, name, operator, reads, activations)
        outs = [self._shape(at) for at in writes]
        sizes = [math.prod(self._shape(at)) * self._element(at) for at in writes]
        if here is None:
            state = sum(
                math.prod(self._shape(at)) * self._element(at)
                for at in reads
                if at >= 0 and at not in self._made and self._tensor(at).IsVariable()
            )
            beside = sum(sizes) + state - math.prod(_out(outs[0]))
            weights = sum(map(self._counts, reads))
            at = [self._made[one] for one in activations]
            named = _WEIGHTED.get(kind, kind.lower())
            here = self._builder.other(name, named, at, _out(outs[0]), beside, weights)
        elif math.prod(self._builder.operations[here].out) != math.prod(outs[0]):
            raise bounds.FaultError(
                f"{name} computes {self._builder.operations[here].out}, not the {outs[0]} of its "
                "tensor"
            )
        elif self._builder.operations[here].weights and not self._counts(reads[1]):
            self._builder.share_weights(here)
        self._made |= dict.fromkeys(writes, here)
        out = self._builder.operations[here].out
        self._unlike.update(at for at in writes[1:] if _out(self._shape(at)) != out)

    def _covered(
        self, kind: str, name: str, operator: Any, reads: list[int], activations: list[int]
    ) -> int | None:
        """Append an operator that has a kernel and return its position; None if it has none."""
        if not activations or activations[0] != reads[0] or self._unlike & {*activations}:
            return None
        is_int8 = all(self._tensor(one).Type() == _INT8 for one in activations)
        at, build = self._made[reads[0]], self._builder
        if kind in _MOVES_NOTHING:
            return build.reshape(name, kind.lower(), at, _out(self._shape(operator.Outputs(0))))
        if not is_int8:
            return None
        if kind in _WEIGHTED:
            return self._conv(kind, name, operator, reads)
        if kind == "FULLY_CONNECTED":
            options = self._options(operator, "FullyConnectedOptions")
            weights = self._weights(reads[1])
            is_one = math.prod(self._shape(reads[0])) == weights[-1]
            relu = _FUSED.get(options.FusedActivationFunction())
            return build.linear(name, at, weights[0], relu) if is_one and relu is not None else None
        if kind == "AVERAGE_POOL_2D":
            options = self._options(operator, "Pool2DOptions")
            kernel = (options.FilterHeight(), options.FilterWidth())
            stride = (options.StrideH(), options.StrideW())
            pad = self._pad(options, at, kernel, stride)
            return build.avg_pool(name, at, kernel, stride, pad)
        if kind == "MEAN":
            axes = self._whole_numbers(reads[1])
            rank = len(self._shape(reads[0]))
            is_image = rank == 4 and sorted(axis % rank for axis in axes) == [1, 2]
            return build.global_pool(name, at) if is_image else None
        if kind == "ADD" and len(activations) == 2:
            relu = _FUSED.get(self._options(operator, "AddOptions").FusedActivationFunction())
            both = [self._made[one] for one in activations]
            is_same = build.operations[both[0]].out == build.operations[both[1]].out
            return build.add(name, both, relu) if is_same and relu is not None else None
        if kind in ("RELU", "RELU6"):
            return build.relu(name, at)
        if kind == "PAD":
            return self._pad_operator(name, operator, reads)
        return None

    def _conv(self, kind: str, name: str, operator: Any, reads: list[int]) -> int | None:
        at = self._made[reads[0]]
        weights = self._weights(reads[1])
        if len(weights) != 4:
            raise bounds.FaultError(f"{name} has weights of {len(weights)} dimensions")
        is_dense = kind == "CONV_2D"
        options = self._options(operator, "Conv2DOptions" if is_dense else "DepthwiseConv2DOptions")
        relu = _FUSED.get(options.FusedActivationFunction())
        if relu is None or max(options.DilationHFactor(), options.DilationWFactor()) > 1:
            return None
        kernel, stride = (weights[1], weights[2]), (options.StrideH(), options.StrideW())
        pad = self._pad(options, at, kernel, stride)
        if not is_dense:
            return self._builder.depthwise(name, at, weights[3], kernel, stride, pad, relu)
        if weights[3] != self._builder.operations[at].out[0]:
            return None  # Groups.
        return self._builder.conv(name, at, weights[0], kernel, stride, pad, relu)

    def _pad_operator(self, name: str, operator: Any, reads: list[int]) -> int | None:
        numbers = self._whole_numbers(reads[1])
        if len(numbers) != 8 or any(numbers[:2]) or any(numbers[6:]) or min(numbers) < 0:
            return None
        written = operator.Outputs(0)
        folded = self._readers[written] == 1 and written in self._padded_conv
        pad = ((numbers[2], numbers[3]), (numbers[4], numbers[5]))
        return self._builder.pad(name, self._made[reads[0]], pad, folded)

    def _kind(self, operator: Any) -> str:
        code = self._file.OperatorCodes(operator.OpcodeIndex())
        number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        return _operator_names().get(number, f"operator {number}")

    def _is_valid(self, operator: Any) -> bool:
        is_dense = self._kind(operator) == "CONV_2D"
        options = self._options(operator, "Conv2DOptions" if is_dense else "DepthwiseConv2DOptions")
        return bool(options.Padding() == 1)

    def _options(self, operator: Any, name: str) -> Any:
        options = getattr(importlib.import_module(f"tflite.{name}"), name)()
        table = operator.BuiltinOptions()
        if table is None:
            raise bounds.FaultError(f"an operator lacks its {name}")
        options.Init(table.Bytes, table.Pos)
        return options

    def _pad(self, options: Any, at: int, kernel: Pair, stride: Pair) -> Padding:
        if min(stride) < 1:
            raise bounds.FaultError(f"a stride of {stride}")
        if options.Padding() == 1:
            return NO_PADDING
        _, height, width = self._builder.operations[at].out
        return same(height, kernel[0], stride[0]), same(width, kernel[1], stride[1])

    def _tensor(self, at: int) -> Any:
        if not 0 <= at < self._graph.TensorsLength():
            raise bounds.FaultError(f"there is no tensor {at}")
        return self._graph.Tensors(at)

    def _element(self, at: int) -> int:
        return _ELEMENT.get(self._tensor(at).Type(), 1)

    def _shape(self, at: int) -> tuple[int, ...]:
        tensor = self._tensor(at)
        rank, signed = tensor.ShapeLength(), tensor.ShapeSignatureLength()
        if max(rank, signed) > 8:
            raise bounds.FaultError(f"tensor {at} has {rank} dimensions")
        shape = tuple(tensor.Shape(i) for i in range(rank))
        # A batch that is not fixed is written as 1 by the converter, and runs as that.
        free = [i for i in range(signed) if tensor.ShapeSignature(i) < 0]
        if any(i > 0 or (rank and shape[0] != 1) for i in free) or min(shape, default=1) < 1:
            raise UserError(
                f"{self._name} has a tensor whose shape is not fixed ({shape}): nothing can be "
                "said of its latency or memory. Convert it with a fixed input shape."
            )
        return shape

    def _stored(self, at: int) -> int:
        """Return the bytes that the file stores of a tensor, 0 if it is computed."""
        number = self._tensor(at).Buffer()
        if not 0 < number < self._file.BuffersLength():
            return 0
        return int(self._file.Buffers(number).DataLength())

    def _held(self, at: int) -> bool:
        """Whether a tensor that no operator writes is there all the same: stored, or a state."""
        return bool(self._stored(at) or self._tensor(at).IsVariable())

    def _counts(self, at: int) -> int:
        """Return the bytes that are stored of a tensor and were not counted before."""
        if at < 0 or (number := self._tensor(at).Buffer()) in self._counted:
            return 0
        self._counted.add(number)
        return self._stored(at)

    def _weights(self, at: int) -> tuple[int, ...]:
        """Return the shape of int8 weights. Raises UserError for others."""
        tensor = self._tensor(at)
        shape = self._shape(at)
        if tensor.Type() != _INT8:
            raise UserError(
                f"{self._name} has weights that are not int8; only int8 networks are priced."
            )
        if self._stored(at) != math.prod(shape):
            raise bounds.FaultError(f"{self._stored(at)} bytes of weights of shape {shape}")
        return shape

    def _whole_numbers(self, at: int) -> list[int]:
        """Return a small constant of int32."""
        size = self._stored(at)
        if self._tensor(at).Type() != _INT32 or not 0 < size <= _SMALL or size % 4:
            return []
        buffer = self._file.Buffers(self._tensor(at).Buffer())
        return list(struct.unpack(f"<{size // 4}i", bytes(buffer.Data(i) for i in range(size))))


def _out(shape: Sequence[int]) -> Out:
    """Return channels, height and width of a tensor's shape, whose first dimension is the batch."""
    if len(shape) == 4 and shape[0] == 1:
        return shape[3], shape[1], shape[2]
    if len(shape) == 3 and shape[0] == 1:
        return shape[2], shape[1], 1
    return math.prod(shape), 1, 1
