"""``opsconsole check`` of a file that is good, in a world that may not be."""

import json
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from opsconsole.cli.main import main
from opsconsole.demo.prometheus import MonitoringServer
from tests.cli.conftest import Configure, Shop


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "world.yaml"
    path.write_text(text)
    return path


def test_a_service_that_is_down_is_well_configured(
    shop: Shop, configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.lose_database()
    assert main(["check", str(configure())]) == 0
    assert lines(capsys)[-1].endswith("good; 1 service, 1 instance")


def test_what_cannot_be_reached_is_told_at_its_line_and_not_looked_at_offline(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(
        tmp_path,
        "docker: []\n"
        "prometheus: {url: 'http://127.0.0.1:1'}\n"
        "alertmanager:\n"
        "  - {url: 'http://127.0.0.1:1'}\n"
        "services:\n"
        "  shop:\n"
        "    instances:\n"
        "      - http://127.0.0.1:1\n"
        "    metrics: {requests: {counter: requests_total}}\n",
    )
    assert main(["check", str(path)]) == 2
    said = lines(capsys)
    assert said[0].startswith(f"{path}:2: prometheus")
    assert any(line.startswith(f"{path}:2: prometheus.url: connect: ") for line in said)
    assert any("1 metrics were not looked at" in line and "[note]" in line for line in said)
    assert any(line.startswith(f"{path}:4: alertmanager[0].url: connect: ") for line in said)
    wanted = f"{path}:8: services.shop.instances[0]: health probe: connect"
    assert any(line.startswith(wanted) and line.endswith("[error]") for line in said)
    assert said[-1] == f"{path}: 3 errors, 1 note; 1 service, 1 instance"

    assert main(["check", "--offline", str(path)]) == 0
    assert lines(capsys) == [f"{path}: good; 1 service, 1 instance"]


def test_a_body_that_does_not_say_how_it_is_is_a_warning_with_its_remedy(
    shop: Shop, configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.body = {"pool": {"active": 3}, "mood": "fine"}
    metrics = {"pool": {"json": "pool.actve"}, "quota": {"header": "x-ratelimit-remaining"}}
    path = configure({"metrics": metrics})
    assert main(["check", "--json", str(path)]) == 2
    document = json.loads(capsys.readouterr().out)
    assert document["valid"] is True
    assert document["exit_code"] == 2
    found = {each["where"]: each for each in document["findings"]}
    unknown = found["services.shop.instances[0]"]
    assert unknown["severity"] == "warning"
    assert "health: {state: …}" in unknown["remedy"]
    assert found["services.shop.metrics.pool.json"]["remedy"] == "did you mean 'pool.active'?"
    assert found["services.shop.metrics.pool.json"]["severity"] == "error"
    assert found["services.shop.metrics.quota.header"]["severity"] == "warning"
    assert all(each["line"] > 0 for each in document["findings"])


def test_a_path_that_is_not_served_is_an_error(
    shop: Shop, configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.code, shop.body = 404, {"detail": "Not Found"}
    assert main(["check", str(configure())]) == 2
    assert "HTTP 404" in lines(capsys)[0]


def test_an_instance_that_is_away_is_told_once(
    configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    away = {
        "instances": ["http://127.0.0.1:1", "http://127.0.0.1:2"],
        "probes": {"live": "/live", "ready": "/ready"},
        "metrics": {"requests": {"counter": "requests_total"}},
    }
    assert main(["check", str(configure(away))]) == 2
    said = lines(capsys)
    assert len(said) == 3
    assert ["instances[0]" in said[0], "instances[1]" in said[1]] == [True, True]


def test_a_bad_file_is_not_held_against_the_world(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, "services: {shop: {instances: ['http://127.0.0.1:1'], nope: 1}}\n")
    assert main(["check", "--json", str(path)]) == 78
    document = json.loads(capsys.readouterr().out)
    assert (document["valid"], document["findings"]) == (False, [])
    assert len(document["problems"]) == 1


def test_a_server_of_another_kind_is_told_apart(
    shop: Shop, configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    path = configure(prometheus={"url": shop.url}, alertmanager={"url": shop.url})
    assert main(["check", str(path)]) == 2
    said = "\n".join(lines(capsys))
    assert "does not answer as a Prometheus" in said
    assert "does not answer as an Alertmanager" in said


@pytest.mark.parametrize(
    ("docker", "code", "said"),
    [
        ({"host": "unix:///nowhere/docker.sock"}, 1, "there is no such socket"),
        ({"host": "tcp://127.0.0.1:1"}, 1, "refused"),
        ({"context": "typo"}, 1, "typo"),
        ({"host": "unix:///nowhere/docker.sock", "enabled": False}, 0, "good"),
    ],
)
def test_an_engine_that_is_not_there_is_a_warning(
    docker: dict[str, Any],
    code: int,
    said: str,
    configure: Configure,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["check", str(configure(docker=docker))]) == code
    assert said in "\n".join(lines(capsys))


def test_an_engine_that_never_answers_is_not_waited_for(
    tmp_path: Path, configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "d.sock"
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(place))
        silent.listen()
        assert main(["check", str(configure(docker={"host": f"unix://{place}"}))]) == 1
    assert "did not answer within 3 s" in "\n".join(lines(capsys))


def test_check_against_real_servers_loads_neither_textual_nor_docker(
    prometheus_server: MonitoringServer,
    alertmanager_server: MonitoringServer,
    configure: Configure,
) -> None:
    metric = {"gauge": "up", "labels": {"job": "prometheus"}}
    path = configure(
        {"metrics": {"up": metric}},
        prometheus={"url": prometheus_server.url},
        alertmanager={"url": alertmanager_server.url},
    )
    deadline = time.monotonic() + 20
    while main(["check", str(path)]) != 0:
        assert time.monotonic() < deadline, "Prometheus never scraped itself"
        time.sleep(0.3)
    script = (
        "import sys; from opsconsole.cli.main import main;"
        f"code = main(['check', {str(path)!r}]);"
        "print(code, *sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    words = ran.stdout.splitlines()[-1].split()
    assert words[0] == "0", ran.stdout
    assert not {"textual", "docker", "prometheus_api_client"} & set(words)


@pytest.mark.parametrize(
    ("service", "where", "message"),
    [
        ("job: web", "job", "no Prometheus is read that could know job web"),
        ("{job: web, prometheus: none}", "job", "no Prometheus is read that could know job web"),
        ("containers: [web]", "containers[0]", "no engine is read that could know web"),
        (
            "{containers: [web], engine: far}",
            "containers[0]",
            "no engine is read that could know web",
        ),
    ],
)
def test_what_nobody_reads_is_a_warning(
    service: str, where: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inner = service if service.startswith("{") else f"{{{service}}}"
    engines = "docker: [{name: far, host: 'tcp://127.0.0.1:1', enabled: false}]\n"
    path = write(tmp_path, f"{engines}services:\n  web: {inner}\n")
    assert main(["check", str(path)]) == 1
    (said, verdict) = lines(capsys)
    assert said.startswith(f"{path}:3: services.web.{where}: {message}, "), said
    assert said.endswith("[warning]")
    assert verdict.endswith("1 warning; 1 service, 0 instances")
