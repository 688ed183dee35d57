"""Taking over what was found: what is written is valid, and no other file is touched."""

from dataclasses import replace
from pathlib import Path

import pytest

from opsconsole.cli.tray import TrayOfFile
from opsconsole.config.effective import FoundService
from opsconsole.config.loader import load
from opsconsole.config.offers import Offer, ServerAround
from opsconsole.config.services import Service
from opsconsole.errors import OpsconsoleError
from opsconsole.model.running.workloads import Port
from opsconsole.model.source_id import SourceId, SourceKind
from opsconsole.render.ink.cells import line_width, plain
from opsconsole.render.tray import difference, row, written
from tests.workloads import replica

DOCKER = SourceId(SourceKind.DOCKER, "docker")
DOCUMENT = {
    "containers": ["shop/web"], "engine": "docker", "group": "shop", "team": "ours",
    "logs": [{"docker": "shop-web-1", "engine": "docker"}],
    "actions": {
        "restart": {"docker": {"containers": ["shop/web"], "engine": "docker"}},
        "rollback": {"docker": {"containers": ["shop/web"], "engine": "docker",
                                "image": "previous"}},
    },
}  # fmt: skip
WEB = Offer(
    "docker docker shop-web",
    FoundService("shop-web", Service.model_validate(DOCUMENT), DOCKER, "service web of shop"),
    "docker", (replica("shop-web-1", ports=(Port(8000, 8080),)),),
)  # fmt: skip
JOB = Offer(
    "prometheus prometheus node",
    FoundService("node", Service.model_validate(
        {"job": "node", "labels": {"job": "node"}, "prometheus": "prometheus"}
    ), SourceId(SourceKind.PROMETHEUS, "prometheus"), "job node of prometheus"),
    "prometheus",
)  # fmt: skip
PROMETHEUS = Offer(
    "prometheus http://127.0.0.1:9090",
    ServerAround(SourceKind.PROMETHEUS, "http://127.0.0.1:9090", "answers at its usual port 9090"),
    "this host",
)
MINE = "# mine\nprometheus: {url: http://localhost:9090}\nservices: {}  # none yet\n"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "opsconsole.yaml"
    path.write_text(MINE)
    path.chmod(0o600)
    return path


def test_a_service_is_taken_over_with_a_restart_alone(path: Path) -> None:
    tray = TrayOfFile(path)
    assert "shop-web is taken over" in tray.take(WEB)
    assert path.read_text() == MINE
    service = load(path).services["shop-web"]
    assert service.containers == ("shop/web",)
    assert (service.group, service.team) == ("shop", "ours")
    assert service.actions.restart
    assert not service.actions.rollback
    assert Path(tray.file_of(WEB)).exists()


def test_a_job_is_taken_over(path: Path) -> None:
    TrayOfFile(path).take(JOB)
    assert load(path).services["node"].job == "node"


def test_without_a_configuration_a_first_one_is_made_that_finds_what_runs(path: Path) -> None:
    path.unlink()
    tray = TrayOfFile(None)
    assert tray.is_first
    said = tray.take(PROMETHEUS)
    assert "from the next start" in said
    made = path.parent / "config" / "opsconsole" / "config.yaml"
    settings = load(made)
    assert settings.prometheus[0].url == "http://127.0.0.1:9090"
    assert settings.discover.docker is not None
    assert not tray.is_first


def test_what_would_not_be_valid_is_not_left_behind(path: Path) -> None:
    tray = TrayOfFile(path)
    with pytest.raises(OpsconsoleError, match="not taken over"):
        tray.take(PROMETHEUS)
    assert not Path(tray.file_of(PROMETHEUS)).exists()
    assert load(path).services == {}


def test_a_second_server_stands_beside_the_one_that_is_named(path: Path) -> None:
    TrayOfFile(path).take(replace(PROMETHEUS, called="prometheus-9090"))
    assert [each.name for each in load(path).prometheus] == ["prometheus", "prometheus-9090"]
    assert path.read_text() == MINE


def test_a_first_configuration_keeps_what_was_found_without_one(path: Path) -> None:
    path.unlink()
    begins = {
        "docker": [{"name": "docker"}, {"name": "podman", "host": "unix:///run/podman.sock"}],
        "discover": {"docker": True, "systemd": True},
    }
    TrayOfFile(None).take(replace(PROMETHEUS, begins=begins))
    settings = load(path.parent / "config" / "opsconsole" / "config.yaml")
    assert [each.name for each in settings.docker] == ["docker", "podman"]
    assert settings.discover.systemd is not None


def test_it_is_taken_over_once(path: Path) -> None:
    tray = TrayOfFile(path)
    tray.take(WEB)
    with pytest.raises(OpsconsoleError, match="was not made"):
        tray.take(WEB)


@pytest.mark.parametrize("width", [60, 80, 120, 200])
@pytest.mark.parametrize("offer", [WEB, JOB, PROMETHEUS], ids=lambda each: each.key)
def test_rows_keep_to_their_width_and_name_what_would_be_written(offer: Offer, width: int) -> None:
    line = row(offer, width)
    assert line_width(line) <= width
    assert offer.what.evidence in plain([line])


@pytest.mark.parametrize("offer", [WEB, JOB, PROMETHEUS], ids=lambda each: each.key)
def test_what_is_shown_is_what_is_written(offer: Offer, path: Path) -> None:
    shown = plain(difference(offer, "x.yaml", first=False)).splitlines()
    added = [line.removeprefix(" + ") for line in shown if line.startswith(" + ")]
    assert added == [line.rstrip() for line in written(offer, first=False)]
