"""What is done on another host is done there, once, and verified there: on a real one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.patience import until
from tests.servers.hosts import Fleet, Host

ROOT = Path(__file__).parents[2]
QUICK = {"min_healthy": "200ms", "deadline": "60s"}
UNIT = """\
[Service]
ExecStart=/bin/sh -c 'echo "started $$MODE"; exec sleep infinity'
EnvironmentFile=-/srv/app/.env
[Install]
WantedBy=multi-user.target
"""
PREPARE = r"""
set -e
test ! -e /srv/app || exit 0
mkdir -p /srv/app /srv/releases/v1 /srv/releases/v2
touch /srv/releases/v1/page /srv/releases/v2/page
ln -s releases/v2 /srv/current
printf 'MODE=full\nKEPT=yes\n' >/srv/app/.env
printf '%s' "$1" >/etc/systemd/system/app.service
systemctl daemon-reload; systemctl start app
git init -q /srv/checkout; cd /srv/checkout
git config user.email ops@example.org; git config user.name ops
for tag in v1.0.0 v1.1.0; do echo $tag >version; git add .; git commit -qm $tag; git tag $tag; done
sleep infinity </dev/null >/dev/null 2>&1 & echo $! >/srv/app.pid
"""


@pytest.fixture(scope="module")
def host(hosts: Fleet) -> Host:
    host = hosts["app-1"]
    host.sh(PREPARE, UNIT)
    return host


class Console:
    """Commands of the console, with a configuration of one host."""

    def __init__(self, folder: Path, host: Host) -> None:
        self.folder, self.host = folder, host
        self.path = folder / "opsconsole.yaml"
        self.services: dict[str, object] = {}
        self.given: dict[str, object] = {}
        self.others: dict[str, object] = {}

    def add(self, name: str, **actions: object) -> str:
        """A service on the host; its name."""
        self.services[name] = {"host": "app-1", "health": None, "actions": actions}
        return name

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run the console once."""
        document = {
            "docker": [],
            "host": {"enabled": False},
            "hosts": {
                "app-1": {"ssh_config": str(self.host.ssh_config), **self.given},
                **self.others,
            },
            "operations": {"cooldown": "1ms", "restart_limit": 100},
            "state_dir": str(self.folder / "state"),
            "services": self.services,
        }
        self.path.write_text(yaml.safe_dump(document))
        self.path.chmod(0o600)
        argv = [sys.executable, "-m", "opsconsole", *words, "-c", str(self.path)]
        return subprocess.run(
            argv, cwd=ROOT, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )

    def does(self, *words: str) -> str:
        """What it says of an action that it did and verified."""
        done = self.run(*words, "--yes", "--reason", "a test")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def console(tmp_path: Path, host: Host) -> Console:
    return Console(tmp_path, host)


def test_a_unit_is_restarted_where_it_runs(console: Console, host: Host) -> None:
    before = host.sh("systemctl show -p InvocationID app; systemctl show -p NRestarts app")
    name = console.add("web", restart={"systemd": "app", **QUICK})
    console.does("restart", name)
    after = host.sh("systemctl show -p InvocationID app; systemctl show -p NRestarts app")
    assert before != after
    assert host.sh("systemctl is-active app").strip() == "active"


def test_a_unit_on_two_hosts_is_restarted_at_one_after_the_other(
    console: Console, host: Host, hosts: Fleet
) -> None:
    other = hosts["app-2"]
    other.sh(PREPARE, UNIT)
    asked = "systemctl show -p InvocationID app"
    before = [each.sh(asked) for each in (host, other)]
    console.others = {"app-2": {"ssh_config": str(host.ssh_config)}}
    instances = [{"url": f"http://{each.name}:1", "host": each.name} for each in (host, other)]
    start = {"systemd": {"unit": "app", "do": "start"}, **QUICK}
    actions = {"restart": {"systemd": "app", **QUICK}, "call": {"start": start}}
    console.services["pair"] = {"health": None, "instances": instances, "actions": actions}
    said = console.does("restart", "pair", "--all")
    assert "restart app.service on app-1" in said
    assert "restart app.service on app-2" in said
    after = [each.sh(asked) for each in (host, other)]
    assert not set(before) & set(after)
    # Of one of them alone, and of that which is not well.
    said = console.does("restart", "pair", "--instance", "pair-2")
    assert "on app-2" in said
    other.sh("systemctl stop app")
    said = console.does("restart", "pair")
    assert "on app-1" not in said
    assert host.sh(asked) == after[0]
    assert other.sh("systemctl is-active app") == "active\n"
    # One that runs already keeps the other from nothing.
    other.sh("systemctl stop app")
    said = console.does("call", "pair", "start")
    assert "start app.service on app-1" not in said
    assert other.sh("systemctl is-active app") == "active\n"


def test_a_unit_is_reloaded_stopped_and_started_there_with_no_more_rights_than_it_takes(
    console: Console, host: Host
) -> None:
    reloads = UNIT.replace("[Install]", "ExecReload=/bin/sh -c 'echo x >>/srv/reloads'\n[Install]")
    host.sh('printf "%s" "$1" >/etc/systemd/system/calls.service', reloads)
    host.sh("rm -f /srv/reloads; systemctl daemon-reload; systemctl start calls")
    host.add_user("caller")
    host.sh("rm -f /etc/sudoers.d/caller")
    console.given = {"ssh": "caller@app-1", "sudo": True}
    calls = {do: {"systemd": {"unit": "calls", "do": do}} for do in ("reload", "stop", "start")}
    name = console.add("web", call={do: {**call, **QUICK} for do, call in calls.items()})
    lines = [each for each in console.run("check").stdout.splitlines() if "NOPASSWD" in each]
    rules = [each[each.index("caller ALL") :].partition(" [")[0].strip() for each in lines]
    assert sorted(rule.split()[-2] for rule in rules) == sorted(calls)
    host.sh('printf "%s\n" "$@" >/etc/sudoers.d/caller; chmod 440 /etc/sudoers.d/caller', *rules)
    before = host.sh("systemctl show -p InvocationID -p MainPID calls")
    console.does("call", name, "reload")
    assert host.sh("cat /srv/reloads") == "x\n"
    assert host.sh("systemctl show -p InvocationID -p MainPID calls") == before
    console.does("call", name, "stop")
    assert host.sh("systemctl is-active calls || true") == "inactive\n"
    again = console.run("call", name, "stop", "--yes", "--reason", "a test")
    assert again.returncode != 0
    assert "is inactive (dead) already" in again.stdout + again.stderr
    console.does("call", name, "start")
    assert host.sh("systemctl is-active calls") == "active\n"
    # Another one has no way to read its configuration again.
    bare = {"reload": {"systemd": {"unit": "app", "do": "reload"}, **QUICK}}
    said = console.run("call", console.add("bare", call=bare), "reload", "--dry-run")
    assert "app.service cannot be reloaded: it has no ExecReload=" in said.stdout + said.stderr


def test_a_line_that_is_cut_while_a_unit_stops_stops_it_once(console: Console, host: Host) -> None:
    slow = UNIT.replace(
        "[Install]", "ExecStop=/bin/sh -c 'echo x >>/srv/stops; sleep 3'\n[Install]"
    )
    host.sh('printf "%s" "$1" >/etc/systemd/system/stops.service', slow)
    host.sh("rm -f /srv/stops; systemctl daemon-reload; systemctl start stops; : >/srv/stops")
    name = console.add(
        "stops", call={"stop": {"systemd": {"unit": "stops", "do": "stop"}, **QUICK}}
    )
    console.run("services")
    argv = [sys.executable, "-m", "opsconsole", "call", name, "stop", "--yes", "--reason", "a test"]
    with subprocess.Popen(
        [*argv, "-c", str(console.path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as running:
        until(lambda: host.sh("cat /srv/stops"))
        host.sh("pkill -f '[s]shd: root@notty'")
        running.communicate()
    assert host.sh("cat /srv/stops") == "x\n"
    until(lambda: "verified" in console.run("operations").stdout, every=0.5)


def test_flags_are_set_and_taken_back_in_a_file_there(console: Console, host: Host) -> None:
    flags = {"file": "/srv/app/.env", "set": {"MODE": "reduced"}, "then": "restart"}
    name = console.add(
        "flags", degrade={"env_file": flags, **QUICK}, restart={"systemd": "app", **QUICK}
    )
    console.does("degrade", name)
    assert host.sh("cat /srv/app/.env") == "MODE=reduced\nKEPT=yes\n"
    console.does("recover", name)
    assert host.sh("cat /srv/app/.env") == "MODE=full\nKEPT=yes\n"
    assert host.sh("ls -A /srv/app").split() == [".env"]


def test_a_checkout_and_a_release_are_put_back_there(console: Console, host: Host) -> None:
    git = {"path": "/srv/checkout", "then": "nothing"}
    name = console.add("code", rollback={"git": git, **QUICK})
    console.does("rollback", name)
    assert host.sh("cat /srv/checkout/version").strip() == "v1.0.0"
    releases = {"current": "/srv/current", "releases": "/srv/releases", "then": "nothing"}
    name = console.add("pages", rollback={"releases": releases, **QUICK})
    console.does("rollback", name)
    assert host.sh("readlink -f /srv/current").strip() == "/srv/releases/v1"


def test_a_command_and_a_pid_file_are_of_that_host(console: Console, host: Host) -> None:
    command = {"argv": ["sh", "-c", "uname -n >/srv/said; pwd >>/srv/said"], "cwd": "/srv/app"}
    name = console.add("job", restart={"command": command, **QUICK})
    # Nothing can be looked at, so that nothing is called verified.
    done = console.run("restart", name, "--yes", "--reason", "a test")
    assert done.returncode == 3, done.stdout + done.stderr
    assert host.sh("cat /srv/said").split() == ["app-1", "/srv/app"]
    before = host.sh("cat /srv/app.pid").strip()
    begin = "sleep infinity </dev/null >/dev/null 2>&1 & echo $! >/srv/app.pid"
    pid_file = {"path": "/srv/app.pid", "start": ["/bin/sh", "-c", begin]}
    console.does("restart", console.add("daemon", restart={"pid_file": pid_file, **QUICK}))
    after = host.sh("cat /srv/app.pid").strip()
    assert before != after
    assert host.sh(f"ps -o stat= -p {before} || echo gone").strip() in {"gone", "Z"}
    assert host.sh(f"ps -o args= -p {after}").strip() == "sleep infinity"


def test_a_console_without_rights_says_which_line_of_sudoers_is_missing(
    console: Console, host: Host
) -> None:
    host.add_user("ops")
    host.sh("rm -f /etc/sudoers.d/ops")
    console.given = {"ssh": "ops@app-1", "sudo": True}
    name = console.add("web", restart={"systemd": "app", **QUICK})
    said = console.run("check").stdout
    (line,) = [each for each in said.splitlines() if "NOPASSWD" in each]
    rule = line[line.index("ops ALL") :].partition(" [")[0].strip()
    host.sh('printf "%s\\n" "$1" >/etc/sudoers.d/ops && chmod 440 /etc/sudoers.d/ops', rule)
    assert "NOPASSWD" not in console.run("check").stdout
    before = host.sh("systemctl show -p InvocationID app")
    console.does("restart", name)
    assert host.sh("systemctl show -p InvocationID app") != before


def test_logs_there_are_read_over_the_line(console: Console, host: Host) -> None:
    host.sh("printf 'one\\ntwo\\n' >/srv/app.log; systemd-cat -t app echo from the journal")
    name = console.add("web")
    console.services[name]["logs"] = [{"file": "/srv/app.log"}, {"journal": "app"}]  # type: ignore[index]
    said = console.run("logs", name).stdout
    assert "one" in said
    assert "two" in said
    assert "started" in said


def test_the_figures_of_a_host_are_in_the_status(console: Console) -> None:
    console.add("web")
    said = json.loads(console.run("status", "--json").stdout)
    (seen,) = said["resources"]["hosts"]
    assert seen["name"] == "app-1"
    assert seen["memory"]["total"] > 0


def test_a_line_that_is_cut_while_a_unit_restarts_restarts_it_once(
    console: Console, host: Host
) -> None:
    slow = UNIT.replace(
        "[Install]", "ExecStartPre=/bin/sh -c 'echo x >>/srv/starts; sleep 3'\n[Install]"
    )
    host.sh('printf "%s" "$1" >/etc/systemd/system/slow.service', slow)
    host.sh("rm -f /srv/starts; systemctl daemon-reload; systemctl start slow; : >/srv/starts")
    name = console.add("slow", restart={"systemd": "slow", **QUICK})
    argv = [sys.executable, "-m", "opsconsole", "restart", name, "--yes", "--reason", "a test"]
    console.run("services")
    with subprocess.Popen(
        [*argv, "-c", str(console.path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as running:
        until(lambda: host.sh("cat /srv/starts"))
        host.sh("pkill -f '[s]shd: root@notty'")
        running.communicate()
    assert host.sh("cat /srv/starts") == "x\n"
    until(lambda: "verified" in console.run("operations").stdout, every=0.5)
