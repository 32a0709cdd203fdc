"""The fully connected network of the training bench in PyTorch, by direct feedback and by backpropagation through time.

`folded`: time is folded into the batch for every matrix product, only the neurons loop over time, in place; direct
feedback keeps no graph. `compiled`: what lies between the products through torch.compile. `loop`: the products too are
taken once for every timestep, as the reference notebook writes them.
"""

import math

import torch
from torch.nn import functional as F

SIZES = (784, 1000, 250, 100, 10)
GAINS = (1.3, 1.75, 1.75, 0.0)
STEPS, BATCH, DECAY, SLOPE = 25, 128, 0.9, 10


def parameters():
    weights = [torch.randn(i, o) * gain / math.sqrt(i) for i, o, gain in zip(SIZES, SIZES[1:], GAINS)]
    return weights, [torch.zeros(o) for o in SIZES[1:]]


def batch():
    """Spikes [time, batch, pixel] of images of which a fifth of the pixels are nearly white, and labels."""
    images = (torch.rand(BATCH, 784) < 0.19).float() * (175 / 255)
    return (torch.rand(STEPS, BATCH, 784) < 0.8 * images).float(), torch.arange(BATCH) % 10


def adam(parameters, rate=1e-3):
    return torch.optim.Adam(parameters, lr=rate, fused=True)


def leaky_steps(drive):
    """Spikes and potentials of all steps."""
    v = torch.zeros_like(drive[0])
    spikes, potentials = torch.empty_like(drive), torch.empty_like(drive)
    spike = v
    for t, x in enumerate(drive):
        torch.mul(v, DECAY, out=potentials[t]).add_(x).sub_(spike)
        v = potentials[t]
        torch.gt(v, 1.0, out=spikes[t])
        spike = spikes[t]
    return spikes, potentials


def leaky_sums(drive):
    v = torch.zeros_like(drive[0])
    total = torch.zeros_like(v)
    for x in drive:
        v = v.mul_(DECAY).add_(x)
        total += v
    return total


def local_gradient(potentials, projected):
    """Surrogate times projected error, filtered back through the steps; replaces the potentials."""
    gradient = potentials.sub_(1).abs_().mul_(SLOPE).add_(1).pow_(-2).mul_(projected)
    for t in range(len(gradient) - 2, -1, -1):
        gradient[t].add_(gradient[t + 1], alpha=DECAY)
    return gradient


def readout_gradient(error):
    gradient = error.expand(STEPS, -1, -1).clone()
    for t in range(STEPS - 2, -1, -1):
        gradient[t].add_(gradient[t + 1], alpha=DECAY)
    return gradient


class DirectFeedback:
    """The network, and its update by direct feedback."""

    def __init__(self, mode, rate=1e-3):
        self.weights, self.biases = parameters()
        self.feedback = [torch.randn(10, o) * 0.0338 for o in SIZES[1:-1]]
        self.optimiser = adam([*self.weights, *self.biases], rate)
        self.loop = mode == "loop"
        wrap = torch.compile if mode == "compiled" else (lambda function: function)
        self.neurons, self.back = wrap(leaky_steps), wrap(local_gradient)

    def drive_of(self, rows, layer):
        weight, bias = self.weights[layer], self.biases[layer]
        if self.loop:
            return torch.stack([frame @ weight + bias for frame in rows])
        return torch.addmm(bias, rows.flatten(0, 1), weight).unflatten(0, rows.shape[:2])

    @torch.no_grad()
    def forward(self, spikes):
        """Logits, and of every layer its input and of every hidden layer its potentials."""
        rows, inputs, potentials = spikes, [spikes], []
        for layer in range(3):
            rows, potential = self.neurons(self.drive_of(rows, layer))
            inputs.append(rows)
            potentials.append(potential)
        return leaky_sums(self.drive_of(rows, 3)) / STEPS, inputs, potentials

    @torch.no_grad()
    def learn(self, spikes, labels):
        """One update; gives loss and logits."""
        logits, inputs, potentials = self.forward(spikes)
        loss = F.cross_entropy(logits, labels).item()
        error = (torch.softmax(logits, 1) - F.one_hot(labels, 10)) / (len(labels) * STEPS)
        for layer in range(4):
            if layer == 3:
                gradient = readout_gradient(error)
            else:
                gradient = self.back(potentials[layer], error @ self.feedback[layer])
            self.weights[layer].grad = inputs[layer].flatten(0, 1).T @ gradient.flatten(0, 1)
            self.biases[layer].grad = gradient.sum((0, 1))
        self.optimiser.step()
        return loss, logits


def dfa_update(mode):
    network = DirectFeedback(mode)
    spikes, labels = batch()
    return lambda: network.learn(spikes, labels)


class Spike(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return (x > 0).to(x.dtype)

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return gradient / (1 + SLOPE * x.abs()) ** 2


def bptt_step(mode):
    weights, biases = parameters()
    every = [p.requires_grad_() for p in (*weights, *biases)]
    optimiser = adam(every)
    spikes, labels = batch()

    def forward(rows):
        for layer in range(4):
            weight, bias = weights[layer], biases[layer]
            if mode == "loop":
                drive = [frame @ weight + bias for frame in rows]
            else:
                drive = torch.addmm(bias, rows.flatten(0, 1), weight).unflatten(0, (STEPS, BATCH))
            v = torch.zeros_like(drive[0])
            spike, outputs = v, []
            for x in drive:
                v = DECAY * v + x
                if layer < 3:
                    v = v - spike.detach()
                    spike = Spike.apply(v - 1)
                outputs.append(spike if layer < 3 else v)
            rows = torch.stack(outputs)
        return rows.mean(0)

    run = torch.compile(forward) if mode == "compiled" else forward

    def step():
        loss = F.cross_entropy(run(spikes), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        loss.item()

    return step


def cases(mode):
    return {"dfa-update": lambda: dfa_update(mode), "dfa-bptt": lambda: bptt_step(mode)}
