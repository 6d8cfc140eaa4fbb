"""Peak memory of live tensors: in the order as written, and the exact minimum over all orders.

A tensor lives from the operation that writes it to the last one that reads it; during an operation
its inputs and its output live together. All images that a network reads are there from the start,
and its outputs to the end. What counts is one execution at a time, nothing partial, no tensor
written twice.

The minimum is found exactly. A *waist* is a layer whose output alone is live once it has run: no
layer before it is read after it. Every other layer is before it or after it in every order, so an
order is a concatenation of orders of the segments between waists and its peak is the largest of
theirs. Cells are separated by waists, hence no segment has more than a dozen layers, and a segment
is solved by a bottleneck shortest path over the sets of executed layers (the live tensors depend
on that set alone). Segments that differ by a common factor of their sizes are solved once: all
cells of a network are the same integer problem.

Source: Liberis & Lane, "Neural networks on microcontrollers: saving memory at inference via
operator reordering", 2019; muNAS (Liberis, Dudziak & Lane, EuroMLSys 2021), section 3.4, for the
addition that writes into an input nobody else needs.
"""

from __future__ import annotations

import functools
import heapq
import math
from collections.abc import Sequence

from benchsuite.deployment.graph import Graph

# Sets of executed layers that are looked at: a segment between waists of a cell has some hundred.
MOST_STATES = 20_000


class TooManyOrdersError(Exception):
    """A network branches so widely that its orders are not all looked at."""


_Inputs = tuple[tuple[int, ...], ...]


def order_peak(graph: Graph) -> int:
    """Return the peak [bytes] of live tensors in the order of `graph`, nothing in place."""
    return max(live_in_order(graph), default=0)


def live_in_order(graph: Graph) -> list[int]:
    """Return the bytes of tensors that live while each layer runs, in the order of `graph`."""
    last = last_use(graph.inputs, graph.kept)
    images = _images(graph)
    live, every = sum(graph.sizes[at] for at in images), []
    dying: dict[int, int] = {}
    for position, size in enumerate(graph.sizes):
        live += 0 if position in images else size
        every.append(live)
        dying[last[position]] = dying.get(last[position], 0) + size
        live -= dying.pop(position, 0)
    return every


def best_peak(graph: Graph, *, in_place: bool = True) -> int:
    """Return the least peak [bytes] over all topological orders; in_place: of additions.

    Raises TooManyOrdersError beyond `MOST_STATES` sets of executed layers between two waists.
    """
    ends = [*waists(graph.inputs, graph.kept), len(graph.sizes) - 1]
    start = peak = 0
    for end in dict.fromkeys(ends):
        peak = max(peak, _segment_peak(graph, in_place, start, end))
        start = end
    return peak


def last_use(inputs: Sequence[Sequence[int]], kept: Sequence[int] = ()) -> list[int]:
    """Return the position of the last reader of each layer; of an output, the end `len(inputs)`.

    kept: outputs that layers read, too.
    """
    last = [len(inputs)] * len(inputs)
    for position, reads in enumerate(inputs):
        for at in reads:
            last[at] = position
    for at in kept:
        last[at] = len(inputs)
    return last


def waists(inputs: Sequence[Sequence[int]], kept: Sequence[int] = ()) -> list[int]:
    """Return the layers after which their output alone is live in every topological order."""
    last = last_use(inputs, kept)
    sources = [position for position, reads in enumerate(inputs) if not reads]
    found = []
    furthest = 0
    for position in range(len(inputs)):
        if furthest <= position and sources[-1] <= position:
            found.append(position)
        furthest = max(furthest, last[position])
    return found


def _images(graph: Graph) -> list[int]:
    return [at for at, kind in enumerate(graph.kinds) if kind == "input"]


def _segment_peak(graph: Graph, in_place: bool, start: int, end: int) -> int:
    """Return the least peak from the moment only `start` is live until `end` has run."""
    segment = range(start, end + 1)
    sizes = [graph.sizes[at] for at in segment]
    factor = math.gcd(*sizes)
    reads = (
        () if at == start and start else tuple(i - start for i in graph.inputs[at])
        for at in segment
    )
    return factor * _solve(
        tuple(reads),
        tuple(size // factor for size in sizes),
        tuple(in_place and graph.kinds[at] == "add" for at in segment),
        sum(1 << at - start for at in segment if graph.kinds[at] == "input"),
        sum(1 << at - start for at in segment if at in graph.kept),
    )


@functools.cache
def _solve(
    inputs: _Inputs,
    sizes: tuple[int, ...],
    in_place: tuple[bool, ...],
    images: int = 0,
    kept: int = 0,
) -> int:
    """Return the least peak of one segment: a bottleneck shortest path from its images to all.

    images, kept: sets of layers, a bit each.
    """
    layers = range(len(sizes))
    needs = [sum({1 << i for i in reads}) for reads in inputs]
    readers = [sum(1 << k for k in layers if i in inputs[k]) for i in layers]
    readers = [  # An output is read by whoever runs the network, after all layers.
        read | 1 << len(sizes) if not read or kept >> i & 1 else read
        for i, read in enumerate(readers)
    ]
    everything = (1 << len(sizes)) - 1
    first = sum(sizes[i] for i in layers if images >> i & 1)
    best = {images: first}
    queue = [(first, images)]
    while True:
        peak, done = heapq.heappop(queue)
        if done == everything:
            return peak
        if peak > best[done]:
            continue
        live = sum(sizes[i] for i in layers if done >> i & 1 and readers[i] & ~done)
        for k in layers:
            if done >> k & 1 or needs[k] & ~done:
                continue
            reuses = in_place[k] and any(
                readers[i] & ~done == 1 << k and sizes[i] == sizes[k] for i in inputs[k]
            )
            after = max(peak, live if reuses else live + sizes[k])
            state = done | 1 << k
            if after < best.get(state, after + 1):
                best[state] = after
                if len(best) > MOST_STATES:
                    raise TooManyOrdersError
                heapq.heappush(queue, (after, state))
