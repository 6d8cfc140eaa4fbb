"""The proxies of recent papers once more, as short as their definitions."""

# mypy: ignore-errors
# torch's modules have attributes of many types, and plain definitions ask for none of them.

import copy
import math

import mpmath
import numpy as np
import reference_proxies as reference
import scipy.stats
import torch
from torch import nn
from torch.nn import functional as F


def without(net, keep=""):
    """|w| in float64 and no BN, except in the blocks whose name begins with `keep`."""
    net = copy.deepcopy(net).double().train()
    for at, layer in enumerate(net.network.layers):
        if isinstance(net.layers[at], nn.BatchNorm2d) and not (keep and keep in layer.name):
            net.layers[at] = nn.Identity()
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(p.abs())
    return net


def log_synflow(net, x):
    """R is linear in each single weight, so its derivative is a difference."""
    net, ones = without(net), torch.ones_like(x[:1], dtype=torch.float64)
    total = 0.0
    with torch.no_grad():
        before = float(net(ones).sum())
        for w in reference.weights(net):
            flat = w.view(-1)
            for i, kept in enumerate(flat.tolist()):
                flat[i] = kept + 1
                total += kept * math.log(1 + float(net(ones).sum()) - before)
                flat[i] = kept
    return total


def grad_sign(net, x, y):
    one_by_one = [reference.gradients(net, x[[b]], y[[b]]) for b in range(len(x))]
    return sum(
        float(sum(image[layer][1].sign() for image in one_by_one).abs().sum())
        for layer in range(len(one_by_one[0]))
    )


def near(net, x, source):
    seen = []
    net = copy.deepcopy(net).train()
    for m in net.modules():
        if hasattr(m, "weight") or isinstance(m, nn.ReLU):
            m.register_forward_hook(lambda m, _, out: seen.append(out.detach()))
    net(x)
    total = 0.0
    for out in seen:
        width = out.shape[-1]
        rows = out.transpose(1, 3).flatten(0, 2) if out.dim() > 2 else out
        n = len(rows) // width - 1
        start = int(torch.randint(n, (), generator=source)) * width if n > 0 else 0
        s = np.linalg.svd(rows[start : start + out.shape[1]].double().numpy(), compute_uv=False)
        total += math.exp(scipy.stats.entropy(s)) if s.sum() else 0.0
    return total


def epsinas(net, x):
    both = []
    for constant in (1e-7, 1.0):
        changed = copy.deepcopy(net).train()
        for m in changed.modules():
            if hasattr(m, "weight"):
                nn.init.constant_(m.weight, constant)
            if getattr(m, "bias", None) is not None:
                nn.init.constant_(m.bias, 0)
        features = []
        changed.layers[-1].register_forward_pre_hook(lambda m, x, to=features: to.append(x[0]))
        changed(x)
        p = features[0].detach().numpy().flatten().astype(float)
        with np.errstate(invalid="ignore"):
            p = (p - p.min()) / (p.max() - p.min())
        p[p == 0] = np.nan
        both.append(p)
    if np.isnan(both).all(axis=1).any():
        return np.nan
    return float(np.nanmean(np.abs(both[0] - both[1])) / np.nanmean(both))


def wrcor(net, x, y):
    net = copy.deepcopy(net).train()
    n = net.network.skeleton.cells_per_stage
    blocks = [f"stage0.cell{i}." for i in range(n)] + ["reduce1."]
    blocks += [f"stage1.cell{i}." for i in range(n)] + ["reduce2."]
    blocks += [f"stage2.cell{i}." for i in range(n)] + ["last."]
    total = np.zeros((len(x), len(x)))

    def add(weight, response):
        correlation = np.corrcoef(response.detach().flatten(1).double().numpy())
        if not np.isnan(correlation).any():
            total[...] += weight * np.abs(correlation)

    for layer, m in zip(net.network.layers, net.layers, strict=True):
        if isinstance(m, nn.ReLU):
            (at,) = (i for i, block in enumerate(blocks) if layer.name.startswith(block))
            m.register_forward_hook(lambda m, x, out, w=2**at: add(w, x[0]))
            m.register_full_backward_hook(lambda m, g, _, w=2**at: add(w, g[0]))
    F.cross_entropy(net(x.requires_grad_()), y).backward()
    return float(np.linalg.slogdet(total)[1])


def rbflex(net, x):
    """Determinants with 60 digits: those of float64 are noise."""
    rows = []
    for image in x[:3]:
        seen = []
        one = copy.deepcopy(net).train()
        for m in one.modules():
            if isinstance(m, nn.ReLU):
                m.register_forward_hook(
                    lambda m, _, out, to=seen: to.append(out.flatten().detach())
                )
        last = []
        one.layers[-1].register_forward_pre_hook(lambda m, x, to=last: to.append(x[0].flatten()))
        one(image[None])
        rows.append((seen, [last[0].detach()]))
    total = mpmath.mpf(0)
    with mpmath.workdps(60):
        for which, gamma in ((0, 2.68690173088039e-12), (1, 1.02460061284506e-11)):
            squares = np.zeros((3, 3))
            for layer in zip(*(row[which] for row in rows), strict=True):
                f = torch.stack(layer).double().numpy()
                f = f[:, np.ptp(f, axis=0) > 1e-5 * abs(f).max()]
                f = (f - f.min(0)) / np.ptp(f, axis=0)
                squares += ((f[:, None] - f[None]) ** 2).sum(-1)
            kernel = mpmath.matrix(3, 3)
            for i in range(3):
                for j in range(3):
                    kernel[i, j] = mpmath.exp(-mpmath.mpf(gamma) * mpmath.mpf(squares[i, j]))
            total += mpmath.log(mpmath.det(kernel))
        return float(3 * total)


def l_swag(net, batches):
    batches = list(batches)
    grads = [[g.abs() for _, g in reference.gradients(net, x, y)] for x, y in batches]
    total = 0.0
    for layer in zip(*grads, strict=True):
        deviation = torch.stack(layer).double().numpy().std(axis=0)
        total += math.log((1 / deviation[deviation > 0]).sum())
    return total * reference.swap(net, batches[0][0][:16])


def dextr(net, x, curve, chosen):
    """Both scores; curve: two orthogonal unit images; chosen: which logits."""
    seen = []
    plain = copy.deepcopy(net).train()
    for layer, m in zip(net.network.layers, plain.layers, strict=True):
        if layer.kind != "input":
            m.register_forward_hook(lambda m, _, out: seen.append(out[0].detach()))
    plain(x)
    ratios = []
    for out in seen:
        s = np.linalg.svd(out.reshape(len(out), -1).double().numpy(), compute_uv=False)
        ratios.append(s[-1] / s[0] if s[0] else 0.0)
    a = math.log(1 + sum(ratios))
    theta = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    image = theta.cos() * curve[0] + theta.sin() * curve[1]
    logits = copy.deepcopy(net).double().train()(image[None])[0, chosen]
    first = [torch.autograd.grad(f, theta, create_graph=True)[0] for f in logits]
    second = [float(torch.autograd.grad(v, theta, retain_graph=True)[0]) for v in first]
    v, w = np.array([float(one.detach()) for one in first]), np.array(second)
    if not ((v @ v) ** 1.5):
        return a, a
    k = math.log(1 + math.sqrt((v @ v) * (w @ w) - (v @ w) ** 2) / (v @ v) ** 1.5)
    return a * k / (a + k), a


def croze(net, x, y):
    """With two networks side by side, layer by layer."""
    x = x.double()
    clean, moved = without(net, "reduce"), without(net, "reduce")
    F.cross_entropy(moved(x), y).backward()
    with torch.no_grad():
        for w in reference.weights(moved):
            w += 2 * w.norm() / w.grad.norm() * w.grad
    attacked = x.clone().requires_grad_()
    F.cross_entropy(moved(attacked), y).backward()
    attacked = (x - 0.01 * attacked.grad.sign()).clamp(0, 1)
    moved.zero_grad()
    features = {clean: [], moved: []}
    n = net.network.skeleton.cells_per_stage
    ends = ["stem.bn", "reduce1.add", "reduce2.add", f"stage2.cell{n - 1}.node3", "pool"]
    for one, images in ((clean, x), (moved, attacked)):
        for name in ends:
            one.layers[one.position(name)].register_forward_hook(
                lambda m, _, out, to=features[one]: to.append(out.detach())
            )
        F.cross_entropy(one(images), y).backward()
    total, begun = 0.0, set()
    for at, layer in enumerate(net.network.layers):
        begun |= {layer.name.split(".edge")[0]} if ".edge" in layer.name else set()
        begun |= {layer.name[:-6]} if layer.name.endswith((".node2", ".node3")) else set()
        a, b = clean.layers[at], moved.layers[at]
        if isinstance(a, nn.Conv2d | nn.Linear):
            which = len(begun) // n + isinstance(a, nn.Linear)
            z, z_moved = features[clean][which], features[moved][which]
            cos = F.cosine_similarity
            total += abs(
                float((1 + cos(a.weight, b.weight, 0)).sum().detach())
                * float(cos(a.weight.grad, b.weight.grad, 0).abs().sum())
                * float((1 + cos(z, z_moved, 0)).sum())
            )
    return total
