"""Writes fixtures/models/pytorch.json: what PyTorch gives for small cases of layers, losses and optimisers.

Run with torch 2.13 from the repository root: python bench/peers/models_reference.py
"""

import json

import torch
from torch import nn

torch.manual_seed(1)


def plain(tensor):
    return {"shape": list(tensor.shape), "values": [float(f"{v:.9g}") for v in tensor.detach().flatten().tolist()]}


def optimiser_case(make):
    start = torch.randn(6)
    gradients = [torch.randn(6) * 10.0 ** (k - 2) for k in range(5)]
    parameter = nn.Parameter(start.clone())
    optimiser = make([parameter])
    trajectory = []
    for gradient in gradients:
        parameter.grad = gradient.clone()
        optimiser.step()
        trajectory.append(plain(parameter))
    return {"start": plain(start), "gradients": [plain(g) for g in gradients], "trajectory": trajectory}


def batch_norm_case():
    norm = nn.BatchNorm2d(3)
    nn.init.uniform_(norm.weight, 0.5, 1.5)
    nn.init.uniform_(norm.bias, -1, 1)
    steps = []
    for k in range(3):
        x = torch.randn(4, 3, 2, 5) * (k + 1) + k
        x.requires_grad_()
        weights = torch.randn(4, 3, 2, 5)
        y = norm(x)
        norm.zero_grad()
        (y * weights).sum().backward()
        last = lambda t: plain(t.permute(0, 2, 3, 1))
        steps.append({
            "input": last(x), "weights": last(weights), "output": last(y), "inputGradient": last(x.grad),
            "scaleGradient": plain(norm.weight.grad), "shiftGradient": plain(norm.bias.grad),
            "runningMean": plain(norm.running_mean), "runningVariance": plain(norm.running_var),
        })
    norm.eval()
    return {"scale": plain(norm.weight), "shift": plain(norm.bias), "steps": steps, "evaluated": last(norm(x))}


def encoder_case():
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
    for parameter in layer.parameters():
        nn.init.normal_(parameter, 0, 0.4)
    x = torch.randn(3, 5, 8, requires_grad=True)
    weights = torch.randn(3, 5, 8)
    y = layer(x)
    (y * weights).sum().backward()
    names = {
        "projection.weight": layer.self_attn.in_proj_weight.T, "projection.bias": layer.self_attn.in_proj_bias,
        "output.weight": layer.self_attn.out_proj.weight.T, "output.bias": layer.self_attn.out_proj.bias,
        "expand.weight": layer.linear1.weight.T, "expand.bias": layer.linear1.bias,
        "shrink.weight": layer.linear2.weight.T, "shrink.bias": layer.linear2.bias,
        "norm1.scale": layer.norm1.weight, "norm1.shift": layer.norm1.bias,
        "norm2.scale": layer.norm2.weight, "norm2.shift": layer.norm2.bias,
    }
    gradients = {
        name: value.grad if value.is_leaf else value._base.grad.T for name, value in names.items()
    }
    return {
        "input": plain(x), "weights": plain(weights), "parameters": {k: plain(v) for k, v in names.items()},
        "gradients": {k: plain(v) for k, v in gradients.items()}, "output": plain(y), "inputGradient": plain(x.grad),
    }


def convolution_case():
    layer = nn.Conv2d(2, 3, 3, padding=1)
    x = torch.randn(2, 2, 5, 4, requires_grad=True)
    weights = torch.randn(2, 3, 5, 4)
    y = layer(x)
    (y * weights).sum().backward()
    return {
        "input": plain(x.permute(0, 2, 3, 1)), "weights": plain(weights.permute(0, 2, 3, 1)),
        "weight": plain(layer.weight.permute(2, 3, 1, 0)), "bias": plain(layer.bias),
        "output": plain(y.permute(0, 2, 3, 1)), "inputGradient": plain(x.grad.permute(0, 2, 3, 1)),
        "weightGradient": plain(layer.weight.grad.permute(2, 3, 1, 0)), "biasGradient": plain(layer.bias.grad),
    }


def cross_entropy_case(smoothing):
    logits = torch.randn(4, 5) * 3
    labels = torch.tensor([0, 4, 2, 2])
    loss = nn.functional.cross_entropy(logits, labels, label_smoothing=smoothing, reduction="none")
    return {"logits": plain(logits), "labels": labels.tolist(), "smoothing": smoothing, "losses": plain(loss)}


def clip_case():
    parameters = [nn.Parameter(torch.zeros(4)), nn.Parameter(torch.zeros(2))]
    gradients = [torch.randn(4), torch.randn(2)]
    for parameter, gradient in zip(parameters, gradients):
        parameter.grad = gradient.clone()
    norm = nn.utils.clip_grad_norm_(parameters, 0.5)
    return {
        "gradients": [plain(g) for g in gradients], "limit": 0.5, "norm": norm.item(),
        "clipped": [plain(p.grad) for p in parameters],
    }


cases = {
    "torch": torch.__version__,
    "optimisers": {
        "sgd": optimiser_case(lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=5e-4)),
        "sgdPlain": optimiser_case(lambda p: torch.optim.SGD(p, lr=0.1)),
        "adam": optimiser_case(lambda p: torch.optim.Adam(p, lr=1e-3, weight_decay=1e-2)),
        "adamw": optimiser_case(lambda p: torch.optim.AdamW(p, lr=1e-3, weight_decay=1e-2)),
    },
    "batchNorm": batch_norm_case(),
    "encoderLayer": encoder_case(),
    "convolution": convolution_case(),
    "crossEntropy": [cross_entropy_case(0.0), cross_entropy_case(0.1)],
    "clip": clip_case(),
}
with open("fixtures/models/pytorch.json", "w") as file:
    json.dump(cases, file, separators=(",", ":"))
    file.write("\n")
