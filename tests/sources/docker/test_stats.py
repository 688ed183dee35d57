"""Counters become shares, from the API and from both versions of control groups."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsconsole.sources.docker.cgroups import ControlGroups
from opsconsole.sources.docker.stats import (
    Usage,
    UsageBook,
    cpu_share,
    from_api,
    from_cgroup_v1,
    from_cgroup_v2,
)
from tests.sources.docker_fakes import sample

ID = "ab" * 32


def test_a_share_is_a_difference_over_its_time() -> None:
    assert cpu_share(Usage(10, 5.0, 0), Usage(12, 9.0, 0)) == 2.0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, Usage(1, 1.0, 0)),
        (Usage(1, None, 0), Usage(2, 1.0, 0)),
        (Usage(1, 1.0, 0), Usage(2, None, 0)),
        (Usage(1, 9.0, 0), Usage(2, 1.0, 0)),
        (Usage(2, 1.0, 0), Usage(2, 2.0, 0)),
        (Usage(3, 1.0, 0), Usage(2, 2.0, 0)),
        (Usage(1000.0, 1.0, 0), Usage(1.7e9, 2.0, 0)),
    ],
)
def test_a_share_that_cannot_be_known_is_none(before: Usage | None, after: Usage) -> None:
    assert cpu_share(before, after) is None


def test_statistics_of_the_api() -> None:
    answer = sample("stats-web")

    usage = from_api(answer)

    assert usage is not None
    cpu = answer["cpu_stats"]["cpu_usage"]["total_usage"]
    memory = answer["memory_stats"]
    assert usage.cpu_seconds == cpu / 1e9
    assert usage.memory == memory["usage"] - memory["stats"]["total_inactive_file"]


def test_memory_of_the_second_version_of_control_groups() -> None:
    memory = {"usage": 1000, "stats": {"inactive_file": 300}}

    usage = from_api({"read": "2026-01-02T03:04:05Z", "memory_stats": memory})

    assert usage == Usage(1767323045.0, None, 700)


def test_a_container_that_does_not_run_has_no_usage() -> None:
    assert from_api(sample("stats-done")) is None


@pytest.mark.parametrize("answer", [None, [], {"read": 5}, {"read": "2026-01-02T03:04:05Z"}])
def test_garbage_is_not_known(answer: object) -> None:
    usage = from_api(answer)

    assert usage is None or (usage.cpu_seconds, usage.memory) == (None, None)


def test_control_groups_of_both_versions() -> None:
    stat = "cache 5\ninactive_file 1\ntotal_inactive_file 300\n"
    assert from_cgroup_v1(7, "2500000000\n", "1000\n", stat) == Usage(7, 2.5, 700)
    cpu = "usage_usec 2500000\nuser_usec 1\n"
    assert from_cgroup_v2(7, cpu, "1000\n", "anon 5\ninactive_file 300\n") == Usage(7, 2.5, 700)


@settings(deadline=None)
@given(st.text(), st.text(), st.text())
def test_no_text_breaks_the_reader(first: str, second: str, third: str) -> None:
    from_cgroup_v1(0, first, second, third)
    from_cgroup_v2(0, first, second, third)


def test_the_book_forgets_what_is_old_or_gone() -> None:
    book = UsageBook()
    book.record(ID, Usage(1, 1.0, 5), 100.0)
    book.record(ID, Usage(2, 1.5, 6), 101.0)

    share = book.share(ID, 105.0, 10.0)
    assert share is not None
    assert (share.cpu, share.memory) == (0.5, 6)
    assert book.share(ID, 112.0, 10.0) is None
    book.keep(frozenset())
    assert book.share(ID, 101.0, 10.0) is None


def make_v1(root: Path, parent: str) -> None:
    for controller, files in (
        ("cpuacct", {"cpuacct.usage": "3000000000\n"}),
        ("memory", {"memory.usage_in_bytes": "900\n", "memory.stat": "total_inactive_file 100\n"}),
    ):
        folder = root / controller / parent
        folder.mkdir(parents=True)
        for name, text in files.items():
            (folder / name).write_text(text)


def make_v2(root: Path, parent: str) -> None:
    folder = root / parent
    folder.mkdir(parents=True)
    (root / "cgroup.controllers").write_text("cpu memory\n")
    (folder / "cpu.stat").write_text("usage_usec 3000000\n")
    (folder / "memory.current").write_text("900\n")
    (folder / "memory.stat").write_text("inactive_file 100\n")


@pytest.mark.parametrize(
    "parent", [f"docker/{ID}", f"own-parent/{ID}", f"docker/outer/docker/{ID}"]
)
def test_containers_are_found_in_the_first_version(tmp_path: Path, parent: str) -> None:
    make_v1(tmp_path, parent)

    usage = ControlGroups(tmp_path).read(ID)

    assert usage is not None
    assert (usage.cpu_seconds, usage.memory) == (3.0, 800)


@pytest.mark.parametrize(
    "parent",
    [
        f"system.slice/docker-{ID}.scope",
        f"docker/{ID}",
        f"user.slice/user-1000.slice/user@1000.service/docker-{ID}.scope",
    ],
)
def test_containers_are_found_in_the_second_version(tmp_path: Path, parent: str) -> None:
    make_v2(tmp_path, parent)

    usage = ControlGroups(tmp_path).read(ID)

    assert usage is not None
    assert (usage.cpu_seconds, usage.memory) == (3.0, 800)


def test_what_is_not_here_is_none_and_not_searched_for_each_time(tmp_path: Path) -> None:
    groups = ControlGroups(tmp_path)

    assert groups.read(ID) is None
    make_v1(tmp_path, f"docker/{ID}")
    assert groups.read(ID) is None
    groups.keep(frozenset())
    assert groups.read(ID) is not None


def test_an_id_is_never_a_path(tmp_path: Path) -> None:
    make_v1(tmp_path, "docker/up")

    assert ControlGroups(tmp_path).read("../docker/up") is None
    assert ControlGroups(tmp_path).read("*") is None


def test_a_container_that_ended_is_none(tmp_path: Path) -> None:
    make_v1(tmp_path, f"docker/{ID}")
    groups = ControlGroups(tmp_path)
    assert groups.read(ID) is not None

    (tmp_path / "memory" / "docker" / ID / "memory.stat").unlink()

    assert groups.read(ID) is None
