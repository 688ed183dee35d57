"""Backup and restore of files, from the plan to the verdict, by the detached runner."""

import json
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

from opsconsole.cli.main import main
from opsconsole.model.operation import ActionKind, ActionRequest, Operation, OperationState, Refusal
from opsconsole.operations.backups.catalogue import backups
from opsconsole.operations.backups.store import Store
from opsconsole.operations.operator import Operator
from tests.operations.place import Place, ended, performed, planned

KINDS = {"backup": ActionKind.BACKUP, "restore": ActionKind.RESTORE}

CONFIG = """
docker: []
operations: {{cooldown: 0.001ms, backups: backups}}
services:
  reports:
    actions:
      backup:
        files: {{paths: [data, error_map.json], secret: {secret}}}
        keep: 3
        min_healthy: 0.1s
        {more}
      restore: {{backup: latest, min_healthy: 0.1s}}
"""


@pytest.fixture
def data(place: Place) -> Path:
    """A service whose data lies beside the configuration."""
    place.write(CONFIG.format(secret="false", more=""))
    data = place.config.parent / "data"
    data.mkdir()
    (data / "model").write_bytes(b"good model")
    (place.config.parent / "error_map.json").write_bytes(b"{}")
    return data


async def do(operator: Operator, kind: str, **parameters: str) -> Operation:
    request = ActionRequest("reports", KINDS[kind], reason="a test", parameters=parameters)
    plan = await planned(operator, request)
    return await ended(operator, (await performed(operator, plan)).id)


async def refusal_of(operator: Operator, kind: str, **parameters: str) -> Refusal:
    answer = await operator.plan(ActionRequest("reports", KINDS[kind], parameters=parameters), None)
    assert isinstance(answer, Refusal)
    return answer


def ids(place: Place) -> list[str]:
    folder = place.config.parent / "backups" / "reports"
    return sorted(path.name for path in folder.glob("backup-*"))


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_backup_break_restore(place: Place, data: Path) -> None:
    operator = place.operator()
    made = await do(operator, "backup")
    assert made.state is OperationState.VERIFIED, made
    assert any("every byte compared" in line for line in made.evidence)
    (data / "model").write_bytes(b"broken model")
    plan = await planned(operator, ActionRequest("reports", ActionKind.RESTORE))
    assert plan.steps[0].summary.startswith(f"restore {ids(place)[0].replace('-', ' ', 1)} (")
    assert "2 files, 12 B" in plan.steps[0].summary
    assert plan.fingerprint[f"replaces {data}"] == "a folder"
    assert "before-" in plan.undo
    back = await do(operator, "restore")
    assert back.state is OperationState.VERIFIED, back
    assert (data / "model").read_bytes() == b"good model"
    kept = next(data.parent.glob("data.before-*"))
    assert (kept / "model").read_bytes() == b"broken model"
    assert any(str(kept) in line for line in back.evidence)


async def test_the_plan_says_need_free_and_what_goes(place: Place, data: Path) -> None:
    operator = place.operator()
    for _ in range(4):
        await do(operator, "backup")
    made = ids(place)
    assert len(made) == 3
    plan = await planned(operator, ActionRequest("reports", ActionKind.BACKUP))
    assert "kB needed" in plan.steps[0].summary
    assert "GB free" in plan.steps[0].summary
    assert len(plan.steps) == 2
    assert "the backup is kept on the disk of what it is of: both are lost with it" in plan.warnings
    oldest = backups(Store(place.config.parent / "backups" / "reports"))[-1]
    assert f"remove {oldest.id}:" in plan.steps[1].summary
    assert len(ids(place)) == 3


async def test_an_unknown_and_a_damaged_backup_are_refused(place: Place, data: Path) -> None:
    operator = place.operator()
    none = await refusal_of(operator, "restore")
    assert "make a backup first" in str(none)
    await do(operator, "backup")
    good = ids(place)[0].removeprefix("backup-")
    refusal = await refusal_of(operator, "restore", backup="20200101T000000Z-000000")
    assert "there is no backup 20200101T000000Z-000000 of reports" in str(refusal)
    assert good in str(refusal)
    strange = await refusal_of(operator, "restore", backup="../../etc\x1b[31m")
    assert "\x1b" not in str(strange)
    stored = data.parent / "backups" / "reports" / f"backup-{good}" / "data" / "00000001"
    plan = await planned(operator, ActionRequest("reports", ActionKind.RESTORE))
    stored.write_bytes(b"x" * stored.stat().st_size)
    operation = await ended(operator, (await performed(operator, plan)).id)
    assert operation.state is OperationState.FAILED
    assert "is damaged: its file data/00000001" in operation.summary
    assert (data / "model").read_bytes() == b"good model"
    assert not list(data.parent.glob("data.*"))


async def test_a_newer_backup_makes_the_plan_stale(place: Place, data: Path) -> None:
    operator = place.operator()
    await do(operator, "backup")
    plan = await planned(operator, ActionRequest("reports", ActionKind.RESTORE))
    await do(operator, "backup")
    operation = await ended(operator, (await performed(operator, plan)).id)
    assert operation.state is OperationState.REFUSED
    assert "backup was" in operation.summary


async def test_what_follows_a_restore(place: Place, data: Path) -> None:
    follow = "restore: {command: [touch, reloaded], min_healthy: 0.1s}"
    place.write(CONFIG.format(secret="false", more=follow))
    operator = place.operator()
    await do(operator, "backup")
    (data / "model").write_bytes(b"broken")
    plan = await planned(operator, ActionRequest("reports", ActionKind.RESTORE))
    assert [step.driver for step in plan.steps] == ["files", "command"]
    await do(operator, "restore")
    assert (data / "model").read_bytes() == b"good model"
    assert (data.parent / "reloaded").exists()


async def test_what_cannot_follow_a_restore_is_said_before(place: Place, data: Path) -> None:
    place.write(CONFIG.format(secret="false", more="restore: {files: [data]}"))
    operator = place.operator()
    await do(operator, "backup")
    refusal = await refusal_of(operator, "restore")
    assert "what is to follow a restore of reports cannot be done by files" in str(refusal)


async def test_a_secret_is_nowhere(place: Place, data: Path) -> None:
    place.write(CONFIG.format(secret="true", more=""))
    secret = b"KEY=hunter2-hunter2"
    (data / "model").write_bytes(secret)
    operator = place.operator()
    operations = [await do(operator, "backup"), await do(operator, "restore")]
    assert [each.state for each in operations] == [OperationState.VERIFIED] * 2
    assert (data / "model").stat().st_mode & 0o777 == 0o600
    for path in files_below(place.state):
        with suppress(FileNotFoundError):  # a runner that exits removes its empty log
            assert b"hunter2" not in path.read_bytes(), path
    assert "hunter2" not in repr(operations)


async def test_the_command_line_lists_and_verifies(
    place: Place, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = ["--config", str(place.config)]
    assert main(["backups", *config]) == 0
    assert "no backups yet" in capsys.readouterr().out
    operator = place.operator()
    await do(operator, "backup")
    await do(operator, "backup")
    assert main(["backups", "reports", "--verify", *config]) == 0
    out = capsys.readouterr().out
    assert out.count(" verified ") == 2
    assert "2 files" in out
    broken = data.parent / "backups" / "reports" / ids(place)[0]
    (broken / "data" / "00000001").write_bytes(b"broken mod")
    assert main(["backups", *config]) == 0
    capsys.readouterr()
    assert main(["backups", "--verify", "--json", *config]) == 1
    document = json.loads(capsys.readouterr().out)
    listed = document["services"][0]["backups"]
    assert sorted(each["whole"] for each in listed) == [False, True]
    assert document["version"] == 1
    assert main(["backups", "other", *config]) == 69
    assert "no service is called other; there are: reports" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="needs a second disk")
async def test_a_backup_on_another_disk_is_no_warning(place: Place, data: Path) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        config = place.config.read_text().replace("backups: backups", f"backups: {folder}")
        assert folder in config
        place.write(config)
        plan = await planned(place.operator(), ActionRequest("reports", ActionKind.BACKUP))
        assert not [warning for warning in plan.warnings if "disk" in warning]
