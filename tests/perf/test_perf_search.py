"""Speed of replays: aging evolution beside the same loop on an architecture-string API, tabular
MONAS beside means over the cells left, DNAS steps beside sums over all cells.

The reference answers queries as nats_bench and NASLib do: a cell is an architecture string, looked
up in a dictionary, its record a dictionary of metrics by dataset; parents are copied as objects.
Reading their files and their copies of whole records would make it slower still.
"""

import copy
import random
import resource
import time
from collections import deque

import numpy as np
import pytest
from search_tables import table

from benchsuite import plugins
from benchsuite.parallel.pool import map_jobs
from benchsuite.replays.jobs import Job, Shared, answers, shards
from benchsuite.replays.run import replay
from benchsuite.search._costs import hardware
from benchsuite.search._pruning import Term, prune, relative
from benchsuite.simulation.problem import prepare
from benchsuite.simulation.search import Budget, Search
from benchsuite.simulation.setting import Setting
from benchsuite.space.cell import OPS, Cell, all_archs, all_ops
from benchsuite.space.multilinear import expectation, tensor
from benchsuite.space.network import Skeleton

BOUNDS = {"cifar10.flops": 1e8, "cifar10.params": 6e5}
STEPS, SEEDS = 2000, 1000


class StringApi:
    """Query by architecture string: string -> index -> record of metrics."""

    def __init__(self, problem):
        self._index = {arch: i for i, arch in enumerate(all_archs())}
        columns = {"valid-accuracy": problem.accuracy[12], "seconds": problem.seconds[12]}
        columns |= {name: problem.columns[name] for name in BOUNDS}
        self._records = [
            {"cifar10": {name: float(c[i]) for name, c in columns.items()}} for i in range(15_625)
        ]

    def query(self, arch):
        return dict(self._records[self._index[arch]]["cifar10"])


def reference_evolution(api, seed, steps, population=100, sample=25):
    """Evolve as muNAS' code does: goals of dictionaries, lists of operator names, deep copies."""
    rng = random.Random(seed)
    alive = deque()

    def train(ops):
        arch = "+".join(
            "|" + "|".join(f"{ops[i]}~{k}" for k, i in enumerate(row)) + "|"
            for row in ([0], [1, 2], [3, 4, 5])
        )
        record = api.query(arch)
        features = [(1 - record["valid-accuracy"] / 100) / 0.18]
        alive.append((ops, features + [record[name] / b for name, b in BOUNDS.items()]))

    while len(alive) < population:
        train([rng.choice(OPS) for _ in range(6)])
    for _ in range(steps - population):
        weights = [rng.random() or 1.0 for _ in range(3)]
        chosen = [rng.choice(alive) for _ in range(sample)]
        parent = min(
            chosen,
            key=lambda one: max(min(f, 10) / w for f, w in zip(one[1], weights, strict=True)),
        )
        child = copy.deepcopy(parent[0])
        edge = rng.randrange(6)
        child[edge] = rng.choice([op for op in OPS if op != child[edge]])
        train(child)
        alive.popleft()


def cpu_seconds(function, times=5):
    """Return the least processor time of a call, which other work on the machine hardly changes."""
    taken = []
    for _ in range(times):
        start = time.process_time()
        function()
        taken.append(time.process_time() - start)
    return min(taken)


@pytest.mark.perf
def test_aging_evolution_beside_a_string_api(benchmark):
    problem = prepare(table(), Setting(bounds=BOUNDS))
    munas = plugins.load("strategies", "munas")
    api = StringApi(problem)
    assert api.query(Cell.from_index(5).arch)["valid-accuracy"] == problem.accuracy[12][5]
    parameters = munas.parameters(rounds=STEPS)
    replay(munas, problem, Budget(queries=STEPS), parameters, 0)
    start = time.process_time()
    for seed in range(3):
        reference_evolution(api, seed, STEPS)
    reference = (time.process_time() - start) / 3
    start = time.process_time()
    for seed in range(20):
        replay(munas, problem, Budget(queries=STEPS), parameters, seed)
    ours = (time.process_time() - start) / 20
    benchmark.pedantic(lambda: replay(munas, problem, Budget(queries=STEPS), parameters, 1))
    benchmark.extra_info["evaluations_per_cpu_second"] = STEPS / ours
    benchmark.extra_info["reference_evaluations_per_cpu_second"] = STEPS / reference
    benchmark.extra_info["times_faster_than_a_string_api"] = reference / ours
    print(f"\n{STEPS / ours:,.0f} evaluations a CPU second")
    print(f"{reference / ours:.1f} times a string API")
    assert reference / ours > 1.5


@pytest.mark.perf
def test_a_thousand_seeds_of_aging_evolution_on_two_cores(benchmark):
    munas = plugins.load("strategies", "munas")
    problem = prepare(table(), Setting(bounds=BOUNDS))
    whole = Job("munas", {"rounds": STEPS}, "it", Budget(queries=STEPS), 0, SEEDS)
    jobs = shards(whole, 50)
    shared = Shared({"it": problem})
    assert munas.charged
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    found = benchmark.pedantic(lambda: dict(map_jobs(answers, jobs, shared, workers=2)), rounds=1)
    seconds = benchmark.stats["min"]
    assert sum(map(len, found.values())) == SEEDS
    benchmark.extra_info["evaluations_per_second"] = SEEDS * STEPS / seconds
    spent = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    benchmark.extra_info["cpu_seconds"] = spent
    rate = SEEDS * STEPS / seconds
    print(f"\n{seconds:.0f} s ({spent:.0f} CPU seconds), {rate:,.0f} evaluations a second")


@pytest.mark.perf
def test_a_step_of_differentiable_search_beside_the_plain_sum(benchmark):
    t = tensor(table().values("cifar10.valid.200ep.mean"))
    probs = np.random.default_rng(0).dirichlet(np.ones(5), size=6)

    def plain():
        """Value and gradient by einsum, one contraction each."""
        edges = "abcdef"
        value = np.einsum("abcdef,a,b,c,d,e,f->", t, *probs, optimize=True)
        gradient = [
            np.einsum(
                f"abcdef,{','.join(x for x in edges if x != e)}->{e}",
                t,
                *[p for p, x in zip(probs, edges, strict=True) if x != e],
                optimize=True,
            )
            for e in edges
        ]
        return value, np.array(gradient)

    value, gradient = expectation(t, probs)
    expected = plain()
    assert value == pytest.approx(expected[0])
    np.testing.assert_allclose(gradient, expected[1])
    start = time.process_time()
    for _ in range(20):
        plain()
    reference = (time.process_time() - start) / 20
    benchmark(expectation, t, probs)
    ours = benchmark.stats["median"]
    benchmark.extra_info["times_faster_than_einsum"] = reference / ours
    print(f"\n{ours * 1e6:.0f} microseconds, {reference / ours:.0f} times einsum")
    assert ours < 1e-3


@pytest.mark.perf
def test_a_tabular_monas_search_beside_means_over_the_cells_left(benchmark):
    problem = prepare(table(), Setting(device="board", runtime="tflm"))
    monas = plugins.load("strategies", "monas")
    parameters = monas.parameters(mu=0.3)
    ops = all_ops()

    def mean_of(name, log10=False):
        values = problem.columns[problem.resolve(name)]
        values = np.log10(values) if log10 else values

        def mean(left):
            inside = left[np.arange(6), ops].all(axis=1)
            return float(np.nanmean(values[inside]))

        return mean

    terms = [
        Term(relative(mean_of("ntk_cond.k0", log10=True), "ntk_cond.k0"), -1, 0.35),
        Term(relative(mean_of("linear_regions.n1000"), "linear_regions.n1000"), 1, 0.35),
        *hardware(Search(problem, Budget(seconds=1.0)), 0.0, 0.3, None, "latency", "sum"),
    ]
    found = replay(monas, problem, Budget(seconds=1e6), parameters, 0)
    reference = cpu_seconds(lambda: prune(terms, parameters), 2)
    left = prune(terms, parameters)
    assert (left[np.arange(6), ops].all(axis=1)).nonzero()[0].tolist() == list(found.answer)
    ours = cpu_seconds(lambda: replay(monas, problem, Budget(seconds=1e6), parameters, 0))
    benchmark(replay, monas, problem, Budget(seconds=1e6), parameters, 0)
    benchmark.extra_info["cpu_milliseconds"] = ours * 1e3
    benchmark.extra_info["times_faster_than_masked_means"] = reference / ours
    print(f"\n{ours * 1e3:.1f} CPU ms a search, {reference / ours:.0f} times masked means")
    assert ours < 0.05


@pytest.mark.perf
@pytest.mark.parametrize(
    ("name", "parameters", "bounds", "most"),
    [
        ("edgenas", {"steps": 300}, {"cifar10.params": 8e5}, 1e-3),
        ("udc", {"steps": 100, "samples": 1}, {"cifar10.params": 8e5}, 1e-3),
        (
            "udc",
            {"steps": 100, "mode": "compressed", "samples": 1},
            {"skeleton.bytes": 5e4},
            None,
        ),
        ("udc", {"steps": 100, "mode": "compressed"}, {"skeleton.bytes": 5e4}, None),
    ],
    ids=["edgenas", "udc, operators", "udc, compressed", "udc, compressed, 32 samples"],
)
def test_a_whole_step_of_differentiable_strategies(benchmark, name, parameters, bounds, most):
    """With everything around the expectations: samples, slopes of sizes, projection, Adam, log."""
    strategy = plugins.load("strategies", name)
    setting = Setting(bounds=bounds, skeleton=Skeleton(cells_per_stage=1), epochs=200)
    problem, given = prepare(table(), setting), strategy.parameters(**parameters)
    budget, samples = Budget(seconds=1e9), getattr(given, "samples", 1)
    step = cpu_seconds(lambda: replay(strategy, problem, budget, given, 0)) / parameters["steps"]
    benchmark(replay, strategy, problem, budget, given, 0)
    benchmark.extra_info["cpu_milliseconds_a_step"] = step * 1e3
    print(f"\n{step * 1e3:.2f} CPU ms a step, {samples / step:,.0f} relaxed networks a second")
    assert most is None or step < most
