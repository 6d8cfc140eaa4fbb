"""Equivalence classes: exact counts, the authors' strings, and graph isomorphism as oracles."""

import itertools
from collections import defaultdict

import networkx as nx
import numpy as np
import pytest

from benchsuite.space.cell import CONV1, CONV3, EDGES, NONE, POOL, SKIP, all_archs, all_ops, prune
from benchsuite.space.equivalence import CLASSES, classes, representatives

COUNTS = {"connected": 2, "pruned": 9445, "unique_string": 6466, "functional": 5260}


def test_every_named_class_has_a_known_count():
    assert {name: len(np.unique(classes(name))) for name in CLASSES} == COUNTS


def test_connected_count():
    assert classes("connected").sum() == 15_284


def test_representatives_are_one_per_class():
    for name in CLASSES:
        chosen = representatives(name)
        np.testing.assert_array_equal(classes(name)[chosen], np.arange(COUNTS[name]))


def test_pruned_counts_the_cells_without_dead_operators():
    assert (prune(all_ops()) == all_ops()).all(axis=1).sum() == 9445


def test_unique_string_is_the_authors():
    """The nats_bench package writes the strings; only the partition into classes has to agree."""
    genotypes = pytest.importorskip("nats_bench.genotype_utils")
    theirs = [
        genotypes.TopologyStructure.str2structure(arch).to_unique_str(consider_zero=True)
        for arch in all_archs()
    ]
    assert len(set(zip(theirs, classes("unique_string").tolist(), strict=True))) == 6466
    assert len(set(theirs)) == 6466


def refines(fine, coarse):
    return len(np.unique(np.stack([fine, coarse]), axis=1).T) == len(np.unique(fine))


def test_functional_class_never_splits_a_pruned_cell():
    assert refines(classes("pruned"), classes("functional"))


def test_the_published_count_is_not_exact():
    """430 classes of equal unique string hold different functions; 688 functions are split.

    (436 if operators are written as digits: sums are joined without brackets, so the alphabet
    matters. The count of classes stays 6,466; 85 of them change.)
    """
    pairs = np.unique(np.stack([classes("unique_string"), classes("functional")]), axis=1)
    assert (np.bincount(pairs[0]) > 1).sum() == 430
    assert (np.bincount(pairs[1]) > 1).sum() == 688


def contracted(ops):
    """Draw a pruned cell as a graph: a vertex per sum and per operator, `skip_connect` merged."""
    graph = nx.MultiDiGraph()
    value = {0: {"in": 1}}
    graph.add_node("in", kind="in")
    for target in (1, 2, 3):
        terms = defaultdict(int)
        for edge, (source, to) in enumerate(EDGES):
            op = ops[edge]
            if to != target or op == NONE:
                continue
            if op == SKIP:
                for term, count in value[source].items():
                    terms[term] += count
            elif op in (CONV1, CONV3):
                terms[add_op(graph, ("conv", edge), op, value[source])] += 1
            else:
                assert op == POOL
                key = ("pool", frozenset(value[source].items()))
                terms[add_op(graph, key, op, value[source])] += 1
        value[target] = dict(terms)
    add_op(graph, "out", "out", value[3])
    return graph


def add_op(graph, name, kind, terms):
    if name not in graph:
        graph.add_node(name, kind=kind)
        for term, count in terms.items():
            graph.add_edge(term, name, count=count)
    return name


def same_graph(one, other):
    return nx.is_isomorphic(
        one,
        other,
        node_match=lambda a, b: a["kind"] == b["kind"],
        edge_match=lambda a, b: a[0]["count"] == b[0]["count"],
    )


def test_functional_class_is_graph_isomorphism():
    """Every two pruned cells with equal operator counts in a sample of such groups are compared."""
    rng = np.random.default_rng(0)
    chosen = representatives("pruned")
    ops = prune(all_ops())[chosen]
    ours = classes("functional")[chosen]
    groups = defaultdict(list)
    for row, key in enumerate(map(tuple, np.sort(ops, axis=1).tolist())):
        groups[key].append(row)
    compared = equal = 0
    for key in sorted(groups):
        rows = rng.permutation(groups[key])[:9]
        graphs = {row: contracted(ops[row].tolist()) for row in rows}
        for one, other in itertools.combinations(rows, 2):
            same = same_graph(graphs[one], graphs[other])
            assert same == (ours[one] == ours[other])
            compared += 1
            equal += same
    assert compared > 2000
    assert equal > 100
