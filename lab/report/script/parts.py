"""The parts of the script that are the same for every run; some only for runs that need them."""

# Filled in by str.format: how the script is called, and what is said of hosts.
ABOUT = """
What hosts of the run did, with Docker alone, and whether it comes out alike:

    LAB_PRUNE=yes sh THIS-FILE {call}localhost:5000

{whose}
REGISTRY is a prefix that this Docker may push to and pull from, as in docker.io/USER. Hosts that push go first; a last
word `push` or `rebuild` does only that. LAB_PRUNE=yes permits what a true rebuild needs: all images and all build cache
of this Docker go.

Exit status: 0 reproduced, 1 not reproduced, 2 called wrongly, 3 something lacks or failed.
Variables: DOCKER, the client's program; BASE, another base image; LAB_WORK, a folder for the contexts (the home folder
without it); LAB_KEEP=1 keeps them. Attributes are set by setfattr, the system's own as root.
A host with SELinux labels files by itself: there a context without a label cannot be made.
"""

# What ABOUT says in a script of all hosts, and in that of one.
EVERY = "The first word is a host named below, or `all` to do every part on this machine; the second is REGISTRY."
ONE = "This is the part of one host, named below; the others have scripts of their own. The first word is REGISTRY."

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

engine() { # a command of Docker's client
    DOCKER_BUILDKIT=1 BUILDX_NO_DEFAULT_ATTESTATIONS=1 "$DOCKER" "$@"
}

say() {
    printf '\n== %s\n' "$1"
    printf '%s\n' "$1" >>"$work/summary"
}

note() { # what is said at the end
    printf '%s\n' "$1" >>"$work/summary"
}

begin() { # a new folder for one build, with a client configuration of its own: the daemon's copy goes by both
    number=$((number + 1))
    here=$work/$number
    mkdir -p "$here/config" "$here/context"
    for part in config.json contexts cli-plugins; do
        if [ -e "$config/$part" ]; then ln -s "$config/$part" "$here/config/$part"; fi
    done
    DOCKER_CONFIG=$here/config
    export DOCKER_CONFIG
    cd "$here/context"
}

prune() {
    engine system prune -a -f >"$work/prune.log" 2>&1 || { cat "$work/prune.log"; fail "Docker could not be pruned"; }
}

rebase() { # the run's own base image: another takes its place in the Dockerfile
    if [ "$1" != "$BASE" ]; then
        sed "s|$1|$BASE|g" Dockerfile >"$here/Dockerfile"
        cat "$here/Dockerfile" >Dockerfile
    fi
}

build() { # the words of a build
    log=$here/log
    if ! engine "$@" >"$log" 2>&1; then
        cat "$log"
        fail "the build failed"
    fi
    cat "$log"
}

version() { # the run's engine
    here_version=$(engine version --format '{{.Server.Version}}') || fail "Docker does not answer"
    if [ "$here_version" != "$1" ]; then
        note "  the run had Docker $1, this is $here_version: that alone may make a difference"
    fi
}
"""

# Where contexts are made of what was gathered.
STAMP = r"""
stamp() { # time with fractions, time for touch -t, file
    touch -h -d "$1" "$3" 2>/dev/null || TZ=UTC0 touch -h -t "$2" "$3" 2>/dev/null || TZ=UTC0 touch -t "$2" "$3"
}
"""

# Where the base image was made by lab.
BUSYBOX = r"""
busybox_base() { # as the run made it: an image with this machine's static busybox alone
    if [ -z "$own_base" ] || engine pull "$BASE" >/dev/null 2>&1; then return; fi
    busybox=$(command -v busybox) || fail "no busybox to make $BASE of: set BASE to an image that can be pulled"
    mkdir -p "$work/root/bin"
    cp "$busybox" "$work/root/bin/busybox"
    ln -sf busybox "$work/root/bin/sh"
    chmod 755 "$work/root/bin" "$work/root/bin/busybox"
    tar -C "$work/root" -cf "$work/root.tar" bin
    engine import "$work/root.tar" "$BASE" >/dev/null
    engine push "$BASE"
}
"""

# Where something is rebuilt.
JUDGE = r"""
# What a build's plain output says of one step: hit, ran, error, or unknown. INSTRUCTION and STEP tell which: the step
# of that text, and of that number where several read alike. Old clients cut long names.
outcome() {
    awk '
    BEGIN { wanted = ENVIRON["INSTRUCTION"]; found = "" }
    /^#[0-9]+ / {
        n = substr($1, 2)
        rest = substr($0, length($1) + 2)
        sub(/\r$/, "", rest)
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
        else if (rest ~ /^ERROR/) state[n] = "error"
        else if (rest ~ /^CANCELED/) state[n] = "unknown"
    }
    END { if (found in state) print state[found]; else print "unknown" }
    ' "$log"
}

sent() { # what was sent in the run: the context's bytes, where they were read
    here_sent=$(sed -n 's/^#[0-9]* transferring context: \([0-9.]*k*M*B\).*/\1/p' "$log" | tail -n 1)
    note "  context sent: $1 in the run, ${here_sent:-unknown} here"
}

imported() { # the cache that was to be read
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
    echo "this removes every image and all build cache of this Docker; LAB_PRUNE=yes permits it" >&2
    exit 2
fi
command -v "$DOCKER" >/dev/null || fail "there is no $DOCKER"
config=${DOCKER_CONFIG:-$HOME/.docker}
trap tidy EXIT
trap 'exit 3' HUP INT TERM
work=$(mktemp -d "${LAB_WORK:-$HOME}/lab-repro.XXXXXX")

do_parts

printf '\n'
cat "$work/summary"
finished=yes
if [ "$compared" -eq 0 ]; then
    echo "pushed; now rebuild on the hosts that do"
elif [ "$differ" -eq 0 ]; then
    echo "reproduced: all $compared steps came out as in the run"
else
    echo "NOT reproduced: $differ of $compared steps came out otherwise"
fi
[ "$differ" -eq 0 ]
"""
