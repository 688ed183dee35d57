"""Rollback of a checkout to the tag before, with real git."""

import os
import subprocess
from pathlib import Path

import pytest

from opsconsole.model.operation import ActionKind, ActionRequest, Operation, OperationState, Plan
from tests.operations.place import Place, ended, performed, planned, refused

_REQUEST = ActionRequest("web", ActionKind.ROLLBACK, reason="a test")


def _git(folder: Path, *arguments: str) -> str:
    argv = ["git", "-c", "user.name=t", "-c", "user.email=t@example.invalid", *arguments]
    answer = subprocess.run(argv, cwd=folder, check=True, capture_output=True, text=True)
    return answer.stdout.strip()


def _config(then: str = "restart", restart: str = "[sh, -c, 'cp app/version running']") -> str:
    return f"""
docker: []
operations: {{cooldown: 0.001ms}}
services:
  web:
    actions:
      rollback:
        git: {{path: app, then: {then}}}
        min_healthy: 100ms
        deadline: 3s
      restart: {{command: {restart}, min_healthy: 100ms}}
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A checkout of v1.10.0; v1.9.0 and v1.10.0-rc1 were before it, v2.0.0 comes after it."""
    folder = tmp_path / "app"
    folder.mkdir()
    _git(folder, "init", "--quiet", "--initial-branch=main")
    for version in ("v1.9.0", "v1.10.0-rc1", "v1.10.0", "v2.0.0"):
        (folder / "version").write_text(version)
        _git(folder, "add", "version")
        _git(folder, "commit", "--quiet", "--message", version)
        _git(folder, "tag", version)
    _git(folder, "tag", "nightly")
    _git(folder, "checkout", "--quiet", "v1.10.0")
    return folder


async def _rolled_back(place: Place) -> Operation:
    operator = place.operator()
    plan = await planned(operator, _REQUEST)
    return await ended(operator, (await performed(operator, plan)).id)


async def test_the_tag_before_by_version_and_the_restart_that_follows(
    app: Path, place: Place
) -> None:
    place.write(_config())
    operation = await _rolled_back(place)
    assert operation.state is OperationState.VERIFIED, operation
    assert [step.state for step in operation.steps] == ["done", "done"]
    assert _git(app, "describe", "--tags", "--exact-match") == "v1.10.0-rc1"
    assert (app.parent / "running").read_text() == "v1.10.0-rc1"
    answer = await place.operator().plan(_REQUEST, None)
    assert refused(answer) == "rollback-of-rollback"


async def test_a_version_that_was_rolled_back_from_is_skipped(app: Path, place: Place) -> None:
    place.write(_config(then="nothing"))
    assert (await _rolled_back(place)).state is OperationState.VERIFIED
    _git(app, "checkout", "--quiet", "v2.0.0")
    plan = await planned(place.operator(), _REQUEST)
    assert plan.fingerprint["tag target"].startswith("v1.10.0-rc1 ")
    assert [step.driver for step in plan.steps] == ["git"]


async def test_changes_of_its_own_are_not_touched(app: Path, place: Place) -> None:
    place.write(_config())
    (app / "untracked").write_text("does not count")
    operator = place.operator()
    plan = await planned(operator, _REQUEST)
    (app / "version").write_text("hand-made")
    assert refused(await operator.plan(_REQUEST, None)) == "cannot-look"
    operation = await ended(operator, (await performed(operator, plan)).id)
    assert operation.state is OperationState.REFUSED, operation
    assert "version" in operation.summary
    assert (app / "version").read_text() == "hand-made"


async def test_another_checkout_since_the_plan_makes_it_stale(app: Path, place: Place) -> None:
    place.write(_config())
    operator = place.operator()
    plan = await planned(operator, _REQUEST)
    _git(app, "checkout", "--quiet", "v2.0.0")
    operation = await ended(operator, (await performed(operator, plan)).id)
    assert operation.state is OperationState.REFUSED, operation
    assert "tag was v1.10.0" in operation.summary
    assert _git(app, "describe", "--tags", "--exact-match", "--match", "v*") == "v2.0.0"


async def test_a_restart_that_fails_is_told_with_both_versions(app: Path, place: Place) -> None:
    place.write(_config(restart="['false']"))
    operation = await _rolled_back(place)
    assert operation.state is OperationState.FAILED, operation
    assert [step.state for step in operation.steps] == ["done", "failed"]
    told = "\n".join((*operation.evidence, *(step.summary for step in operation.steps)))
    assert "v1.10.0-rc1" in told
    assert "v1.10.0 " in told


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["checkout", "--quiet", "v1.9.0"], "no version before v1.9.0"),
        (["commit", "--quiet", "--allow-empty", "--message", "x"], "none of the versions v*"),
        (["tag", "--delete", "v1.10.0"], "none of the versions v*"),
    ],
)
async def test_without_a_version_to_go_to(
    app: Path, place: Place, command: list[str], told: str
) -> None:
    place.write(_config())
    _git(app, *command)
    answer = await place.operator().plan(_REQUEST, None)
    assert refused(answer) == "cannot-look"
    assert told in str(answer)


async def test_no_checkout_no_restart_and_read_only(app: Path, place: Place) -> None:
    place.write(_config())
    assert refused(await place.operator(read_only=True).plan(_REQUEST, None)) == "read-only"
    place.write(_config().replace("path: app", "path: ."))
    answer = await place.operator().plan(_REQUEST, None)
    assert "not a git repository" in str(answer)
    config = _config()
    place.write(config[: config.index("      restart:")])
    assert "declares none" in str(await place.operator().plan(_REQUEST, None))
    assert _git(app, "describe", "--tags", "--exact-match") == "v1.10.0"


async def test_what_the_repository_would_have_run_is_not_run(app: Path, place: Place) -> None:
    place.write(_config(then="nothing"))
    trap, sprung = app / ".git" / "trap", app.parent / "sprung"
    trap.write_text(f"#!/bin/sh\ntouch {sprung}\n")
    trap.chmod(0o755)
    hooks = app / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("post-checkout", "reference-transaction", "post-index-change"):
        (hooks / name).symlink_to(trap)
    _git(app, "config", "core.fsmonitor", str(trap))
    _git(app, "status")
    assert sprung.exists(), "the trap is no trap"
    sprung.unlink()
    assert (await _rolled_back(place)).state is OperationState.VERIFIED
    assert not sprung.exists()


_PROGRAMS = {
    "a clean filter": ("filter.x.clean",),
    "a smudge filter": ("filter.x.smudge",),
    "a process": ("filter.x.process",),
    "a name with dots": ("filter.a.b c.smudge",),
}


@pytest.mark.parametrize("name", _PROGRAMS)
async def test_a_filter_of_the_repository_is_refused_before_it_runs(
    app: Path, place: Place, name: str
) -> None:
    place.write(_config(then="nothing"))
    operator = place.operator()
    plan = await planned(operator, _REQUEST)
    trap, sprung = app / ".git" / "trap", app.parent / "sprung"
    trap.write_text(f"#!/bin/sh\ntouch {sprung}\ncat\n")
    trap.chmod(0o755)
    for key in _PROGRAMS[name]:
        _git(app, "config", key, str(trap))
        filter_name = key.removeprefix("filter.").rsplit(".", 1)[0]
        (app / ".git" / "info").mkdir(exist_ok=True)
        (app / ".git" / "info" / "attributes").write_text(f'* filter="{filter_name}"\n')
    os.utime(app / "version", (1, 1))
    answer = await operator.plan(_REQUEST, None)
    assert refused(answer) == "cannot-look"
    assert _PROGRAMS[name][0] in str(answer)
    operation = await ended(operator, (await performed(operator, plan)).id)
    assert operation.state is OperationState.REFUSED, operation
    assert not sprung.exists()


async def test_a_filter_that_this_user_set_up_is_used(
    app: Path, place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".gitconfig").write_text('[filter "own"]\n\tsmudge = tr v w\n\tclean = tr w v\n')
    (app / ".git" / "info").mkdir(exist_ok=True)
    (app / ".git" / "info" / "attributes").write_text("version filter=own\n")
    (app / "version").unlink()
    _git(app, "checkout", "--quiet", "version")
    place.write(_config(then="nothing"))
    assert (await _rolled_back(place)).state is OperationState.VERIFIED
    assert (app / "version").read_text() == "w1.10.0-rc1"


@pytest.mark.parametrize("worktree", ["elsewhere", "/"])
async def test_a_repository_whose_files_are_elsewhere_is_refused(
    app: Path, place: Place, worktree: str
) -> None:
    place.write(_config(then="nothing"))
    elsewhere = app.parent / "elsewhere"
    elsewhere.mkdir()
    _git(app, "config", "core.worktree", str(app.parent / worktree))
    answer = await place.operator().plan(_REQUEST, None)
    assert refused(answer) == "cannot-look"
    assert "in another folder" in str(answer)
    assert list(elsewhere.iterdir()) == []


async def test_a_partial_clone_fetches_nothing_with_a_program_of_its_own(
    app: Path, place: Place
) -> None:
    place.write(_config(then="nothing"))
    sprung = app.parent / "sprung"
    for key, value in (
        ("core.repositoryformatversion", "1"),
        ("extensions.partialClone", "origin"),
        ("remote.origin.promisor", "true"),
        ("remote.origin.url", f"ext::touch {sprung}"),
        ("remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*"),
        ("protocol.ext.allow", "always"),
    ):
        _git(app, "config", key, value)
    blob = _git(app, "rev-parse", "v1.10.0-rc1:version")
    (app / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(subprocess.CalledProcessError):
        _git(app, "cat-file", "-p", blob)
    assert sprung.exists(), "the trap is no trap"
    sprung.unlink()
    operator = place.operator()
    answer = await operator.plan(_REQUEST, None)
    if isinstance(answer, Plan):
        await ended(operator, (await performed(operator, answer)).id)
    assert not sprung.exists()


async def test_a_version_with_another_submodule_is_refused(app: Path, place: Place) -> None:
    place.write(_config(then="nothing"))
    commits = [_git(app, "rev-parse", tag) for tag in ("v1.9.0", "v1.10.0-rc1")]
    _git(app, "checkout", "--quiet", "v2.0.0")
    for version, commit in zip(("v3.0.0", "v3.1.0"), commits, strict=True):
        _git(app, "update-index", "--add", "--cacheinfo", f"160000,{commit},vendor/theirs")
        _git(app, "commit", "--quiet", "--message", version)
        _git(app, "tag", version)
    (app / "vendor" / "theirs").mkdir(parents=True)
    answer = await place.operator().plan(_REQUEST, None)
    assert refused(answer) == "cannot-look"
    assert "other submodules: vendor/theirs" in str(answer)
    assert "git submodule update" in str(answer)
    _git(app, "commit", "--quiet", "--allow-empty", "--message", "v3.2.0")
    _git(app, "tag", "v3.2.0")
    await planned(place.operator(), _REQUEST)
    _git(app, "checkout", "--quiet", "v3.0.0")
    answer = await place.operator().plan(_REQUEST, None)
    assert "other submodules: vendor/theirs" in str(answer), "v2.0.0 has none"
