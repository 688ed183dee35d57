"""What runs at the far end of a line: a loop of the host's own ``/bin/sh``. Pure text.

Invariant: only what POSIX asks of a shell and its utilities, besides ``setsid``; nothing is
installed or left. What is asked is one line of printable ASCII in which everything else is an octal
escape of printf(1), so that neither a login shell nor a locale changes a byte of it. An answer ends
with a mark that is made for the line and is in no environment and no list of arguments there, so
that nothing a program prints is taken for one. When the line ends, so does every program that was
run through it and is still waited for.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

NAME: Final = "opsconsole"
"""The first of the names that a loop has."""

PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_PLAIN: Final = re.compile(rb"[^A-Za-z0-9 !-$&-/:-@\[\]-`{-~]")
_WORD: Final = re.compile(r"[A-Za-z0-9_@+=:,./-]+")

TOOLS: Final = r"""
ocFind() {
  case $1 in
  */*) [ -e "$1" ] || return 2; [ -f "$1" ] && [ -x "$1" ] || return 3; return 0;;
  esac
  ocR=$IFS; IFS=:
  for ocS in $2; do
    if [ -f "$ocS/$1" ] && [ -x "$ocS/$1" ]; then IFS=$ocR; return 0; fi
  done
  IFS=$ocR; return 2
}
ocKill() { kill "-$1" "-$2" 2>/dev/null || kill "-$1" "$2" 2>/dev/null; }
""".strip()
"""Finding a program, as 2 and 3 of ``ocS`` say that there is none; ending one with its children."""

# Names begin with ``oc`` and are unset first: a variable that was exported stays so when it is set.
_LOOP: Final = r"""
unset ocT ocN ocP ocU ocD ocE ocR ocS ocO
ocT='%(mark)s' ocU=$PATH
PATH=$PATH:%(path)s
ocF() { printf '\026%%s %%s %%s\n' "$ocT" "$ocN" "$*"; }
ocA() {
  [ "$1" = 0 ] || printf '\026%%s %%s\n' "$ocT" "$ocN" >&2
  printf '%%s\026%%s %%s end %%s\n' "$ocO" "$ocT" "$ocN" "$1"; ocO=
}
ocIn() {
  ocD= ocR=$1
  while [ "$ocR" -gt 0 ]; do IFS= read -r ocS || exit 0; ocD=$ocD$ocS; ocR=$((ocR-1)); done
}
%(tools)s
ocRun() {
  ocP= ocE=
  trap 'ocE=1; [ -z "$ocP" ] || ocKill KILL "$ocP"' TERM
  if [ -n "$ocD" ]; then printf "$ocD" | ocGo & else ocGo </dev/null & fi
  ocP=$!
  [ -z "$ocE" ] || ocKill KILL "$ocP"
  ocF started "$ocP"
  ocW=
  if [ "$1" -gt 0 ]; then
    (
      sleep "$1" & ocR=$!; trap 'kill $ocR' TERM; wait $ocR && ocKill KILL "$ocP"
    ) </dev/null >/dev/null 2>&1 &
    ocW=$!
  fi
  wait "$ocP"; ocS=$?
  [ -z "$ocW" ] || kill "$ocW" 2>/dev/null
  printf '\026%%s %%s\n' "$ocT" "$ocN" >&2
  ocF end "$ocS"
}
ocRunning() {
  ( { ocRun "$1" 2>&1 1>&3 3>&- | cat >&2 3>&-; } 3>&1 | cat; ocF clean ) </dev/null &
}
ocStay() {
  (
    ocGo </dev/null >/dev/null 2>&1 & ocP=$!
    ocR=0
    while [ "$ocR" -lt 1000 ] && read -r ocS 2>/dev/null </proc/$ocP/stat; do
      ocS=${ocS##*) }; set -- $ocS; [ "$4" = "$ocP" ] && break; ocR=$((ocR+1))
    done
    ocF started "$ocP"; wait "$ocP"; ocF end "$?"
  ) </dev/null &
}
ocN=0
ocS=; env --default-signal=INT,QUIT true 2>/dev/null && ocS=signals
command -v setsid >/dev/null 2>&1 && ocS=$ocS,setsid
ocR=$(getent group "$(id -g)" 2>/dev/null || echo :::?)
ocE="$(getconf CLK_TCK 2>/dev/null || echo 100) $(getconf PAGESIZE 2>/dev/null || echo 4096)"
ocF hello "$(date +%%s)" "$(id -u)" "$(id -g)" "$ocE" "x$ocS" "$(id -un)" "$ocR"
while IFS= read -r ocS; do eval "$(printf "$ocS")"; done
read -r ocS ocR 2>/dev/null </proc/$$/stat && set -- ${ocR##*) }
[ "$3" = "$$" ] && { trap '' TERM; kill -TERM 0; }
"""
"""The loop. ``kill -TERM 0``: all of its own group, once nobody asks any more."""


def script(mark: str) -> bytes:
    """The loop, whose answers carry ``mark``."""
    return (_LOOP % {"mark": mark, "path": PATH, "tools": TOOLS}).encode("ascii")


def bootstrap(length: int, names: Sequence[str] = ()) -> str:
    """The one command that the login shell gets, whichever it is: it reads the loop and becomes it.

    It holds nothing that sh, csh or fish read differently. ``names`` are shown as its arguments.
    """
    loop = f"exec /bin/sh -c 'eval \"$(dd bs=1 count={length} 2>/dev/null)\"'"
    return " ".join((loop, *names))


def in_one(code: str) -> str:
    """Code whose answer, text without the line feeds at its end, comes in one piece.

    Each program that says a little would wake ssh, and its reader, for each little.
    """
    return f"ocO=$({code}\n)"


def ending(errand: str, own: Iterable[str]) -> str:
    """Code that ends the loops of ``errand`` whose lines are gone: all but those named ``own``.

    What such a loop was sent, and has not done yet, is not done any more.
    """
    names = "|".join(f"*/{each}/*" for each in own)
    return (
        f"for ocS in $(grep -ls '[{errand[0]}]{errand[1:]}' /proc/[0-9]*/cmdline); do\n"
        f"ocR=$(tr '\\000' / <\"$ocS\" 2>/dev/null); ocP=${{ocS#/proc/}}; ocP=${{ocP%/cmdline}}\n"
        f'case $ocR in {names}) ;; */{NAME}/{errand}/*) ocKill KILL "$ocP";; esac\n'
        "done; :"
    )


def escaped(data: bytes) -> bytes:
    """``data`` as a format of printf(1), in printable ASCII."""
    return _PLAIN.sub(lambda found: b"\\%03o" % found[0][0], data)


def quoted(word: str) -> str:
    """``word`` for the shell, whatever it holds."""
    if _WORD.fullmatch(word):
        return word
    return "'" + word.replace("'", "'\\''") + "'"


def as_bytes(text: str) -> bytes:
    """A path or an argument, as a system call would have it."""
    return text.encode("utf-8", "surrogateescape")


def program(
    argv: Sequence[str],
    *,
    cwd: str,
    environment: Mapping[str, str],
    inherits: bool,
    together: bool,
    signals: bool,
    sudo: bool,
    session: bool = True,
) -> str:
    """Code that looks whether the program is there, and defines how it is begun.

    Answers ``failed folder|program absent|denied`` and begins nothing where it cannot be. Without
    a ``session`` of its own it takes the place of the shell that begins it.
    """
    env = ["env"]
    if signals:
        # A shell lets what it runs beside itself ignore them.
        env.append("--default-signal=INT,QUIT")
    if inherits:
        env.append('PATH="$ocU"')
        found = '"$ocU"'
    else:
        env += ["-i", f"PATH={PATH}", 'HOME="$HOME"', "LANG=C.UTF-8"]
        found = PATH
    env += [f"{name}={quoted(value)}" for name, value in environment.items()]
    if "PATH" in environment:
        found = quoted(environment["PATH"])
    words = [quoted(word) for word in argv]
    if sudo:
        words = ["sudo", "-n", "--", *words]
    own = "setsid " if session else ""
    begin = f"exec {own}{' '.join(env)} {' '.join(words)}" + (" 2>&1" if together else "")
    return "\n".join(
        (
            f"ocGo() {{ {begin}; }}",
            f"cd -- {quoted(cwd)} 2>/dev/null",
            f"case $?-$([ -d {quoted(cwd)} ] && echo x) in",
            f"0-*) ocFind {quoted(argv[0])} {found}; ocS=$?;;",
            "*-x) ocS=5;;",
            "*) ocS=4;;",
            "esac",
        )
    )


def run(code: str, lines: int, seconds: int) -> str:
    """Code that runs what ``program`` defined, at most ``seconds``; 0 for without end."""
    begin = f"ocRunning {seconds}"
    return f"ocIn {lines}\n{code}\n{_begin(begin)}"


def become(code: str) -> str:
    """Code by which what ``program`` defined takes the place of the loop, and its input."""
    return (
        f'ocD=\n{code}\nif [ "$ocS" = 0 ]; then ocF started $$; ocGo; fi; ocF failed "$ocS"; cd /'
    )


def stay(code: str) -> str:
    """Code that begins what ``program`` defined, to outlive the line, and waits for it."""
    return f"ocD=\n{code}\n{_begin('ocStay')}"


def _begin(begin: str) -> str:
    return f'if [ "$ocS" = 0 ]; then {begin}; else ocF failed "$ocS"; fi; cd /; ocD='
