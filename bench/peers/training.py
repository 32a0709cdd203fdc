"""The cases of the training bench in PyTorch: `python bench/peers/training.py THREADS`. For each line `CASE STEPS` on
standard input it prints a line of JSON: seconds of each step, and the process's peak memory.

Time is folded into the batch, maps are channels_last, and only the neurons loop over time. With `compile` as a second
argument torch.compile fuses the whole forward and backward pass.
"""

import json
import math
import resource
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(int(sys.argv[1]))
torch.manual_seed(42)


class Atan(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return (x > 0).float()

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return gradient / (1 + (math.pi * x) ** 2)


def leaky(sequence, beta=0.9):
    """snnTorch's Leaky over [time, batch, ...]."""
    potential = torch.zeros_like(sequence[0])
    spikes = []
    for x in sequence:
        reset = (potential > 1).float().detach()
        potential = beta * potential + x - reset
        spikes.append(Atan.apply(potential - 1))
    return torch.stack(spikes)


class Attention(nn.Module):
    """A token a frame, one encoder layer, and learned queries whose weights average the maps."""

    def __init__(self, channels, count):
        super().__init__()
        self.encoder = nn.TransformerEncoderLayer(channels, 4, 256, dropout=0.0, batch_first=True)
        self.queries = nn.Parameter(torch.randn(count, channels) / math.sqrt(channels))

    def forward(self, maps):  # [time, batch, channels, height, width]
        tokens = self.encoder(maps.mean((3, 4)).transpose(0, 1))
        weights = torch.softmax(self.queries @ tokens.transpose(1, 2) / math.sqrt(tokens.shape[-1]), -1)
        return torch.einsum("bst,tbchw->sbchw", weights, maps)


class Ssnn(nn.Module):
    def __init__(self, steps=(8, 6, 4, 2), channels=(32, 64, 128, 256), classes=10):
        super().__init__()
        inputs = (2, *channels[:-1])
        self.convolutions = nn.ModuleList(nn.Conv2d(i, o, 3, padding=1, bias=False) for i, o in zip(inputs, channels))
        self.norms = nn.ModuleList(nn.BatchNorm2d(c) for c in channels)
        self.align = nn.ModuleList(Attention(c, s) for c, s in zip(channels, steps[1:]))
        self.heads = nn.ModuleList(nn.Linear(c, classes) for c in channels)

    def forward(self, sequence):  # [time, batch, channels, height, width]
        logits = []
        for stage, (convolution, norm, head) in enumerate(zip(self.convolutions, self.norms, self.heads)):
            steps, batch = sequence.shape[:2]
            folded = sequence.flatten(0, 1).contiguous(memory_format=torch.channels_last)
            maps = norm(convolution(folded))
            spikes = leaky(maps.unflatten(0, (steps, batch)))
            sequence = F.avg_pool2d(spikes.flatten(0, 1), 2).unflatten(0, (steps, batch))
            logits.append(head(sequence.mean((0, 3, 4))))
            if stage < len(self.align):
                sequence = self.align[stage](sequence)
        return logits


def train_ssnn(side, batch):
    network = Ssnn().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=1e-4, fused=True)
    frames = (torch.rand(8, batch, 2, side, side) < 0.1).float() * torch.randint(1, 4, (8, batch, 2, side, side))
    labels = torch.arange(batch) % 10

    forward = torch.compile(network) if sys.argv[2:] == ["compile"] else network

    def step():
        *early, final = forward(frames)
        loss = F.cross_entropy(final, labels)
        for weight, logits in zip((0.3, 0.2, 0.1), early):
            loss = loss + weight * F.cross_entropy(logits, labels)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        loss.item()

    return step


CASES = {
    "ssnn-48": lambda: train_ssnn(48, 8),
    "ssnn-128": lambda: train_ssnn(128, 8),
}

prepared = {}
for line in sys.stdin:
    name, steps = line.split()
    if name not in CASES:
        print(json.dumps({"seconds": [], "peakBytes": 0}), flush=True)
        continue
    if name not in prepared:
        prepared[name] = CASES[name]()
        prepared[name]()
    seconds = []
    for _ in range(int(steps)):
        start = time.perf_counter()
        prepared[name]()
        seconds.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "peakBytes": peak}), flush=True)
