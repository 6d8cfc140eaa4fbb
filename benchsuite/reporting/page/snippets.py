"""Code that rebuilds a cell: `{index}` and `{arch}` stand for the cell's."""

SNIPPETS = {
    "Shell": "benchsuite cell {index}\nbenchsuite score {index} --proxy naswot,synflow\n",
    "Python": """\
from benchsuite.space.cell import Cell

cell = Cell.from_arch("{arch}")
assert cell.index == {index}
""",
    "PyTorch": """\
import torch

from benchsuite.space.cell import Cell
from benchsuite.space.network import OFFICIAL, build
from benchsuite.proxies._scoring.net import Net

network = build(Cell.from_index({index}), OFFICIAL["cifar10"])
net = Net(network)  # PyTorch's default weights
logits = net(torch.randn(2, 3, 32, 32))  # [2, 10]
""",
    "NATS-Bench": """\
from nats_bench import create

# Looks for NATS-tss-v1_0-3ffb9-simple below $TORCH_HOME.
api = create(None, "tss", fast_mode=True, verbose=False)
index = api.query_index_by_arch("{arch}")
assert index == {index}
print(api.get_more_info(index, "cifar10", hp="200", is_random=False))
""",
    "nas_201_api": """\
from nas_201_api import NASBench201API

api = NASBench201API("NAS-Bench-201-v1_1-096897.pth", verbose=False)
index = api.query_index_by_arch("{arch}")
assert index == {index}
print(api.get_more_info(index, "cifar10", None, hp="200", is_random=False))
print(api.get_net_config(index, "cifar10"))  # for xautodl.models.get_cell_based_tiny_net
""",
}
