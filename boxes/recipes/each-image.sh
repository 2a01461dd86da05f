#!/bin/sh
# Runs before each image is written; $1 is the tree that all images share, $2 the name of the box.
set -eu
tree=$1
echo "$2" > "$tree/etc/hostname"
# sudo looks its own host up: it must find it without a name server
printf '127.0.0.1 localhost\n127.0.1.1 %s\n::1 localhost ip6-localhost ip6-loopback\n' "$2" > "$tree/etc/hosts"
# empty, not absent: a new id at the first boot, without systemd's first-boot presets
: > "$tree/etc/machine-id"
