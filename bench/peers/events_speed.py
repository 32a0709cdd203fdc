"""How fast expelliarmus and Tonic are, for bench/events.ts: `python events_speed.py PEER` answers each line of standard
input, `WORK FORMAT SECONDS PATH ARGUMENTS…` with tabs between, by a line of JSON: {"mode", "rates", "events"} in million
events a second, a rate for each pass, in the fastest way the peer has; or {"absent": why}.

Where Tonic is there without packages that its data sets want, its functions and readers are loaded without those.
"""

import ctypes
import importlib
import importlib.util
import json
import os
import sys
import time
import types

import numpy as np

# The clock that BENCH_CLOCK names: the processor time of this process, or the time of day.
clock = time.process_time if os.environ.get("BENCH_CLOCK") == "processor" else time.perf_counter


def rates(events, seconds, work, prepare=lambda: None):
    """Million events a second of each pass, for so many seconds and at least two passes; what is made ready costs nothing."""
    result = []
    begun = time.perf_counter()
    while len(result) < 2 or time.perf_counter() - begun < seconds:
        ready = prepare()
        start = clock()
        work(ready)
        result.append(events / (clock() - start) / 1e6)
    return result


def fastest(events, seconds, ways):
    """The fastest of several ways to do the same."""
    measured = {mode: rates(events, seconds / len(ways), lambda _, way=way: way()) for mode, way in ways.items()}
    mode = max(measured, key=lambda each: np.median(measured[each]))
    return {"mode": mode, "rates": measured[mode], "events": events}


class Expelliarmus:
    def __init__(self):
        self.wizard = importlib.import_module("expelliarmus").Wizard
        self.clib = importlib.import_module("expelliarmus.wizard.clib")

    def decode(self, encoding, seconds, path):
        wizard = self.wizard(encoding=encoding)
        events = len(wizard.read(path))
        chunk = np.empty(16384 + 12, dtype=self.clib.event_t)
        name = ctypes.c_char_p(path.encode())

        def reused():
            """Its own function in C, without the array that its Python makes for each chunk."""
            info = self.clib.events_cargo_t(is_chunk=1)
            cargo = self.clib.c_cargos_t[encoding](events_info=info)
            while not cargo.events_info.finished:
                cargo.events_info.dim = 16384
                self.clib.c_read_fns[encoding](name, chunk, ctypes.byref(cargo), ctypes.c_size_t(1 << 16))

        def chunks():
            reader = self.wizard(encoding=encoding, fpath=path, chunk_size=16384, buff_size=1 << 16)
            for _ in reader.read_chunk():
                pass

        large = self.wizard(encoding=encoding, buff_size=1 << 16)
        ways = {"an array": lambda: large.read(path), "chunks": chunks, "buffer used again": reused}
        return fastest(events, seconds, ways)

    def encode(self, encoding, seconds, path, out):
        wizard = self.wizard(encoding=encoding, buff_size=1 << 16)
        events = wizard.read(path)
        return fastest(len(events), seconds, {"to a file": lambda: wizard.save(out, events)})


class Tonic:
    def __init__(self):
        spec = importlib.util.find_spec("tonic")
        if spec is None:
            raise ModuleNotFoundError("No module named 'tonic'")
        module = types.ModuleType("tonic")
        module.__path__ = spec.submodule_search_locations
        sys.modules["tonic"] = module
        self.functional = importlib.import_module("tonic.functional")
        self.io = importlib.import_module("tonic.io")

    def decode(self, encoding, seconds, path):
        readers = {
            "nmnist": lambda: self.io.read_mnist_file(path, dtype=self.io.events_struct),
            "aedat2": lambda: self.io.read_dvs_128(path)[1],
            "aedat4": lambda: self.io.read_aedat4(path),
        }
        if encoding not in readers:
            raise NotImplementedError(f"no reader of {encoding}")
        reader = readers[encoding]
        return fastest(len(reader()), seconds, {"an array": reader})

    def operate(self, name, seconds, path, width, height, argument):
        """One of its functions, over events in rows as rows of t, x, y and p."""
        columns = [("t", "<i8"), ("x", "<i2"), ("y", "<i2"), ("p", "<i2")]
        events = np.fromfile(path, dtype=columns)
        size = (int(width), int(height), 2)
        count = len(events)
        functional = self.functional
        of_events = lambda work: (lambda ready: work(ready))
        works = {
            "frames": lambda e: functional.to_frame_numpy(e, size, event_count=int(argument)),
            "voxel-grid": lambda e: [
                functional.to_voxel_grid_numpy(e[k : k + int(argument)], size, n_time_bins=5)
                for k in range(0, count, int(argument))
            ],
            "time-surface": lambda e: functional.to_timesurface_numpy(e, size, dt=int(argument), tau=5e4),
            "denoise": lambda e: functional.denoise_numpy(e, filter_time=float(argument)),
            "refractory": lambda e: functional.refractory_period_numpy(e, refractory_period=float(argument)),
            "decimate": lambda e: functional.decimate_numpy(e, n=int(argument)),
            "flip": lambda e: flipped(e, size),
            "drop": lambda e: functional.drop_event_numpy(e, float(argument)),
            "jitter-space": lambda e: functional.spatial_jitter_numpy(e, size, 1, 1, 0, True),
            "jitter-time": lambda e: functional.time_jitter_numpy(e, float(argument), True, True),
        }
        # Its functions write to what they are given.
        return {
            "mode": "numpy",
            "rates": rates(count, seconds, of_events(works[name]), lambda: events.copy()),
            "events": count,
        }


def flipped(events, size):
    """As its transform does, which is not among its functions."""
    events["x"] = size[0] - 1 - events["x"]
    return events


def main():
    peer = None
    why = ""
    try:
        peer = {"expelliarmus": Expelliarmus, "tonic": Tonic}[sys.argv[1]]()
    except Exception as error:  # a peer that is not there is named, whatever it lacks
        why = f"{type(error).__name__}: {error}"
    for line in sys.stdin:
        work, name, seconds, *arguments = line.rstrip("\n").split("\t")
        try:
            if peer is None:
                raise ModuleNotFoundError(why)
            answer = getattr(peer, work)(name, float(seconds), *arguments)
        except Exception as error:
            answer = {"absent": str(error) if peer is None else f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


main()
