"""A made-up log source, added to a copy of the program in the places that the page names."""

from pathlib import Path

import pytest

from tests.program_copy import Copy, places_on

_FIELD = '    counter: Text | None = Field(default=None, description="Up to which number.")\n'
_SOURCE = '''
"""A log that counts."""

from opsconsole.sources.logs.base import LogContext, LogSink
from opsconsole.sources.logs.follower import Follower
from opsconsole.sources.logs.raw_lines import RawLine


class CounterSource(Follower):
    def __init__(self, what: str, context: LogContext, sink: LogSink) -> None:
        super().__init__(what, sink)
        self._last = int(what)

    def follow(self) -> None:
        numbers = range(1, self._last + 1)
        self.sink.lines([RawLine(f"number {each}".encode()) for each in numbers], live=False)
        self.wait(60)
'''
_CASE = """        case "counter":
            from opsconsole.sources.logs.counter import CounterSource

            return CounterSource(what, context, sink)
"""
_SCRIPT = """
import sys, time
from pathlib import Path
from opsconsole.clock import SystemClock
from opsconsole.config.loader import load
from opsconsole.engine.logs.watch import LogWatch
from opsconsole.machines.machines import Machines
path = Path(sys.argv[1])
pages = []
watch = LogWatch(load(path), path.parent, Machines(), SystemClock())
watch.open("web", pages.append)
while not (pages and len(pages[-1].lines) == 3):
    time.sleep(0.01)
print(*(f"{line.source}: {line.text}" for line in pages[-1].lines), sep="\\n")
watch.close()
"""


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    copy = Copy(tmp_path / "copy")
    settings = "config/service_log.py"
    copy.put(settings, '"counter", ', before='"loki"]')
    copy.put(settings, _FIELD, before='    format: Literal["auto"')
    copy.put(settings, '            "counter": self.counter,\n', before='            "journal": ')
    copy.put("sources/logs/counter.py", _SOURCE)
    copy.put("sources/logs/kinds.py", _CASE, before="        case _:\n")
    return copy


def config(folder: Path, log: str) -> str:
    path = folder / "opsconsole.yaml"
    path.write_text(f"docker: []\nservices: {{web: {{logs: [{log}]}}}}\n")
    path.chmod(0o600)
    return str(path)


def test_the_page_names_each_place_and_no_other(copy: Copy) -> None:
    rows = places_on("adding-a-log-source.md")
    assert copy.touched == {row.replace("NAME", "counter") for row in rows}
    assert len(rows) == len(set(rows)) == 3


def test_lines_are_read_through_it(copy: Copy, tmp_path: Path) -> None:
    done = copy.python("-c", _SCRIPT, config(tmp_path, '{counter: "3"}'))
    assert done.stdout.splitlines() == ["3: number 1", "3: number 2", "3: number 3"], done.stderr


def test_what_is_declared_is_checked(copy: Copy, tmp_path: Path) -> None:
    done = copy.run("check", config(tmp_path, '{counter: "3", file: app.log}'))
    said = done.stdout + done.stderr
    assert "name exactly one of file, " in said
    assert ", counter, " in said
