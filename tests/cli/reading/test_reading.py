"""``status``, ``check``, ``schema``, ``themes``: what they say and how they exit."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from opsconsole import __version__
from opsconsole.cli.main import main
from tests.cli.conftest import Configure, Shop


def documented(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_status_of_a_healthy_service_exits_0(
    configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "--config", str(configure())]) == 0
    line = capsys.readouterr().out.splitlines()[0]
    assert line.startswith("● ok       shop    1/1")


def test_status_of_a_service_that_is_down_names_the_component_and_exits_2(
    shop: Shop, configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.lose_database()
    assert main(["status", "--config", str(configure())]) == 2
    assert "database down: connection refused" in capsys.readouterr().out


def test_status_json_gives_every_part_its_age(
    shop: Shop, configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.lose_database()
    assert main(["status", "--json", "--config", str(configure())]) == 2
    document = documented(capsys)
    assert document["version"] == 2
    assert document["state"] == "down"
    (service,) = document["services"]
    (instance,) = service["instances"]
    assert instance["url"] == shop.url
    assert 0 <= instance["age"] < 10
    assert instance["latency"] > 0
    assert {part["name"]: part["state"] for part in instance["components"]} == {
        "app": "ok",
        "database": "down",
    }
    (host,) = document["resources"]["hosts"]
    assert host["memory"]["total"] > host["memory"]["used"] > 0
    ages = {source["name"]: source["age"] for source in document["sources"]}
    assert ages["host"] is not None
    assert all(age is None or 0 <= age < 10 for age in ages.values())


def test_status_of_what_cannot_be_looked_at_is_unknown_and_exits_3(
    configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    path = configure({"instances": ["http://no-such-name.invalid:8000"]})
    assert main(["status", "--config", str(path)]) == 3
    assert "unknown" in capsys.readouterr().out


def test_a_service_that_is_not_configured_is_said_with_those_that_are(
    configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "nope", "--config", str(configure())]) == 69
    said = capsys.readouterr().err
    assert "no service is called nope" in said
    assert "shop" in said


def test_without_a_configuration_this_host_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    assert main(["status"]) == 3, "nothing is watched, so nothing is known to be well"
    said = capsys.readouterr().out
    assert "host " in said
    assert "nobody.sock" in said
    assert "no service is configured or found" in said


@pytest.mark.parametrize(
    "command", [["status", "web"], ["logs", "web"], ["timeline", "--service=web"]]
)
def test_where_there_is_no_service_at_all_that_is_said(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    assert main(command) == 69
    said = capsys.readouterr().err.replace(str(tmp_path), "")
    assert "no service is called web" in said
    assert "no service is configured or found" in said
    assert "none" not in said
    assert "absent" not in said


@pytest.mark.parametrize(
    ("root", "said"),
    [
        ({}, "no alerts here: they are not looked for"),
        ({"prometheus": {"url": "http://127.0.0.1:1"}}, "unknown: "),
    ],
)
def test_alerts_that_nobody_looked_for_are_no_calm(
    configure: Configure, capsys: pytest.CaptureFixture[str], root: dict[str, Any], said: str
) -> None:
    assert main(["alerts", "--config", str(configure(**root))]) == 3
    assert said in capsys.readouterr().out


def test_own_rules_that_do_not_hold_are_no_alerts(
    configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    rule = {"name": "Down", "when": "state == down", "severity": "critical"}
    assert main(["alerts", "--config", str(configure({"alerts": [rule]}))]) == 0
    assert capsys.readouterr().out == "no alerts\n"


def test_silences_that_nobody_looked_for_are_said_to_be_that(
    configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["silences", "--config", str(configure())]) == 0
    assert capsys.readouterr().out == "no silences here: no Alertmanager is configured\n"


def test_a_bad_configuration_exits_78_with_every_problem_at_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(
        "services:\n  shop:\n    instances: [http://127.0.0.1:1]\n    intervall: 5s\n"
        "    timeout: soon\n"
    )
    assert main(["check", str(path)]) == 78
    lines = capsys.readouterr().out.splitlines()
    assert any(":4:" in line and "did you mean 'interval'" in line for line in lines)
    assert any(":5:" in line and "timeout" in line for line in lines)
    assert main(["status", "--config", str(path)]) == 78
    assert "intervall" in capsys.readouterr().err


def test_a_good_configuration_is_said_to_be_good(
    configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(configure())]) == 0
    assert "1 service, 1 instance" in capsys.readouterr().out


def test_the_schema_is_one_that_editors_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    document = documented(capsys)
    assert "services" in document["properties"]
    assert document["additionalProperties"] is False


def test_the_themes_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["themes"]) == 0
    said = capsys.readouterr().out
    assert {"dark", "light", "mono", "production"} <= {
        line.split()[0] for line in said.splitlines()
    }
    assert main(["themes", "nope"]) == 69


def test_a_file_that_is_no_theme_is_named_with_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    folder = tmp_path / "opsconsole" / "themes"
    folder.mkdir(parents=True)
    (folder / "dim.yaml").write_text('base: dark\ncolours: {down: "#111111"}\n')
    assert main(["themes", "dim"]) == 69
    said = capsys.readouterr().err
    assert "dim.yaml:2: colours.down: has a contrast of" in said


def test_wrong_usage_never_looks_like_a_state_of_the_fleet() -> None:
    for argv in (["frobnicate"], ["status", "--frobnicate"], ["restart"]):
        with pytest.raises(SystemExit) as end:
            main(argv)
        assert end.value.code == 64


def run(*argv: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "opsconsole", *argv],
        capture_output=True,
        text=True,
        env={**os.environ, **environ},
        stdin=subprocess.DEVNULL,
        check=False,
    )


def test_the_version_is_printed() -> None:
    assert run("--version").stdout == f"opsconsole {__version__}\n"


def test_the_screen_is_refused_without_a_terminal(configure: Configure) -> None:
    ran = run("--config", str(configure()))
    assert ran.returncode == 64
    assert "status" in ran.stderr
    assert "\x1b" not in ran.stdout


def test_check_loads_neither_textual_nor_docker(configure: Configure) -> None:
    script = (
        "import sys; from opsconsole.cli.main import main;"
        f"main(['check', {str(configure())!r}]);"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not {"textual", "docker"} & set(ran.stdout.split())


def test_a_closed_pipe_is_no_traceback(configure: Configure) -> None:
    command = f"{sys.executable} -m opsconsole schema | head -c 1"
    ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert "Traceback" not in ran.stderr
