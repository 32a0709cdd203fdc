#!/usr/bin/env bash
# Packs what bench/gpu/check.sh needs on a bare machine with a GPU (no Node, no network) into one archive of less than
# 60 MB: Node, a build of this checkout, the packages that engines and their tests need, the native addon with oneDNN, the
# binding of TensorFlow where it is installed, and a Vulkan loader.
#
#   bench/gpu/pack.sh [ARCHIVE]          default: bench/gpu/carry/rxspike-gpu.tar.xz
#
# LIBVULKAN names a libvulkan.so.1 to carry; the one of this machine is taken otherwise, if there is one.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
archive=${1:-$root/bench/gpu/carry/rxspike-gpu.tar.xz}
most=60000000
cd "$root"
node scripts/build.mjs
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT

cp "$(readlink -f "$(command -v node)")" "$stage/node"
cp package.json vitest.config.ts "$stage/"
cp -r dist src "$stage/"
find "$stage/dist" \( -name '*.map' -o -name '*.d.ts' \) -delete
mkdir -p "$stage/test" "$stage/bench"
cp -r test/engines test/fresh-cache.ts "$stage/test/"
cp -r bench/peers "$stage/bench/"
{
  git rev-parse HEAD
  if [ -n "$(git status --porcelain --untracked-files=no)" ]; then echo 'with changes that are not committed'; fi
} >"$stage/COMMIT"
node bench/gpu/pack-packages.mjs "$stage/node_modules"

libraries="$stage/lib"
mkdir -p "$libraries"
if [ -e native/build/rxspike.node ]; then
  mkdir -p "$stage/native/build"
  cp native/build/rxspike.node "$stage/native/build/"
  ldd native/build/rxspike.node | awk '$3 ~ /lib(dnnl|gomp|OpenCL)\.so/ { print $1, $3 }' |
    while read -r name path; do cp -L "$path" "$libraries/$name"; done
else
  echo 'pack: the native engine is not built (npm run build:native): left out' >&2
fi
vulkan=${LIBVULKAN:-$(ldconfig -p 2>/dev/null | awk '/libvulkan\.so\.1 .*x86-64/ { print $NF; exit }')}
if [ -n "$vulkan" ]; then
  cp -L "$vulkan" "$libraries/libvulkan.so.1"
else
  echo 'pack: no libvulkan.so.1 here (LIBVULKAN names one): left out' >&2
fi

# libtensorflow alone is hundreds of megabytes: the package with its binding serves one that is found on the machine.
engines=${RXSPIKE_ENGINES:-${XDG_DATA_HOME:-$HOME/.local/share}/rxspike/engines}
if [ -e "$engines/tensorflow/installed.json" ]; then
  mkdir -p "$stage/engines"
  tar -C "$engines" --exclude='deps/lib/*' --exclude='*.d.ts' --exclude='*_test.js' --exclude=tensorflow/node_modules/@tensorflow/*/src \
    -cf - tensorflow | tar -C "$stage/engines" -xf -
else
  echo 'pack: TensorFlow is not installed (pipeline engines install tensorflow): its binding is left out' >&2
fi

mkdir -p "$(dirname "$archive")"
tar -C "$stage" -cf - . | xz -T2 >"$archive.tmp"
bytes=$(stat -c %s "$archive.tmp")
if [ "$bytes" -ge "$most" ]; then
  echo "pack: expected less than $most bytes, found $bytes" >&2
  rm "$archive.tmp"
  exit 1
fi
mv "$archive.tmp" "$archive"
echo "$archive: $bytes bytes"
