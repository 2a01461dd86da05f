#!/bin/sh
# Makes a root tree in which a source package of Debian can be built: unpack-root.sh ROOT FOLDER, where FOLDER has the
# packages. They are unpacked and not installed: that takes a third of the time, and no script of a package runs.
set -e
root=$1 folder=$2
mkdir -p "$root/dev" "$root/proc" "$root/build"
mkdir -m 1777 "$root/tmp"
for name in bin lib lib64 sbin; do
	mkdir -p "$root/usr/$name"
	ln -s "usr/$name" "$root/$name"
done
ln -s mawk "$root/usr/bin/awk"  # a script of its package makes this link
# No build reads what is left out here, and most of the time goes into making files.
find "$folder" -name '*.deb' -print0 | xargs -0 -n 8 -P "$(nproc)" sh -c '
	root=$1
	shift
	for deb; do
		name=${deb##*/}
		echo "Unpacking ${name%%_*}" >&2
		dpkg-deb --fsys-tarfile "$deb" | tar -xf - -C "$root" --keep-directory-symlink --no-same-owner \
			--exclude=./usr/share/doc --exclude=./usr/share/man --exclude=./usr/share/locale \
			--exclude=./usr/share/zoneinfo --exclude=testdata --exclude="*_test.go" || exit
		rm "$deb"
	done
' sh "$root"
