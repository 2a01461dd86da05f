#!/bin/sh
# Builds dockerd alone, by the scripts and with the tags that the package's own rules use. Runs inside the root:
# build-dockerd.sh MARK, where MARK is what the engine says behind its version.
set -e
cd /build/source
version=$(dpkg-parsechangelog -S Version | sed 's/^[0-9]*://; s/-[^-]*$//')
commit=$(debian/helpers/gitcommit.sh engine "$version")
export GOPATH=/build/go:/usr/share/gocode GOCACHE=/build/cache GO111MODULE=off GOPROXY=off GOFLAGS=-trimpath
mkdir -p /build/go/src/github.com/docker
for part in cli libnetwork swarmkit; do mv "$part" /build/go/src/github.com/docker/; done
mv engine /build/go/src/github.com/docker/docker
cd /build/go/src/github.com/docker/docker
SOURCE_DATE_EPOCH=$(dpkg-parsechangelog -l /build/source/debian/changelog -S Timestamp) \
VERSION="$version-$1" DOCKER_GITCOMMIT="$commit" DOCKER_BUILDTAGS="apparmor seccomp" PRODUCT=docker BUILDFLAGS=-v \
	./hack/make.sh dynbinary-daemon
cp -L bundles/dynbinary-daemon/dockerd /build/dockerd
strip --strip-unneeded /build/dockerd
