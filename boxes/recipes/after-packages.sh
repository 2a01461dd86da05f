#!/bin/sh
# Runs when all packages are configured; $1 is the tree, $2 Vagrant's public insecure key, $3 the units to enable,
# $4 those to mask.
set -eu
tree=$1
key=$2
in_tree() { chroot "$tree" "$@"; }

# the user Vagrant expects: its insecure key (replaced at the first `vagrant up`), sudo without password
in_tree useradd --create-home --shell /bin/bash --groups docker vagrant
chmod 440 "$tree/etc/sudoers.d/vagrant"
mkdir -m 700 "$tree/home/vagrant/.ssh"
cp "$key" "$tree/home/vagrant/.ssh/authorized_keys"
chmod 600 "$tree/home/vagrant/.ssh/authorized_keys"
in_tree chown -R vagrant:vagrant /home/vagrant/.ssh

# host keys and the machine's id are made at the first boot, so that no two boxes share them
rm -f "$tree"/etc/ssh/ssh_host_* "$tree/var/lib/dbus/machine-id"
ln -sf /run/resolv.conf "$tree/etc/resolv.conf"
# how this tree was made, such as the host's proxy, is no affair of the box
rm -f "$tree/etc/apt/apt.conf.d/99mmdebstrap" "$tree/etc/dpkg/dpkg.cfg.d/99mmdebstrap"
# the essential packages were unpacked before dpkg was there to leave these out
rm -rf "$tree"/usr/share/doc/* "$tree"/usr/share/man/* "$tree"/usr/share/info/* "$tree"/usr/share/locale/*

# word splitting is meant: each is a list
in_tree systemctl --quiet enable $3
in_tree systemctl --quiet mask $4
