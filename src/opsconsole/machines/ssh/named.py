"""Programs of another host that nothing here cuts: begun under a name, and found again by it.

Invariant: under one name at most one program is begun, however many ask for it and how often: its
folder is made by mkdir(2), by the program's keeper or by ``ended``, which thereby keeps it from
being begun for ever. The keeper is a shell in a unit of systemd's of that name, where root or a
user who lingers has one, else in a session of its own; it outlives the line, ends the program at
its limit, and leaves its exit status and the end of its output. Facts are symbolic links, which
are there whole or not at all and need no room on a disk. All of it is in ``~/.cache/opsconsole``,
for this user alone, and removed by the first that is begun two days later. Everything here blocks.
"""

import math
import time
from typing import Final

from opsconsole.machines.ssh import far_end, programs
from opsconsole.machines.ssh.far_end import quoted
from opsconsole.machines.ssh.lines import Lines, Stop
from opsconsole.model.running.machine import Command, End, Failure, Finished, MachineError
from opsconsole.text import sanitize_bytes

AWAY: Final = 120.0
"""Seconds that a host may be away beyond the limit of the program that is waited for."""

_LOOK: Final = 15.0
_ANSWER: Final = 16 * 1024
_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 1.0
_STARTING: Final = 3
"""Looks that find nothing before it is kept from being begun."""

_SLOW: Final = 45.0
"""Seconds that a busy host may take to begin what it has answered that it will."""

_OUTPUT: Final = 2.0
"""Seconds that the end of its output may come after its own, which a child may hold open."""

# What is begun is the function ocGo, if ocS is 0 after ``far_end.program``.
_KEEPER: Final = r"""
rm -f "$0"; umask 077; ocK=$1
mkdir "$ocK" 2>/dev/null || exit 0
read -r ocR </proc/$$/stat; set -- ${ocR##*) }; shift 19; ln -s "$$ $1" "$ocK/keeper"
ocU=$PATH; PATH=$PATH:%(path)s
%(tools)s
%(program)s
[ "$ocS" = 0 ] || { ln -s "$ocS" "$ocK/failed"; exit 0; }
{
  ocGo </dev/null 2>&1 & ocP=$!
  (
    sleep %(seconds)d & ocR=$!; trap 'kill $ocR' TERM
    wait $ocR && {
      trap '' TERM; ln -s x "$ocK/late"
      [ %(grace)d = 0 ] || { ocKill TERM $ocP; sleep %(grace)d; }
      ocKill KILL $ocP
    }
  ) </dev/null >/dev/null 2>&1 & ocW=$!
  wait $ocP; ocS=$?
  kill $ocW 2>/dev/null
  ln -s "$ocS" "$ocK/ended"
} | tail -c %(limit)d >"$ocK/part"
mv "$ocK/part" "$ocK/output"
"""

_HERE: Final = """ocB="$HOME"/.cache/opsconsole ocN=%(name)s"""
_BEGIN: Final = """
ocIn %(lines)d
( export LC_ALL=C; umask 077; %(here)s
mkdir -p "$ocB" && [ ! -L "$ocB" ] && chmod 700 "$ocB" || exit 1
find "$ocB" -mindepth 1 -maxdepth 1 -mtime +2 -exec rm -rf {} + 2>/dev/null
printf "$ocD" | cat >"$ocB/$ocN.sh" || exit 1
set -- /bin/sh "$ocB/$ocN.sh" "$ocB/$ocN"
ocR=/run/user/$(id -u); ocS=
[ ! -d "$ocR" ] || export XDG_RUNTIME_DIR="$ocR"
if [ ! -d /run/systemd/system ]; then :
elif [ "$(id -u)" = 0 ]; then ocS=--system
elif [ -S "$ocR/systemd/private" ] && [ -e "/var/lib/systemd/linger/$(id -un)" ]; then
  ocS=--user
fi
[ -n "$ocS" ] && systemd-run $ocS --quiet --collect --unit="opsconsole-$ocN" \\
  --setenv=HOME="$HOME" --setenv=PATH="$ocU" \\
  ${XDG_RUNTIME_DIR:+--setenv=XDG_RUNTIME_DIR="$XDG_RUNTIME_DIR"} \\
  --property=KillMode=process --property=IgnoreSIGPIPE=no "$@" </dev/null >/dev/null 2>&1 ||
  setsid "$@" </dev/null >/dev/null 2>&1 & )
ocR=$?; ocD=; (exit $ocR)
"""
"""Where systemd does not begin it, or is not asked, a session of its own does: it begins once."""

_ASK: Final = """
( %(here)s; cd "$ocB/$ocN" 2>/dev/null || { echo none; exit 0; }
if [ -L failed ]; then echo failed "$(readlink failed)"
elif [ -L ended ]; then
  ocR=exited; [ ! -L late ] || ocR=late
  ocS=whole; [ -f output ] || ocS=part
  echo ended "$(readlink ended)" $ocR $ocS
elif [ -L never ]; then echo never
elif [ -L keeper ]; then
  ocR=$(readlink keeper); ocS=; ocP=
  read -r ocS 2>/dev/null </proc/${ocR%% *}/stat && set -- ${ocS##*) } && ocP=${20}
  if [ "${ocR#* }" = "$ocP" ] && [ "$1" != Z ]; then echo running
  elif [ -L ended ]; then echo running
  else echo lost; fi
else echo running; fi )
"""
_NEVER: Final = """
( umask 077; %(here)s; mkdir -p "$ocB" 2>/dev/null || { echo unkept; exit 0; }
mkdir "$ocB/$ocN" 2>/dev/null && ln -s x "$ocB/$ocN/never" && rm -f "$ocB/$ocN.sh"; : )
"""
_OUTPUT_OF: Final = '( %(here)s; cat "$ocB/$ocN/output" 2>/dev/null; : )'


class _AwayError(Exception):
    """The host cannot be asked at this moment."""

    def __init__(self, why: MachineError) -> None:
        super().__init__(str(why))
        self.why = why


def run(
    lines: Lines, name: str, command: Command, *, limit: int, deadline: float, stop: Stop
) -> Finished:
    """Begin ``command`` and wait for its end. Raises MachineError."""
    waits = _SLOW
    why = f"{lines.target.name} had not begun it when it was looked up, and never will"
    try:
        _begin(lines, name, command, limit, deadline)
    except MachineError as error:
        if not error.begun:
            raise
        waits, why = 0.0, f"the line to {lines.target.name} broke before it was begun"
    found = ended(lines, name, command, limit=limit, deadline=deadline, stop=stop, begins=waits)
    if found is None:
        raise MachineError(Failure.OTHER, why)
    return found


def ended(
    lines: Lines,
    name: str,
    command: Command,
    *,
    limit: int,
    deadline: float,
    stop: Stop,
    begins: float = 0.0,
) -> Finished | None:
    """Wait for the end of what was begun under ``name``, as long as the line is away too.

    It may still begin within ``begins`` seconds. None where it was not, and never will be. Raises
    MachineError where nothing is known of it.
    """
    begins += time.monotonic()
    ends = time.monotonic() + deadline + command.grace + AWAY
    pause, absent, over = _FIRST_PAUSE, 0, 0.0
    why = f"{command.argv[0]} at {lines.target.name} has not ended"
    while time.monotonic() < ends and not stop.is_set:
        try:
            match _asked(lines, name, _ASK).split():
                case [b"ended", code, how, part] if _is_number(code):
                    over = over or time.monotonic()
                    if part == b"whole" or time.monotonic() - over > _OUTPUT:
                        output = _asked(lines, name, _OUTPUT_OF, limit)
                        end = End.LATE if how == b"late" else End.EXITED
                        return Finished(end, programs.exit_code(int(code)), output)
                case [b"failed", number] if _is_number(number):
                    raise programs.not_begun(int(number), command)
                case [b"never"]:
                    return None
                case [b"lost"]:
                    why = f"nobody at {lines.target.name} saw how {command.argv[0]} ended"
                    break
                case [b"none"]:
                    absent += 1
                    late = absent > _STARTING and time.monotonic() > begins
                    if late and _asked(lines, name, _NEVER, changes=True):
                        why = f"{lines.target.name} keeps nothing of what was begun"
                        break
        except _AwayError as error:
            why = str(error)
        time.sleep(pause)
        pause = min(_LONGEST_PAUSE, pause * 1.5)
    raise MachineError(Failure.OTHER, why, begun=True)


def _begin(lines: Lines, name: str, command: Command, limit: int, deadline: float) -> None:
    ends = time.monotonic() + _LOOK
    far = lines.far_end(ends)
    keeper = _KEEPER % {
        "path": far_end.PATH,
        "tools": far_end.TOOLS,
        "program": programs.code_of(command, far, lines.target),
        "seconds": math.ceil(deadline),
        "grace": math.ceil(command.grace),
        "limit": limit,
    }
    data = programs.input_lines(far_end.as_bytes(keeper))
    code = _BEGIN % {"lines": len(data), "here": _here(name)}
    answer = lines.ask(code, limit=_ANSWER, ends=ends, changes=True, data=b"".join(data))
    if answer.status:
        said = sanitize_bytes(answer.complaint.strip(), limit=200)
        what = f"~/.cache/opsconsole at {lines.target.name} cannot be written to: {said}"
        remedy = "that is where it is kept what becomes of a program: let its user write there"
        raise MachineError(Failure.DENIED, what, remedy=remedy)


def _asked(
    lines: Lines, name: str, code: str, limit: int = _ANSWER, *, changes: bool = False
) -> bytes:
    try:
        ends = time.monotonic() + _LOOK
        code = code % {"here": _here(name)}
        return lines.ask(code, limit=limit, ends=ends, changes=changes).output
    except MachineError as error:
        raise _AwayError(error) from error


def _is_number(word: bytes) -> bool:
    return word.isdigit() and len(word) < 4


def _here(name: str) -> str:
    return _HERE % {"name": quoted(name)}
