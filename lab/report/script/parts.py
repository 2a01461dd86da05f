"""The parts of the script that are the same for every run; some are only in scripts that need them."""

# Filled in by str.format: how the script is called, and what a host is.
ABOUT = """
This script repeats with {clients} alone what the hosts of the run did, and compares the outcome of every step:

    LAB_PRUNE=yes sh THIS-FILE {call}localhost:5000

{whose}
REGISTRY is a prefix that this Docker can push to and pull from, as in docker.io/USER. A host that pushes comes before
the hosts that rebuild. A last word `push` or `rebuild` does only that part.
LAB_PRUNE=yes allows the script to remove all images and all build cache of this Docker. A rebuild needs that.

Exit status: 0 reproduced, 1 not reproduced, 2 wrong call, 3 something is missing or failed, 4 not comparable.
Variables: DOCKER, BUILDCTL or BUILDX, the program of the client; BASE, another base image; LAB_WORK, a folder for the
contexts (default: the home folder); LAB_KEEP=1 keeps them. setfattr sets attributes; attributes of the system need
root.
SELinux labels new files on its own: a host with SELinux cannot make a context without labels.
"""

# What ABOUT says in a script of all hosts, and in the script of one host.
EVERY = "The first word is a host from the list below, or `all` for every part on this machine; the second is REGISTRY."
ONE = "This is the part of one host, named below; each other host has its own script. The first word is REGISTRY."

# In the head of a script that does not repeat each step of the run's sequence.
NOT_THE_RUN = """
WARNING: the run has a sequence of its own, and this script does not repeat it. The outcomes of this script are not
those of the run and cannot be compared with them, so the exit status of a rebuild is 4. The script leaves out these
steps:
"""

# In the head of a script with steps that depend on how somebody's Docker is set up.
BY_HAND = """
WARNING: this script repeats some steps of the run only if you state the command for them, as below. Without it the
outcomes cannot be compared with those of the run, and the exit status of a rebuild is 4. The steps with examples of
their commands:
"""

# Ends what a reader needs to see.
BELOW = """
# ------------------------------------------------------------------------------------------------------------------
# The commands of the run end here. Below: the functions they call, and the checks.
"""

HEAD = r"""
set -eu
LC_ALL=C
export LC_ALL
DOCKER=${DOCKER:-docker}
differ=0
compared=0
number=0
finished=
by_hand=0
servers=
work=

fail() { # what happened
    printf '%s\n' "cannot go on: $1" >&2
    exit 3
}

end_servers() { # web servers of the side before
    for server in $servers; do kill "$server" 2>/dev/null || :; done
    servers=
}

tidy() {
    status=$?
    trap - EXIT
    end_servers
    if [ -n "$work" ] && [ -z "${LAB_KEEP:-}" ]; then
        chmod -R u+rwx "$work" 2>/dev/null || :
        rm -rf "$work" 2>/dev/null || as_root rm -rf "$work" || :
    fi
    # a command that failed on its own must not look like an answer
    if [ -z "$finished" ] && [ "$status" -ne 2 ]; then
        [ "$status" -eq 3 ] || echo "cannot go on: the last command failed" >&2
        status=3
    fi
    exit "$status"
}

as_root() { # a command
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

engine() { # a command of Docker's client, as it is
    env DOCKER_BUILDKIT=1 BUILDX_NO_DEFAULT_ATTESTATIONS=1 "$DOCKER" "$@"
}

docker() { # the same, but a build is checked, and a prune prints nothing
    case "$1 ${2:-}" in
    build\ * | buildx\ *) build "$@" ;;
    *\ prune) engine "$@" >"$work/prune.log" 2>&1 || { cat "$work/prune.log"; fail "Docker could not be pruned"; } ;;
    *) engine "$@" ;;
    esac
}

say() {
    printf '\n== %s\n' "$1"
    printf '%s\n' "$1" >>"$work/summary"
}

note() { # a line of the summary
    printf '%s\n' "$1" >>"$work/summary"
}

# Each build has a new folder and a new client configuration: Docker reuses by both.
begin() { # title, engine of the run, function that compares it with this one
    end_servers
    say "$1"
    if [ -n "$2" ]; then "$3" "$2"; fi
    number=$((number + 1))
    here=$work/$number
    recipe=Dockerfile
    mkdir -p "$here/config" "$here/context"
    for part in config.json contexts cli-plugins; do
        if [ -e "$config/$part" ]; then ln -s "$config/$part" "$here/config/$part"; fi
    done
    DOCKER_CONFIG=$here/config
    export DOCKER_CONFIG
    cd "$here/context"
}

rebase() { # put BASE in the place of the run's base image
    if [ -n "$RUN_BASE" ] && [ "$RUN_BASE" != "$BASE" ]; then
        sed "s|$RUN_BASE|$BASE|g" "$recipe" >"$here/Dockerfile"
        cat "$here/Dockerfile" >"$recipe"
    fi
}

build() { # the words of a build
    rebase
    log=$here/log
    if ! engine "$@" >"$log" 2>&1; then
        cat "$log"
        fail "the build failed"
    fi
    cat "$log"
}

need() { # docker or buildctl
    case $1 in docker) program=$DOCKER ;; *) program=${BUILDCTL:-buildctl} ;; esac
    (unset -f docker buildctl 2>/dev/null; command -v "$program") >/dev/null || fail "there is no $program"
}

version() { # the engine of the run
    here_version=$(engine version --format '{{.Server.Version}}') || fail "Docker does not answer"
    if [ "$here_version" != "$1" ]; then
        note "  the run had Docker $1, this is Docker $here_version: that alone may make a difference"
    fi
}
"""

# For contexts that are made from recorded files.
STAMP = r"""
stamp() { # time with fractions, time for touch -t, file
    touch -h -d "$1" "$3" 2>/dev/null || TZ=UTC0 touch -h -t "$2" "$3" 2>/dev/null || TZ=UTC0 touch -t "$2" "$3"
}
"""

# For a base image that lab made.
BUSYBOX = r"""
make_base() { # an image with the static busybox of this machine, as the run made it
    if [ -z "$own_base" ] || engine pull "$BASE" >/dev/null 2>&1; then return; fi
    busybox=$(command -v busybox) || fail "there is no busybox to make $BASE: set BASE to an image that can be pulled"
    mkdir -p "$work/root/bin"
    cp "$busybox" "$work/root/bin/busybox"
    ln -sf busybox "$work/root/bin/sh"
    chmod 755 "$work/root/bin" "$work/root/bin/busybox"
    tar -C "$work/root" -cf "$work/root.tar" bin
    engine import "$work/root.tar" "$BASE" >/dev/null
    engine push "$BASE"
}
"""

TAIL = r"""
if [ -n "$only" ]; then set -- "$only" "$@"; fi
if [ "$#" -lt 2 ] || [ "$#" -gt 3 ]; then usage; fi
HOST=$1
REGISTRY=${2%/}
PHASE=${3:-both}
case $PHASE in push | rebuild | both) ;; *) usage ;; esac
case $REGISTRY in '' | *[!A-Za-z0-9./:_-]*) usage ;; esac
choose_base
case $BASE in '' | *[!A-Za-z0-9./:@_-]*) usage ;; esac
is_host || usage
if [ "${LAB_PRUNE:-}" != yes ]; then
    echo "this removes all images and all build cache of this Docker; LAB_PRUNE=yes allows it" >&2
    exit 2
fi
need_clients
config=${DOCKER_CONFIG:-$HOME/.docker}
trap tidy EXIT
trap 'exit 3' HUP INT TERM
work=$(mktemp -d "${LAB_WORK:-$HOME}/lab-repro.XXXXXX")

do_parts

printf '\n'
cat "$work/summary"
finished=yes
if [ "$compared" -eq 0 ]; then
    echo "pushed; now run the parts of the hosts that rebuild"
elif missing=$((LEFT_OUT + by_hand)) && [ "$missing" -gt 0 ]; then
    echo "NOT comparable: this script leaves out steps of the run's sequence ($missing), which its head lists"
    exit 4
elif [ "$differ" -eq 0 ]; then
    echo "reproduced: all $compared steps have the outcome of the run"
else
    echo "NOT reproduced: $differ of $compared steps have another outcome"
fi
[ "$differ" -eq 0 ]
"""
