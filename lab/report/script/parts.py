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
work=

fail() { # what happened
    printf '%s\n' "cannot go on: $1" >&2
    exit 3
}

tidy() {
    status=$?
    trap - EXIT
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

# For hosts whose BuildKit has no Docker: `docker` above, with buildctl. BUILDKIT_HOST names the daemon.
JUDGE = r"""
# The outcome of one step in a build's plain output: hit, ran, error, or unknown. INSTRUCTION and STEP name the step;
# STEP decides where two instructions are the same. Old clients cut long names. With the containerd image store a hit
# prints CACHED (or not), then the layers that Docker fetches, then DONE.
outcome() {
    awk '
    BEGIN { wanted = ENVIRON["INSTRUCTION"]; found = "" }
    /^#[0-9]+ / {
        n = substr($1, 2)
        rest = substr($0, length($1) + 2)
        sub(/[ \r]*$/, "", rest)
        if (match(rest, /^\[[^]]*[0-9]+\/[0-9]+\] /)) {
            label = substr(rest, 2, RLENGTH - 3)
            name = substr(rest, RLENGTH + 1)
            cut = length(name) > 3 && substr(name, length(name) - 2) == "..."
            if (name == wanted || (cut && index(wanted, substr(name, 1, length(name) - 3)) == 1)) {
                sub(/.* /, "", label)
                split(label, place, "/")
                if (found == "" || (place[1] == ENVIRON["STEP"] && !exact)) found = n
                if (place[1] == ENVIRON["STEP"]) exact = 1
            }
        } else if (rest == "CACHED") state[n] = "hit"
        else if (rest ~ /^DONE( |$)/) state[n] = "ran"
        else if (rest ~ /^CANCELED/ || rest ~ /^ERROR.*context canceled$/) state[n] = "unknown"
        else if (rest ~ /^ERROR/) { state[n] = "error"; fetched[n] = 0 }
        else if (rest ~ /^[0-9]+\.[0-9]+ /) printed[n] = 1
        else if (rest ~ /^extracting sha256:[0-9a-f]/) fetched[n] = 1
        else if (rest ~ /^sha256:[0-9a-f]+ +[0-9][0-9.]*[kMGT]?B \/ /) fetched[n] = 1
    }
    END {
        if (state[found] == "ran" && fetched[found] && !printed[found]) state[found] = "hit"
        print state[found] == "" ? "unknown" : state[found]
    }
    ' "$log"
}

sent() { # bytes of context that the client sent in the run
    here_sent=$(sed -n 's/^#[0-9]* transferring context: \([0-9.]*k*M*B\).*/\1/p' "$log" | tail -n 1)
    note "  context sent: $1 in the run, ${here_sent:-unknown} here"
}

imported() { # the image whose cache the build must read
    unread=$(awk '/^#[0-9]+ importing cache manifest/ { n = $1 } n != "" && $1 == n && $2 == "ERROR:"' "$log")
    if [ -n "$unread" ]; then
        fail "the cache of $1 could not be read: first run the part of the host that pushes it"
    fi
}

step() { # number, instruction, outcome in the run
    seen=$(STEP=$1 INSTRUCTION=$2 outcome)
    compared=$((compared + 1))
    if [ "$seen" = "$3" ]; then mark=same; else mark=DIFFERS; differ=$((differ + 1)); fi
    note "  $(printf '%-7s  in the run %-7s  here %-7s' "$mark" "$3" "$seen")  $2"
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
elif [ "$LEFT_OUT" -gt 0 ]; then
    echo "NOT comparable: this script leaves out steps of the run's sequence ($LEFT_OUT), which its head lists"
    exit 4
elif [ "$differ" -eq 0 ]; then
    echo "reproduced: all $compared steps have the outcome of the run"
else
    echo "NOT reproduced: $differ of $compared steps have another outcome"
fi
[ "$differ" -eq 0 ]
"""
