"""What was taken over stands in files of its own, and only where nobody else could write."""

from pathlib import Path

import pytest

from opsconsole.config.files.taken import take, taken_files
from opsconsole.config.files.watching import stamps
from opsconsole.config.loader import load
from opsconsole.errors import ConfigError

MINE = "# mine\nservices:\n  web: {instances: http://localhost:1}  # this one\n"
FOUND = "services:\n  db:\n    containers: [db]\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "opsconsole.yaml"
    path.write_text(MINE)
    path.chmod(0o600)
    return path


def test_it_is_read_beside_the_file_which_stays_as_it_is(path: Path) -> None:
    before = stamps(path)
    file = take(path, "db", FOUND)
    assert file == path.parent / "opsconsole.found" / "found-db.yaml"
    assert set(load(path).services) == {"web", "db"}
    assert path.read_text() == MINE
    assert stamps(path) != before
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_in_a_folder_it_stands_beside_the_others(path: Path) -> None:
    file = take(path.parent, "db", FOUND)
    assert file == path.parent / "found-db.yaml"
    assert set(load(path.parent).services) == {"web", "db"}


def test_it_is_made_once(path: Path) -> None:
    take(path, "db", FOUND)
    with pytest.raises(FileExistsError):
        take(path, "db", "services: {}\n")
    assert set(load(path).services) == {"web", "db"}


@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_others_could_write_is_not_read(path: Path, what: str) -> None:
    file = take(path, "db", FOUND)
    (file if what == "file" else file.parent).chmod(0o777)
    assert taken_files(path) == ()
    assert set(load(path).services) == {"web"}


def test_a_link_that_leads_to_what_others_could_write_is_not_read(path: Path) -> None:
    file = take(path, "db", FOUND)
    loose = path.parent / "loose.txt"
    loose.write_text("services:\n  evil: {containers: [x]}\n")
    loose.chmod(0o666)
    (file.parent / "found-evil.yaml").symlink_to(loose)
    assert set(load(path).services) == {"web", "db"}


def test_what_is_wrong_in_it_is_named_with_its_file(path: Path) -> None:
    take(path, "db", "services:\n  db: {containrs: [x]}\n")
    with pytest.raises(ConfigError) as raised:
        load(path)
    assert "found-db.yaml:2" in str(raised.value)
