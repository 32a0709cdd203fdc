"""PyArrow reads the Parquet and Arrow files that rxspike writes, and writes Parquet that rxspike must read.

    python3 -m venv venv && venv/bin/pip install pyarrow numpy
    venv/bin/python bench/peers/pyarrow_check.py events.parquet events.arrow   # two files of the same events
    venv/bin/python bench/peers/pyarrow_check.py events.parquet --rewrite DIR  # the same in every codec, to be read back
"""

import argparse
import pathlib

import pyarrow as pa
import pyarrow.parquet as pq

SCHEMA = [("t", pa.timestamp("us")), ("x", pa.uint16()), ("y", pa.uint16()), ("on", pa.bool_())]
CODECS = ["none", "snappy", "gzip", "brotli", "zstd", "lz4"]


def read(path):
    if path.endswith(".parquet"):
        return pq.read_table(path)
    with pa.memory_map(path) as source:
        return pa.ipc.open_file(source).read_all()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="+")
    parser.add_argument("--rewrite")
    options = parser.parse_args()
    first = None
    for path in options.files:
        table = read(path)
        found = [(field.name, field.type) for field in table.schema]
        assert found == SCHEMA, f"{path}: {found}"
        assert all(column.null_count == 0 for column in table.columns), path
        times = table["t"].cast(pa.int64()).to_numpy()
        assert (times[1:] >= times[:-1]).all(), f"{path}: time goes back"
        print(f"{path}: {table.num_rows} events, t {times[0]} to {times[-1]} us, {table.nbytes} bytes in memory")
        first = first or table
        assert table.cast(first.schema).equals(first), f"{path} differs from {options.files[0]}"
    if options.rewrite:
        for codec in CODECS:
            for version in ["1.0", "2.0"]:
                target = pathlib.Path(options.rewrite) / f"{codec}-{version}.parquet"
                pq.write_table(first, target, compression=codec, data_page_version=version, row_group_size=50_000)
                print(target)


if __name__ == "__main__":
    main()
