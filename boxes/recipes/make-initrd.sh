#!/bin/sh
# Makes $1/boot/initrd.img-VERSION of the tree $1: busybox, a dozen modules and a script of twenty lines. It finds the
# root a good second after the kernel starts, in emulation; initramfs-tools' own takes five times as long.
set -eu
umask 022
tree=$1
version=$(basename "$tree"/lib/modules/*)
stage=$tree/tmp/initrd
mkdir -p "$stage/bin" "$stage/dev" "$stage/proc" "$stage/sys" "$stage/root" "$stage/modules"
cp "$tree/bin/busybox" "$stage/bin/busybox"

# $1 is the name of a list; the modules that follow, and all they need, are loaded in the list's order
collect() {
    list=$1
    shift
    for module in "$@"; do
        # a driver that this kernel has built in, or not at all, is left out
        chroot "$tree" modprobe --set-version "$version" --ignore-install --show-depends "$module" 2>/dev/null || true
    done | while read -r verb path _; do
        test "$verb" = insmod || continue
        name=$(basename "$path" | sed 's/\.ko.*/.ko/')
        case $path in
            *.xz) xz -dc "$tree$path" ;;
            *.zst) zstd -dcq "$tree$path" ;;
            *) cat "$tree$path" ;;
        esac > "$stage/modules/$name"
        echo "$name"
    done > "$stage/modules/$list"
}
collect first virtio_pci virtio_blk ext4
collect more virtio_scsi virtio_mmio ahci ata_piix sd_mod

cat > "$stage/init" <<'INIT'
#!/bin/busybox sh
b=/bin/busybox
$b mount -t devtmpfs dev /dev
$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
root=
for word in $($b cat /proc/cmdline); do
    case $word in root=*) root=${word#root=} ;; esac
done
load() { while read -r module; do $b insmod "/modules/$module" 2>/dev/null; done < "/modules/$1"; }
# The label is at byte 1144 of a file system of ext4. (Debian 11's busybox has no findfs.)
find_root() {
    while read -r _ _ _ name; do
        disk=/dev/$name
        label=$($b dd if="$disk" bs=8 skip=143 count=2 2>/dev/null | $b tr -d '\000')
        test "LABEL=$label" != "$root" || return 0
    done < /proc/partitions
    return 1
}
load first
if ! find_root; then
    load more
    tries=0
    until find_root; do
        tries=$((tries + 1))
        if test $tries -gt 100; then
            echo "initrd: there is no disk $root; giving up" > /dev/console
            exit 1
        fi
        $b usleep 100000
    done
fi
if ! $b mount -t ext4 -o noatime,errors=remount-ro "$disk" /root; then
    echo "initrd: cannot mount $disk; giving up" > /dev/console
    exit 1
fi
$b umount /proc /sys
$b mount --move /dev /root/dev
exec $b switch_root /root /sbin/init
INIT
chmod 755 "$stage/init"
chroot "$tree" sh -c 'cd /tmp/initrd && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1' > "$tree/boot/initrd.img-$version"
rm -rf "$stage"
