#!/bin/sh
# Builds programs of one Go module from Debian's packages, which are unpacked in ROOT and not installed:
# build-go.sh ROOT GO MODULE VARIABLE VERSION OUT PROGRAM.., where VARIABLE is the one that holds the version.
# The module's own copy lies in ROOT/first/src/MODULE with its vendor/ and go.mod. Without go.mod, Go does not take
# the /v2 off import paths, and Debian's packages lie at paths without it.
set -e
root=$1 go=$2 module=$3 variable=$4 version=$5 out=$6
shift 6
GOROOT=$root/$go GOPATH=$root/first:$root/usr/share/gocode GOCACHE=$root/cache GOTMPDIR=$root/tmp
GO111MODULE=off GOPROXY=off GOENV=off GOTOOLCHAIN=local GOFLAGS= CGO_ENABLED=0
export GOROOT GOPATH GOCACHE GOTMPDIR GO111MODULE GOPROXY GOENV GOTOOLCHAIN GOFLAGS CGO_ENABLED
mkdir -p "$root/tmp"
cd "$root/first/src/$module"
for program in "$@"; do
  "$GOROOT/bin/go" build -v -trimpath -ldflags "-s -w -X $variable=$version" -o "$out/" "./$program"
done
