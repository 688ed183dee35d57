"""Which verdicts a user has seen: nothing told twice, nothing half written, nothing lost."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from opsconsole.model.operation import ActionKind, Operation, OperationState
from opsconsole.operations.seen_verdicts import catch_up
from opsconsole.operations.state_folder import prepare
from opsconsole.operations.who import Who

KIM = Who("kim", 1000, 1000, 7, "bastion-1", "pts/3", 4711)
ANN = replace(KIM, name="ann", uid=1001, login_uid=1001)


def operation(number: int, ended: float | None, who: str = "kim", **more: object) -> Operation:
    state = OperationState.DISPATCHED if ended is None else OperationState.VERIFIED
    made = Operation(
        f"op-{number}", f"p-{number}", "api", ActionKind.RESTART, "", state, who, "bastion-1",
        90.0, 95.0, ended_at=ended,
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A state folder."""
    return prepare(tmp_path / "state", shared=False)


def told(
    folder: Path, operations: list[Operation], who: Who = KIM, now: float = 100.0
) -> list[str]:
    return [each.id for each in catch_up(folder, who, operations, now, read_only=False)]


def test_the_first_console_ever_missed_nothing(folder: Path) -> None:
    assert told(folder, [operation(1, 99.0)]) == []
    assert told(folder, [operation(1, 99.0)]) == []


def test_what_ended_meanwhile_is_told_once_oldest_first(folder: Path) -> None:
    told(folder, [])
    ended = [operation(2, 130.0), operation(1, 120.0), operation(3, None)]
    assert told(folder, ended) == ["op-1", "op-2"]
    assert told(folder, ended) == []
    assert told(folder, [operation(3, 140.0), *ended]) == ["op-3"]


def test_others_and_what_was_refused_are_no_news(folder: Path) -> None:
    told(folder, [])
    refused = operation(1, 120.0, state=OperationState.REFUSED)
    assert told(folder, [refused, operation(2, 120.0, who="ann")]) == []
    told(folder, [], ANN)
    assert told(folder, [operation(2, 120.0, who="ann")], ANN) == ["op-2"]


def test_in_read_only_it_is_told_and_nothing_is_written(folder: Path) -> None:
    assert catch_up(folder, KIM, [], 100.0, read_only=True) == ()
    assert list((folder / "seen").iterdir()) == []
    told(folder, [])
    before = (folder / "seen" / "1000.json").read_bytes()
    missed = catch_up(folder, KIM, [operation(1, 120.0)], 130.0, read_only=True)
    assert [each.id for each in missed] == ["op-1"]
    assert (folder / "seen" / "1000.json").read_bytes() == before


@pytest.mark.parametrize("text", ["", "{", '{"until": "soon"}', '{"until": NaN}', "[]", "null"])
def test_a_file_that_cannot_be_understood_is_as_none(folder: Path, text: str) -> None:
    path = folder / "seen" / "1000.json"
    path.write_text(text)
    assert told(folder, [operation(1, 99.0)]) == []
    assert json.loads(path.read_text()) == {"version": 1, "until": 100.0}
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["1000.json"]


def test_a_folder_that_cannot_be_written_is_an_error_for_the_caller(folder: Path) -> None:
    (folder / "seen").rmdir()
    with pytest.raises(OSError, match="seen"):
        told(folder, [])
