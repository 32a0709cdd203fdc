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
known=$({ ldconfig -p || /sbin/ldconfig -p; } 2>/dev/null || true)
active=$work/active
mkdir "$active"
for library in "$work"/lib/*; do
  [ -e "$library" ] || continue
  case $known in
    *"$(basename "$library") ("*) ;;
    *) mv "$library" "$active/" ;;
  esac
done
export LD_LIBRARY_PATH=$active${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}

# Containers may have NVIDIA's Vulkan driver without the file that names it to loaders, or without the X11 libraries that
# one of the driver's two libraries wants.
complete() { [ -e "$1" ] && ! ldd "$1" 2>/dev/null | grep -c 'not found' >/dev/null; }
named=$(cat /usr/share/vulkan/icd.d/*nvidia* /etc/vulkan/icd.d/*nvidia* 2>/dev/null || true)
if [ -z "${VK_DRIVER_FILES:-}${VK_ICD_FILENAMES:-}" ]; then
  glx=$(awk '/libGLX_nvidia\.so\.0 .*x86-64/ { print $NF; exit }' <<<"$known")
  if [ -z "$named" ] || { [[ $named == *libGLX_nvidia* ]] && ! complete "${glx:-none}"; }; then
    for name in libGLX_nvidia.so.0 libEGL_nvidia.so.0; do
      for folder in $(awk -v name="$name" '$1 == name && /x86-64/ { sub("/[^/]*$", "", $NF); print $NF }' <<<"$known") \
        /usr/lib/x86_64-linux-gnu /usr/lib64 /usr/local/nvidia/lib64; do
        if [ ! -e "$work/nvidia_icd.json" ] && complete "$folder/$name"; then
          printf '{"file_format_version": "1.0.0", "ICD": {"library_path": "%s", "api_version": "1.3.0"}}\n' \
            "$folder/$name" >"$work/nvidia_icd.json"
          export VK_DRIVER_FILES=$work/nvidia_icd.json VK_ICD_FILENAMES=$work/nvidia_icd.json
        fi
      done
    done
  fi
fi

# libtensorflow, where the machine's Python has one.
if [ -z "${RXSPIKE_ENGINES:-}" ] && [ -e "$work/engines/tensorflow/installed.json" ]; then
  find_tensorflow='import importlib.util as u; s = u.find_spec("tensorflow"); print(s.submodule_search_locations[0] if s else "")'
  tensorflow=$(python3 -c "$find_tensorflow" 2>/dev/null || true)
  if [ -n "$tensorflow" ] && [ -e "$tensorflow/libtensorflow_cc.so.2" ]; then
    for package in "$work"/engines/tensorflow/node_modules/@tensorflow/tfjs-node*; do
      [ -d "$package" ] || continue
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
