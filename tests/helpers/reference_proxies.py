"""Every proxy once more, as short as its formula: what the fast implementations are compared with.

One network, plain autograd, nothing shared between proxies. Each function takes a network whose
weights are drawn, and leaves it as it was. B batch, f logits [B, K], L mean cross-entropy, theta a
weight of a convolution or of the classifier, g = dL/dtheta.
"""

import copy
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from benchsuite.proxies._scoring.net import Net

Array = NDArray[np.float64]


def weights(net: Net) -> list[Tensor]:
    """Weights of convolutions and of the classifier."""
    return [m.weight for m in net.modules() if isinstance(m, nn.Conv2d | nn.Linear)]


def fresh(net: Net, training: bool = True) -> Net:
    return copy.deepcopy(net).train(training)


def gradients(net: Net, x: Tensor, y: Tensor) -> list[tuple[Tensor, Tensor]]:
    """[(theta, g)] in train mode; a weight that the loss does not see has g = 0."""
    net = fresh(net)
    theta = weights(net)
    loss = F.cross_entropy(net(x), y)
    g = torch.autograd.grad(loss, theta, allow_unused=True, materialize_grads=True)
    return list(zip([t.detach() for t in theta], g, strict=True))


def grad_norm(net: Net, x: Tensor, y: Tensor) -> float:
    return sum(float(g.norm()) for _, g in gradients(net, x, y))


def grad_norm_global(net: Net, x: Tensor, y: Tensor) -> float:
    return math.sqrt(sum(g.square().sum().item() for _, g in gradients(net, x, y)))


def snip(net: Net, x: Tensor, y: Tensor) -> float:
    return sum(float((t * g).abs().sum()) for t, g in gradients(net, x, y))


def plain(net: Net, x: Tensor, y: Tensor) -> float:
    return sum(float((t * g).sum()) for t, g in gradients(net, x, y))


def l2_norm(net: Net) -> float:
    return sum(float(t.detach().norm()) for t in weights(net))


def fisher(net: Net, x: Tensor, y: Tensor) -> float:
    """sum_channels n_weights * 1/2 mean_b (sum_hw a dL/da)^2, L the mean loss."""
    net = fresh(net)
    seen: list[tuple[Any, Tensor]] = []
    for m in net.modules():
        if isinstance(m, nn.Conv2d | nn.Linear):
            m.register_forward_hook(lambda m, _, a: seen.append((m, a)))
    loss = F.cross_entropy(net(x), y)
    maps = [a for _, a in seen]
    grads = torch.autograd.grad(loss, maps, allow_unused=True, materialize_grads=True)
    total = 0.0
    for (module, a), g in zip(seen, grads, strict=True):
        per_channel = (a * g).flatten(2).sum(2) if a.dim() == 4 else a * g
        total += module.weight[0].numel() * per_channel.square().mean(0).sum().item() / 2
    return total


def grasp(net: Net, x: Tensor, y: Tensor) -> float:
    """sum(-theta * (H g)), both passes on one batch."""
    net = fresh(net)
    theta = weights(net)
    g = torch.autograd.grad(F.cross_entropy(net(x), y), theta, create_graph=True, allow_unused=True)
    live = [(t, v) for t, v in zip(theta, g, strict=True) if v is not None and v.requires_grad]
    z = torch.stack([(v.detach() * v).sum() for _, v in live]).sum()
    Hg = torch.autograd.grad(z, [t for t, _ in live], allow_unused=True, materialize_grads=True)
    return -sum(float((t * h).detach().sum()) for (t, _), h in zip(live, Hg, strict=True))


def zico(net: Net, batches: Iterable[tuple[Tensor, Tensor]]) -> float:
    """sum_l log sum(mean |g| / std |g|) over two batches, where the std is not 0."""
    runs = [gradients(net, x, y) for x, y in batches]
    total = 0.0
    for layer in zip(*runs, strict=True):
        g = torch.stack([g.abs() for _, g in layer])
        mean, std = g.mean(0), g.std(0, correction=0)
        ratio = (mean[std > 0] / std[std > 0]).sum().item()
        total += math.log(ratio) if ratio > 0 else 0.0
    return total


def synflow(net: Net, x: Tensor) -> float:
    """log sum |theta dR/dtheta|, R the sum of logits of one image of ones, |weights|, no BN."""
    net = fresh(net).double()
    for name, module in list(net.named_modules()):
        if isinstance(module, nn.BatchNorm2d):
            parent, _, child = name.rpartition(".")
            setattr(net.get_submodule(parent), child, nn.Identity())
    with torch.no_grad():
        for p in net.parameters():
            p.abs_()
    theta = weights(net)
    R = net(torch.ones(1, *x.shape[1:], dtype=torch.float64)).sum()
    g = torch.autograd.grad(R, theta, allow_unused=True, materialize_grads=True)
    return math.log(sum((t * v).abs().sum().item() for t, v in zip(theta, g, strict=True)))


def zen(net: Net, x: Tensor, x2: Tensor) -> float:
    """log mean_b sum |F(x) - F(x + 0.01 x2)| + sum over BN of log sqrt(mean running_var).

    F ends at the last ReLU; the network has N(0, 1) weights and BN as new; x and x2 are N(0, 1).
    """
    net = fresh(net)
    with torch.no_grad():
        a, b = (net(v, stop="last.relu") for v in (x, x + 0.01 * x2))
    bns = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    spread = (a - b).abs().sum((1, 2, 3)).mean().item()
    variances = [m.running_var for m in bns if m.running_var is not None]
    return math.log(spread) + sum(float(v.mean().sqrt().log()) for v in variances)


def patterns(net: Net, x: Tensor, **run: str) -> list[Tensor]:
    """A = [ReLU input > 0] of every ReLU, train mode: list of bool [B, neurons]."""
    net = fresh(net)
    seen: list[Tensor] = []
    for m in net.modules():
        if isinstance(m, nn.ReLU):
            m.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0].flatten(1) > 0))
    with torch.no_grad():
        net(x, **run)
    return seen


def naswot(net: Net, x: Tensor) -> float:
    signs = [a.double() for a in patterns(net, x)]
    K = np.sum([(a @ a.T + (1 - a) @ (1 - a).T).numpy() for a in signs], axis=0)
    return float(np.linalg.slogdet(K)[1])


def swap(net: Net, x: Tensor) -> int:
    """Distinct sign columns: how many different [B] patterns neurons show."""
    return len({column.tobytes() for column in torch.cat(patterns(net, x), 1).T.numpy()})


def linear_regions(net: Net, batches: Iterable[Tensor], **run: str) -> int:
    """Distinct sign rows over all batches."""
    rows = [torch.cat(patterns(net, x, **run), 1).numpy() for x in batches]
    return len({row.tobytes() for row in np.concatenate(rows)})


def input_jacobian(net: Net, x: Tensor) -> Array:
    """J_b = d(sum of all logits)/dx_b: [B, 3HW]; in train mode BN ties the images together."""
    x = x.clone().requires_grad_()
    return torch.autograd.grad(fresh(net)(x).sum(), x)[0].flatten(1).numpy()


def jacob_cov(net: Net, x: Tensor) -> float:
    k = 1e-5
    v = np.linalg.eigvalsh(np.corrcoef(input_jacobian(net, x).astype(np.float64)))
    return -float(np.sum(np.log(v + k) + 1 / (v + k)))


def epe_nas(net: Net, x: Tensor, y: Tensor, classes: int) -> float:
    """sum over classes of |sum log(|corrcoef of the class| + k)|; above 100 classes see source.

    Source: Lopes et al., ICANN 2021, `eval_score_perclass`: above 100 classes the sums are divided
    by the class size, and the score is the mean over classes of their absolute differences; a
    class of one image has no size there (`len` of a number), so that its exception drops it.
    """
    k, J = 1e-5, input_jacobian(net, x).astype(np.float64)
    sums = []
    for c in range(classes):
        rows = J[y.numpy() == c]
        if len(rows) and (len(rows) > 1 or classes <= 100):
            corr = np.corrcoef(rows)
            sums.append(np.log(np.abs(corr) + k).sum() / (len(corr) if classes > 100 else 1))
    if classes <= 100:
        return float(np.abs(sums).sum())
    return float(np.abs(np.subtract.outer(sums, sums)).sum() / len(sums)) if sums else math.nan


def ntk(net: Net, x: Tensor, frozen: bool = False) -> Array:
    """K = J J^T [B, B] in float64, J_b = d(sum_k f_bk)/d(weights, BN scales included).

    Train-mode BN; frozen: the batch's statistics are constants, which is another quantity.
    """
    net = fresh(net, training=not frozen)
    if frozen:

        def statistics(bn: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            bn.running_mean = inputs[0].detach().mean((0, 2, 3))
            bn.running_var = inputs[0].detach().var((0, 2, 3), correction=0)

        for m in net.modules():
            if isinstance(m, nn.BatchNorm2d):
                m.register_forward_pre_hook(statistics)
    theta = [p for name, p in net.named_parameters() if name.endswith("weight")]
    f = net(x).sum(1)
    rows = []
    for b in range(len(x)):
        g = torch.autograd.grad(
            f[b], theta, retain_graph=True, allow_unused=True, materialize_grads=True
        )
        rows.append(torch.cat([v.flatten() for v in g]).double())
    J = torch.stack(rows)
    K: Array = (J @ J.T).numpy()
    return K


def condition_numbers(K: Array) -> Array:
    """K_i = l_1 / l_(n-i), i = 0 ... n-1, l_1 >= ... >= l_n the eigenvalues."""
    ascending = np.linalg.eigvalsh(K).astype(np.float64)
    return np.asarray(ascending[-1] / ascending)


def knas(net: Net, x: Tensor) -> float:
    return float(ntk(net, x).mean())


def meco(net: Net, x: Tensor) -> float:
    """Sum over feature maps of the smallest eigenvalue of their channel correlation, one image."""
    net, total = fresh(net), 0.0
    maps: list[Tensor] = []
    for m in net.modules():
        if not list(m.children()) and not isinstance(m, nn.Identity):
            m.register_forward_hook(lambda _, __, out: maps.append(out.detach()))
    with torch.no_grad():
        net(x)
    for out in maps:
        if out.dim() == 4:
            with np.errstate(all="ignore"):
                corr = np.nan_to_num(np.corrcoef(out[0].flatten(1).double().numpy()))
            total += float(np.linalg.eigvalsh(corr).min())
    return total


def vkdnw(net: Net, x: Tensor) -> float:
    """Entropy of the deciles of the Fisher matrix' spectrum, eval mode, as vkdnw.py says."""
    net = fresh(net, training=False)
    theta = list(net.parameters())[:128]
    classes = net(x[:1]).shape[1]
    fisher_matrix = np.zeros((len(theta), len(theta)))
    for b in range(len(x)):
        f = net(x[b : b + 1])[0]
        J = np.zeros((classes, len(theta)))
        for k in range(classes):
            g = torch.autograd.grad(
                f[k], theta, retain_graph=True, allow_unused=True, materialize_grads=True
            )
            J[k] = [v.flatten()[0].item() for v in g]
        p = 0.95 * f.softmax(0).detach().double().numpy() + 0.05 / classes
        fisher_matrix += J.T @ (np.diag(p) - np.outer(p, p)) @ J / len(x)
    spectrum = np.linalg.svd(fisher_matrix, compute_uv=False)
    deciles = np.quantile(spectrum, np.arange(1, 10) / 10)
    share = deciles / (deciles.sum() + 1e-10)
    return -float((share * np.log(share + 1e-10)).sum())


def entropy(feature: Tensor) -> float:
    """Entropy of the principal components' shares of the variance, feature [B, C, H, W]."""
    rows = feature.detach().permute(0, 2, 3, 1).flatten(0, 2).double()
    rows = rows - rows.mean(0)
    s = torch.linalg.eigvalsh(rows.T @ rows / len(rows))
    share = s / s.sum()
    return -float((share * torch.log(share + 1e-8)).sum())


def az_nas(
    net: Net, x: Tensor, names: Sequence[str], signs: Mapping[str, Tensor]
) -> tuple[float, float, float]:
    """(expressivity, progressivity, trainability); names: block ends; signs: name -> g_out."""
    net = fresh(net)
    features: dict[str, Tensor] = {}
    for name in names:
        net.layers[net.position(name)].register_forward_hook(
            lambda _, __, out, name=name: features.__setitem__(name, out)
        )
    net(x)
    entropies = [entropy(features[name]) for name in names]
    trainability = []
    for before, after in itertools.pairwise(names):
        g_out = signs[after]
        g_in = torch.autograd.grad(features[after], features[before], g_out, retain_graph=True)[0]
        if g_in.shape[2:] != g_out.shape[2:]:
            g_in = F.pixel_unshuffle(g_in, 2)
        rows_in, rows_out = (
            g.permute(0, 2, 3, 1).flatten(0, 2).double() for g in (g_in, g_out.double())
        )
        s = np.linalg.norm((rows_in.T @ rows_out / len(rows_out)).numpy(), 2)
        trainability.append(-s - 1 / (s + 1e-6) + 2)
    return sum(entropies), float(np.diff(entropies).min()), float(np.mean(trainability))
