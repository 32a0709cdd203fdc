"""Writes fixtures/models/networks: small networks with PyTorch's weights, every layer's output, and all gradients.

NAME.safetensors is a checkpoint as rxspike reads it (parameters by our names, in our layouts: channels last, a linear
weight [inputs, outputs]); NAME.json has the sequence [batch, steps, height, width, channels] and, layer by layer, what
PyTorch gives. The networks are in evaluation, where normalisation takes its running statistics; layers and neurons are
written out from their definitions. `potentials` is what is left after a step; where the reset is in the same step,
`charged` is what was compared with the threshold before it. Weights are drawn again until every layer fires and no potential is near a threshold.

Run from the repository root with torch 2.13 and safetensors 0.8: python bench/peers/networks_reference.py, then
npx biome format --write fixtures/models/networks
"""

import json
import math
import os

import torch
from safetensors.torch import save_file
from torch import nn

BATCH = 2
HEIGHT, WIDTH = 5, 4
CLASSES = 3
NEAR = 1e-3
FOLDER = "fixtures/models/networks"


class Atan(torch.autograd.Function):
    """Heaviside; backward (alpha / 2) / (1 + (pi alpha x / 2)^2) with alpha = 2."""

    @staticmethod
    def forward(ctx, x, inclusive):
        ctx.save_for_backward(x)
        return (x >= 0 if inclusive else x > 0).float()

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad / (1 + (math.pi * x) ** 2), None


class SuperSpike(Atan):
    """Heaviside; backward 1 / (1 + 10 |x|)^2."""

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad / (1 + 10 * x.abs()) ** 2, None


ATAN = {"kind": "atan", "amplitude": 1, "slope": math.pi}
SUPER_SPIKE = {"kind": "fastSigmoid", "amplitude": 1, "slope": 10}


class LifNode(nn.Module):
    """SpikingJelly's LIFNode with tau = 2: fires at the threshold 1, resets in the same step."""

    def __init__(self, spike, decay_input, hard):
        super().__init__()
        self.spike, self.decay_input, self.hard = spike, decay_input, hard

    def forward(self, sequence):
        v = torch.zeros_like(sequence[0])
        spikes, charged, left = [], [], []
        for x in sequence:
            u = v + (x - v) / 2 if self.decay_input else v - v / 2 + x
            s = self.spike.apply(u - 1, True)
            v = (1 - s) * u if self.hard else u - s
            spikes.append(s), charged.append(u), left.append(v)
        return torch.stack(spikes), torch.stack(charged), torch.stack(left)

    def config(self, surrogate):
        return {
            "decay": 0.5, "inputDecayed": self.decay_input, "threshold": 1, "inclusive": True,
            "reset": "zero" if self.hard else "subtract", "resetPotential": 0, "rest": 0, "resetTiming": "after",
            "detachReset": False, "surrogate": surrogate,
        }


class Leaky(nn.Module):
    """snnTorch's Leaky with beta = 0.9: fires above the threshold 1, subtracts it one step later, without gradient."""

    def forward(self, sequence):
        v = torch.zeros_like(sequence[0])
        spikes, charged = [], []
        for x in sequence:
            v = 0.9 * v + x - (v > 1).float()
            spikes.append(Atan.apply(v - 1, False)), charged.append(v)
        potentials = torch.stack(charged)
        return torch.stack(spikes), potentials, potentials

    def config(self):
        return {
            "decay": 0.9, "inputDecayed": False, "threshold": 1, "inclusive": False, "reset": "subtract",
            "resetPotential": 0, "rest": 0, "resetTiming": "before", "detachReset": True, "surrogate": ATAN,
        }


class Flatten(nn.Module):
    """[batch, channels, height, width] to features in the order height, width, channels."""

    def forward(self, maps):
        return maps.permute(0, 2, 3, 1).flatten(1)


class FirstFrames(nn.Module):
    """The alignment `truncate`: the first frames [steps, batch, ...] of each window."""

    def __init__(self, before, after):
        super().__init__()
        self.before, self.after = before, after

    def forward(self, sequence):
        windows = sequence.unflatten(0, (-1, self.before))
        return windows[:, : self.after].flatten(0, 1)


class MeanOfWindow(nn.Module):
    """The mean over the pixels and over the steps of each window; no layer of its own."""

    def __init__(self, steps):
        super().__init__()
        self.steps = steps

    def forward(self, sequence):
        return sequence.mean((3, 4)).unflatten(0, (-1, self.steps)).mean(1)


def convolution(inputs, outputs, bias=True):
    layer = nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias)
    nn.init.normal_(layer.weight, 0.1, 2 / math.sqrt(9 * inputs))
    return layer


def linear(inputs, outputs):
    layer = nn.Linear(inputs, outputs)
    nn.init.normal_(layer.weight, 0.1, 2 / math.sqrt(inputs))
    return layer


def norm(channels):
    layer = nn.BatchNorm2d(channels)
    nn.init.uniform_(layer.weight, 0.5, 1.5)
    nn.init.uniform_(layer.bias, 0, 1)
    layer.running_mean.uniform_(-0.5, 0.5)
    layer.running_var.uniform_(0.5, 1.5)
    return layer


def vgg():
    neurons = LifNode(Atan, decay_input=False, hard=False)
    layers = [
        ("convolution1.1", convolution(3, 3)), ("norm1.1", norm(3)), ("neurons1.1", neurons),
        ("convolution1.2", convolution(3, 4)), ("norm1.2", norm(4)), ("neurons1.2", neurons),
        ("pool1", nn.AvgPool2d(2)),
        ("convolution2.1", convolution(4, 5)), ("norm2.1", norm(5)), ("neurons2.1", neurons),
        ("pool2", nn.AvgPool2d(2)), ("flatten", Flatten()),
        ("hidden", linear(5, 6)), ("hidden.neurons", neurons), ("readout", linear(6, CLASSES)),
    ]
    config = {"blocks": [[3, 4], [5]], "hidden": 6, "neuron": neurons.config(ATAN), "batchNorm": "joint"}
    return 3, 4, config, layers


def csnn():
    neurons = LifNode(SuperSpike, decay_input=True, hard=True)
    layers = [
        ("convolution1", convolution(3, 3)), ("lif1", neurons), ("pool1", nn.MaxPool2d(2)),
        ("convolution2", convolution(3, 4)), ("lif2", neurons), ("pool2", nn.MaxPool2d(2)),
        ("flatten", Flatten()),
        ("hidden", linear(4, 6)), ("hidden.lif", neurons), ("readout", linear(6, CLASSES)),
    ]
    return 3, 4, {"channels": [3, 4], "hidden": 6, "neuron": neurons.config(SUPER_SPIKE)}, layers


def nmnist_net():
    neurons = Leaky()
    layers = [
        ("convolution1", convolution(2, 3, bias=False)), ("norm1", norm(3)), ("lif1", neurons),
        ("pool1", nn.AvgPool2d(2)),
        ("convolution2", convolution(3, 4, bias=False)), ("norm2", norm(4)), ("lif2", neurons),
        ("pool2", nn.AvgPool2d(2)), ("flatten", Flatten()), ("dropout", nn.Identity()),
        ("readout", linear(4, CLASSES)),
    ]
    config = {"channels": [3, 4], "dropout": 0.3, "neuron": neurons.config(), "batchNorm": "joint"}
    return 2, 4, config, layers


def ssnn():
    """Two windows of three bins; the second stage runs at two timesteps."""
    neurons = Leaky()
    layers = [
        ("stage1.convolution", convolution(2, 3, bias=False)), ("stage1.norm", norm(3)), ("stage1", neurons),
        ("stage1.pool", nn.AvgPool2d(2)), ("align1", FirstFrames(3, 2)),
        ("stage2.convolution", convolution(3, 4, bias=False)), ("stage2.norm", norm(4)), ("stage2", neurons),
        ("stage2.pool", nn.AvgPool2d(2)), (None, MeanOfWindow(2)), ("head", linear(4, CLASSES)),
        ("early1", linear(3, CLASSES)),
    ]
    config = {
        "timesteps": [3, 2], "channels": [3, 4], "alignment": "truncate", "neuron": neurons.config(),
        "batchNorm": "joint",
    }
    return 2, 6, config, layers


def parameters_of(name, layer):
    """The tensors of a layer by our names, with how each becomes ours."""
    same = lambda t: t
    if isinstance(layer, nn.Conv2d):
        yield f"{name}.weight", layer.weight, lambda t: t.permute(2, 3, 1, 0)
    if isinstance(layer, nn.Linear):
        yield f"{name}.weight", layer.weight, lambda t: t.T
    if isinstance(layer, (nn.Conv2d, nn.Linear)) and layer.bias is not None:
        yield f"{name}.bias", layer.bias, same
    if isinstance(layer, nn.BatchNorm2d):
        yield f"{name}.scale", layer.weight, same
        yield f"{name}.shift", layer.bias, same
        yield f"{name}.mean", layer.running_mean, same
        yield f"{name}.variance", layer.running_var, same


def last(sequence):
    """[steps, batch, channels, height, width] or [steps, batch, features] as ours, batch first and channels last."""
    return sequence.permute(1, 0, 3, 4, 2) if sequence.dim() == 5 else sequence.permute(1, 0, 2)


def plain(tensor):
    return {"shape": list(tensor.shape), "values": [float(f"{v:.6g}") for v in tensor.detach().flatten().tolist()]}


def run(layers, sequence):
    """The records of all layers, the logits, and whether every layer of neurons fires without a near miss."""
    records, sound, given = [], True, None
    for name, layer in layers:
        if name is not None and name.startswith("early"):
            continue  # early classifiers are for training only
        record = {"name": name, **({} if given is None else {"input": given})}
        given = None
        if isinstance(layer, (LifNode, Leaky)):
            sequence, charged, left = layer(sequence)
            record["potentials"] = plain(last(left))
            if charged is not left:
                record["charged"] = plain(last(charged))
            rate = sequence.mean().item()
            sound &= 0.1 < rate < 0.7 and (charged - 1).abs().min().item() > NEAR
        elif isinstance(layer, (FirstFrames, MeanOfWindow)):
            sequence = layer(sequence)
        else:
            sequence = layer(sequence.flatten(0, 1)).unflatten(0, sequence.shape[:2])
        if name is None:
            given = plain(last(sequence))
        else:
            records.append(record | {"output": plain(last(sequence))})
    return records, last(sequence), sound


def write(kind, make):
    seed = 0
    while True:
        torch.manual_seed(seed)
        channels, steps, config, layers = make()
        for _, layer in layers:
            layer.eval()
        maps = torch.poisson(torch.full((steps, BATCH, channels, HEIGHT, WIDTH), 0.7))
        records, logits, sound = run(layers, maps)
        if sound:
            break
        seed += 1
    weights = torch.randn(logits.shape)
    (logits * weights).sum().backward()
    tensors, gradients = {}, {}
    for name, layer in layers:
        for key, tensor, ours in parameters_of(name, layer):
            tensors[key] = ours(tensor.detach()).contiguous()
            if tensor.grad is not None:
                gradients[key] = plain(ours(tensor.grad))
    size = {"height": HEIGHT, "width": WIDTH}
    metadata = {
        "version": 1,
        "network": {"kind": kind, "input": {**size, "channels": channels}, "classes": CLASSES, **config},
        "feed": {
            "sensor": size, "frame": {**size, "channels": channels},
            "binning": {"kind": "count", "bins": steps}, "classNames": ["a", "b", "c"],
        },
        "progress": {"epoch": 0, "batch": 0},
        "engine": "pytorch", "threads": 1, "simulated": True,
    }
    save_file(tensors, f"{FOLDER}/{kind}.safetensors", {"rxspike": json.dumps(metadata)})
    os.chmod(f"{FOLDER}/{kind}.safetensors", 0o644)
    case = {
        "torch": torch.__version__, "seed": seed, "sequence": plain(last(maps)), "layers": records,
        "logits": plain(logits), "weights": plain(weights), "gradients": gradients,
    }
    with open(f"{FOLDER}/{kind}.json", "w") as file:
        json.dump(case, file, separators=(",", ":"))
        file.write("\n")
    print(kind, "seed", seed)


os.makedirs(FOLDER, exist_ok=True)
for kind, make in {"vgg": vgg, "csnn": csnn, "nmnist-net": nmnist_net, "ssnn": ssnn}.items():
    write(kind, make)
