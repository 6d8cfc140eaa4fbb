"""What a proxy's `score` gets: one network with drawn weights, its batches and the passes over it.

Everything is computed when a proxy first asks for it, once, and shared with the proxies after it:
nothing that is given may be changed in place, except copies, which are named as such.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

from benchsuite.space.cell import Cell
from benchsuite.space.network import Layer, Network, Skeleton

if TYPE_CHECKING:
    from torch import Generator, Tensor, device, dtype
    from torch.nn import Module

# Kinds of torch devices that scores are computed on.
RUNS_ON = ("cpu", "cuda", "mps")

Rule = Literal["default", "normal", "kaiming", "kaiming_fan_out"]
See = Callable[[int, "Tensor"], None]


class Missing(float):
    """NaN with a reason: what a proxy's `score` gives for an output that it has no value of."""

    reason: str

    def __new__(cls, reason: str) -> Missing:
        """Return a NaN that says why."""
        found = super().__new__(cls, "nan")
        found.reason = reason
        return found


class Batch(Protocol):
    """A mini-batch."""

    @property
    def images(self) -> Tensor:
        """Images, float32 [B, 3, H, W]."""

    @property
    def labels(self) -> Tensor:
        """Their labels, int64 [B]."""


class Tape(Protocol):
    """A forward pass, with what every layer saved for a backward pass."""

    @property
    def logits(self) -> Tensor:
        """What the network says of every image, [B, K]."""

    @property
    def layers(self) -> Sequence[Layer]:
        """The layers, in the order they ran."""

    @property
    def saved(self) -> Sequence[tuple[Any, ...]]:
        """Per layer: conv, linear (input, output); bn (input, mean, 1/std [C]); relu (output,)."""

    def relus(self) -> list[tuple[Tensor, int]]:
        """Return each ReLU's output [B, C, H, W] and how many layers read it, in order."""

    def between(self, start: int, end: int, grad: Tensor) -> Tensor:
        """Return the gradient of layer `start`'s output, given that of `end`'s, over all paths."""


class Gradients(Protocol):
    """Gradients of the mean cross-entropy L of one batch, by layer name."""

    @property
    def weights(self) -> Mapping[str, Tensor]:
        """dL/dw of the convolutions and the classifier, of the shapes of `Passes.weights`."""

    @property
    def saliency(self) -> Mapping[str, Tensor]:
        """Fisher saliency of the output channels, 1/2 mean_b (sum_hw a dL/da)^2 [C_out]."""


class Passes(Protocol):
    """A cell's network with drawn weights, its mini-batches, and the passes over them.

    Everything runs in `dtype` on `device`, with BN in training mode. With dead operators
    (`Proxy.unpruned`) nothing goes back through the network: `gradients`, `jacobian`, `gram`,
    `grad_hessian_weights` and `log_synaptic_flow` raise RuntimeError; `module` has all of them.
    """

    @property
    def cell(self) -> Cell:
        """The cell that is scored, without dead operators; equal functions have one cell."""

    @property
    def skeleton(self) -> Skeleton:
        """The network around the cell."""

    @property
    def network(self) -> Network:
        """The layers that all passes run, without those that nothing depends on."""

    @property
    def dtype(self) -> dtype:
        """The type of the weights, and of all that is computed."""

    @property
    def device(self) -> device:
        """The torch device of all tensors: the processor, unless `--device` says otherwise."""

    @property
    def batches(self) -> Sequence[Batch]:
        """The mini-batches; the first is what most proxies look at."""

    @property
    def images(self) -> Tensor:
        """Images of the first batch [B, 3, H, W], a copy."""

    @property
    def labels(self) -> Tensor:
        """Labels of the first batch, int64 [B], a copy."""

    @property
    def weights(self) -> Mapping[str, Tensor]:
        """Default weights by layer name: [C_out, C_in, k, k], classifier [K, C], its bias [K]."""

    @property
    def tape(self) -> Tape:
        """The forward pass of the first batch."""

    def gradients(self, batch: int = 0) -> Gradients:
        """Return weight gradients and channel saliencies of the cross-entropy of one batch."""

    @property
    def jacobian(self) -> Tensor:
        """J_b = d(sum of logits)/dx_b of the first batch: [B, 3 H W]."""

    @property
    def gram(self) -> Tensor:
        """K = J J^T [B, B], float64, J_b = d(sum_k f_bk)/dw with BN's statistics held constant."""

    @property
    def grad_hessian_weights(self) -> float:
        """g^T H w of the first batch's cross-entropy, over all convolutions and the classifier."""

    @property
    def log_synaptic_flow(self) -> float:
        """Log of sum |w dR/dw| of the network of |w| without BN, R the sum of its outputs."""

    @property
    def trained(self) -> Network:
        """The network as it is trained: a layer of its own for every ReLU and every sum."""

    @property
    def places(self) -> Mapping[str, int]:
        """Where in `network.layers` the output of each layer of `trained` is; zeros are nowhere."""

    def forward(self, images: Tensor, rule: Rule = "default", see: See | None = None) -> Tape:
        """Return the forward pass of any images [B, 3, H, W], with weights drawn by a rule.

        see(at, output): called with what each layer puts out, which later ones may overwrite.
        """

    def drawn(
        self, rule: Rule, skeleton: Skeleton | None = None
    ) -> tuple[Network, Mapping[str, Tensor]]:
        """Return the network, in another skeleton if one is given, and its weights by a rule."""

    def noise(self, name: str) -> Tensor:
        """Return N(0, 1) images of the first batch's shape; the same name, the same images."""

    def generator(self, name: str) -> Generator:
        """Return a generator for draws of the proxy's own; the same name, the same draws.

        It is the processor's, whatever the device: `torch.rand(3, generator=it).to(passes.device)`.
        """

    def module(self, rule: Rule = "default", skeleton: Skeleton | None = None) -> Module:
        """Return a new torch module of the cell, in training mode, for autograd or hooks.

        rule: how its weights are drawn; skeleton: another network around the cell.
        """
