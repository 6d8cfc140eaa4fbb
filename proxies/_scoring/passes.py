"""The passes over one network that proxies score: computed on demand, once, and shared.

A proxy's `score(passes)` reads what it needs of `Passes`. What two proxies both need (a forward
pass, the gradients of a batch) is computed for the first and kept for the second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from benchsuite.errors import UserError
from benchsuite.passes import Rule, See
from benchsuite.proxies._engine.curvature import grad_hessian_weights
from benchsuite.proxies._engine.flow import log_synaptic_flow
from benchsuite.proxies._engine.forward import Tape, forward
from benchsuite.proxies._engine.gradients import (
    Gradients,
    frozen_gram,
    input_jacobian,
    loss_gradients,
)
from benchsuite.proxies._engine.weights import Weights, draw_weights, generator
from benchsuite.proxies._scoring.batch import Batch
from benchsuite.proxies._scoring.device import exact, now
from benchsuite.proxies._scoring.net import Net, initialise
from benchsuite.proxies._scoring.seal import seal
from benchsuite.space.cell import Cell, live_edges, prune
from benchsuite.space.deploy import condensed, live
from benchsuite.space.equivalence import classes, representatives
from benchsuite.space.network import Network, Skeleton, build
from benchsuite.surroundings import numerics

T = TypeVar("T")
CPU = torch.device("cpu")


class Passes:
    """A cell's network with drawn weights, mini-batches, and what has been computed of them.

    cell: scored as the representative of its functional class (`benchsuite.space.equivalence`)
    without dead operators, so that equal functions get equal scores; batches: the first is what
    most proxies look at, ZiCo takes all; seed, repeat: of the weights
    (`benchsuite.proxies._engine.weights`). Everything runs in `dtype` on `device`, with BN in
    training mode; what is random is drawn on the processor, so that every device gets the same.
    unpruned: score the cell itself, dead operators included: no function of the class. Then passes
    go forward only; what goes back raises RuntimeError.

    seconds: by pass, its time (`_scoring.device.now`), without the passes it called for.
    """

    def __init__(
        self,
        cell: Cell,
        skeleton: Skeleton,
        batches: Sequence[Batch],
        *,
        seed: int = 0,
        repeat: int = 0,
        dtype: torch.dtype = torch.float32,
        unpruned: bool = False,
        device: torch.device = CPU,
    ) -> None:
        self.cell = cell if unpruned else representative(cell)
        self.unpruned = unpruned
        self.skeleton = skeleton
        check_batches(batches, skeleton)
        self.batches = tuple(_copy(batch, device) for batch in batches)
        self.seed, self.repeat, self.dtype, self.device = seed, repeat, dtype, device
        self.seconds: dict[str, float] = {}
        self._given = cell, skeleton, tuple(batches), seed, repeat, dtype, unpruned, device
        self._inner = 0.0
        self._done: dict[tuple[object, ...], Any] = {}
        self._seals: dict[tuple[object, ...], int] = {}
        self._seals["batches",] = seal(self.batches)

    @cached_property
    def network(self) -> Network:
        """The live network (`benchsuite.space.deploy.live`) whose layers all passes run.

        Unpruned it has all layers but those of zeros.
        """
        if self.unpruned:
            return Network(self.cell, self.skeleton, condensed(self.trained.layers)[0])
        return live(self.cell, self.skeleton)

    @property
    def connected(self) -> bool:
        """Whether the logits depend on the images."""
        return bool(live_edges(np.array([self.cell.ops])).any())

    @property
    def images(self) -> Tensor:
        """Images of the first batch [B, 3, H, W], a copy."""
        return self.batches[0].images.to(self.dtype, copy=True)

    @property
    def labels(self) -> Tensor:
        """Labels of the first batch, int64 [B], a copy."""
        return self.batches[0].labels.clone()

    @cached_property
    def trained(self) -> Network:
        """The network as it is trained (`benchsuite.space.network.build`), a layer per ReLU."""
        return build(self.cell, self.skeleton)

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Where in `network.layers` the output of each layer of `trained` is; zeros are nowhere."""
        return MappingProxyType(condensed(self.trained.layers)[1])

    @property
    def weights(self) -> Weights:
        """Default weights by layer name: [C_out, C_in, k, k], classifier [K, C], its bias [K]."""
        return self._once(("weights",), lambda: self.drawn("default")[1])

    @property
    def tape(self) -> Tape:
        """The forward pass of the first batch: logits [B, K] and every layer's activations."""
        return self._once(("forward",), lambda: self._run(0))

    def gradients(self, batch: int = 0) -> Gradients:
        """Return weight gradients and channel saliencies of the cross-entropy of one batch."""
        self._goes_back("gradients")

        def compute() -> Gradients:
            tape = self.tape if batch == 0 else self._run(batch)
            return loss_gradients(tape, self.batches[batch].labels)

        return self._once(("gradients", batch), compute)

    @property
    def jacobian(self) -> Tensor:
        """J_b = d(sum of logits)/dx_b of the first batch: [B, 3 H W]."""
        self._goes_back("jacobian")
        return self._once(("jacobian",), lambda: input_jacobian(self.tape))

    @property
    def gram(self) -> Tensor:
        """K = J J^T [B, B], float64, J_b = d(sum_k f_bk)/dw with BN's statistics held constant.

        w: all convolutions, BN scales and the classifier.
        """
        self._goes_back("gram")
        return self._once(("gram",), lambda: frozen_gram(self.tape))

    @property
    def grad_hessian_weights(self) -> float:
        """g^T H w of the first batch's cross-entropy, over all convolutions and the classifier."""
        self._goes_back("grad_hessian_weights")
        return self._once(
            ("curvature",),
            lambda: grad_hessian_weights(self.tape, self.labels, self.gradients().weights),
        )

    @property
    def log_synaptic_flow(self) -> float:
        """Log of sum |w dR/dw| of the network of |w| without BN (`_engine.flow`)."""
        self._goes_back("log_synaptic_flow")
        return self._once(("flow",), lambda: log_synaptic_flow(self.network.layers, self.weights))

    def forward(self, images: Tensor, rule: Rule = "default", see: See | None = None) -> Tape:
        """Return the forward pass of any images [B, 3, H, W]; it is not kept.

        see(at, output): called with what each layer puts out, which later ones may overwrite.
        """
        weights = self.weights if rule == "default" else self.drawn(rule)[1]
        with numerics(), exact(self.device), torch.no_grad():
            return forward(self.network.layers, weights, images.to(self.device, self.dtype), see)

    def drawn(self, rule: Rule, skeleton: Skeleton | None = None) -> tuple[Network, Weights]:
        """Return the network, in another skeleton if one is given, and its weights by a rule."""
        network = self.network if skeleton is None else live(self.cell, skeleton)
        of = self.trained if skeleton is None else network
        with numerics():
            weights = draw_weights(of, self.seed, self.repeat, rule, self.dtype)
            return network, {name: weight.to(self.device) for name, weight in weights.items()}

    def noise(self, name: str) -> Tensor:
        """Return N(0, 1) images of the first batch's shape, by seed, repeat and `name`."""
        source = generator(self.seed, self.repeat, "noise", name)
        with numerics():
            drawn = torch.randn(self.batches[0].images.shape, generator=source)
            return drawn.to(self.device, self.dtype)

    def generator(self, name: str) -> torch.Generator:
        """Return a generator, the processor's, for a proxy's own draws: by seed, repeat, `name`."""
        return generator(self.seed, self.repeat, "proxy", name)

    def module(self, rule: Rule = "default", skeleton: Skeleton | None = None) -> Net:
        """Return a new torch module of the cell, in training mode, without dead operators.

        For a proxy that wants autograd or hooks. Its layers are those of
        `benchsuite.space.network.build`, and its weights those the passes have; skeleton: another
        network around the cell than that of the passes.
        """
        network = build(self.cell, skeleton or self.skeleton)
        with numerics():
            weights = draw_weights(network, self.seed, self.repeat, rule, self.dtype)
            return initialise(Net(network).to(self.dtype), weights).to(self.device).train()

    def fresh(self) -> Passes:
        """Return passes of the same network and batches of which nothing is computed."""
        cell, skeleton, batches, seed, repeat, dtype, unpruned, device = self._given
        return Passes(
            cell,
            skeleton,
            batches,
            seed=seed,
            repeat=repeat,
            dtype=dtype,
            unpruned=unpruned,
            device=device,
        )

    def changed(self) -> str:
        """Return what is not as it was computed or given, as `weights`; empty if all is."""
        cell, skeleton, _, *others = self._given
        scored = cell if self.unpruned else representative(cell)
        held = self.seed, self.repeat, self.dtype, self.unpruned, self.device
        if (self.cell, self.skeleton, *held) != (scored, skeleton, *others):
            return "settings"
        for key, value in self._seals.items():
            kept = self.batches if key == ("batches",) else self._done.get(key)
            if seal(kept) != value:
                return "_".join(map(str, key))
        return ""

    @contextmanager
    def clock(self, name: str) -> Iterator[None]:
        """Add the time spent inside to `seconds[name]`, less that of passes inside."""
        start, outer, self._inner = now(self.device), self._inner, 0.0
        try:
            yield
        finally:
            total = now(self.device) - start
            self.seconds[name] = self.seconds.get(name, 0.0) + total - self._inner
            self._inner = outer + total

    def _goes_back(self, what: str) -> None:
        if self.unpruned:
            raise RuntimeError(
                f"passes.{what} goes back through the network, which with dead operators no pass "
                "does: use passes.module(), or score the network without them"
            )

    def _once(self, key: tuple[object, ...], compute: Callable[[], T]) -> T:
        if key not in self._done:
            clock = self.clock("_".join(map(str, key)))
            with clock, numerics(), exact(self.device), torch.no_grad():
                self._done[key] = compute()
            start = now(self.device)
            self._seals[key] = seal(self._done[key])
            self._inner += now(self.device) - start  # of the pass that called for this one
        result: T = self._done[key]
        return result

    def _run(self, batch: int) -> Tape:
        return self.forward(self.batches[batch].images)


def _copy(batch: Batch, device: torch.device) -> Batch:
    images, labels = (part.to(device, copy=True) for part in (batch.images, batch.labels))
    return replace(batch, images=images, labels=labels)


def representative(cell: Cell) -> Cell:
    """Return the cell that stands for all functionally equal ones, without dead operators."""
    first = representatives("functional")[classes("functional")[cell.index]]
    ops = prune(np.array([Cell.from_index(int(first)).ops]))[0]
    return Cell(tuple(int(op) for op in ops))


def check_batches(batches: Sequence[Batch], skeleton: Skeleton) -> None:
    """Raise UserError for batches that a network cannot take."""
    if not batches:
        raise UserError("Passes need at least one batch of images.")
    for batch in batches:
        size = (3, skeleton.resolution, skeleton.resolution)
        if tuple(batch.images.shape[1:]) != size or len(batch.images) < 2:
            raise UserError(
                f"A batch of shape {tuple(batch.images.shape)} does not fit: at least two images "
                f"of {size} are needed, as BN in training mode compares them."
            )
        if int(batch.labels.max()) >= skeleton.classes:
            raise UserError(
                f"A batch has label {int(batch.labels.max())}, the network {skeleton.classes} "
                "classes."
            )
