"""The files that the platforms start with."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsconsole.demo.layout import Layout, plan_layout
from opsconsole.demo.seeding import seed


@pytest.fixture(name="layout")
def _layout(tmp_path: Path) -> Iterator[Layout]:
    layout = plan_layout(tmp_path / "fleet")
    seed(layout)
    yield layout
    layout.remove()


def test_secrets_are_private_and_differ_between_fleets(layout: Layout, tmp_path: Path) -> None:
    other = plan_layout(tmp_path / "other")
    seed(other)
    for name in ("errorscope/.env", "errorscope/secrets/metrics_password", "ai-ops/.env"):
        path = layout.folder / name
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.read_bytes() != (other.folder / name).read_bytes()
    other.remove()


def test_seeding_again_changes_nothing(layout: Layout) -> None:
    files = {path: path.read_bytes() for path in layout.folder.rglob("*") if path.is_file()}
    seed(layout)
    assert {path: path.read_bytes() for path in layout.folder.rglob("*") if path.is_file()} == files


def test_error_map_and_alert_rules_are_there(layout: Layout) -> None:
    folder = layout.of("errorscope")[0].folder
    assert json.loads((folder / "data/error_map.json").read_bytes())
    assert "rate(errorscope_llm_latency_seconds_bucket[5m])" in (folder / "alerts.yml").read_text()


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not on this machine")
def test_ai_operations_is_a_checkout_that_can_go_back(layout: Layout) -> None:
    folder = layout.of("ai-ops")[0].folder

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments], cwd=folder, check=True, capture_output=True, text=True
        ).stdout

    assert git("tag").split() == ["v1.0.0", "v1.1.0"]
    assert git("status", "--porcelain") == ""
    assert (folder / "VERSION").read_text() == "1.1.0\n"
    git("checkout", "--quiet", "v1.0.0")
    assert (folder / "VERSION").read_text() == "1.0.0\n"


def test_sockets_fit_however_deep_the_folder_is(tmp_path: Path) -> None:
    layout = plan_layout(tmp_path / ("x" * 120))
    assert all(len(str(member.control)) < 108 for member in layout.members)
    assert layout.run_folder.stat().st_mode & 0o777 == 0o700
    layout.remove()
    assert not layout.run_folder.exists()
