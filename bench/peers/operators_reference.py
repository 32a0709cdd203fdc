"""Writes fixtures/operators/reference.json: what filters and representations give for a small recording, computed event
by event from their formulas with numpy alone, independently of src/.

Run from the repository root: python bench/peers/operators_reference.py
Where Tonic can be imported, the same functions, with the faults of Tonic that docs/operators.md names put back, are
compared with it first.
"""

import json
import math

import numpy as np

WIDTH, HEIGHT = 12, 10
COLUMNS = [("x", "i8"), ("y", "i8"), ("t", "i8"), ("p", "i8")]


def recording(count=500, start=20_000):
    random = np.random.default_rng(7)
    events = np.zeros(count, dtype=COLUMNS)
    gaps = random.choice([0, 1, 7, 30, 90, 400], size=count, p=[0.2, 0.2, 0.2, 0.2, 0.15, 0.05])
    events["t"] = start + np.cumsum(gaps) - gaps[0]
    events["x"] = np.clip(random.normal(5, 3, count).round(), 0, WIDTH - 1)
    events["y"] = np.clip(random.normal(5, 3, count).round(), 0, HEIGHT - 1)
    events["p"] = random.integers(0, 2, count)
    return events


# Representations, [frames, height, width, channels]


def edges_by_count(events, bins, overlap=0.0):
    """Start and end time of each bin; the last one has its end."""
    first, last = int(events["t"][0]), int(events["t"][-1])
    parts = 1 + (bins - 1) * (1 - overlap)
    edge = lambda part: first + math.ceil(part * (last - first) / parts)
    return [
        (edge(k * (1 - overlap)), last + 1 if k == bins - 1 else edge(k * (1 - overlap) + 1)) for k in range(bins)
    ]


def slices(events, edges):
    return [events[(events["t"] >= start) & (events["t"] < end)] for start, end in edges]


def counted(parts):
    frames = np.zeros((len(parts), HEIGHT, WIDTH, 2))
    for k, part in enumerate(parts):
        for x, y, _, p in part:
            frames[k, y, x, p] += 1
    return frames


def event_bins(events, bins, overlap=0.0, tail="keep"):
    total = len(events)
    length = total / (1 + (bins - 1) * (1 - overlap))
    parts = []
    for k in range(bins):
        start, end = math.floor(k * (1 - overlap) * length), math.floor((k * (1 - overlap) + 1) * length)
        if tail == "drop":
            start = k * math.floor(length * (1 - overlap))
            end = start + math.floor(length)
        elif k == bins - 1:
            end = total
        parts.append(events[start:end])
    return parts


def time_surface(events, window, tau, stride=None, include_last=True):
    """exp(-(end of the window - last event) / tau); the last window is the first that has the last event."""
    stride = stride or window
    first, last = int(events["t"][0]), int(events["t"][-1])
    count = 1
    while first + (count - 1) * stride + window <= last:
        count += 1
    if not include_last:
        count -= 1
    frames = []
    for k in range(count):
        end = first + k * stride + window
        frame = np.zeros((HEIGHT, WIDTH, 2))
        for x, y, t, p in events[events["t"] < end]:
            frame[y, x, p] = np.exp(-(end - t) / tau)
        frames.append(frame)
    return np.array(frames)


def averaged_time_surface(events, cell, surface, window, tau, decay="exponential", clamp=True):
    """[cells down, cells across, 2, surface, surface]"""
    reach = surface // 2
    down, across = math.ceil(HEIGHT / cell), math.ceil(WIDTH / cell)
    sums = np.zeros((down, across, 2, surface, surface))
    counts = np.zeros((down, across, 2))
    for i, (x, y, t, p) in enumerate(events):
        at = (y // cell, x // cell, p)
        counts[at] += 1
        sums[at][reach, reach] += 1
        for u, v, earlier, polarity in events[:i]:
            near = abs(u - x) <= reach and abs(v - y) <= reach
            if (v // cell, u // cell, polarity) != at or not near or earlier < t - window:
                continue
            ago = t - earlier
            weight = np.exp(-ago / tau) if decay == "exponential" else 1 - ago / (3 * tau)
            sums[at][v - y + reach, u - x + reach] += max(0, weight) if clamp else weight
    return sums / np.maximum(counts, 1)[..., None, None]


def tiles(histograms):
    """Histograms of cells side by side as one frame [height, width, 2]."""
    down, across, channels, surface, _ = histograms.shape
    return histograms.transpose(0, 3, 1, 4, 2).reshape(down * surface, across * surface, channels)


def voxel_grid(events, bins, span=None, scale=None):
    """sum of p max(0, 1 - |b - t*|), t* = scale (t - t0) / span: Zhu et al. have scale = bins - 1."""
    grid = np.zeros((HEIGHT, WIDTH, bins))
    first = int(events["t"][0])
    span = int(events["t"][-1]) - first if span is None else span
    scale = bins - 1 if scale is None else scale
    for x, y, t, p in events:
        place = scale * (t - first) / span if span > 0 else 0
        for b in range(bins):
            grid[y, x, b] += (1 if p else -1) * max(0, 1 - abs(b - place))
    return grid


def binary_representation(frames, bits):
    """Each `bits` frames as one of binary numbers, the first frame the highest bit."""
    groups = (frames > 0).reshape(-1, bits, *frames.shape[1:])
    weights = 2 ** np.arange(bits - 1, -1, -1)
    return np.tensordot(groups, weights, axes=(1, 0)) / (2**bits - 1)


# Filters: which events stay


def near_pixels(neighbours):
    around = [(-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1)]
    return around[:neighbours]


def denoise(events, micros, neighbours=8, support=1, before=-math.inf):
    """`before`: the time that pixels without an event are taken to have had one."""
    last = {}
    kept = []
    for i, (x, y, t, _) in enumerate(events):
        near = [(x + dx, y + dy) for dx, dy in near_pixels(neighbours)]
        inside = [place for place in near if 0 <= place[0] < WIDTH and 0 <= place[1] < HEIGHT]
        if sum(last.get(place, before) + micros > t for place in inside) >= support:
            kept.append(i)
        last[(x, y)] = t
    return kept


def refractory(events, micros, since="passed", before=-math.inf):
    last = {}
    kept = []
    for i, (x, y, t, _) in enumerate(events):
        passes = t - last.get((x, y), before) > micros
        if passes:
            kept.append(i)
        if passes or since == "any":
            last[(x, y)] = t
    return kept


def decimate(events, count):
    seen = {}
    kept = []
    for i, (x, y, _, _) in enumerate(events):
        seen[(x, y)] = seen.get((x, y), 0) + 1
        if seen[(x, y)] % count == 0:
            kept.append(i)
    return kept


def arbiter_lines(events, ratio):
    limit = round(WIDTH * ratio)
    ends = [i for i in range(1, len(events)) if events["y"][i] != events["y"][i - 1]] + [len(events)]
    kept, start = [], 0
    for end in ends:
        if end - start <= limit:
            kept += range(start, end)
        start = end
    return kept


def hot_pixels(events, rate):
    limit = rate * int(events["t"][-1] - events["t"][0]) * 1e-6
    counts = np.zeros((HEIGHT, WIDTH))
    for x, y, _, _ in events:
        counts[y, x] += 1
    return [[int(x), int(y)] for y, x in zip(*np.nonzero(counts > limit))]


def integrate(events, width, height, micros, threshold, include_last=True):
    """Rows [t, x, y, p]."""
    first = int(events["t"][0])
    steps = (events["t"] - first) // micros
    if not include_last:
        steps = steps[events["t"] < events["t"][-1] - (events["t"][-1] - first) % micros]
    value = np.zeros((height, width), dtype=int)
    rows = []
    for step in range(int(steps[-1]) + 1):
        for x, y, _, p in events[: len(steps)][steps == step]:
            value[y * height // HEIGHT, x * width // WIDTH] += 1 if p else -1
        for y, x in zip(*np.nonzero(abs(value) >= threshold)):
            rows.append([first + step * micros, int(x), int(y), int(value[y, x] > 0)])
            value[y, x] = 0
    return rows


def compare_with_tonic(events):
    try:
        from tonic import functional
    except ImportError:
        print("Tonic is not here: not compared")
        return
    sensor = (WIDTH, HEIGHT, 2)
    theirs = lambda frames: np.asarray(frames, float).transpose(0, 2, 3, 1)
    copy = lambda: events.copy()
    first, last = int(events["t"][0]), int(events["t"][-1])

    def same(name, ours, expected, tolerance=1e-9):
        ours, expected = np.asarray(ours, float), np.asarray(expected, float)
        assert ours.shape == expected.shape, (name, ours.shape, expected.shape)
        assert np.allclose(ours, expected, atol=tolerance), (name, np.abs(ours - expected).max())
        print("equal to Tonic:", name)

    def rows(kept):
        return [list(row) for row in kept.tolist()]

    complete = (last - first) // 2000
    windows = [(first + k * 2000, first + (k + 1) * 2000) for k in range(complete)]
    same("frames by time", counted(slices(events, windows)), theirs(functional.to_frame_numpy(copy(), sensor, time_window=2000)))
    by_count = [events[i * 70 : (i + 1) * 70] for i in range(len(events) // 70)]
    same("frames by events", counted(by_count), theirs(functional.to_frame_numpy(copy(), sensor, event_count=70)))
    width = (last - first) // 5
    cut = slices(events, [(first + k * width, first + (k + 1) * width) for k in range(5)])
    same("frames by bins (floor, tail lost)", counted(cut), theirs(functional.to_frame_numpy(copy(), sensor, n_time_bins=5)))
    bins = event_bins(events, 7, tail="drop")
    same("frames by event bins", counted(bins), theirs(functional.to_frame_numpy(copy(), sensor, n_event_bins=7)))
    surfaces = functional.to_timesurface_numpy(copy(), sensor, dt=2000, tau=1500)
    same("time surface", time_surface(events, 2000, 1500, include_last=False), theirs(surfaces))
    for decay, name in (("exponential", "exp"), ("linear", "lin")):
        ours = averaged_time_surface(events, 5, 3, 3000, 700, decay, clamp=False)
        hats = functional.to_averaged_timesurface_numpy(
            copy(), sensor, cell_size=5, surface_size=3, time_window=3000, tau=700, decay=name
        )
        same(f"averaged time surface, {name}", ours.reshape(hats.shape), hats, 1e-4)
    grid = functional.to_voxel_grid_numpy(copy(), sensor, 5)[:, 0].transpose(1, 2, 0)
    same("voxel grid (scale B)", voxel_grid(events, 5, scale=5), grid)
    frames = functional.to_frame_numpy(copy(), sensor, n_time_bins=12)
    bina = functional.to_bina_rep_numpy(frames, n_frames=3, n_bits=4)
    same("binary representation", binary_representation(theirs(frames), 4), theirs(bina))
    kept = denoise(events, 300, 4, before=300 - 300)
    same("denoise", rows(events[kept]), rows(functional.denoise_numpy(copy(), filter_time=300)))
    kept = refractory(events, 500, "any", before=-500)
    same("refractory period, since any", rows(events[kept]), rows(functional.refractory_period_numpy(copy(), 500)))
    same("decimate", rows(events[decimate(events, 3)]), rows(functional.decimate_numpy(copy(), 3)))
    hot = functional.identify_hot_pixel(copy(), 300)
    same("hot pixels", sorted(hot_pixels(events, 300)), sorted(hot.tolist()))
    theirs_integrated = functional.event_downsampling.integrator_downsample(
        copy(), sensor_size=sensor, target_size=(6, 5), dt=2, noise_threshold=2
    )
    ours = [[t - first, x, y, p] for t, x, y, p in integrate(events, 6, 5, 2000, 2, include_last=False)]
    expected = [[int(e["t"]), int(e["x"]), int(e["y"]), int(e["p"])] for e in theirs_integrated]
    same("integrate", sorted(ours), sorted(expected))


def plain(array):
    array = np.asarray(array, float)
    return {"shape": list(array.shape), "values": [short(value) for value in array.flatten().tolist()]}


def short(value):
    return int(value) if value == int(value) else float(f"{value:.9g}")


def main():
    events = recording()
    compare_with_tonic(events)
    last, first = int(events["t"][-1]), int(events["t"][0])
    whole = [(first, last + 1)]
    windows = [(first + k * 2000, first + (k + 1) * 2000) for k in range((last - first) // 2000 + 1)]
    by_time = slices(events, windows)
    by_count = slices(events, edges_by_count(events, 4))
    hats = lambda part, decay: tiles(averaged_time_surface(part, 5, 3, 3000, 700, decay))
    voxels = [voxel_grid_of_window(part, 5, start, 2000) for part, (start, _) in zip(by_time, windows)]
    by_events = [events[i : i + 70] for i in range(0, len(events), 70)]
    result = {
        "events": {name: events[name].tolist() for name in ("t", "x", "y", "p")},
        "sensor": {"width": WIDTH, "height": HEIGHT},
        "frames": {
            "time": plain(counted(by_time)),
            "count": plain(counted(by_count)),
            "countOverlapping": plain(counted(slices(events, edges_by_count(events, 4, 0.25)))),
            "events": plain(counted(by_events)),
            "eventBins": plain(counted(event_bins(events, 7))),
            "eventBinsDropped": plain(counted(event_bins(events, 7, tail="drop"))),
            "eventBinsOverlapping": plain(counted(event_bins(events, 7, 0.25))),
            "binary": plain(counted(by_time) > 0),
            "timeSurface": plain(time_surface(events, 2000, 1500)),
            "timeSurfaceOverlapping": plain(time_surface(events, 2000, 1500, 700)),
            "averagedExponential": plain([hats(part, "exponential") for part in slices(events, whole)]),
            "averagedLinear": plain([hats(part, "linear") for part in by_time]),
            "voxelGrid": plain([voxel_grid(events, 5)]),
            "voxelGridByTime": plain(voxels),
            "voxelGridByEvents": plain([voxel_grid(part, 3) for part in by_events]),
            "binaryRepresentation": plain(binary_representation(counted(slices(events, edges_by_count(events, 12))), 4)),
        },
        "kept": {
            "denoise:micros=300": denoise(events, 300),
            "denoise:micros=300,neighbours=4": denoise(events, 300, 4),
            "denoise:micros=900,support=3": denoise(events, 900, 8, 3),
            "refractory:micros=500": refractory(events, 500),
            "refractory:micros=500,since=any": refractory(events, 500, "any"),
            "decimate:count=3": decimate(events, 3),
            "arbiter-lines:ratio=0.15": arbiter_lines(events, 0.15),
        },
        "hotPixels": hot_pixels(events, 300),
        "integrated": integrate(events, 6, 5, 2000, 2),
    }
    with open("fixtures/operators/reference.json", "w") as file:
        json.dump(result, file, separators=(",", ":"))
        file.write("\n")


def voxel_grid_of_window(events, bins, start, span):
    """The voxel grid of a window of a given length, in which the first event is not at its start."""
    grid = np.zeros((HEIGHT, WIDTH, bins))
    for x, y, t, p in events:
        place = (bins - 1) * (t - start) / span
        for b in range(bins):
            grid[y, x, b] += (1 if p else -1) * max(0, 1 - abs(b - place))
    return grid


main()
