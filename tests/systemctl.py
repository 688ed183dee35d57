"""A ``systemctl`` for tests, of which each unit is a file with its properties.

It answers as systemd 252 does: ``list-units`` with a line each, ``show`` with a block each, in the
order asked for, and ``restart`` by putting a unit's file ``NAME.after`` in its place.
"""

import os
from pathlib import Path

import pytest

from tests.servers.hosts import Fleet, Host

_PROGRAM = """#!/bin/sh
folder="$(dirname "$0")/units"
echo "$*" >> "$folder/../asked"
test ! -e "$folder/../broken" || { echo "Failed to connect to bus"; exit 1; }
for last; do :; done
case " $* " in
  *" list-units "*)
    for each in "$folder"/*.unit; do
      test -e "$each" || continue
      name=$(basename "$each" .unit)
      active=$(sed -n 's/^ActiveState=//p' "$each"); sub=$(sed -n 's/^SubState=//p' "$each")
      load=$(sed -n 's/^LoadState=//p' "$each")
      echo "$name $load $active $sub What it is"
    done ;;
  *" show "*)
    first=yes; seen=no
    for name; do
      case "$name" in --) seen=yes; continue ;; esac
      test "$seen" = yes || test "$name" = "$last" || continue
      case "$name" in -*) continue ;; esac
      test "$first" = yes || echo
      first=no
      cat "$folder/$name.unit" 2>/dev/null || printf 'LoadState=not-found\\nActiveState=inactive\\n'
    done ;;
  *" restart "*)
    test -e "$folder/$last.after" || { echo "Job for $last failed"; exit 1; }
    cp "$folder/$last.after" "$folder/$last.unit" ;;
esac
"""


class Systemctl:
    """The program, and the units that it knows."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "units").mkdir(parents=True)
        (folder / "systemctl").write_text(_PROGRAM)
        (folder / "systemctl").chmod(0o700)

    def has(self, name: str, active: str, sub: str, *, then: str = "", **more: object) -> None:
        """A unit as it is now; ``then`` is its state after a restart that works."""
        self._write(f"{name}.unit", active, sub, InvocationID="first", **more)
        if then:
            self._write(f"{name}.after", *then.split(), InvocationID="second", Result="success")

    def forgets(self, name: str) -> None:
        """The unit is no longer in memory."""
        (self._folder / "units" / f"{name}.unit").unlink()

    def breaks(self) -> None:
        """It reaches its systemd no more."""
        (self._folder / "broken").touch()

    def answers(self) -> None:
        """It does again."""
        (self._folder / "broken").unlink()

    def asked(self, verb: str) -> list[str]:
        """The calls of ``verb`` so far."""
        path = self._folder / "asked"
        calls = path.read_text().splitlines() if path.exists() else []
        return [each for each in calls if f" {verb} " in f" {each} "]

    def _write(self, file: str, active: str, sub: str, **more: object) -> None:
        lines = {"LoadState": "loaded", "ActiveState": active, "SubState": sub, **more}
        text = "".join(f"{key}={value}\n" for key, value in lines.items())
        (self._folder / "units" / file).write_text(text)


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Systemctl:
    """On the path of every program that the test starts."""
    folder = tmp_path / "systemd"
    made = Systemctl(folder)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return made


@pytest.fixture
def systemd(hosts: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """A real systemd: what calls ``systemctl`` or ``journalctl`` here calls that of the host."""
    host = hosts["units"]
    first = host.pid_here(1)
    folder = tmp_path / "there"
    folder.mkdir()
    for name in ("systemctl", "journalctl"):
        enter = f"nsenter --target {first} --mount --uts --ipc --net --pid --cgroup"
        (folder / name).write_text(f'#!/bin/sh\nexec {enter} {name} "$@"\n')
        (folder / name).chmod(0o700)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return host


def add_unit(host: Host, name: str, script: str, *more: str) -> None:
    """Make a service whose process is ``script``, and start it; it may fail."""
    lines = ("[Service]", f"ExecStart=/bin/sh -c '{script}'", *more)
    text = "\\n".join(lines)
    host.sh(f'printf "{text}\\n" > /etc/systemd/system/{name} && systemctl daemon-reload')
    host.sh(f"systemctl start {name} || true")
