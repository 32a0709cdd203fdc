"""mnist-dfa in PyTorch: `python bench/peers/mnist_dfa.py --data MNIST [--epochs N] [--limit N] [--save DIR]`.

784-1000-250-100-10 by direct feedback, Adam 2e-3 with a cosine over the epochs, batch 128, T = 25, spikes with the
probability 0.8 of full brightness. Prints a line of JSON for every epoch. `--save` writes the network as rxspike reads
it, the classes that it finds for the first 1,000 test images, and the spikes that they were shown as: bits
[image, step, pixel], the first the highest of its byte.
"""

import argparse
import gzip
import json
import os
import time

import numpy
import torch
from torch.nn import functional as F

from checkpoints import leaky, write_checkpoint
from dfa import GAINS, SIZES, STEPS, DirectFeedback

BATCH, COMPARED, RATE = 128, 1000, 0.8

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--data", required=True, help="folder of the four idx files, gzip or not")
parser.add_argument("--epochs", type=int, default=10)
parser.add_argument("--lr", type=float, default=2e-3)
parser.add_argument("--limit", type=int, help="training images, the first; all by default")
parser.add_argument("--seed", type=int, default=42)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--save", help="folder for the trained network")
options = parser.parse_args()
torch.set_num_threads(options.threads)
torch.manual_seed(options.seed)


def read(name, header):
    path = os.path.join(options.data, name)
    with open(path, "rb") if os.path.exists(path) else gzip.open(f"{path}.gz") as file:
        return torch.from_numpy(numpy.frombuffer(file.read(), numpy.uint8, offset=header).copy())


def images_of(part):
    return read(f"{part}-images-idx3-ubyte", 16).view(-1, 784), read(f"{part}-labels-idx1-ubyte", 8).long()


def encoded(images):
    """Spikes [time, batch, pixel]."""
    chance = images / 255 * RATE
    return (torch.rand(STEPS, *images.shape) < chance).float()


images, labels = (part[: options.limit] for part in images_of("train"))
test_images, test_labels = images_of("t10k")
network = DirectFeedback("folded", options.lr)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(network.optimiser, options.epochs)
for epoch in range(options.epochs):
    start = time.perf_counter()
    loss = correct = 0
    for chosen in torch.randperm(len(labels)).split(BATCH):
        one, logits = network.learn(encoded(images[chosen]), labels[chosen])
        loss += one * len(chosen)
        correct += (logits.argmax(1) == labels[chosen]).sum().item()
    trained = time.perf_counter()
    logits = torch.cat([network.forward(encoded(part))[0] for part in test_images.split(BATCH)])
    schedule.step()
    line = {
        "network": "dfa", "epoch": epoch + 1, "images": len(labels), "loss": loss / len(labels),
        "accuracy": correct / len(labels), "testLoss": F.cross_entropy(logits, test_labels).item(),
        "testAccuracy": (logits.argmax(1) == test_labels).float().mean().item(),
        "seconds": round(trained - start, 1), "testSeconds": round(time.perf_counter() - trained, 1),
    }
    print(json.dumps(line), flush=True)

if options.save is not None:
    spikes = encoded(test_images[:COMPARED])
    predicted = network.forward(spikes)[0].argmax(1)
    names = ["hidden1", "hidden2", "hidden3", "output"]
    tensors = {f"{name}.weight": weight for name, weight in zip(names, network.weights)}
    tensors |= {f"{name}.bias": bias for name, bias in zip(names, network.biases)}
    size = {"width": 28, "height": 28}
    neuron = {"kind": "lif", "neuron": leaky("super-spike")}
    config = {
        "kind": "dfa-net", "input": {**size, "channels": 1}, "classes": 10,
        "hidden": [
            {"units": units, "neuron": neuron, "weights": {"kind": "normal", "gain": gain}, "bias": 0}
            for units, gain in zip(SIZES[1:-1], GAINS)
        ],
        "output": {
            "neuron": {"kind": "readout", "decay": 0.9}, "weights": {"kind": "normal", "gain": 0}, "bias": 0,
        },
        "logits": {"kind": "mean"}, "feedback": None,
    }
    feed = {
        "sensor": size, "frame": {**size, "channels": 1},
        "encoding": {"kind": "poisson", "steps": STEPS, "gain": RATE, "offset": 0},
        "classNames": [str(digit) for digit in range(10)],
    }
    accuracy = (predicted == test_labels[:COMPARED]).float().mean().item()
    extra = {"accuracy": accuracy, "predicted": predicted.tolist(), "spikes": "dfa.spikes"}
    write_checkpoint(os.path.join(options.save, "dfa.safetensors"), tensors, config, feed, options.epochs, extra=extra)
    bits = numpy.packbits(spikes.transpose(0, 1).to(torch.uint8).flatten().numpy())
    bits.tofile(os.path.join(options.save, "dfa.spikes"))
