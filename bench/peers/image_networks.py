"""The networks of cifar10-benchmark and cifar10-surrogates in PyTorch, their neurons written out from the definitions.

Time is folded into the batch, maps are channels_last, only the neurons loop over time, and what sees the same frame at
every step is computed once (a normalisation then has the statistics of all steps, since they are alike).
"""

import math

import torch
from torch import nn
from torch.nn import functional as F


class Spike(torch.autograd.Function):
    """Heaviside of the distance to the threshold, firing at it; the class of a surrogate says its derivative."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return (x >= 0).to(x.dtype)


class Atan(Spike):
    """(alpha / 2) / (1 + (pi alpha x / 2)^2) with alpha = 2."""

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return gradient / (1 + (math.pi * x) ** 2)


class SuperSpike(Spike):
    """1 / (1 + 10 |x|)^2."""

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return gradient / (1 + 10 * x.abs()) ** 2


class SigmoidPrime(Spike):
    """s (1 - s) with s = sigmoid(4 x)."""

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(4 * x)
        return gradient * s * (1 - s)


class Esser(Spike):
    """max(0, 1 - |x|)."""

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return gradient * (1 - x.abs()).clamp(min=0)


def soft_lif(x, v, spike_of=Atan):
    """LIF of SNN-VGG: tau 2, reset by subtraction in the same step."""
    v = 0.5 * v + x
    spike = spike_of.apply(v - 1)
    return spike, v - spike


def hard_lif(x, v, spike_of=SuperSpike):
    """SpikingJelly's LIFNode: tau 2, input decayed, hard reset to 0 in the same step, not detached."""
    h = v + (x - v) / 2
    spike = spike_of.apply(h - 1)
    return spike, (1 - spike) * h


class Neurons(nn.Module):
    """Neurons over [time * batch, ...], from `state` where it is carried from call to call.

    Maps stay folded and channels_last from layer to layer: slices of them and their concatenation keep that layout,
    a stack of timesteps would not.
    """

    def __init__(self, step):
        super().__init__()
        self.step = step
        self.state = None

    def forward(self, folded, steps, repeat=1):
        """With `repeat`, a frame is shown for that many steps."""
        v = self.state
        spikes = []
        for x in folded.chunk(steps):
            for _ in range(repeat):
                v = torch.zeros_like(x) if v is None else v
                spike, v = self.step(x, v)
                spikes.append(spike)
        self.last = v
        self.spikes = spikes[0] if len(spikes) == 1 else torch.cat(spikes)
        return self.spikes


class Relu(nn.Module):
    """Rectified linear units in the place of neurons."""

    def forward(self, folded, steps, repeat=1):
        return F.relu(folded)


def features_of(maps):
    """[batch, channels, height, width], channels_last, to features in the order height, width, channels."""
    return maps.permute(0, 2, 3, 1).flatten(1)


def mean_over_time(logits, steps):
    return logits.unflatten(0, (steps, -1)).mean(0)


class Vgg(nn.Module):
    """SNN-VGG over frames [batch, 3, 32, 32], each shown for `repeat` steps; ANN-VGG with rectified linear units."""

    def __init__(self, repeat, neurons=lambda: Neurons(soft_lif)):
        super().__init__()
        self.repeat = repeat
        sizes = [(3, 64), (64, 64), (64, 128), (128, 128), (128, 256), (256, 256)]
        self.convolutions = nn.ModuleList(nn.Conv2d(i, o, 3, padding=1) for i, o in sizes)
        self.norms = nn.ModuleList(nn.BatchNorm2d(o) for _, o in sizes)
        self.hidden = nn.Linear(4096, 512)
        self.readout = nn.Linear(512, 10)
        self.neurons = nn.ModuleList(neurons() for _ in range(7))

    def forward(self, maps):
        for index, (convolution, norm, neurons) in enumerate(zip(self.convolutions, self.norms, self.neurons)):
            maps = norm(convolution(maps))
            maps = neurons(maps, 1, self.repeat) if index == 0 else neurons(maps, self.repeat)
            if index % 2 == 1:
                maps = F.avg_pool2d(maps, 2)
        logits = self.readout(self.neurons[6](self.hidden(features_of(maps)), self.repeat))
        return mean_over_time(logits, self.repeat)

    def named_layers(self):
        """Layers with parameters by the names of rxspike's."""
        names = [f"{block}.{index}" for block in (1, 2, 3) for index in (1, 2)]
        for name, convolution, norm in zip(names, self.convolutions, self.norms):
            yield f"convolution{name}", convolution
            yield f"norm{name}", norm
        yield "hidden", self.hidden
        yield "readout", self.readout


class Csnn(nn.Module):
    """Conv32-LIF-MaxPool2-Conv64-LIF-MaxPool2-128-LIF-10 over frames [batch, 3, 32, 32], each shown for `repeat` steps."""

    def __init__(self, repeat, neurons=lambda: Neurons(hard_lif)):
        super().__init__()
        self.repeat = repeat
        self.first = nn.Conv2d(3, 32, 3, padding=1)
        self.second = nn.Conv2d(32, 64, 3, padding=1)
        self.hidden = nn.Linear(4096, 128)
        self.readout = nn.Linear(128, 10)
        self.neurons = nn.ModuleList(neurons() for _ in range(3))

    def forward(self, maps):
        maps = F.max_pool2d(self.neurons[0](self.first(maps), 1, self.repeat), 2)
        maps = F.max_pool2d(self.neurons[1](self.second(maps), self.repeat), 2)
        logits = self.readout(self.neurons[2](self.hidden(features_of(maps)), self.repeat))
        return mean_over_time(logits, self.repeat)

    def named_layers(self):
        """Layers with parameters by the names of rxspike's."""
        yield "convolution1", self.first
        yield "convolution2", self.second
        yield "hidden", self.hidden
        yield "readout", self.readout
