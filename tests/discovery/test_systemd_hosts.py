"""Units of real hosts as services: which, of which host, what is done to them, and where."""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from opsconsole.cli.init import run as run_init
from opsconsole.cli.tray import TrayOfFile
from opsconsole.config.loader import load
from opsconsole.config.settings import Settings
from opsconsole.discovery.look import look
from opsconsole.engine.engine import Engine
from opsconsole.model.snapshot import ServiceView
from opsconsole.model.source_id import SourceId, SourceKind
from opsconsole.model.state import State
from opsconsole.render.ink.cells import plain
from opsconsole.render.place_page import rows
from tests.servers.hosts import Fleet, Host

NAMES = ("app-1", "app-2")
FOUND = {"ledger.service-app-1", "ledger.service-app-2", "mailer.service-app-1"}
FAILS = """
printf '[Service]\\nExecStart=/bin/sh -c "test -e /srv/%s && exec sleep infinity"\\n' "$1" \
    >"/etc/systemd/system/$1.service"
systemctl daemon-reload
systemctl start "$1" || true
until systemctl is-failed -q "$1"; do sleep 0.1; done
"""

GONE = """
systemctl stop ledger mailer 2>/dev/null
rm -f /etc/systemd/system/ledger.service /etc/systemd/system/mailer.service
systemctl daemon-reload
systemctl reset-failed
"""


def fails(host: Host, unit: str) -> None:
    """Have a unit there that failed, and runs where it is started again."""
    host.sh(FAILS, unit)
    host.sh('mkdir -p /srv && touch "/srv/$1"', unit)


@pytest.fixture(scope="module")
def fleet(hosts: Fleet) -> Iterator[Fleet]:
    """Two hosts on which a unit of one name failed, and on the first another one."""
    for name in NAMES:
        fails(hosts[name], "ledger")
    fails(hosts["app-1"], "mailer")
    yield hosts
    for name in NAMES:
        hosts[name].sh(GONE)


def document(fleet: Fleet, **more: Any) -> dict[str, Any]:
    config = str(fleet["app-1"].ssh_config)
    return {
        "docker": [],
        "host": {"enabled": False},
        "hosts": {name: {"ssh_config": config} for name in NAMES},
        "discover": {"systemd": True},
        **more,
    }


async def test_units_of_hosts_come_and_are_not_lost_while_a_host_is_away(
    fleet: Fleet, tmp_path: Path
) -> None:
    settings = Settings.model_validate(document(fleet))
    engine = Engine(settings, base=tmp_path)

    async def looked() -> dict[str, ServiceView]:
        for source in engine._sources:
            engine._deliver(await source.collect(), 0.0)
        await engine._discover()
        engine._publish()
        return {each.name: each for each in engine.latest.services}

    async with AsyncExitStack() as cleanup:
        cleanup.callback(engine._machines.close)
        engine._open(cleanup)
        found = await looked()
        assert set(found) == {
            "ledger.service-app-1",
            "ledger.service-app-2",
            "mailer.service-app-1",
        }
        ledger = found["ledger.service-app-2"]
        assert (ledger.state, ledger.places, ledger.group) == (State.DOWN, ("app-2",), "app-2")
        assert ledger.origin.found_by == SourceId(SourceKind.SYSTEMD, "app-2")
        assert ledger.origin.evidence == "unit ledger.service of app-2, which failed"
        page = plain([each.line for each in rows(engine.latest, "place:app-2", 100, ledger.since)])
        assert "Units" in page
        assert "mailer" not in page
        fleet["app-2"].sh("systemctl stop ssh.socket ssh; pkill -9 sshd || true")
        try:
            away = await looked()
            assert set(away) == set(found)
            assert away["ledger.service-app-1"].state is State.DOWN
            silent = {each.id for each in engine.latest.sources if each.fault is not None}
            assert {each.name for each in silent} == {"app-2"}
        finally:
            fleet["app-2"].sh("systemctl start ssh")


def test_a_unit_is_restarted_on_its_own_host(fleet: Fleet, tmp_path: Path) -> None:
    path = tmp_path / "opsconsole.yaml"
    path.write_text(yaml.safe_dump(document(fleet, state_dir=str(tmp_path / "state"))))
    path.chmod(0o600)
    asked = "systemctl show -P InvocationID ledger; systemctl is-active ledger || true"
    before = fleet["app-2"].sh(asked)
    argv = [sys.executable, "-m", "opsconsole", "restart", "ledger.service-app-1"]
    argv += ["--yes", "--reason", "a test", "-c", str(path)]
    done = subprocess.run(
        argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "verified" in done.stdout
    assert fleet["app-1"].sh(asked).split()[1] == "active"
    assert fleet["app-2"].sh(asked) == before, "that of the other host is another service"
    # It is what it was, for the tests that come after.
    fleet["app-1"].sh("rm /srv/ledger; systemctl restart ledger || true")


def test_a_unit_of_a_host_is_looked_for_on_that_host_alone(fleet: Fleet) -> None:
    settings = Settings.model_validate(document(fleet))
    fleet["app-2"].sh("systemctl stop ssh.socket ssh; pkill -9 sshd || true")
    try:
        one = look(settings, about=("mailer.service-app-1",))
        assert not one.faults
        assert {each.found.by.name for each in one.findings} == {"app-1"}
        every = look(settings)
    finally:
        fleet["app-2"].sh("systemctl start ssh")
    assert [each.partition(" does")[0] for each in every.faults] == ["units of app-2"]


def test_what_failed_on_a_host_is_offered_and_is_in_a_first_configuration(
    fleet: Fleet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "opsconsole.yaml"
    path.write_text(yaml.safe_dump(document(fleet, discover={})))
    path.chmod(0o600)
    tray = TrayOfFile(path)
    offers = {each.name: each for each in tray.look()}
    assert set(offers) == FOUND
    tray.take(offers["mailer.service-app-1"])
    settings = load(path)
    taken = settings.services["mailer.service-app-1"]
    assert (taken.host, taken.units) == ("app-1", ("mailer.service",))
    assert list(settings.hosts_of("mailer.service-app-1", taken.actions.restart)) == ["app-1"]
    init = argparse.Namespace(config=path)
    run_init(init)
    said = capsys.readouterr().out
    assert "ledger.service-app-2 ← unit ledger.service of app-2, which failed" in said
