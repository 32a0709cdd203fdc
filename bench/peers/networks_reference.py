"""Writes fixtures/models/networks: small networks with PyTorch's weights, every layer's output, and all gradients.

NAME.safetensors is a checkpoint as rxspike reads it (parameters by our names, in our layouts: channels last, a linear
weight [inputs, outputs]); NAME.json has the sequence [batch, steps, height, width, channels] and, layer by layer, what
PyTorch gives. The networks are in evaluation, where normalisation takes its running statistics; layers and neurons are
written out from their definitions. `potentials` is what is left after a step; where the reset is in the same step,
`charged` is what was compared with the threshold before it, and `threshold` is that of neurons whose threshold is not 1.
Weights are drawn again until every layer fires and no potential is near a threshold.

Run from the repository root with torch 2.13 and safetensors 0.8: python bench/peers/networks_reference.py, then
npx biome format --write fixtures/models/networks
"""

import json
import math
import os

import torch
from torch import nn
from torch.nn import functional as F

from checkpoints import SURROGATES, leaky, lif_node, parameters_of, write_checkpoint

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


class Neurons(nn.Module):
    """Neurons over a sequence [steps, batch, ...], which give spikes, charged potentials, and what a step leaves."""

    threshold = 1


class LifNode(Neurons):
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

    def config(self):
        return lif_node(self.decay_input, self.hard, "atan" if self.spike is Atan else "super-spike")


class Leaky(Neurons):
    """snnTorch's Leaky with beta = 0.9: fires above the threshold 1, subtracts it one step later, without gradient."""

    def __init__(self, spike=Atan):
        super().__init__()
        self.spike = spike

    def forward(self, sequence):
        v = torch.zeros_like(sequence[0])
        spikes, charged = [], []
        for x in sequence:
            v = 0.9 * v + x - (v > 1).float()
            spikes.append(self.spike.apply(v - 1, False)), charged.append(v)
        potentials = torch.stack(charged)
        return torch.stack(spikes), potentials, potentials

    def config(self):
        return leaky("atan" if self.spike is Atan else "super-spike")


class Refractory(Neurons):
    """The neuron of the DFA notebook: tau 20 ms in steps of 0.25 ms, fires at its threshold unless it fired less than 4
    steps ago, is reset to 0, and integrates meanwhile; without gradient through reset and refractory period."""

    STEPS, SHARE = 4, 0.25 / 20

    def __init__(self, threshold):
        super().__init__()
        self.threshold = threshold

    def forward(self, sequence):
        v = torch.zeros_like(sequence[0])
        waits = torch.zeros_like(v)
        spikes, charged, left = [], [], []
        for x in sequence:
            u = (1 - self.SHARE) * v + self.SHARE * x
            s = SuperSpike.apply(u - self.threshold, True) * (waits == 0)
            fired = s.detach()
            v = (1 - fired) * u
            waits = (torch.where(fired > 0, float(self.STEPS), waits) - 1).clamp(min=0)
            spikes.append(s), charged.append(u), left.append(v)
        return torch.stack(spikes), torch.stack(charged), torch.stack(left)

    def config(self):
        return {
            "kind": "refractory", "decay": 1 - self.SHARE, "threshold": self.threshold,
            "refractorySteps": self.STEPS, "refractoryForm": "mask", "surrogate": SURROGATES["super-spike"],
        }


class LeakySum(nn.Module):
    """A readout that never fires: v = decay v + x."""

    def forward(self, sequence):
        v = torch.zeros_like(sequence[0])
        potentials = []
        for x in sequence:
            v = 0.9 * v + x
            potentials.append(v)
        return torch.stack(potentials)


class Times(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, value):
        return self.factor * value


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


def windows_of(sequence, steps):
    """[steps, batch, ...] to [windows, steps of a window, batch, ...]."""
    return sequence.unflatten(0, (-1, steps))


class MixedFrames(nn.Module):
    """The alignments `mix` (learned weights) and `pool` (adaptive average pooling over time)."""

    def __init__(self, before, after, learned):
        super().__init__()
        self.before = before
        pooling = F.adaptive_avg_pool1d(torch.eye(before)[None], after)[0].T
        self.learned = learned
        self.weights = nn.Parameter(pooling + 0.3 * torch.randn(after, before) if learned else pooling)

    def forward(self, sequence):
        mixed = torch.einsum("st,ntbchw->nsbchw", self.weights, windows_of(sequence, self.before))
        return mixed.flatten(0, 1)

    def parameters_of(self, name):
        if self.learned:
            yield f"{name}.weights", self.weights, lambda t: t


class Attention(nn.Module):
    """The alignment `attention`: frames' means as tokens, an encoder layer, learned queries."""

    def __init__(self, before, after, channels):
        super().__init__()
        self.before = before
        self.encoder = nn.TransformerEncoderLayer(channels, 4, 256, dropout=0.0, batch_first=True)
        for parameter in self.encoder.parameters():
            nn.init.normal_(parameter, 0, 0.3)
        self.queries = nn.Parameter(torch.randn(after, channels))

    def forward(self, sequence):
        windows = windows_of(sequence, self.before)
        tokens = windows.mean((4, 5)).transpose(1, 2)
        tokens = self.encoder(tokens.flatten(0, 1)).unflatten(0, tokens.shape[:2])
        weights = torch.softmax(self.queries @ tokens.transpose(2, 3) / math.sqrt(tokens.shape[-1]), -1)
        return torch.einsum("nbst,ntbchw->nsbchw", weights, windows).flatten(0, 1)

    def parameters_of(self, name):
        same, turned = lambda t: t, lambda t: t.T
        attention, encoder = self.encoder.self_attn, self.encoder
        yield f"{name}.queries", self.queries, same
        yield f"{name}.encoder.projection.weight", attention.in_proj_weight, turned
        yield f"{name}.encoder.projection.bias", attention.in_proj_bias, same
        for part, layer in (("output", attention.out_proj), ("expand", encoder.linear1), ("shrink", encoder.linear2)):
            yield f"{name}.encoder.{part}.weight", layer.weight, turned
            yield f"{name}.encoder.{part}.bias", layer.bias, same
        for part, layer in (("norm1", encoder.norm1), ("norm2", encoder.norm2)):
            yield f"{name}.encoder.{part}.scale", layer.weight, same
            yield f"{name}.encoder.{part}.shift", layer.bias, same


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


def vgg(spiking=True):
    neurons = LifNode(Atan, decay_input=False, hard=False) if spiking else nn.ReLU()
    layers = [
        ("convolution1.1", convolution(3, 3)), ("norm1.1", norm(3)), ("neurons1.1", neurons),
        ("convolution1.2", convolution(3, 4)), ("norm1.2", norm(4)), ("neurons1.2", neurons),
        ("pool1", nn.AvgPool2d(2)),
        ("convolution2.1", convolution(4, 5)), ("norm2.1", norm(5)), ("neurons2.1", neurons),
        ("pool2", nn.AvgPool2d(2)), ("flatten", Flatten()),
        ("hidden", linear(5, 6)), ("hidden.neurons", neurons), ("readout", linear(6, CLASSES)),
    ]
    neuron = neurons.config() if spiking else "relu"
    config = {"blocks": [[3, 4], [5]], "hidden": 6, "neuron": neuron, "batchNorm": "joint"}
    return 3, 4, config, layers


def csnn():
    neurons = LifNode(SuperSpike, decay_input=True, hard=True)
    layers = [
        ("convolution1", convolution(3, 3)), ("lif1", neurons), ("pool1", nn.MaxPool2d(2)),
        ("convolution2", convolution(3, 4)), ("lif2", neurons), ("pool2", nn.MaxPool2d(2)),
        ("flatten", Flatten()),
        ("hidden", linear(4, 6)), ("hidden.lif", neurons), ("readout", linear(6, CLASSES)),
    ]
    return 3, 4, {"channels": [3, 4], "hidden": 6, "neuron": neurons.config()}, layers


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


def lyapunov_net(blocks, hidden):
    """The networks of the Lyapunov notebook: one convolution in a block, or two and a hidden layer."""
    neurons = Leaky(SuperSpike)
    layers, inputs, steps = [], 3, 4
    for number, block in enumerate(blocks, 1):
        for index, outputs in enumerate(block, 1):
            name = f"{number}" if len(block) == 1 else f"{number}.{index}"
            layers += [
                (f"convolution{name}", convolution(inputs, outputs, bias=False)), (f"norm{name}", norm(outputs)),
                (f"lif{name}", neurons),
            ]
            inputs = outputs
        layers.append((f"pool{number}", nn.AvgPool2d(2)))
    layers.append(("flatten", Flatten()))
    if hidden is not None:
        layers += [("hidden", linear(inputs, hidden)), ("hidden.lif", neurons)]
        inputs = hidden
    layers += [("sum", Times(steps)), ("dropout", nn.Identity()), ("readout", linear(inputs, CLASSES))]
    config = {
        "blocks": blocks, "hidden": hidden, "steps": steps, "dropout": 0.2, "neuron": neurons.config(),
        "batchNorm": "joint",
    }
    return 3, steps, config, layers


def dfa_net():
    neurons = Leaky(SuperSpike)
    sizes = [HEIGHT * WIDTH * 2, 6, 5]
    layers = [("flatten", Flatten())]
    for number, (inputs, units) in enumerate(zip(sizes, sizes[1:]), 1):
        layers += [(f"hidden{number}.weights", linear(inputs, units)), (f"hidden{number}", neurons)]
    layers += [("output.weights", linear(sizes[-1], CLASSES)), ("output", LeakySum())]
    common = {"weights": {"kind": "xavier"}, "bias": 0}
    hidden = {"neuron": {"kind": "lif", "neuron": neurons.config()}, **common}
    config = {
        "hidden": [{"units": units, **hidden} for units in sizes[1:]],
        "output": {"neuron": {"kind": "readout", "decay": 0.9}, **common},
        "logits": {"kind": "mean"}, "feedback": None,
    }
    return 2, 4, config, layers


def refractory_dfa_net():
    """Thresholds and biases of the notebook's first two layers and of its output, which spikes."""
    sizes, thresholds, biases = [HEIGHT * WIDTH * 2, 6, 5, CLASSES], [0.05, 0.02, 0.15], [0.5, 0.5, 1]
    names = ["hidden1", "hidden2", "output"]
    layers, configs = [("flatten", Flatten())], []
    for name, inputs, units, threshold, bias in zip(names, sizes, sizes[1:], thresholds, biases):
        weights, neurons = linear(inputs, units), Refractory(threshold)
        nn.init.constant_(weights.bias, bias)
        layers += [(f"{name}.weights", weights), (name, neurons)]
        configs.append({"neuron": neurons.config(), "weights": {"kind": "xavier"}, "bias": bias})
    config = {
        "hidden": [{"units": units, **hidden} for units, hidden in zip(sizes[1:], configs[:-1])],
        "output": configs[-1], "logits": {"kind": "share", "temperature": 0.5}, "feedback": None,
    }
    return 2, 16, config, layers


def ssnn(alignment="truncate"):
    """Two windows of three bins; the second stage runs at two timesteps."""
    neurons = Leaky()
    first = 4 if alignment == "attention" else 3
    align = {
        "truncate": lambda: FirstFrames(3, 2), "pool": lambda: MixedFrames(3, 2, learned=False),
        "mix": lambda: MixedFrames(3, 2, learned=True), "attention": lambda: Attention(3, 2, first),
    }[alignment]
    layers = [
        ("stage1.convolution", convolution(2, first, bias=False)), ("stage1.norm", norm(first)), ("stage1", neurons),
        ("stage1.pool", nn.AvgPool2d(2)), ("align1", align()),
        ("stage2.convolution", convolution(first, 4, bias=False)), ("stage2.norm", norm(4)), ("stage2", neurons),
        ("stage2.pool", nn.AvgPool2d(2)), (None, MeanOfWindow(2)), ("head", linear(4, CLASSES)),
        ("early1", linear(first, CLASSES)),
    ]
    config = {
        "timesteps": [3, 2], "channels": [first, 4], "alignment": alignment, "neuron": neurons.config(),
        "batchNorm": "joint",
    }
    return 2, 6, config, layers


def tensors_of(name, layer):
    """The tensors of a layer by our names, with how each becomes ours."""
    own = getattr(layer, "parameters_of", None)
    if own is not None:
        return own(name)
    return parameters_of(name.removesuffix(".weights"), layer)


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
        if isinstance(layer, Neurons):
            sequence, charged, left = layer(sequence)
            record["potentials"] = plain(last(left))
            if charged is not left:
                record["charged"] = plain(last(charged))
            rate = sequence.mean().item()
            if layer.threshold != 1:
                record["threshold"] = layer.threshold
            distance = (charged / layer.threshold - 1).abs().min().item()
            sound &= 0.1 < rate < 0.7 and distance > NEAR
        elif isinstance(layer, (FirstFrames, MixedFrames, Attention, MeanOfWindow, LeakySum)):
            sequence = layer(sequence)
        else:
            sequence = layer(sequence.flatten(0, 1)).unflatten(0, sequence.shape[:2])
        if name is None:
            given = plain(last(sequence))
        else:
            records.append(record | {"output": plain(last(sequence))})
    return records, last(sequence), sound


def write(name, kind, make):
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
    for layer_name, layer in layers:
        if layer_name is None:
            continue
        for key, tensor, ours in tensors_of(layer_name, layer):
            tensors[key] = ours(tensor.detach()).contiguous()
            if tensor.grad is not None:
                gradients[key] = plain(ours(tensor.grad))
    size = {"height": HEIGHT, "width": WIDTH}
    network = {"kind": kind, "input": {**size, "channels": channels}, "classes": CLASSES, **config}
    feed = {
        "sensor": size, "frame": {**size, "channels": channels}, "binning": {"kind": "count", "bins": steps},
        "classNames": ["a", "b", "c"],
    }
    write_checkpoint(f"{FOLDER}/{name}.safetensors", tensors, network, feed, simulated=True)
    case = {
        "torch": torch.__version__, "seed": seed, "sequence": plain(last(maps)), "layers": records,
        "logits": plain(logits), "weights": plain(weights), "gradients": gradients,
    }
    with open(f"{FOLDER}/{name}.json", "w") as file:
        json.dump(case, file, separators=(",", ":"))
        file.write("\n")
    print(name, "seed", seed)


os.makedirs(FOLDER, exist_ok=True)
write("vgg", "vgg", vgg)
write("ann-vgg", "vgg", lambda: vgg(spiking=False))
write("csnn", "csnn", csnn)
write("nmnist-net", "nmnist-net", nmnist_net)
write("lyapunov-simple", "lyapunov-net", lambda: lyapunov_net([[3], [4]], None))
write("lyapunov-vgg", "lyapunov-net", lambda: lyapunov_net([[3, 3], [4]], 6))
write("dfa-net", "dfa-net", dfa_net)
write("dfa-net-refractory", "dfa-net", refractory_dfa_net)
write("ssnn", "ssnn", ssnn)
for alignment in ("attention", "mix", "pool"):
    write(f"ssnn-{alignment}", "ssnn", lambda: ssnn(alignment))
