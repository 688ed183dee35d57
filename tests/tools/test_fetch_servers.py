"""Fetching servers does nothing twice, and says what to do where it cannot work."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tools import fetch_servers
from tools.debian import FetchError, locked, run
from tools.fetch_servers import GROUPS, STAMP, Group, is_current, provide, stamp_of

SCRIPT = Path(__file__).parents[2] / "tools/fetch_servers.py"


def fetch(*arguments: str, path: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_group_that_is_there_is_not_fetched_again(tmp_path: Path) -> None:
    (tmp_path / "fonts").mkdir()
    (tmp_path / "fonts" / STAMP).write_text(stamp_of(GROUPS["fonts"]))
    done = fetch("fonts", "--into", str(tmp_path), path="/nowhere")
    assert done.returncode == 0
    assert done.stdout == f"fonts: already in {tmp_path}/fonts\n"


def test_what_was_built_is_kept_for_every_copy_of_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    kept = tmp_path / "cache/opsconsole-servers/hosts"
    kept.mkdir(parents=True)
    (kept / STAMP).write_text(stamp_of(GROUPS["hosts"]))
    servers = tmp_path / "servers"
    servers.mkdir()
    assert provide("hosts", GROUPS["hosts"], servers) == f"already in {kept}"
    assert (servers / "hosts").resolve() == kept
    assert provide("hosts", GROUPS["hosts"], servers) == f"already in {servers}/hosts"


def test_what_takes_long_is_built_where_it_is_named_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    group = GROUPS["kubernetes"]
    assert "make kubernetes" in provide("kubernetes", group, tmp_path, asked=False)
    assert not (tmp_path / "cache").exists()
    kept = tmp_path / f"cache/opsconsole-servers/kubernetes-{group.version}"
    kept.mkdir(parents=True)
    (kept / STAMP).write_text(stamp_of(group))
    assert provide("kubernetes", group, tmp_path, asked=False) == f"already in {kept}"
    assert (tmp_path / "kubernetes").resolve() == kept


def test_two_that_build_the_same_build_it_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    built = []

    def fill(target: Path, group: Group) -> int:
        built.append(target)
        target.mkdir(parents=True)
        (target / STAMP).write_text(stamp_of(group))
        return len(group.packages)

    monkeypatch.setattr(fetch_servers, "fill", fill)
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    with ThreadPoolExecutor() as pool:
        said = list(pool.map(lambda at: provide("hosts", GROUPS["hosts"], at), folders))
    (kept,) = built
    assert sorted(said) == [f"already in {kept}", f"built in {kept}"]
    assert [(folder / "hosts").resolve() for folder in folders] == [kept, kept]


def test_another_list_of_packages_is_fetched_again(tmp_path: Path) -> None:
    (tmp_path / STAMP).write_text("fonts-of-yesterday\n")
    assert not is_current(tmp_path, "fonts-of-today\n")


@pytest.mark.parametrize("group", GROUPS)
def test_every_package_has_a_locked_version(group: str) -> None:
    packages = GROUPS[group].packages
    assert [each.split("=")[0] for each in locked(packages)] == list(packages)
    assert all("=" in each for each in locked(packages)), "make lock"


def test_a_package_of_no_lock_is_fetched_as_it_is() -> None:
    assert locked(["tini", "unheard-of"])[1] == "unheard-of"


def test_without_debians_tools_it_says_what_is_needed(tmp_path: Path) -> None:
    done = fetch("fonts", "--into", str(tmp_path), path="/nowhere")
    assert done.returncode == 1
    assert "needs Debian or Ubuntu" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "fonts").exists()


def test_an_unknown_group_is_refused(tmp_path: Path) -> None:
    done = fetch("fontss", "--into", str(tmp_path), path="/nowhere")
    assert done.returncode == 2
    assert "no such group: fontss" in done.stderr


def test_programs_on_path_are_used_instead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for command in GROUPS["monitoring"].commands:
        program = tmp_path / command
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    said = provide("monitoring", GROUPS["monitoring"], tmp_path / "servers")
    assert said == "on this machine already"
    assert not (tmp_path / "servers").exists()


def test_a_command_that_fails_is_reported_with_its_last_words() -> None:
    with pytest.raises(FetchError, match=r"(?s)sh failed; check the network.*no such package"):
        run(["sh", "-c", "echo no such package >&2; exit 100"])
