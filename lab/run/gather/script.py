"""The shell script that lists a context on a box: one round trip, standard tools, nothing written."""

from __future__ import annotations

# Called as `sh -c SCRIPT sh FOLDER LARGEST SMALL`: FOLDER is the context, LARGEST the bytes of content that are sent in
# all, SMALL those of one file where the whole is more. Prints sections: a line "= NAME", then base64 in one line: what
# removes secrets from a transcript must find the whole content in it.
# Nothing of it depends on a name: find hands names on, and every list ends its fields with NUL.
# Each program that it starts costs a build beside it a millisecond, which is why there are few: no section without
# content that is rare, getfattr asked once, and sizes only where not all contents are sent, because the list has them.
# Reading may set times of access, which no cache key knows; all else stays as it is.
# `x` marks what cannot be read, `-` the rest. Attributes are asked with Python where getfattr is absent; where both
# are, the section is not there, and the attributes are not known. getfattr writes "# file:" lines with \ooo for what
# would break them; values come in hex since text hides a label's final NUL. Its two outputs have descriptors of their
# own: their lines, were they one, could fall into each other. The list is made twice to see what changed meanwhile.
SCRIPT = r"""# lab lists a context
cd "$1" || exit 1
set -- "$@" $(find . -path . -printf 'gnu\n' -o -type f -readable -printf '%s\n' -o \( -type c -o -type b \) \
  -printf 'device\n' 2>/dev/null | awk -v most="$3" '/gnu/ {g = 1; next} /device/ {d = 1; next} {t += $1}
  $1 <= most {s += $1} END {printf "%d %d %.0f %.0f", g, d, t, s}')
if [ "$4" != 1 ]; then echo no-find; exit 0; fi
list() {
  find . -mindepth 1 \( -type d \( ! -readable -o ! -executable \) -printf x -o -type f ! -readable -printf x \
    -o -printf - \) -printf '%y\0%m\0%s\0%n\0%D:%i\0%T@\0%C@\0%U:%G\0%P\0%l\0'
}
if base64 -w0 </dev/null >/dev/null 2>&1; then send() { printf '\n= %s\n' "$1"; exec base64 -w0; }
else send() { printf '\n= %s\n' "$1"; base64 | tr -d '\n'; }; fi
exec 5>&1
list | send list
[ "$5" = 0 ] || find . \( -type c -o -type b \) -exec stat -c '%t %T %n' -- {} + | send devices
if command -v getfattr >/dev/null 2>&1; then
  problems=$({ find . -mindepth 1 -exec getfattr -h -d -m - -e hex --absolute-names -- {} + 2>&6 |
    send attributes >&5; } 6>&1)
  [ -z "$problems" ] || printf '%s\n' "$problems" | send problems
elif command -v python3 >/dev/null 2>&1; then
  find . -mindepth 1 -exec python3 -c '
import os, sys
def quoted(name):
    return b"".join(b"\\%03o" % c if c in b"\n\r\\=" else bytes([c]) for c in os.fsencode(name)).decode("latin-1")
def value(path, name):
    try: return os.getxattr(path, name, follow_symlinks=False)
    except OSError: return None
out = []
for path in sys.argv[1:]:
    try: names = os.listxattr(path, follow_symlinks=False)
    except OSError as error:
        if error.errno != 95: out.append("getfattr: %s: %s" % (quoted(path), error.strerror))
        continue
    got = [(name, value(path, name)) for name in names]
    out += ["# file: " + quoted(path)] + ["%s=0x%s" % (quoted(n), v.hex()) for n, v in got if v is not None] + [""]
sys.stdout.buffer.write("\n".join(out + [""]).encode("latin-1"))
' {} + | send attributes  # what cannot be listed stands among them
fi
find . -type f -readable -exec sha256sum -b -- {} + | send sums
contents() { find . -type f -readable "$@" -exec cat -- {} + | gzip -nc | send contents; }
if [ "$6" -le "$2" ]; then contents
elif [ "$7" -le "$2" ]; then
  find . -type f -readable -size "-$(($3 + 1))c" -printf '%s %P\0' | send sizes
  contents -size "-$(($3 + 1))c"
fi
list | send again
"""
