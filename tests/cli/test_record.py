"""``opsconsole record``: the whole program, its signals, and what it leaves on the disk."""

import json
import signal
import sqlite3
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from opsconsole.cli.configuration import Configuration
from opsconsole.cli.engine import archive_of, build_engine
from opsconsole.cli.main import main
from opsconsole.config.loader import load
from opsconsole.engine.recording.archive import Archive
from opsconsole.model.past.recording import RecordingState
from opsconsole.model.snapshot import Snapshot
from opsconsole.model.state import State
from tests.cli.conftest import Shop
from tests.patience import until

WITHIN = 120.0
SECRET = "tok-5f2e91c0d7"

CONFIG = """
environment: {{name: production}}
state_dir: {folder}/state
docker: []
host: {{interval: 500ms}}
recording: {{enabled: {enabled}}}
services:
  shop:
    instances: ["{url}"]
    interval: 500ms
    http: {{authorization: {{credentials: "${{env:SHOP_TOKEN}}"}}}}
"""


@pytest.fixture
def config(tmp_path: Path, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SHOP_TOKEN", SECRET)
    path = tmp_path / "opsconsole.yaml"
    path.write_text(CONFIG.format(folder=tmp_path, url=shop.url, enabled="true"))
    path.chmod(0o600)
    return path


@contextmanager
def recording(config: Path) -> Iterator["subprocess.Popen[str]"]:
    argv = [sys.executable, "-m", "opsconsole", "record", "--config", str(config)]
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def first_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def database(config: Path) -> Path:
    (path,) = (config.parent / "state" / "recordings").glob("production-*.db")
    return path


def recorded(config: Path) -> Snapshot | None:
    with closing(Archive(database(config))) as archive:
        return archive.at(9e12)


def everything_in(path: Path) -> bytes:
    """All bytes of a recording, and what is compressed in it."""
    content = [each.read_bytes() for each in path.parent.glob(f"{path.name}*")]
    with closing(sqlite3.connect(path)) as connection:
        for table in ("segments", "lines"):
            rows = connection.execute(f"SELECT data FROM {table} WHERE data IS NOT NULL")
            content.extend(zlib.decompress(data) for (data,) in rows)
    return b"\n".join(content)


@pytest.mark.terminal
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_with_0_and_all_is_committed(
    config: Path, shop: Shop, number: signal.Signals
) -> None:
    with recording(config) as process:
        assert first_line(process) == f"opsconsole: recording into {database(config)}\n"
        until(lambda: (seen := recorded(config)) is not None and _is_ok(seen))
        process.send_signal(number)
        out, err = process.communicate(timeout=WITHIN)
    assert process.returncode == 0
    assert (out, err) == ("", "")
    assert not database(config).with_name(f"{database(config).name}-wal").exists() or (
        database(config).with_name(f"{database(config).name}-wal").stat().st_size == 0
    )
    if number is signal.SIGTERM:
        held = everything_in(database(config))
        assert shop.url.encode() in held, "this looks at what is recorded"
        assert SECRET.encode() not in held


def _is_ok(snapshot: Snapshot) -> bool:
    return snapshot.services[0].state is State.OK


@pytest.mark.terminal
def test_it_waits_for_another_and_takes_over(config: Path) -> None:
    with recording(config) as first:
        first_line(first)
        with recording(config) as second:
            said = first_line(second)
            assert f"process {first.pid} records into" in said
            assert said.endswith("; waiting to take over\n")
            first.send_signal(signal.SIGKILL)
            assert first_line(second).startswith("opsconsole: recording into")


def test_a_console_records_too_and_one_opened_later_reads_it(config: Path) -> None:
    configuration = Configuration(load(config), config, config.parent, read_only=False)
    engine = build_engine(configuration)
    engine.start()
    try:
        until(lambda: engine.recording.state is RecordingState.RECORDING)
        until(lambda: _is_ok(engine.latest))
        live = engine.latest
        archive = archive_of(configuration)
        assert archive is not None
        with closing(archive):
            until(lambda: (span := archive.span()) is not None and span.end >= live.taken_at)
            replayed = archive.at(live.taken_at)
        assert replayed is not None
        assert replayed.services == live.services
        assert replayed.events == live.events
        assert replayed.hosts == live.hosts
    finally:
        engine.stop()


def test_trouble_is_a_notice_and_the_console_goes_on(config: Path) -> None:
    folder = config.parent / "state" / "recordings"
    folder.parent.mkdir(mode=0o700)
    folder.write_text("in the way")
    configuration = Configuration(load(config), config, config.parent, read_only=False)
    engine = build_engine(configuration)
    engine.start()
    try:
        until(lambda: any("recording has stopped" in each for each in engine.latest.notices))
        until(lambda: _is_ok(engine.latest))
    finally:
        engine.stop()


def test_where_recording_is_switched_off_nothing_is_made(
    config: Path, shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text(CONFIG.format(folder=config.parent, url=shop.url, enabled="false"))
    assert main(["record", "--config", str(config)]) == 69
    assert "set recording.enabled" in capsys.readouterr().err
    configuration = Configuration(load(config), config, config.parent, read_only=True)
    engine = build_engine(configuration)
    assert engine.recording.state is RecordingState.OFF
    assert archive_of(configuration) is None


def test_status_and_check_record_nothing(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--json", "--config", str(config)]) == 0
    assert json.loads(capsys.readouterr().out)["state"] == "ok"
    assert not (config.parent / "state" / "recordings").exists()
