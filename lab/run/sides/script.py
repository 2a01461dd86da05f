"""The script that records a folder on a machine without lab: POSIX shell and the tools that every such machine has."""

from __future__ import annotations

FIRST_LINE = "lab-side 1"  # how the script's output begins
# The script prints one line for each object, its fields separated by tabs; the last line is `end`. A name is `=` and
# its text, or `%` and its bytes in hex where it has other characters than letters, digits and ._/@+,:~-.
#   o NAME RAW-MODE LINKS SIZE DEVICE:INODE UID:GID MAJOR MINOR TARGET SUM OWN PROBLEM
#     RAW-MODE is st_mode, in hex from GNU and busybox, in octal from BSD. SUM is the sha256 of the content, OWN the
#     sha256 of BuildKit's header without attributes and the content. `-` stands for a field that the object has not.
#   c NAME HEX       the content of an ignore file, line by line: each line ends with a line feed here
#   a LINE           what getfattr prints; p LINE is what it complains about
#   x NAME HEX HEX   an attribute and its value, where xattr or Python reads them; y NAME TEXT is a complaint
#   m NAME           an object that changed while it was recorded
# The inner script gets the names from find as arguments, so nothing depends on what they contain. It has no single
# quote; programs for awk and Python come in variables. Objects are stated once for all and again at the end, in the
# order of the arguments; where a line is missing, an object is gone, and each is asked for by itself.
SCRIPT = r"""#!/bin/sh
# Prints the records of a folder for `lab diff` and `lab why --against`.
# Usage: sh record.sh [--quick] [FOLDER] > side.txt      (write side.txt outside of FOLDER)
# It needs sh, find, stat, awk, cat, and sha256sum or shasum. For extended attributes it needs getfattr, xattr or
# python3. It changes nothing. The contents of files stay here, except those of ignore files (*.dockerignore).
# --quick leaves out BuildKit's digests of the files, which take about half of the time.
LC_ALL=C
export LC_ALL lab_quick lab_stat lab_sum lab_attributes lab_hex lab_lines lab_join lab_a lab_p lab_python
unset CDPATH
die() { echo "record.sh: $1" >&2; exit 1; }
lab_quick=
case ${1-} in --quick) lab_quick=yes; shift ;; -*) die "usage: sh record.sh [--quick] [FOLDER] > side.txt" ;; esac
cd "${1:-.}" || die "cannot read the folder ${1:-.}"
if stat -c %f . >/dev/null 2>&1; then lab_stat=gnu
elif stat -f %p . >/dev/null 2>&1; then lab_stat=bsd
else die "this machine has no stat that lab knows (GNU, busybox or BSD)"; fi
if command -v sha256sum >/dev/null 2>&1; then lab_sum=sha256sum
elif command -v shasum >/dev/null 2>&1; then lab_sum="shasum -a 256"
else die "this machine has neither sha256sum nor shasum"; fi
if getfattr -h -d -m - -e hex --absolute-names . >/dev/null 2>&1; then lab_attributes=getfattr
elif xattr -s . >/dev/null 2>&1; then lab_attributes=xattr
elif python3 -c 'import os; os.listxattr' >/dev/null 2>&1; then lab_attributes=python3
else lab_attributes=none; fi
lab_table='for (i = 1; i < 256; i++) hex[sprintf("%c", i)] = sprintf("%02x", i)'
lab_print='for (i = 1; i <= length(text); i++) printf "%s", hex[substr(text, i, 1)]'
lab_hex="BEGIN { $lab_table; text = substr(ARGV[1], 2); $lab_print }"
lab_lines="BEGIN { $lab_table } { text = \$0; $lab_print; printf \"0a\" }"
lab_join='{ gsub(/[ \t]/, ""); printf "%s", $0 }'
lab_a='{ print "a\t" $0 }'
lab_p='{ print "p\t" $0 }'
lab_python='
import os, sys
def text(name): return os.fsencode(name).hex()
for path in sys.argv[1:]:
    try: names = os.listxattr(path, follow_symlinks=False)
    except OSError as error:
        if error.errno != 95: print("y", "%" + text(path), error.strerror, sep="\t")
        continue
    for name in names:
        try: print("x", "%" + text(path), text(name), os.getxattr(path, name, follow_symlinks=False).hex(), sep="\t")
        except OSError: pass
'
inner='
name() {
  case $1 in
    ""|*[!A-Za-z0-9._/@+,:~-]*) out=%$(awk "$lab_hex" "x$1") ;;
    *) out==$1 ;;
  esac
}
state() {
  if [ $lab_stat = gnu ]; then stat -c "%f %h %s %d:%i %u:%g %t %T %Y" "$@" 2>/dev/null
  else stat -f "%p %l %z %d:%i %u:%g %Hr %Lr %m" "$@" 2>/dev/null; fi
}
object() {
  target=- sum=- own=- why=-
  if [ -h "$f" ]; then
    target=$(readlink -n "$f" && echo x) || why="its link target cannot be read"
    name "${target%x}"; target=$out
  elif [ -f "$f" ]; then
    if [ -r "$f" ]; then
      sum=$($lab_sum <"$f"); sum=${sum%% *}
      if [ -z "$lab_quick" ]; then
        if [ $lab_stat = gnu ]; then mode=$((0x$1 & 4095)); else mode=$((0$1 & 4095)); fi
        header="namemode${mode}uid0gid0size${3}typeflag0linknameunamegnamedevmajor0devminor0"
        own=$({ printf %s "$header"; cat <"$f"; } | $lab_sum); own=${own%% *}
      fi
      case $f in *.dockerignore) name "$f"; printf "c\t%s\t" "$out"; awk "$lab_lines" <"$f"; echo ;; esac
    else why="it cannot be read"; fi
  elif [ -d "$f" ]; then
    [ -r "$f" ] && [ -x "$f" ] || why="it cannot be listed"
  fi
  name "$f"
  printf "o\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n" \
    "$out" "$1" "$2" "$3" "$4" "$5" "$6" "$7" "$target" "$sum" "$own" "$why"
}
attributes() {
  case $lab_attributes in
    getfattr) getfattr -h -d -m - -e hex --absolute-names "$@" 2>/dev/null | awk "$lab_a"
      getfattr -h -d -m - -e hex --absolute-names "$@" 2>&1 >/dev/null | awk "$lab_p" ;;
    xattr) for f; do
        xattr -s "$f" 2>/dev/null | while IFS= read -r each; do
          name "$f"; printf "x\t%s\t" "$out"; awk "$lab_hex" "x$each"; printf "\t"
          xattr -spx "$each" "$f" | awk "$lab_join"; echo
        done
      done ;;
    python3) python3 -c "$lab_python" "$@" ;;
  esac
}
count() { n=0; while IFS= read -r line; do n=$((n + 1)); done; echo $n; }
stated=$(state "$@")
if [ "$(printf "%s\n" "$stated" | count)" = $# ]; then
  printf "%s\n" "$stated" | {
    for f; do read -r line; set -- $line; object "$@"; done
  }
  again=$(state "$@")
  if [ "$stated" != "$again" ]; then
    for f; do
      name "$f"
      case "
$stated
" in *"
$(state "$f")
"*) ;; *) printf "m\t%s\n" "$out" ;; esac
    done
  fi
else
  for f; do line=$(state "$f"); if [ -n "$line" ]; then set -- $line; object "$@"; fi; done
fi
attributes "$@"
'
if [ -n "$lab_quick" ]; then lab_own=no; else lab_own=yes; fi
printf 'lab-side 1\tstat=%s\tattributes=%s\tdigests=%s\n' "$lab_stat" "$lab_attributes" "$lab_own"
find . ! -name . -exec sh -c "$inner" sh {} +
echo end
"""
