"""Million events a second of the steps that Tonic takes, in numpy (loops where it loops), as one line of JSON; for
bench/operators.ts. Run alone: python bench/peers/operators_speed.py
"""

import json
import time

import numpy as np

result = {"version": np.__version__}


def rate(count, work):
    """Million events a second of processor time, the best of three."""
    best = np.inf
    for _ in range(3):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return count / best / 1e6


def recording(width, height, count):
    random = np.random.default_rng(1)
    events = np.zeros(count, dtype=[("x", "i2"), ("y", "i2"), ("t", "i8"), ("p", "i1")])
    events["x"] = random.integers(0, width, count)
    events["y"] = random.integers(0, height, count)
    events["t"] = np.arange(count)
    events["p"] = random.integers(0, 2, count)
    return events


def frame(events, width, height):
    frames = np.zeros((1, 2, height, width), dtype=np.int16)
    np.add.at(frames, (0, events["p"].astype(int), events["y"], events["x"]), 1)
    return frames


def voxel_grid(events, width, height, bins):
    grid = np.zeros(bins * height * width)
    place = bins * (events["t"].astype(float) - events["t"][0]) / (events["t"][-1] - events["t"][0])
    polarity = np.where(events["p"] == 0, -1, 1)
    plane = place.astype(int)
    pixel = events["x"].astype(int) + events["y"].astype(int) * width
    for values, planes in ((polarity * (1 - (place - plane)), plane), (polarity * (place - plane), plane + 1)):
        valid = planes < bins
        np.add.at(grid, pixel[valid] + planes[valid] * width * height, values[valid])
    return grid


def time_surface(events, width, height, window, tau):
    last = np.full((2, height, width), -np.inf)
    surfaces = []
    for k in range(len(events) // window):
        part = events[k * window : (k + 1) * window]
        last[part["p"].astype(int), part["y"], part["x"]] = part["t"]
        surfaces.append(np.exp(-((k + 1) * window - last) / tau))
    return surfaces


def denoise(events, width, height, micros):
    memory = np.zeros((width, height)) + micros
    kept = np.zeros_like(events)
    count = 0
    for event in events:
        x, y, t = int(event["x"]), int(event["y"]), event["t"]
        memory[x, y] = t + micros
        if (
            (x > 0 and memory[x - 1, y] > t)
            or (x < width - 1 and memory[x + 1, y] > t)
            or (y > 0 and memory[x, y - 1] > t)
            or (y < height - 1 and memory[x, y + 1] > t)
        ):
            kept[count] = event
            count += 1
    return kept[:count]


def refractory(events, width, height, micros):
    memory = np.zeros((width, height)) - micros
    kept = np.zeros_like(events)
    count = 0
    for event in events:
        x, y = int(event["x"]), int(event["y"])
        if event["t"] - memory[x, y] > micros:
            kept[count] = event
            count += 1
        memory[x, y] = event["t"]
    return kept[:count]


def decimate(events, width, height, n):
    memory = np.zeros((width, height))
    kept = []
    for event in events:
        memory[event["x"], event["y"]] += 1
        if memory[event["x"], event["y"]] >= n:
            memory[event["x"], event["y"]] = 0
            kept.append(event)
    return np.array(kept)


def crop(events, x, y, width, height):
    inside = (events["x"] >= x) & (events["x"] < x + width) & (events["y"] >= y) & (events["y"] < y + height)
    kept = events[inside]
    kept["x"] -= x
    kept["y"] -= y
    return kept


def flip(events, width):
    copy = events.copy()
    copy["x"] = width - 1 - copy["x"]
    return copy


def drop(events, share):
    dropped = np.random.choice(len(events), int(share * len(events) + 0.5), replace=False)
    return np.delete(events, dropped, axis=0)


for name, width, height in (("dvs128", 128, 128), ("vga", 640, 480)):
    many, few = recording(width, height, 1_000_000), recording(width, height, 50_000)
    part = many[:100_000]
    rows = {
        "counted, 100k events a frame": rate(len(part), lambda: frame(part, width, height)),
        "voxel grid of 5, 100k events a grid": rate(len(part), lambda: voxel_grid(part, width, height, 5)),
        "voxel grid of 5, 1M events a grid": rate(len(many), lambda: voxel_grid(many, width, height, 5)),
        "time surface, 100k events a frame": rate(len(many), lambda: time_surface(many, width, height, 100_000, 5e4)),
        "denoise:micros=5000": rate(len(few), lambda: denoise(few, width, height, 5000)),
        "refractory:micros=1000": rate(len(few), lambda: refractory(few, width, height, 1000)),
        "decimate:count=4": rate(len(few), lambda: decimate(few, width, height, 4)),
        "crop:x=10,y=10,width=64,height=64": rate(len(many), lambda: crop(many, 10, 10, 64, 64)),
        "flip:axis=x": rate(len(many), lambda: flip(many, width)),
        "drop:probability=0.1,seed=1": rate(len(many), lambda: drop(many, 0.1)),
    }
    for row, value in rows.items():
        result[f"{name} {row}"] = value

print(json.dumps(result))
