"""Parts of a script for clients other than `docker build`: buildctl, and buildx with a buildkitd."""

# For hosts whose BuildKit has no Docker: `docker` of every script, with buildctl. BUILDKIT_HOST names the daemon.
BUILDCTL = r"""
BUILDCTL=${BUILDCTL:-buildctl}

buildctl() { # a build is checked, and a prune prints nothing
    case $1 in
    build)
        rebase
        log=$here/log
        if ! env "$BUILDCTL" "$@" >"$log" 2>&1; then
            cat "$log"
            fail "the build failed"
        fi
        cat "$log"
        ;;
    *)
        if ! env "$BUILDCTL" "$@" >"$work/prune.log" 2>&1; then
            cat "$work/prune.log"
            fail "BuildKit could not be pruned"
        fi
        ;;
    esac
}

version_buildctl() { # the engine of the run
    said=$(env "$BUILDCTL" debug info) || fail "BuildKit does not answer"
    case "$said " in
    *" v$1 "*) ;;
    *) note "  the run had BuildKit $1, this is ${said#*: }: that alone may make a difference" ;;
    esac
}

push_root() { # a folder with a Dockerfile
    env "$BUILDCTL" build --frontend dockerfile.v0 --local context="$1" --local dockerfile="$1" --progress=plain \
        --output "type=image,name=$BASE,push=$2" >"$work/base.log" 2>&1
}

make_base_buildctl() { # as make_base
    mkdir -p "$work/base"
    printf 'FROM %s\n' "$BASE" >"$work/base/Dockerfile"
    if [ -z "$own_base" ] || push_root "$work/base" false; then return; fi
    busybox=$(command -v busybox) || fail "there is no busybox to make $BASE: set BASE to an image that can be pulled"
    mkdir -p "$work/root/bin"
    cp "$busybox" "$work/root/bin/busybox"
    ln -sf busybox "$work/root/bin/sh"
    chmod 755 "$work/root/bin" "$work/root/bin/busybox"
    tar -C "$work/root" -cf "$work/base/root.tar" bin
    printf 'FROM scratch\nADD root.tar /\n' >"$work/base/Dockerfile"
    push_root "$work/base" true || { cat "$work/base.log"; fail "the base image could not be made"; }
}
"""

# For hosts that build with buildx and the driver remote; buildctl prunes, and prints the version.
BUILDX = r"""
BUILDX=${BUILDX:-docker-buildx}

docker_buildx() { # the words of a build
    rebase
    log=$here/log
    address=${BUILDKIT_HOST:-unix:///run/buildkit/buildkitd.sock}
    env "$BUILDX" create --name lab --node lab0 --driver remote "$address" >"$log" 2>&1 || {
        cat "$log"
        fail "buildx does not reach BuildKit"
    }
    if ! env BUILDX_NO_DEFAULT_ATTESTATIONS=1 "$BUILDX" "$@" >"$log" 2>&1; then
        cat "$log"
        fail "the build failed"
    fi
    cat "$log"
}
"""
