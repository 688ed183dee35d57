"""Who else could change what is obeyed: files, their folders, links, another owner."""

import grp
import os
import pwd
import stat
from pathlib import Path

import pytest

from opsconsole.ownership import looseness, looseness_of

IS_ROOT = os.geteuid() == 0


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program two folders down, and another folder with a link to it."""
    path = tmp_path / "opt" / "bin" / "program"
    path.parent.mkdir(parents=True)
    path.touch()
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "program").symlink_to(path)
    for each in (path.parent.parent, path.parent, path, tmp_path / "links"):
        each.chmod(0o755)
    return path


def how(path: Path) -> str:
    found = looseness(path)
    return found.how if found else ""


def test_what_only_this_user_may_write_is_safe(program: Path) -> None:
    assert how(program) == ""
    assert how(program.parents[2] / "links" / "program") == ""
    assert how(Path("/bin/sh")) == ""


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o777])
@pytest.mark.parametrize("above", [0, 1, 2])
def test_whoever_may_write_it_or_a_folder_above_it_is_named(
    program: Path, above: int, mode: int
) -> None:
    place = [program, *program.parents][above]
    place.chmod(mode)
    assert f"{place} can be written by others (mode {mode:04o})" in how(program)
    place.chmod(0o755)


@pytest.mark.parametrize(
    ("user", "members", "others", "is_named"),
    [
        (1000, [], [], False),
        (1000, ["kim"], [], False),
        (1000, ["ana"], [], True),
        (1000, [], [("ana", 1001)], True),
        (1001, [], [("ana", 1001)], True),
        (0, [], [], True),
        (4242, [], [], True),
    ],
    ids=["its own", "named in it", "a member", "another's as well", "another's", "root", "no name"],
)
def test_a_group_with_nobody_else_in_it_is_nobody_else(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    user: int,
    members: list[str],
    others: list[tuple[str, int]],
    is_named: bool,
) -> None:
    accounts = [("root", 0, 0), ("kim", 1000, 1000), *((*other, 1000) for other in others)]
    known = [
        pwd.struct_passwd((name, "x", uid, gid, "", "/", "/bin/sh")) for name, uid, gid in accounts
    ]
    by_id = {each.pw_uid: each for each in known}
    monkeypatch.setattr(pwd, "getpwall", lambda: known)
    monkeypatch.setattr(pwd, "getpwuid", by_id.__getitem__)
    group = grp.struct_group(("kim", "x", 1000, members))
    monkeypatch.setattr(grp, "getgrgid", {1000: group}.__getitem__)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    for mode in (0o664, 0o775):
        status = os.stat_result((stat.S_IFREG | mode, 0, 0, 1, user, 1000, 0, 0, 0, 0))
        assert (looseness_of(status, tmp_path) is not None) == is_named
    status = os.stat_result((stat.S_IFREG | 0o666, 0, 0, 1, user, 1000, 0, 0, 0, 0))
    assert looseness_of(status, tmp_path) is not None


def test_the_folder_of_a_link_counts_as_well(program: Path) -> None:
    links = program.parents[2] / "links"
    links.chmod(0o777)
    assert str(links) in how(links / "program")


def test_a_folder_where_only_owners_may_rename_shields_what_is_in_it(program: Path) -> None:
    program.parent.chmod(0o1777)
    expected = "" if IS_ROOT else "can be written"
    assert expected in how(program)
    assert "can be written" in how(program.parent)


@pytest.mark.skipif(not IS_ROOT, reason="giving a file away takes root")
@pytest.mark.parametrize("above", [0, 1, 2])
def test_another_owner_is_named(program: Path, above: int) -> None:
    place = [program, *program.parents][above]
    os.chown(place, 4242, 0)
    assert f"{place} belongs to user 4242" in how(program)
