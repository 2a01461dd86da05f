#!/bin/sh
# Puts a source package and what it takes to build it into a new root. mmdebstrap calls it: fetch-source.sh ROOT SOURCE
set -e
exec >&2
root=$1 source=$2
chroot "$root" env DEBIAN_FRONTEND=noninteractive apt-get build-dep --yes --no-install-recommends "$source"
mkdir -p "$root/build"
chroot "$root" sh -ec 'cd /build && apt-get source "$1" && rm -f ./*.tar.* ./*.dsc && mv ./*/ source' sh "$source"
