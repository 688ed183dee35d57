"""What a wall is told: by its flag, by the configuration, read-only either way."""

import argparse
import shutil
import subprocess
from pathlib import Path

import pytest

from opsconsole.cli.commands import build_parser
from opsconsole.cli.configuration import from_arguments
from opsconsole.cli.screen import _options
from opsconsole.errors import OpsconsoleError
from opsconsole.model.choices import SavedView
from opsconsole.ui.options import Options, WallOptions

UNIT = Path(__file__).parents[2] / "sample_configs" / "systemd" / "opsconsole-wall@.service"


def options(folder: Path, text: str, *flags: str) -> Options:
    path = folder / "opsconsole.yaml"
    path.write_text(text)
    path.chmod(0o600)
    return _options(build_parser().parse_args(["--config", str(path), *flags]), [])


def test_a_flag_makes_a_wall_of_any_configuration(tmp_path: Path) -> None:
    made = options(tmp_path, "read_only: false\n", "--wall")
    assert made.wall == WallOptions()
    assert made.read_only
    assert not made.mouse


@pytest.mark.parametrize(
    ("text", "wall"),
    [
        ("wall: {enabled: true}\n", WallOptions()),
        ("wall: {enabled: true, rotate: 5s}\n", WallOptions(5.0)),
        ("wall:\n  enabled: true\n  views: [timeline]\n", WallOptions(20.0, ("timeline",))),
        ("wall: {rotate: 5s, views: [services]}\n", None),
        ("environment: {name: a}\n", None),
    ],
)
def test_a_configuration_asks_for_a_wall(
    tmp_path: Path, text: str, wall: WallOptions | None
) -> None:
    made = options(tmp_path, text)
    assert made.wall == wall
    assert made.read_only is (wall is not None)


def test_settings_of_the_wall_hold_for_the_flag(tmp_path: Path) -> None:
    made = options(tmp_path, "wall: {rotate: 5s, views: [services, overview]}\n", "--wall")
    assert made.wall == WallOptions(5.0, ("services", "overview"))


def test_the_executor_of_a_wall_reads_only(tmp_path: Path) -> None:
    path = tmp_path / "opsconsole.yaml"
    path.write_text("read_only: false\n")
    path.chmod(0o600)
    assert from_arguments(argparse.Namespace(config=path, wall=True)).read_only


# ---- the unit ----


def directives() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in UNIT.read_text().splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def test_the_unit_starts_a_wall_on_a_terminal_as_a_user_without_rights() -> None:
    told = directives()
    program, *words = told["ExecStart"][0].split()
    arguments = build_parser().parse_args(words)
    assert Path(program).name == "opsconsole"
    assert arguments.wall
    assert told["User"] == ["opsconsole"]
    assert told["CapabilityBoundingSet"] == [""]
    assert told["NoNewPrivileges"] == ["yes"]
    assert told["StandardInput"] == ["tty"]
    assert told["TTYPath"] == ["/dev/%I"]
    assert told["Restart"] == ["always"]
    assert "docker" not in " ".join(told.get("SupplementaryGroups", []))


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    text = UNIT.read_text().replace("/usr/local/bin/opsconsole", "/bin/true")
    unit.write_text(text.replace("Documentation=man:opsconsole(1)\n", ""))
    verify = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], check=False, capture_output=True, text=True
    )
    assert "opsconsole-wall" not in verify.stderr
    assert verify.returncode == 0, verify.stderr


def test_a_wall_of_a_saved_view(tmp_path: Path) -> None:
    text = "views:\n  night: {filter: 'state:down', failing: true}\n"
    saved = options(tmp_path, text, "--wall", "--view", "night").wall
    assert saved == WallOptions(saved=SavedView("night", "state:down", failing=True))
    with pytest.raises(OpsconsoleError, match="no view is called day") as raised:
        options(tmp_path, text, "--wall", "--view", "day")
    assert "there are: night" in str(raised.value.remedy)
    with pytest.raises(OpsconsoleError, match="--view is for a wall"):
        options(tmp_path, text, "--view", "night")
