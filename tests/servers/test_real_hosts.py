"""The hosts of the tests are machines: systemd runs, a key logs in, processes can be found."""

import subprocess

from tests.servers.hosts import Fleet


def test_a_host_runs_systemd_and_lets_the_key_in(hosts: Fleet) -> None:
    host = hosts["app-1"]
    argv = ["ssh", "-F", str(host.ssh_config), "-oBatchMode=yes", "app-1"]
    argv.append("systemctl is-system-running; hostname")
    said = subprocess.run(
        argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    assert said.stdout.split()[:2] == ["running", "app-1"], said.stderr


def test_what_is_shared_and_what_runs_there_is_seen_here(hosts: Fleet) -> None:
    host = hosts["app-1"]
    host.sh('sleep 1000 & echo $! > "$1/pid"', str(host.shared))
    pid = int((host.shared / "pid").read_text())
    here = host.pid_here(pid)
    assert here is not None
    host.sh('kill "$1"', str(pid))
