"""The torch module of a network, layer by layer as `benchsuite.space.network` lists it.

Every layer is one module, so that hooks see all of them: also sums and what `none` executes. A
network scored without its dead operators is one built from `benchsuite.space.cell.prune`d
operators.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from benchsuite.errors import UserError, did_you_mean
from benchsuite.space.network import Layer, Network


class Net(nn.Module):
    """A network of `benchsuite.space.network.build` that runs; weights are set by `initialise`."""

    def __init__(self, network: Network, *, affine: bool = True, track: bool = True) -> None:
        """affine: whether BNs have scale and offset; track: whether they keep running statistics.

        The authors' code gives convolutions a bias where BN has no offset; here they have none.
        """
        super().__init__()
        self.network = network
        self.layers = nn.ModuleList(_module(layer, affine, track) for layer in network.layers)
        self._at = {layer.name: position for position, layer in enumerate(network.layers)}
        self._reads = [_read(network.layers, layer) for layer in network.layers]
        self._done = _last_readers(network.layers)

    def position(self, name: str) -> int:
        """Return where a layer stands in `layers` and in `network.layers`."""
        if name not in self._at:
            raise UserError(f"This network has no layer {name!r}." + did_you_mean(name, self._at))
        return self._at[name]

    def forward(self, x: Tensor, start: str = "input", stop: str = "classifier") -> Tensor:
        """Return the output of layer `stop`, given `x` as the output of layer `start`.

        x: images [B, 3, H, W] by default; returns logits [B, classes] by default.
        """
        first, last = self.position(start), self.position(stop)
        values = {first: x}
        for position in range(first + 1, last + 1):
            read = (values[at] for at in self._reads[position])
            values[position] = self.layers[position](*read)
            for at in self._done[position]:
                del values[at]
        return values[last]


def as_net(module: nn.Module) -> Net:
    """Return a module of `Passes.module` as the network that it is; TypeError for any other."""
    if not isinstance(module, Net):
        raise TypeError(f"{type(module).__name__} is no module of a network of cells.")
    return module


def channels_last(net: Net) -> Net:
    """Lay out a network's weights channels last, which a processor reads faster; return it."""
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch omits this one
    return net


def without_bn(net: Net, but: str = "") -> Net:
    """Make every BN of a network the identity, except where a name begins with `but`; return it."""
    for at, layer in enumerate(net.network.layers):
        if layer.kind == "bn" and not (but and layer.name.startswith(but)):
            net.layers[at] = nn.Identity()
    return net


@contextmanager
def outputs(net: Net, which: Sequence[str]) -> Iterator[dict[str, Tensor]]:
    """Collect what layers put out while the network runs: a dictionary by layer name.

    which: names or kinds of layers (`"relu"`, `"stage0.cell0.node3"`).
    """
    seen: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[[nn.Module, object, Tensor], None]:
        def hook(_: nn.Module, __: object, output: Tensor) -> None:
            seen[name] = output

        return hook

    handles = [
        module.register_forward_hook(keep(layer.name))
        for layer, module in zip(net.network.layers, net.layers, strict=True)
        if layer.name in which or layer.kind in which
    ]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def unchanged(net: Net, *, training: bool = True) -> Iterator[Net]:
    """Give the network in a mode and take it back as it was: statistics, mode, no gradients."""
    before = net.training
    kept = [(buffer, buffer.clone()) for buffer in net.buffers()]
    net.train(training)
    try:
        yield net
    finally:
        with torch.no_grad():
            for buffer, value in kept:
                buffer.copy_(value)
        net.train(before)
        net.zero_grad(set_to_none=True)


def blocks(network: Network) -> list[str]:
    """Return the layers that end the stem, every cell and every residual block, in order."""
    return [
        layer.name
        for layer in network.layers
        if layer.name == "stem.bn" or layer.name.endswith(".node3") or layer.name[-4:] == ".add"
    ]


def scored(net: Net) -> list[nn.Conv2d | nn.Linear]:
    """Return the layers whose weights proxies score: convolutions and the classifier, in order."""
    return [module for module in net.layers if isinstance(module, nn.Conv2d | nn.Linear)]


def initialise(net: Net, weights: Mapping[str, Tensor]) -> Net:
    """Give a network the weights of `_engine.weights.draw_weights`, and BNs as new; return it."""
    with torch.no_grad():
        for layer, module in zip(net.network.layers, net.layers, strict=True):
            if isinstance(module, nn.BatchNorm2d):
                module.reset_parameters()
            elif isinstance(module, nn.Conv2d | nn.Linear):
                module.weight.copy_(weights[layer.name])
                if module.bias is not None:
                    module.bias.copy_(weights[f"{layer.name}.bias"])
    return net


def _read(layers: Sequence[Layer], layer: Layer) -> tuple[int, ...]:
    """Return what a layer reads; a sum does not read `none` unless it has nothing else."""
    if layer.kind != "add":
        return layer.inputs
    return tuple(at for at in layer.inputs if layers[at].kind != "zero") or layer.inputs[:1]


def _last_readers(layers: Sequence[Layer]) -> list[list[int]]:
    """Return, per layer, the earlier layers that nobody reads after it."""
    last = {at: position for position, layer in enumerate(layers) for at in layer.inputs}
    done: list[list[int]] = [[] for _ in layers]
    for at, position in last.items():
        done[position].append(at)
    return done


class _Add(nn.Module):
    def forward(self, *terms: Tensor) -> Tensor:
        return sum(terms[1:], start=terms[0])


class _Zero(nn.Module):
    """Zeros of the shape of its input, without memory of their own."""

    def forward(self, x: Tensor) -> Tensor:
        return x.new_zeros(()).expand_as(x)


class _GlobalPool(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3))


def _undrawn(kind: type[nn.Module], *sizes: int, bias: bool) -> nn.Module:
    """Return a layer without weights: its constructor would draw from the global generator."""
    module: nn.Module = nn.utils.skip_init(  # type: ignore[no-untyped-call]  # torch has no types
        kind, *sizes, bias=bias
    )
    return module


def _module(layer: Layer, affine: bool, track: bool) -> nn.Module:
    channels = layer.shape[0]
    match layer.kind:
        case "input":
            return nn.Identity()
        case "conv":
            sizes = (layer.kernel, layer.stride, layer.kernel // 2)
            return _undrawn(nn.Conv2d, layer.in_channels, channels, *sizes, bias=layer.bias)
        case "linear":
            return _undrawn(nn.Linear, layer.in_channels, channels, bias=layer.bias)
        case "bn":
            return nn.BatchNorm2d(channels, affine=affine, track_running_stats=track)
        case "relu":
            return nn.ReLU()
        case "avg_pool":
            padding = 1 if layer.kernel == 3 else 0
            return nn.AvgPool2d(layer.kernel, layer.stride, padding, count_include_pad=False)
        case "add":
            return _Add()
        case "zero":
            return _Zero()
        case "global_pool":
            return _GlobalPool()
    raise UserError(
        f"The torch module is that of the network as it is trained; a deployed network's "
        f"{layer.kind!r} layer {layer.name!r} has none. Give it `benchsuite.space.network.build`."
    )
