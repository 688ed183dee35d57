"""Logs from files to pages: followed while somebody looks, counted where patterns are declared."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsconsole.clock import SystemClock
from opsconsole.config.service_log import ServiceLog
from opsconsole.config.services import Instance, Service
from opsconsole.config.settings import Settings
from opsconsole.engine.logs.watch import LogWatch, names_of, sources_of
from opsconsole.machines.machines import Machines
from opsconsole.model.logs import LogPage, LogQuery
from opsconsole.patterns import pattern
from tests.patience import until

QUIET = Service(logs=(ServiceLog(file="a.log"), ServiceLog(file="b.log")))
COUNTED = Service(logs=(ServiceLog(file="a.log", patterns={"errors": "ERROR"}),))


class Pages:
    """The pages that were told."""

    def __init__(self) -> None:
        self.all: list[LogPage] = []

    def __call__(self, page: LogPage) -> None:
        self.all.append(page)

    @property
    def texts(self) -> list[str]:
        return [line.text for line in self.all[-1].lines] if self.all else []


_of_others: set[threading.Thread] = set()


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[LogWatch]:
    _of_others.clear()
    _of_others.update(threading.enumerate())
    watch = LogWatch(
        Settings(services={"quiet": QUIET, "counted": COUNTED}),
        tmp_path,
        Machines(),
        SystemClock(),
    )
    yield watch
    watch.close()


def threads() -> int:
    there = set(threading.enumerate()) - _of_others
    return sum(each.name.startswith("log") for each in there)


def test_several_logs_are_one_page_by_time_and_end_with_the_last_look(
    tmp_path: Path, watch: LogWatch
) -> None:
    (tmp_path / "a.log").write_text("2026-11-21T10:00:00Z a1\n2026-11-21T10:00:02Z a2\n")
    (tmp_path / "b.log").write_text("2026-11-21T10:00:01Z b1\n")
    pages, others = Pages(), Pages()
    one, two = watch.open("quiet", pages), watch.open("quiet", others)
    until(lambda: [text[-2:] for text in pages.texts] == ["a1", "b1", "a2"])
    assert watch.following == 2
    one.close()
    one.close()
    assert watch.following == 2
    two.close()
    assert watch.following == 0
    until(lambda: threads() == 0)


def test_a_service_that_is_not_known_or_logs_nowhere_shows_nothing(watch: LogWatch) -> None:
    pages = Pages()
    reader = watch.open("nobody", pages)
    until(lambda: bool(pages.all))
    assert pages.all[-1].sources == ()
    reader.close()


def test_a_new_query_is_answered_at_once_and_a_page_that_is_the_same_is_not_told(
    tmp_path: Path, watch: LogWatch
) -> None:
    (tmp_path / "a.log").write_text("one\ntwo\n")
    (tmp_path / "b.log").write_text("")
    pages = Pages()
    reader = watch.open("quiet", pages)
    until(lambda: pages.texts == ["one", "two"])
    told = len(pages.all)
    time.sleep(1.2)
    assert len(pages.all) == told
    reader.ask(LogQuery(pattern=pattern("two")))
    until(lambda: pages.texts == ["two"])
    reader.close()


def test_declared_patterns_are_figures_while_nobody_looks(tmp_path: Path, watch: LogWatch) -> None:
    (tmp_path / "a.log").write_text("ERROR of the past\n")
    watch.start()
    assert watch.following == 1
    time.sleep(0.5)
    with (tmp_path / "a.log").open("a") as file:
        file.write("ERROR one\nfine\nERROR two\n" * 10)
    time.sleep(0.6)
    now = SystemClock().now()
    [metric] = watch.figures(now)
    assert metric.value is None, "five seconds are needed for a rate"
    [metric] = watch.figures(now + 20)
    assert metric.service == "counted"
    assert metric.name == "errors"
    assert metric.value == pytest.approx(20 / 21, rel=0.05)


def test_a_pattern_of_a_log_that_cannot_be_read_is_not_known(watch: LogWatch) -> None:
    watch.start()
    time.sleep(0.3)
    [metric] = watch.figures(SystemClock().now() + 20)
    assert metric.value is None


def test_a_flood_is_counted_exactly(tmp_path: Path, watch: LogWatch) -> None:
    (tmp_path / "a.log").write_text("")
    (tmp_path / "b.log").write_text("")
    pages = Pages()
    reader = watch.open("quiet", pages)
    until(lambda: bool(pages.all))
    written = 0
    with (tmp_path / "a.log").open("a") as file:
        for _ in range(20):
            file.write("".join(f"line {written + n:09d} {'x' * 80}\n" for n in range(5000)))
            file.flush()
            written += 5000
    until(lambda: pages.all[-1].sources[0].seen == written)
    status = pages.all[-1].sources[0]
    assert status.dropped == written - status.held - status.pushed_out
    assert status.dropped > written / 2
    assert status.held <= 5000
    until(lambda: pages.texts[-1].startswith(f"line {written - 1:09d}"))
    follows_on(pages.all[-1])
    reader.close()


def follows_on(page: LogPage) -> None:
    """Lines stand next to each other only where none was dropped between them."""
    before: int | None = None
    for line in page.lines:
        if line.notice:
            missing = int(line.text.split()[0].replace(",", ""))
            before = before + missing if before is not None else None
            continue
        number = int(line.text.split()[1])
        assert before is None or number == before + 1
        before = number


def test_files_of_one_name_are_called_after_the_folder_that_differs() -> None:
    files = ["/srv/one/logs/app.log", "/srv/two/logs/app.log", "/srv/one/logs/access.log"]
    sources = [ServiceLog(file=each) for each in files]
    assert names_of([*sources, ServiceLog(docker="web")]) == ["one", "two", "access.log", "web"]
    assert names_of([ServiceLog(docker="web"), ServiceLog(docker="web")]) == ["web", "web#2"]


def test_other_settings_follow_what_they_declare_and_leave_readers_alone(
    tmp_path: Path, watch: LogWatch
) -> None:
    (tmp_path / "a.log").write_text("ERROR one\n")
    (tmp_path / "b.log").write_text("")
    (tmp_path / "c.log").write_text("ERROR three\n")
    watch.start()
    pages = Pages()
    reader = watch.open("quiet", pages)
    assert watch.following == 3
    moved = Service(logs=(ServiceLog(file="c.log", patterns={"errors": "ERROR"}),))
    watch.use(Settings(services={"counted": COUNTED, "moved": moved}))
    # The reader's logs are its own from now on; the others are followed for their patterns.
    assert watch.following == 2
    (tmp_path / "b.log").write_text("still here\n")
    until(lambda: "still here" in pages.texts)
    reader.close()
    watch.use(Settings(services={"moved": COUNTED}))
    assert watch.following == 1
    watch.use(Settings())
    assert watch.following == 0
    until(lambda: threads() == 0)


def test_containers_are_followed_on_the_engine_that_is_said() -> None:
    instances = (
        Instance(url="http://10.0.0.1", container="api", engine="first"),
        Instance(url="http://10.0.0.2", container="api"),
    )
    service = Service(containers=("api",), engine="second", instances=instances)
    assert [(each.docker, each.engine) for each in sources_of(service)] == [
        ("api", "second"),
        ("api", "first"),
    ]
