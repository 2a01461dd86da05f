"""The part of a script that reads the outcomes of a build and compares them with those of the run."""

# For rebuilds. The state of a step follows the same rule as lab/buildkit/progress: the last state counts, but a step
# whose layers came from a registry and which printed nothing is a hit even if it ends with DONE.
JUDGE = r"""
edited=

# The outcome of one step in a build's plain output: hit, ran, error, or unknown. INSTRUCTION is its text, and STEP its
# number, behind the name of its stage where there are several. STEP decides where two instructions are the same. EDITED
# is set where a step may be printed with another text than that of the run: then STEP also finds one of the same kind.
# Old clients cut long names. With the containerd image store a hit prints CACHED (or not), then the layers that Docker
# fetches, then DONE.
outcome() {
    awk '
    BEGIN {
        wanted = ENVIRON["INSTRUCTION"]
        found = ""
        words = split(ENVIRON["STEP"], step, " ")
        kind = wanted
        sub(/[ \t].*/, "", kind)
    }
    /^#[0-9]+ / {
        n = substr($1, 2)
        rest = substr($0, length($1) + 2)
        sub(/[ \r]*$/, "", rest)
        if (match(rest, /^\[[^]]*[0-9]+\/[0-9]+\] /)) {
            label = substr(rest, 2, RLENGTH - 3)
            name = substr(rest, RLENGTH + 1)
            parts = split(label, part, " ")
            split(part[parts], place, "/")
            stage = parts > 1 && index(part[parts - 1], "/") == 0 ? part[parts - 1] : ""
            here = place[1] == step[words] && (words == 1 || stage == step[1])
            if (ENVIRON["EDITED"] && here && index(name, kind) == 1) bare = n
            cut = length(name) > 3 && substr(name, length(name) - 2) == "..."
            if (name == wanted || (cut && index(wanted, substr(name, 1, length(name) - 3)) == 1)) {
                if (found == "" || (here && !exact)) found = n
                if (here) exact = 1
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
        if (found == "") found = bare
        if (state[found] == "ran" && fetched[found] && !printed[found]) state[found] = "hit"
        print state[found] == "" ? "unknown" : state[found]
    }
    ' "$log"
}

# The same for the classic builder, which prints what it took from its cache below the step.
outcome_classic() {
    awk '
    BEGIN { wanted = ENVIRON["INSTRUCTION"]; found = "" }
    { sub(/\r$/, "") }
    /^Step [0-9]+\/[0-9]+ : / {
        n = $2
        sub(/\/.*/, "", n)
        name = $0
        sub(/^Step [0-9]+\/[0-9]+ : /, "", name)
        if (name == wanted && (found == "" || n == ENVIRON["STEP"])) found = n
        if (ENVIRON["EDITED"] && n == ENVIRON["STEP"]) bare = n
        next
    }
    n != "" && /^ ---> Using cache$/ { state[n] = "hit" }
    n != "" && state[n] == "" && /^ ---> (Running in )?[0-9a-f]+$/ { state[n] = "ran" }
    END {
        if (found == "") found = bare
        print (state[found] == "" ? "unknown" : state[found])
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

step() { # place, instruction, outcome in the run
    if grep -q '^Step [0-9]*/[0-9]* : ' "$log"; then
        seen=$(STEP=$1 INSTRUCTION=$2 EDITED=$edited outcome_classic)
    else
        seen=$(STEP=$1 INSTRUCTION=$2 EDITED=$edited outcome)
    fi
    compare "$3" "$seen" "$2"
}

compare() { # in the run, here, what
    compared=$((compared + 1))
    if [ "$2" = "$1" ]; then mark=same; else mark=DIFFERS; differ=$((differ + 1)); fi
    note "  $(printf '%-7s  in the run %-7s  here %-7s' "$mark" "$1" "$2")  $3"
}
"""
