#!/bin/sh
# Runs once the essential packages are unpacked; $1 is the tree. The initrd is made while the kernel is installed:
# its settings must be there before.
set -eu
tree=$1
mkdir -p "$tree/etc/initramfs-tools/conf.d"
printf 'MODULES=list\nCOMPRESS=zstd\n' > "$tree/etc/initramfs-tools/conf.d/lab"
printf '%s\n' virtio_pci virtio_blk ext4 > "$tree/etc/initramfs-tools/modules"
