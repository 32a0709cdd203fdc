#!/usr/bin/env bash
# The GPU check on a bare machine: unpacks what bench/gpu/pack.sh packed, runs the conformance suite on every engine that
# works there, times training and inference beside PyTorch on the same GPU, and prints one table last.
#
#   bench/gpu/check.sh [--quick] [--seconds N] [--python PATH]
#
# ARCHIVE names the archive (bench/gpu/carry/rxspike-gpu.tar.xz), OUT the folder of the results (bench/results).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
archive=${ARCHIVE:-$here/carry/rxspike-gpu.tar.xz}
results=${OUT:-$here/../results}
if [ ! -e "$archive" ]; then
  echo "check: expected $archive, found none: bench/gpu/pack.sh makes it" >&2
  exit 1
fi
started=$SECONDS
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if command -v xz >/dev/null; then
  tar -C "$work" -xJf "$archive"
else
  python3 -c 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])' "$archive" "$work"
fi

# Libraries that the machine has itself are better than ours: they fit its drivers.
active=$work/active
mkdir "$active"
for library in "$work"/lib/*; do
  [ -e "$library" ] || continue
  name=$(basename "$library")
  if ! { ldconfig -p || /sbin/ldconfig -p; } 2>/dev/null | grep -q "$name "; then mv "$library" "$active/"; fi
done
export LD_LIBRARY_PATH=$active${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
# Containers may have NVIDIA's Vulkan driver where no loader looks.
for driver in /usr/local/nvidia/share/vulkan/icd.d/nvidia_icd.json; do
  if [ -z "${VK_DRIVER_FILES:-}" ] && [ -z "${VK_ICD_FILENAMES:-}" ] && [ -e "$driver" ]; then
    if ! ls /usr/share/vulkan/icd.d/*nvidia* /etc/vulkan/icd.d/*nvidia* >/dev/null 2>&1; then
      export VK_DRIVER_FILES=$driver VK_ICD_FILENAMES=$driver
    fi
  fi
done

# libtensorflow, where the machine's Python has one.
if [ -z "${RXSPIKE_ENGINES:-}" ] && [ -e "$work/engines/tensorflow/installed.json" ]; then
  find_tensorflow='import importlib.util as u; s = u.find_spec("tensorflow"); print(s.submodule_search_locations[0] if s else "")'
  tensorflow=$(python3 -c "$find_tensorflow" 2>/dev/null || true)
  if [ -n "$tensorflow" ] && [ -e "$tensorflow/libtensorflow_cc.so.2" ]; then
    for package in "$work"/engines/tensorflow/node_modules/@tensorflow/tfjs-node*; do
      mkdir -p "$package/deps/lib"
      for name in cc framework; do
        ln -s "$tensorflow/libtensorflow_$name.so.2" "$package/deps/lib/"
      done
    done
    for cuda in "$(dirname "$tensorflow")"/nvidia/*/lib; do
      if [ -d "$cuda" ]; then LD_LIBRARY_PATH=$LD_LIBRARY_PATH:$cuda; fi
    done
    export RXSPIKE_ENGINES=$work/engines
  fi
fi
"$work/node" "$work/dist/bench/gpu/check.js" --results "$results" --spent "$((SECONDS - started))" "$@"
