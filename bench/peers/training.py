"""The cases of the training bench in PyTorch: `python bench/peers/training.py THREADS MODE [DEVICE]`. For each line `CASE STEPS
SECONDS` on standard input it takes so many steps, no further one after so many seconds, and prints a line of JSON:
seconds of each step, and the process's peak memory; no seconds for a case that the mode has not.

MODE `folded`: time is folded into the batch, maps are channels_last, only the neurons loop over time, and what sees
the same frame at every step is computed once. `compiled`: the same through torch.compile. `loop`: the whole network
once for every timestep, as the reference notebooks write it. DEVICE is `cpu` (the default) or `cuda`; each step ends
when its loss or output is back, so that it is timed whole.
"""

import json
import math
import resource
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

import dfa
from image_networks import Atan, Csnn, Neurons, Vgg

THREADS, MODE = int(sys.argv[1]), sys.argv[2]
torch.set_num_threads(THREADS)
torch.set_default_device(sys.argv[3] if len(sys.argv) > 3 else "cpu")
torch.manual_seed(42)


def leaky(x, v):
    """snnTorch's Leaky, beta 0.9: the spike, and the potential after it."""
    v = 0.9 * v + x - (v > 1).to(x.dtype).detach()
    return Atan.apply(v - 1), v


class Attention(nn.Module):
    """A token a frame, one encoder layer, and learned queries whose weights average the maps."""

    def __init__(self, channels, count):
        super().__init__()
        self.encoder = nn.TransformerEncoderLayer(channels, 4, 256, dropout=0.0, batch_first=True)
        self.queries = nn.Parameter(torch.randn(count, channels) / math.sqrt(channels))

    def forward(self, maps, steps):
        """Maps [time * batch, channels, height, width], channels_last, before and after."""
        tokens = self.encoder(maps.mean((2, 3)).unflatten(0, (steps, -1)).transpose(0, 1))
        weights = torch.softmax(self.queries @ tokens.transpose(1, 2) / math.sqrt(tokens.shape[-1]), -1)
        pixels = maps.permute(0, 2, 3, 1).unflatten(0, (steps, -1))
        mixed = torch.einsum("bst,tbhwc->sbhwc", weights, pixels)
        return mixed.flatten(0, 1).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)


class Ssnn(nn.Module):
    def __init__(self, steps=(8, 6, 4, 2), channels=(32, 64, 128, 256), classes=10):
        super().__init__()
        self.steps = steps
        inputs = (2, *channels[:-1])
        self.convolutions = nn.ModuleList(nn.Conv2d(i, o, 3, padding=1, bias=False) for i, o in zip(inputs, channels))
        self.norms = nn.ModuleList(nn.BatchNorm2d(c) for c in channels)
        self.align = nn.ModuleList(Attention(c, s) for c, s in zip(channels, steps[1:]))
        self.heads = nn.ModuleList(nn.Linear(c, classes) for c in channels)
        self.neurons = nn.ModuleList(Neurons(leaky) for _ in channels)

    def stage(self, index, maps, steps):
        parts = maps.chunk(steps) if MODE == "loop" else [maps]
        maps = torch.cat([self.norms[index](self.convolutions[index](part)) for part in parts])
        return F.avg_pool2d(self.neurons[index](maps, steps), 2)

    def forward(self, maps):
        """Maps [8 * batch, 2, height, width], channels_last."""
        logits = []
        for index, (steps, head) in enumerate(zip(self.steps, self.heads)):
            maps = self.stage(index, maps, steps)
            if self.training or index == len(self.heads) - 1:
                logits.append(head(maps.mean((2, 3)).unflatten(0, (steps, -1)).mean(0)))
            if index < len(self.align):
                maps = self.align[index](maps, steps)
        return logits


class Nmnist(nn.Module):
    def __init__(self, channels=(8, 24), pixels=64, classes=10):
        super().__init__()
        inputs = (2, *channels[:-1])
        self.convolutions = nn.ModuleList(nn.Conv2d(i, o, 3, padding=1, bias=False) for i, o in zip(inputs, channels))
        self.norms = nn.ModuleList(nn.BatchNorm2d(c) for c in channels)
        self.neurons = nn.ModuleList(Neurons(leaky) for _ in channels)
        self.readout = nn.Linear(pixels * channels[-1], classes)

    def forward(self, maps, steps=10):
        """Maps [10 * batch, 2, 34, 34], channels_last."""
        for convolution, norm, neurons in zip(self.convolutions, self.norms, self.neurons):
            maps = F.avg_pool2d(neurons(norm(convolution(maps)), steps), 2)
        return self.readout(F.dropout(maps.flatten(1), 0.3, self.training)).unflatten(0, (steps, -1)).mean(0)


def looped(network, frame, steps):
    """The network once for every timestep, the state carried; the mean of its logits."""
    for neurons in network.neurons:
        neurons.state = None
    logits = []
    for _ in range(steps):
        logits.append(network(frame))
        for neurons in network.neurons:
            neurons.state = neurons.last
    return torch.stack(logits).mean(0)


def prepared_network(network):
    network = network.to(memory_format=torch.channels_last)
    return network, torch.compile(network) if MODE == "compiled" else network


def training_step(network, optimiser, loss_of, clip):
    def step():
        loss = loss_of()
        optimiser.zero_grad()
        loss.backward()
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(network.parameters(), clip)
        optimiser.step()
        loss.item()

    return step


def train_images(create, steps, batch, optimiser_of, clip):
    """Direct encoding: one frame a sample, for all steps."""
    network, forward = prepared_network(create(1 if MODE == "loop" else steps))
    frames = torch.randn(batch, 3, 32, 32).contiguous(memory_format=torch.channels_last)
    labels = torch.arange(batch) % 10

    def loss_of():
        logits = looped(forward, frames, steps) if MODE == "loop" else forward(frames)
        return F.cross_entropy(logits, labels)

    return training_step(network, optimiser_of(network.parameters()), loss_of, clip)


def events(steps, batch, side):
    active = (torch.rand(steps * batch, 2, side, side) < 0.1).float()
    counts = active * torch.randint(1, 4, active.shape)
    return counts.contiguous(memory_format=torch.channels_last)


def train_ssnn(side, batch):
    network, forward = prepared_network(Ssnn())
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=1e-4, fused=True)
    frames = events(8, batch, side)
    labels = torch.arange(batch) % 10

    def loss_of():
        *early, final = forward(frames)
        loss = F.cross_entropy(final, labels)
        for weight, logits in zip((0.3, 0.2, 0.1), early):
            loss = loss + weight * F.cross_entropy(logits, labels)
        return loss

    return training_step(network, optimiser, loss_of, 1.0)


def train_nmnist(batch):
    network, forward = prepared_network(Nmnist())
    optimiser = torch.optim.AdamW(network.parameters(), lr=6e-3, weight_decay=1e-4, fused=True)
    frames = events(10, batch, 34)
    labels = torch.arange(batch) % 10
    return training_step(network, optimiser, lambda: F.cross_entropy(forward(frames), labels), 1.0)


def stream(network, frames):
    """One window after the other, batch 1, the state carried on."""
    network, forward = prepared_network(network.eval())

    def step():
        with torch.inference_mode() if MODE != "compiled" else torch.no_grad():
            output = forward(frames)
            for neurons in network.neurons:
                neurons.state = neurons.last
            output = output if torch.is_tensor(output) else output[-1]
            output.cpu().numpy()

    return step


def sgd(parameters):
    return torch.optim.SGD(parameters, lr=0.1, momentum=0.9, weight_decay=5e-4, fused=True)


def adam(parameters):
    return torch.optim.Adam(parameters, lr=1e-3, fused=True)


CASES = {
    "vgg-train": lambda: train_images(Vgg, 4, 32, sgd, 1.0),
    "ssnn-48": lambda: train_ssnn(48, 8),
    "ssnn-128": lambda: train_ssnn(128, 8),
    "ssnn-notebook": lambda: train_ssnn(128, 32),
    "csnn-train": lambda: train_images(Csnn, 8, 64, adam, None),
    "nmnist-train": lambda: train_nmnist(16),
    "vgg-stream": lambda: stream(Vgg(1), torch.randn(1, 3, 32, 32)),
    "ssnn-48-stream": lambda: stream(Ssnn(), events(8, 1, 48)),
    "ssnn-128-stream": lambda: stream(Ssnn(), events(8, 1, 128)),
    **dfa.cases(MODE),
}
# A stream is a loop over its windows already.
LOOPED = {"vgg-train", "ssnn-48", "ssnn-128", "ssnn-notebook", "csnn-train", *dfa.cases(MODE)}

prepared = {}
for line in sys.stdin:
    name, steps, most = line.split()
    if name not in CASES or (MODE == "loop" and name not in LOOPED):
        print(json.dumps({"seconds": [], "peakBytes": 0}), flush=True)
        continue
    if name not in prepared:
        prepared[name] = CASES[name]()
        prepared[name]()
    seconds = []
    began = time.perf_counter()
    while not seconds or (len(seconds) < int(steps) and time.perf_counter() - began < float(most)):
        start = time.perf_counter()
        prepared[name]()
        seconds.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "peakBytes": peak}), flush=True)
