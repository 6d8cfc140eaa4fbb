"""The path to a GPU, without one: on a pretended device every tensor has to lie where it should."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import pretended
import pytest
import torch
from torch.utils import backend_registration

from benchsuite import plugins
from benchsuite.proxies._engine import wide
from benchsuite.proxies._scoring.batch import draw
from benchsuite.proxies._scoring.images import Images
from benchsuite.proxies._scoring.passes import Passes
from benchsuite.proxies._scoring.score import score_network
from benchsuite.space.cell import CONV1, CONV3, NONE, POOL, SKIP, Cell
from benchsuite.space.network import Skeleton

MIXED = Cell((CONV3, CONV1, POOL, SKIP, CONV3, CONV1))
DEAD = Cell((CONV3, NONE, NONE, SKIP, CONV3, NONE))
SMALL = Skeleton(channels=4, cells_per_stage=1, resolution=8)
PROXIES = {
    plugin.name: proxy for plugin, proxy in plugins.usable("proxies") if proxy.score is not None
}
CPU = torch.device("cpu")
LACKING = ("linalg_eig", "linalg_svd", "linalg_slogdet", "linalg_det")

pretending = pytest.mark.skipif(
    not hasattr(backend_registration, "_setup_privateuseone_for_python_backend"),
    reason="this torch takes no device from Python",
)


def scores(device=CPU, cell=MIXED, dtype=torch.float64, unpruned=False, kind="cuda"):
    batches = [draw(Images("synthetic"), 6, 8, 10, seed=3, index=i) for i in range(2)]
    passes = Passes(cell, SMALL, batches, seed=3, dtype=dtype, device=device, unpruned=unpruned)
    proxies = {
        name: proxy
        for name, proxy in PROXIES.items()
        if kind in proxy.runs_on and proxy.unpruned >= unpruned
    }
    return score_network(proxies, passes)


def there(lacks_double=False, **settings):
    """Return scores of the pretended device, and how many tensors were made there."""
    made = []

    def see(operation, tensors):
        made.extend(tensors)
        if lacks_double:
            assert all(one.dtype != torch.float64 for one in tensors), operation
            name = operation._schema.name.partition("::")[2].lstrip("_")
            assert not tensors or not name.startswith(LACKING), operation

    if lacks_double:
        wide.WITHOUT = (pretended.NAME,)
    with pretended.gpu(see) as device:
        return scores(device, **settings), len(made)


@pytest.fixture(scope="module")
def new_process():
    """A process whose torch may be told of a device, and is not asked after that."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        yield pool


@pretending
@pytest.mark.parametrize(
    ("settings", "lacks_double", "near"),
    [
        ({}, False, 1e-8),
        ({"cell": DEAD, "unpruned": True}, False, 1e-8),
        ({"dtype": torch.float32, "kind": "mps"}, True, 1e-2),
    ],
    ids=["cuda", "unpruned", "mps"],
)
def test_scores_stay_on_the_device_until_they_are_numbers(
    new_process, settings, lacks_double, near
):
    """Nothing reads numpy and nothing mixes devices, or the operation fails and names the proxy.

    As `mps` the device has no float64, and torch no eigenvalues and determinants there.
    """
    found, made = new_process.submit(there, lacks_double, **settings).result()
    expected = scores(**settings)
    assert made > 1000
    assert set(found.reasons) == set(expected.reasons)
    for name, value in expected.values.items():
        assert found.values[name] == pytest.approx(value, rel=near, abs=0, nan_ok=True), name
