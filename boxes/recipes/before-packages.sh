#!/bin/sh
# Runs before the first package; $1 is the empty tree, $2 the files that go into it (a tar). Settings that apt, dpkg
# and the packages read while they are unpacked and configured must be there now; they win over a package's own.
set -eu
umask 022
tree=$1
files=$2
# merged from the start, so that no package has to move files later
for folder in bin sbin lib lib64; do
    mkdir -p "$tree/usr/$folder"
    test -e "$tree/$folder" || ln -s "usr/$folder" "$tree/$folder"
done
tar -C "$tree" --numeric-owner -xpf "$files"
