"""Backups as the screens list them: only what was compared is called verified."""

from pathlib import Path
from typing import Any

import pytest

from opsconsole.config.loader import load
from opsconsole.errors import OpsconsoleError
from opsconsole.model.asked.backups import BackupState
from opsconsole.model.operation import Refusal
from opsconsole.operations.backups.store import Store
from opsconsole.operations.shelf import Backups, Shelf
from opsconsole.threads import BoundedExecutor
from tests.operations.backups.conftest import SERVICE, back_up


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "backups")


@pytest.fixture
def shelf(tmp_path: Path, store: Store) -> Shelf:
    """A shelf on ``store`` for one service that backs up a folder."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "model.bin").write_bytes(b"weights" * 100)
    config = tmp_path / "opsconsole.yaml"
    config.write_text(
        f"docker: []\nservices:\n  {SERVICE}:\n    instances: [http://127.0.0.1:9]\n"
        f"    actions: {{backup: {{files: [{tmp_path / 'data'}], into: {store.path}}}}}\n"
        "  bare: {instances: [http://127.0.0.1:9]}\n"
    )
    config.chmod(0o600)
    return Shelf(load(config), tmp_path)


def test_a_backup_is_whole_until_every_byte_was_compared(
    shelf: Shelf, store: Store, tmp_path: Path
) -> None:
    assert shelf.list(SERVICE) == ()
    made = back_up(store, tmp_path / "data")
    [listed] = shelf.list(SERVICE)
    assert (listed.id, listed.state, listed.size) == (made.id, BackupState.WHOLE, 700)
    assert shelf.verify(SERVICE, made.id, 30.0).state is BackupState.VERIFIED
    [listed] = shelf.list(SERVICE)
    assert listed.state is BackupState.VERIFIED


def test_a_flipped_bit_is_found_and_stays_known(shelf: Shelf, store: Store, tmp_path: Path) -> None:
    made = back_up(store, tmp_path / "data")
    assert shelf.verify(SERVICE, made.id, 30.0).state is BackupState.VERIFIED
    [victim] = [
        path
        for path in store.folder(made.id).rglob("*")
        if path.is_file() and path.stat().st_size == 700
    ]
    victim.chmod(0o600)
    victim.write_bytes(b"Weights" * 100)
    damaged = shelf.verify(SERVICE, made.id, 30.0)
    assert damaged.state is BackupState.DAMAGED
    assert damaged.fault
    assert shelf.list(SERVICE)[0].state is BackupState.DAMAGED


def test_running_out_of_time_is_no_damage(shelf: Shelf, store: Store, tmp_path: Path) -> None:
    made = back_up(store, tmp_path / "data")
    with pytest.raises(OpsconsoleError, match="in time"):
        shelf.verify(SERVICE, made.id, -1.0)
    assert shelf.list(SERVICE)[0].state is BackupState.WHOLE


@pytest.mark.parametrize("service", ["bare", "nobody", "../etc"])
def test_a_service_without_backups_says_so(shelf: Shelf, service: str) -> None:
    with pytest.raises(OpsconsoleError, match="declares no backup"):
        shelf.list(service)


def test_an_unknown_id_is_named_safely(shelf: Shelf, store: Store) -> None:
    with pytest.raises(OpsconsoleError) as raised:
        shelf.verify(SERVICE, "\x1b[31m" + "x" * 5000, 30.0)
    assert "\x1b" not in str(raised.value)
    assert len(str(raised.value)) < 200


class Late(BoundedExecutor):
    """Answers nothing in time."""

    async def run(self, *_: Any, **__: Any) -> Any:
        raise TimeoutError


@pytest.mark.parametrize(
    ("executor", "listed", "verified"),
    [
        (Late, "the folder of the backups does not answer", "it was not compared within 30 min"),
        (BoundedExecutor, "declares no backup that is kept", "declares no backup that is kept"),
    ],
)
async def test_who_waits_is_told_why_there_is_no_answer(
    shelf: Shelf, executor: type[BoundedExecutor], listed: str, verified: str
) -> None:
    threads = executor("test", 1)
    backups = Backups(shelf, threads)
    for asked, said in ((backups.of("bare"), listed), (backups.verify("bare", "x"), verified)):
        answer = await asked
        assert isinstance(answer, Refusal)
        assert (answer.code, said in answer.message) == ("cannot-look", True)
        assert answer.lifted_by
    threads.close()


async def test_who_waits_is_given_what_is_on_the_shelf(
    shelf: Shelf, store: Store, tmp_path: Path
) -> None:
    threads = BoundedExecutor("test", 1)
    backups = Backups(shelf, threads)
    made = back_up(store, tmp_path / "data")
    (listed,) = shelf.list(SERVICE)
    assert await backups.of(SERVICE) == (listed,)
    found = await backups.verify(SERVICE, made.id)
    assert not isinstance(found, Refusal)
    assert found.state is BackupState.VERIFIED
    threads.close()
