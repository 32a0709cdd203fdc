"""Writes PyTorch networks as rxspike reads them: parameters by its names and in its layouts, channels last, a linear
weight [inputs, outputs]; the network's configuration and what feeds it as metadata."""

import json
import math
import os

from safetensors.torch import save_file
from torch import nn

SURROGATES = {
    "atan": {"kind": "atan", "amplitude": 1, "slope": math.pi},
    "super-spike": {"kind": "fastSigmoid", "amplitude": 1, "slope": 10},
    "sigmoid-prime": {"kind": "sigmoid", "amplitude": 1, "slope": 4},
    "esser": {"kind": "triangle", "amplitude": 1, "slope": 1},
}


def lif_node(decay_input, hard, surrogate):
    """SpikingJelly's LIFNode with tau 2 and threshold 1."""
    return {
        "decay": 0.5, "inputDecayed": decay_input, "threshold": 1, "inclusive": True,
        "reset": "zero" if hard else "subtract", "resetPotential": 0, "rest": 0, "resetTiming": "after",
        "detachReset": False, "surrogate": SURROGATES[surrogate],
    }


def parameters_of(name, layer):
    """The tensors of a layer by rxspike's names, with how each becomes rxspike's."""
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


def leaky(surrogate):
    """snnTorch's Leaky with beta 0.9 and threshold 1."""
    return {
        "decay": 0.9, "inputDecayed": False, "threshold": 1, "inclusive": False, "reset": "subtract",
        "resetPotential": 0, "rest": 0, "resetTiming": "before", "detachReset": True,
        "surrogate": SURROGATES[surrogate],
    }


def write_checkpoint(path, tensors, network, feed, epoch=0, simulated=False, extra=None):
    """One safetensors file; `extra` is anything else that is to stand in it."""
    metadata = {
        "version": 1, "network": network, "feed": feed, "progress": {"epoch": epoch, "batch": 0},
        "engine": "pytorch", "threads": 1, "simulated": simulated,
    } | ({} if extra is None else {"extra": extra})
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    save_file({name: t.contiguous() for name, t in tensors.items()}, path, {"rxspike": json.dumps(metadata)})
    os.chmod(path, 0o644)


def save_network(path, network, config, steps, normalisation, class_names, epoch, extra):
    """A network on CIFAR-10 whose `named_layers` have rxspike's names; `steps` for which it is shown an image."""
    tensors = {
        key: ours(tensor.detach())
        for name, layer in network.named_layers()
        for key, tensor, ours in parameters_of(name, layer)
    }
    size = {"width": 32, "height": 32}
    mean, deviation = normalisation
    feed = {
        "sensor": size, "frame": {**size, "channels": 3}, "encoding": {"kind": "direct", "steps": steps},
        "normalisation": {"mean": list(mean), "deviation": list(deviation)}, "classNames": class_names,
    }
    config = {**config, "input": {**size, "channels": 3}, "classes": 10}
    write_checkpoint(path, tensors, config, feed, epoch, extra=extra)
