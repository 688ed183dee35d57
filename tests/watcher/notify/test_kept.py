"""What a receiver was notified of, as any watcher of the state reads and writes it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from opsconsole.operations.postgresql_place import PostgresqlPlace
from opsconsole.operations.state_place import FolderPlace, LateJournal
from opsconsole.watcher.notify.episodes import Record
from opsconsole.watcher.notify.kept import WHOLE_AFTER, KeptNotices

LASTING: Record = {
    "do": "opened", "id": "a", "at": 2.0,
    "members": [{"key": "k", "name": "n", "severity": "critical", "since": 2.0}],
}  # fmt: skip


@pytest.fixture(params=["folder", pytest.param("postgresql", marks=pytest.mark.servers)])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LateJournal]:
    if request.param == "folder":
        found = LateJournal(FolderPlace(tmp_path / "state"), None)
    else:
        conninfo = request.getfixturevalue("postgresql_database")
        found = LateJournal(PostgresqlPlace(conninfo, tmp_path), None)
    yield found
    found.close()


def test_one_that_follows_reads_what_was_kept(journal: LateJournal) -> None:
    first = KeptNotices(journal, "kim")
    assert first.read().episodes == {}
    assert first.add([{"do": "followed", "at": 1.0}, LASTING], 2.0)
    second = KeptNotices(journal, "kim")
    assert list(second.read().episodes) == ["a"]
    assert KeptNotices(journal, "lee").read().episodes == {}, "each has its own"
    assert second.add([{"do": "taken", "id": "a", "at": 3.0}], 3.0)
    assert not first.add([{"do": "taken", "id": "a", "at": 4.0}], 4.0), "another has written"
    assert first.read().episodes["a"].taken_at == 3.0
    assert first.add([{"do": "over", "id": "a", "at": 5.0}], 5.0)


def test_two_that_begin_at_once_do_not_undo_each_other(journal: LateJournal) -> None:
    one, other = KeptNotices(journal, "kim"), KeptNotices(journal, "kim")
    one.read()
    other.read()
    assert one.add([LASTING], 2.0)
    assert not other.add([LASTING], 2.0)
    assert list(other.read().episodes) == ["a"]


def test_all_of_it_can_be_written_again(journal: LateJournal) -> None:
    one, other = KeptNotices(journal, "kim"), KeptNotices(journal, "kim")
    notified = one.read()
    assert other.add([{"do": "followed", "at": 1.0}], 1.0)
    notified.apply(LASTING)
    assert one.replace(notified, 2.0)
    assert list(other.read().episodes) == ["a"]


def test_the_ledger_stays_short_and_whole(journal: LateJournal) -> None:
    kept = KeptNotices(journal, "kim")
    kept.read()
    assert kept.add([{"do": "followed", "at": 1.0}], 1.0)
    assert kept.add([LASTING], 2.0)
    for number in range(WHOLE_AFTER // 50 + 2):
        records = [{"do": "verdict", "id": f"v{number}-{each}", "at": 3.0} for each in range(50)]
        assert kept.add(records, 3.0)
    found = KeptNotices(journal, "kim").read()
    assert found.followed_at == 1.0
    assert list(found.episodes) == ["a"]
    assert f"v{WHOLE_AFTER // 50 + 1}-49" in found.verdicts
