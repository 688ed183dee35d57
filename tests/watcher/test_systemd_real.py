"""The sample unit under a real systemd: ready when it watches, another one when it hangs."""

import shutil
from importlib.metadata import distribution
from pathlib import Path

import pytest

import opsconsole
from tests.patience import until
from tests.servers.hosts import Fleet, Host

ROOT = Path(__file__).parents[2]
UNIT = "opsconsole-watch"
CONFIG = """
docker: []
host: {enabled: false}
recording: {enabled: false}
services: {here: {instances: ["http://127.0.0.1:9"]}}
watch: {listen: "127.0.0.1:9715"}
"""
SOONER = """
[Service]
WatchdogSec=10s
RestartSec=100ms
"""
PROGRAM = """#!/bin/sh
PYTHONPATH=/opt/opsconsole exec python3 -m opsconsole "$@"
"""

pytestmark = pytest.mark.servers


def put_program(folder: Path) -> None:
    """What the program is, and needs, as it is installed here."""
    package = Path(opsconsole.__file__).parent
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(package, folder / "opsconsole", ignore=ignored)
    for line in (ROOT / "locks/run.txt").read_text().splitlines()[1:]:
        for file in distribution(line.partition("==")[0]).files or ():
            there = folder / file
            if ".." not in file.parts and file.suffix != ".pyc":
                there.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file.locate(), there)


def prepare(host: Host) -> None:
    """Install as the sample says."""
    made = host.shared / "opsconsole"
    put_program(made)
    (host.shared / "opsconsole.sh").write_text(PROGRAM)
    (host.shared / "opsconsole.yaml").write_text(CONFIG)
    (host.shared / "sooner.conf").write_text(SOONER)
    unit = ROOT / "sample_configs/systemd" / f"{UNIT}.service"
    shutil.copyfile(unit, host.shared / unit.name)
    host.sh(
        'cd "$1" && cp -r opsconsole /opt/'
        " && install -m 0755 opsconsole.sh /usr/local/bin/opsconsole"
        " && useradd --system --home-dir /var/lib/opsconsole --shell /usr/sbin/nologin opsconsole"
        " && install -d -o root -g opsconsole -m 0750 /etc/opsconsole"
        " && install -o root -g opsconsole -m 0640 opsconsole.yaml /etc/opsconsole/"
        ' && install -m 0644 "$2.service" /etc/systemd/system/'
        ' && install -D -m 0644 sooner.conf "/etc/systemd/system/$2.service.d/sooner.conf"'
        " && systemctl daemon-reload",
        str(host.shared),
        UNIT,
    )


def shown(host: Host, name: str) -> str:
    """What systemd says of the unit."""
    return host.sh('systemctl show --value --property "$1" "$2"', name, UNIT).strip()


def test_one_that_hangs_is_followed_by_another(hosts: Fleet) -> None:
    host = hosts["watched"]
    prepare(host)
    # Returns once it has said that it is ready.
    host.sh('systemctl start "$1"', UNIT)
    assert shown(host, "ActiveState") == "active"
    first = shown(host, "MainPID")
    host.sh('kill -STOP "$1"', first)

    until(lambda: shown(host, "MainPID") not in {"0", first}, every=0.5)
    until(lambda: shown(host, "ActiveState") == "active", every=0.5)
    assert "Watchdog timeout" in host.sh('journalctl --no-pager --unit "$1"', UNIT)
    assert int(shown(host, "NRestarts")) >= 1

    host.sh('systemctl stop "$1"', UNIT)
    assert shown(host, "ExecMainStatus") == "0"
