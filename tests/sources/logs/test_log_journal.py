"""Following a journal: what ``journalctl`` prints becomes lines, from where it broke off."""

import json
from pathlib import Path

import pytest

from opsconsole.machines.local import LocalMachine
from opsconsole.model.logs import LogLevel
from opsconsole.sources.logs.base import LogContext
from opsconsole.sources.logs.journal import JournalFollower
from opsconsole.sources.logs.line import parse
from tests.patience import until
from tests.sources.logs.listening import Heard

ENTRIES: list[dict[str, object]] = [
    {"PRIORITY": "3", "SYSLOG_IDENTIFIER": "app", "MESSAGE": "refused"},
    {"PRIORITY": "6", "MESSAGE": '{"level": "warn", "msg": "slow"}'},
    {"PRIORITY": "6", "MESSAGE": [99, 97, 102, 233]},
]


def test_entries_are_lines_and_a_break_goes_on_at_the_cursor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = "\n".join(
        json.dumps({**entry, "__CURSOR": f"c{n}", "__REALTIME_TIMESTAMP": "1795255200000000"})
        for n, entry in enumerate(ENTRIES)
    )
    (tmp_path / "entries").write_text(printed + "\n")
    program = tmp_path / "journalctl"
    program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n/bin/cat {tmp_path}/entries\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("opsconsole.sources.logs.journal._PAUSE", 0.05)
    heard = Heard()
    follower = JournalFollower("app.service", LogContext(tmp_path, LocalMachine()), heard)
    follower.start()
    until(lambda: len(heard.raw) >= 6)
    follower.close()
    until(lambda: not follower.alive)
    lines = [parse(raw, "auto", 1795255201.0) for raw in heard.raw[:3]]
    assert [line.text for line in lines] == ["app: refused", "slow", "caf\\xe9"]
    levels = [LogLevel.ERROR, LogLevel.WARNING, LogLevel.INFO]
    assert [line.level for line in lines] == levels
    assert {line.at for line in lines} == {1795255200.0}
    first, second, *_ = (tmp_path / "asked").read_text().splitlines()
    assert "--unit app.service" in first
    assert "--lines 1000" in first
    assert "--after-cursor c2" in second
    assert any("journalctl ended" in each for each in heard.troubles)


def test_a_machine_without_journalctl_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    heard = Heard()
    follower = JournalFollower("app.service", LogContext(tmp_path, LocalMachine()), heard)
    follower.start()
    until(lambda: bool(heard.troubles))
    follower.close()
    assert "cannot run journalctl" in heard.troubles[0]


def test_a_cursor_that_is_gone_is_told_and_nothing_is_doubled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = json.dumps({"MESSAGE": "once", "__CURSOR": "c0"})
    program = tmp_path / "journalctl"
    program.write_text(
        f"""#!/bin/sh
echo "$@" >> {tmp_path}/asked
case "$*" in
*after-cursor*) echo "Failed to seek to cursor" >&2; exit 1;;
*"lines 0"*) exec /bin/sleep 100;;
*) echo '{entry}';;
esac
"""
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("opsconsole.sources.logs.journal._PAUSE", 0.05)
    heard = Heard()
    follower = JournalFollower("app.service", LogContext(tmp_path, LocalMachine()), heard)
    follower.start()
    until(lambda: bool(heard.gaps))
    until(lambda: "lines 0" in (tmp_path / "asked").read_text())
    follower.close()
    until(lambda: not follower.alive)
    assert len(heard.raw) == 1
    assert any("Failed to seek" in each for each in heard.troubles)
    assert heard.gaps == ["the place in the journal is gone: followed from this moment on"]
