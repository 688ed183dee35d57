"""Links on the way to a file: this user's and root's are followed, nobody else's."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole import durable, links

OTHER = 61234
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="giving a link away takes root")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """``real/sub/file``, and links to each of the three, relative and absolute."""
    (tmp_path / "real" / "sub").mkdir(parents=True)
    (tmp_path / "real" / "sub" / "file").write_text("secret")
    (tmp_path / "folder").symlink_to("real")
    (tmp_path / "real" / "folder").symlink_to(tmp_path / "real" / "sub")
    (tmp_path / "file").symlink_to("folder/folder/file")
    (tmp_path / "up").symlink_to("real/sub/../sub")
    return tmp_path


WAYS = ("file", "folder/sub/file", "real/folder/file", "folder/folder/file", "up/file")

Use = Callable[[Path], object]

USES: dict[str, Use] = {
    "read": lambda path: durable.read(path, 100, follow=True),
    "replace": lambda path: durable.replace(path.parent / "new", b"", 0o600),
    "create": lambda path: durable.create(path.parent / "new", b"", 0o600),
    "switch a link": lambda path: durable.replace_link(path.parent / "new", "elsewhere"),
    "open to append": lambda path: durable.open_file(path.parent / "new", os.O_WRONLY, 0o600),
    "synchronise": lambda path: durable.sync_folder(path.parent),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_users_own_links_are_followed(tree: Path, way: str) -> None:
    assert durable.read(tree / way, 100, follow=True) == b"secret"


@needs_root
@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("way", WAYS[1:])
def test_another_users_link_is_refused_on_every_component(tree: Path, way: str, use: str) -> None:
    found = (tree / "folder", tree / "real" / "folder", tree / "up")
    before = sorted(tree.rglob("*"))
    passed = [path for path in found if str(path.name) in way and _is_on(path, tree / way)]
    assert passed
    for link in passed:
        os.lchown(link, OTHER, OTHER)
        with pytest.raises(links.ForeignLinkError, match=f"belongs to user {OTHER}") as refused:
            USES[use](tree / way)
        assert refused.value.errno == errno.ELOOP
        os.lchown(link, 0, 0)
    assert sorted(tree.rglob("*")) == before


def _is_on(link: Path, way: Path) -> bool:
    above = link.parent.resolve()
    return any(each.name == link.name and each.parent.resolve() == above for each in way.parents)


@needs_root
def test_another_users_link_in_the_place_of_the_file_is_refused(tree: Path) -> None:
    os.lchown(tree / "file", OTHER, OTHER)
    for owners_links in (False, True):
        with pytest.raises(links.ForeignLinkError):
            durable.open_file(tree / "file", os.O_RDONLY, follow=True, owners_links=owners_links)


@needs_root
@pytest.mark.parametrize("owner", [OTHER, OTHER + 1, 0])
def test_a_link_may_lead_to_what_its_owner_owns_where_that_is_asked_for(
    tree: Path, owner: int
) -> None:
    os.lchown(tree / "folder", OTHER, OTHER)
    os.chown(tree / "real" / "sub" / "file", owner, owner)
    path = tree / "folder" / "sub" / "file"
    if owner != OTHER:
        with pytest.raises(links.ForeignLinkError):
            durable.open_file(path, os.O_RDONLY, follow=True, owners_links=True)
        return
    descriptor = durable.open_file(path, os.O_RDONLY, follow=True, owners_links=True)
    assert durable.read_all(descriptor, 100) == b"secret"
    os.close(descriptor)


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to("other")
    (tmp_path / "other").symlink_to("one")
    with pytest.raises(OSError, match="Too many levels"):
        durable.read(tmp_path / "one", 10, follow=True)
    with pytest.raises(OSError, match="Too many levels"):
        durable.read(tmp_path / "one" / "file", 10, follow=True)


@pytest.mark.parametrize("path", ["none", "none/file", "real/sub/file/below", "real/none/file"])
def test_what_is_not_there_is_named_whole(tree: Path, path: str) -> None:
    with pytest.raises((FileNotFoundError, NotADirectoryError)) as missing:
        durable.read(tree / path, 100, follow=True)
    assert missing.value.filename == str(tree / path)


def test_no_descriptor_is_left_open(tree: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for way in (*WAYS, "none/file", "real/sub/file/below"):
        try:
            durable.read(tree / way, 100, follow=True)
        except OSError:
            continue
    assert len(os.listdir("/proc/self/fd")) == before


@given(
    st.lists(st.sampled_from(["real", "sub", "folder", "up", "..", ".", "", "none"]), max_size=8)
)
def test_a_path_leads_where_the_kernel_has_it_lead(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str]
) -> None:
    root = tmp_path_factory.getbasetemp() / "kernel"
    if not root.exists():
        (root / "real" / "sub").mkdir(parents=True)
        (root / "folder").symlink_to("real")
        (root / "real" / "folder").symlink_to(root / "real" / "sub")
        (root / "up").symlink_to("real/sub/../sub/..")
    path = os.path.join(root, *filter(None, parts)) if parts else str(root)
    assert _reached(path, links.open_folder) == _reached(path, _by_the_kernel)


def _by_the_kernel(path: str) -> int:
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY)


def _reached(path: str, opening: Callable[[str], int]) -> tuple[int, int]:
    """Which folder, or which error."""
    try:
        descriptor = opening(path)
    except OSError as error:
        return 0, error.errno or 0
    try:
        return os.fstat(descriptor).st_ino, 0
    finally:
        os.close(descriptor)
