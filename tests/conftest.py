"""What every test gets: a machine with nothing of the user's in its environment."""

import gc
import itertools
import os
import signal
import sys
from collections.abc import Generator

# Hundreds of programs start in a run, and each would compile again what is not kept.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

import pytest  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402

from opsconsole import hiding, zones  # noqa: E402
from opsconsole.config import loader, usual_engines  # noqa: E402
from opsconsole.render.ink import own_keys  # noqa: E402
from opsconsole.ui.terminal import crash  # noqa: E402

# How long an example takes is the machine's affair.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")

pytest_plugins = ["tests.leftovers", "tests.servers.fixtures", "tests.systemctl"]

# What would change the program's behaviour, or name the place where it runs.
_FOREIGN = (
    "OPSCONSOLE_",
    "XDG_",
    "DOCKER_",
    "PROMETHEUS_",
    "ALERTMANAGER_",
    "CODESPACE",
    "AWS_",
    "ECS_",
    "GOOGLE_",
    "GCP_",
    "K_SERVICE",
    "AZURE_",
    "WEBSITE_",
    "DYNO",
    "RAILWAY_",
    "VERCEL",
    "KUBE",
    "TEXTUAL",
    "COLUMNS",
    "LINES",
    "NO_COLOR",
    "FORCE_COLOR",
    "COLORTERM",
    "SSH_",
    "SUDO_",
    "CREDENTIALS_DIRECTORY",
)
_KEPT = ("OPSCONSOLE_SERVERS",)
# What ends a program, or tells it something.
_SIGNALS = (
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGUSR1,
    signal.SIGUSR2,
)
_homes = itertools.count()
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ftp_proxy")


def pytest_configure() -> None:
    """Let programs that tests start be ended by signals, though the run was told to ignore them.

    A program inherits what is ignored, as under nohup or in the background of a shell, but not
    what is handled: so the run goes on ignoring them, by a handler.
    """
    for number in _SIGNALS:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Search for no garbage while tests are collected: nothing that is made then is any."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what waits longest, and with one worker for the hosts that tests log in to.

    Each worker begins with an equal share in this order. What is left of a share is then taken
    from its end by who has nothing left: what waits would be begun last, and each worker that
    takes a test of a host would start hosts of its own.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    waiting = [each for each in items if "/e2e/" in each.nodeid]
    others = [each for each in items if "/e2e/" not in each.nodeid]
    on_hosts = [each for each in others if "hosts" in getattr(each, "fixturenames", ())]
    rest = [each for each in others if "hosts" not in getattr(each, "fixturenames", ())]
    second = max(0, len(items) // workers - len(waiting))
    items[:] = [*waiting, *rest[:second], *on_hosts, *rest[second:]]


def pytest_collection_finish() -> None:
    """Leave modules and tests, which stay to the end, out of every search for garbage.

    Screens allocate much: at Python's own threshold a third of their time went into searching.
    """
    gc.freeze()
    gc.set_threshold(100_000, 20, 10)


@pytest.fixture(autouse=True)
def isolated_environment(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty home folder, no proxy, no configuration, no hint of a cloud, a plain terminal.

    What a process knows is known of no other test: secrets, the zone of times, an error.
    """
    monkeypatch.setattr(hiding, "_values", hiding._Values())
    monkeypatch.setattr(zones, "_shown", zones._Shown())
    monkeypatch.setattr(own_keys, "_own", {})
    monkeypatch.setattr(loader, "_SYSTEMD", tmp_path_factory.getbasetemp() / "no systemd")
    monkeypatch.setattr(usual_engines, "_SYSTEM", tmp_path_factory.getbasetemp() / "no podman")
    monkeypatch.setattr(crash, "_remembered", [])
    monkeypatch.setattr(crash, "_afterwards", [])
    # A folder beside others of pytest's would have it look through all of them for each test.
    home = tmp_path_factory.getbasetemp() / "homes" / str(next(_homes))
    home.mkdir(mode=0o700, parents=True)
    for name in list(os.environ):
        foreign = name.startswith(_FOREIGN) and name not in _KEPT
        if foreign or name.lower() in _PROXIES:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("TERM", "xterm-256color")
    for variable, folder in (
        ("XDG_CONFIG_HOME", "config"),
        ("XDG_STATE_HOME", "state"),
        ("XDG_DATA_HOME", "data"),
        ("XDG_CACHE_HOME", "cache"),
        ("XDG_RUNTIME_DIR", "run"),
    ):
        (home / folder).mkdir(mode=0o700)
        monkeypatch.setenv(variable, str(home / folder))
