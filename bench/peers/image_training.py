"""Trains PyTorch networks on CIFAR-10 as the reference notebooks do, and prints a line of JSON for every epoch."""

import argparse
import gzip
import json
import os
import time

import numpy
import torch
from torch.nn import functional as F

from checkpoints import save_network

CLASSES = "airplane automobile bird cat deer dog frog horse ship truck".split()
# Test images on which rxspike is compared with the same weights.
COMPARED = 1000
MEAN, DEVIATION = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)


def options_of(description, epochs, batch, rate):
    """The options that both trainings have."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", required=True, help="folder of CIFAR-10's binary form, gzip or not")
    parser.add_argument("--epochs", type=int, default=epochs)
    parser.add_argument("--batch-size", type=int, default=batch)
    parser.add_argument("--lr", type=float, default=rate)
    parser.add_argument("--limit", type=int, help="training images, all classes alike; all by default")
    parser.add_argument("--test-limit", type=int, help="test images, the first; all by default")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--save", help="folder for checkpoints of the trained networks, as rxspike reads them")
    return parser


def read_batches(folder, names):
    """Bytes [images, 3, 32, 32] and labels."""
    blocks = []
    for name in names:
        path = os.path.join(folder, f"{name}.bin")
        with open(path, "rb") if os.path.exists(path) else gzip.open(f"{path}.gz") as file:
            blocks.append(numpy.frombuffer(file.read(), numpy.uint8).reshape(-1, 3073))
    records = torch.from_numpy(numpy.concatenate(blocks))
    return records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0].long()


def cifar10(folder, limit=None, test_limit=None, seed=42):
    """Training and test images with their labels; with a limit, as many training images of every class."""
    images, labels = read_batches(folder, [f"data_batch_{i}" for i in range(1, 6)])
    if limit is not None:
        drawn = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
        chosen = torch.cat([drawn[labels[drawn] == c][: limit // 10] for c in range(10)])
        images, labels = images[chosen], labels[chosen]
    test_images, test_labels = read_batches(folder, ["test_batch"])
    return (images, labels), (test_images[:test_limit], test_labels[:test_limit])


def normalised(images):
    """Bytes to normalised frames, channels_last."""
    mean, deviation = (torch.tensor(v).view(1, 3, 1, 1) for v in (MEAN, DEVIATION))
    return ((images / 255 - mean) / deviation).contiguous(memory_format=torch.channels_last)


def augmented(images, crop):
    """Images mirrored at random; with `crop`, cut at random from themselves with that many black pixels around."""
    if crop > 0:
        padded = F.pad(images, (crop,) * 4)
        rows, columns = torch.randint(0, 2 * crop + 1, (2, len(images))).tolist()
        images = torch.stack([p[:, y : y + 32, x : x + 32] for p, y, x in zip(padded, rows, columns)])
    mirrored = torch.rand(len(images)) < 0.5
    return torch.where(mirrored.view(-1, 1, 1, 1), images.flip(3), images)


def evaluate(network, images, labels, batch):
    """Mean loss and accuracy, and the share of spikes where the network spikes."""
    network.eval()
    loss = correct = 0
    spikes = neurons = 0.0
    with torch.inference_mode():
        for frames, targets in zip(images.split(batch), labels.split(batch)):
            logits = network(normalised(frames))
            loss += F.cross_entropy(logits, targets, reduction="sum").item()
            correct += (logits.argmax(1) == targets).sum().item()
            for layer in network.neurons:
                if hasattr(layer, "spikes"):
                    spikes += layer.spikes.sum().item()
                    neurons += layer.spikes.numel()
    measured = {"testLoss": loss / len(labels), "testAccuracy": correct / len(labels)}
    return measured if neurons == 0 else measured | {"testRate": spikes / neurons}


def train(name, network, optimiser, data, options, crop=0, clip=0, schedule=None):
    """Trains for so many epochs; the order of images and what changes them come from the seed."""
    (images, labels), (test_images, test_labels) = data
    network.to(memory_format=torch.channels_last)
    for epoch in range(options.epochs):
        network.train()
        start = time.perf_counter()
        total = correct = 0
        for chosen in torch.randperm(len(labels)).split(options.batch_size):
            targets = labels[chosen]
            logits = network(normalised(augmented(images[chosen], crop)))
            loss = F.cross_entropy(logits, targets)
            optimiser.zero_grad()
            loss.backward()
            if clip > 0:
                torch.nn.utils.clip_grad_norm_(network.parameters(), clip)
            optimiser.step()
            total += loss.item() * len(targets)
            correct += (logits.argmax(1) == targets).sum().item()
        trained = time.perf_counter()
        tested = evaluate(network, test_images, test_labels, options.batch_size)
        if schedule is not None:
            schedule.step()
        line = {
            "network": name, "epoch": epoch + 1, "images": len(labels), "loss": total / len(labels),
            "accuracy": correct / len(labels), **tested, "seconds": round(trained - start, 1),
            "testSeconds": round(time.perf_counter() - trained, 1),
        }
        print(json.dumps(line), flush=True)


def save(name, network, config, steps, data, options):
    """Writes the trained network where `--save` says, with the classes that it finds for the first test images."""
    if options.save is None:
        return
    network.eval()
    images, labels = (part[:COMPARED] for part in data[1])
    with torch.inference_mode():
        predicted = torch.cat([network(normalised(frames)).argmax(1) for frames in images.split(options.batch_size)])
    extra = {"accuracy": (predicted == labels).float().mean().item(), "predicted": predicted.tolist()}
    path = os.path.join(options.save, f"{name}.safetensors")
    save_network(path, network, config, steps, (MEAN, DEVIATION), CLASSES, options.epochs, extra)
