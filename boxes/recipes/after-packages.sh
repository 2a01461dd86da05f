#!/bin/sh
# Runs when all packages are configured; $1 is the tree, $2 Vagrant's public insecure key, ENABLE and MASK are units.
set -eu
tree=$1
key=$2
in_tree() { chroot "$tree" "$@"; }

# the user Vagrant expects: its insecure key (replaced at the first `vagrant up`), sudo without password
in_tree useradd --create-home --shell /bin/bash --groups docker vagrant
echo 'vagrant ALL=(ALL) NOPASSWD: ALL' > "$tree/etc/sudoers.d/vagrant"
chmod 440 "$tree/etc/sudoers.d/vagrant"
mkdir -m 700 "$tree/home/vagrant/.ssh"
cp "$key" "$tree/home/vagrant/.ssh/authorized_keys"
chmod 600 "$tree/home/vagrant/.ssh/authorized_keys"
in_tree chown -R vagrant:vagrant /home/vagrant/.ssh

# ssh: keys are made at the first boot, so that no two boxes share them; one kind only, RSA takes 20 s in emulation
rm -f "$tree"/etc/ssh/ssh_host_*
cat > "$tree/etc/ssh/sshd_config.d/lab.conf" <<'CONF'
HostKey /etc/ssh/ssh_host_ed25519_key
UseDNS no
GSSAPIAuthentication no
PasswordAuthentication no
CONF
mkdir -p "$tree/etc/systemd/system/ssh.service.d"
cat > "$tree/etc/systemd/system/ssh.service.d/lab.conf" <<'CONF'
[Service]
ExecStartPre=
ExecStartPre=/bin/sh -c 'test -s /etc/ssh/ssh_host_ed25519_key || ssh-keygen -q -t ed25519 -N "" -f /etc/ssh/ssh_host_ed25519_key'
ExecStartPre=/usr/sbin/sshd -t
CONF

# network: whatever card there is asks for an address; nothing waits for names
mkdir -p "$tree/etc/systemd/network"
cat > "$tree/etc/systemd/network/10-lab.network" <<'CONF'
[Match]
Name=en* eth*
[Network]
DHCP=ipv4
LinkLocalAddressing=no
IPv6AcceptRA=no
[DHCPv4]
ClientIdentifier=mac
CONF
echo "127.0.0.1 localhost" > "$tree/etc/hosts"
echo "/dev/vda2 / ext4 defaults 0 1" > "$tree/etc/fstab"
: > "$tree/etc/machine-id"

for unit in $ENABLE; do in_tree systemctl --quiet enable "$unit"; done
for unit in $MASK; do in_tree systemctl --quiet mask "$unit"; done
rm -rf "$tree"/var/cache/apt/*.bin "$tree"/var/lib/apt/lists/*
