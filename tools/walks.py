"""The files of ours that two walks go through: a reading to its cell, a restart to its verdict.

Invariant: ``python -m tools.walks`` walks them in the real program: the screen, the engine and the
runner, with a service that answers over a socket. A file is on a walk where a function of it runs
between the two ends. Not counted are what runs while a module is imported, what the console does
beside (``BESIDE``), and files that have data and no function.
"""

import argparse
import ast
import asyncio
import atexit
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any, ClassVar, Final

if TYPE_CHECKING:
    from textual.pilot import Pilot

PACKAGE: Final = "/opsconsole/"
SOURCE: Final = Path(__file__).parents[1] / "src" / "opsconsole"
_SCREEN: Final = "ui/screens/overview/screen.py"
_BESIDE: Final = {
    ("engine/engine.py", "Engine._discover"),
    ("engine/engine.py", "Engine._follow_configuration"),
    ("engine/engine.py", "Engine._follow_recording"),
    ("engine/engine.py", "Engine._follow_runbooks"),
    ("engine/engine.py", "Engine._learn"),
    ("engine/engine.py", "Engine._read_log_figures"),
    ("engine/engine.py", "Engine._show_hours_before"),
    ("engine/engine.py", "Engine._update_notices"),
    ("engine/desks/note_watch.py", "NoteWatch.follow"),
    ("engine/reload.py", "ConfigurationWatch._look"),
    ("engine/desks/operator_door.py", "OperatorDoor.poll_actions"),
    ("engine/desks/operator_door.py", "OperatorDoor.poll_actions.<locals>.ask"),
    ("engine/past/replay.py", "Replay.look_how_far"),
    ("engine/runbooks/run_store.py", "RunStore.runs"),
    ("operations/notes.py", "NoteBook.unread"),
    ("operations/operator.py", "Operator.reconcile"),
    ("operations/operator.py", "Operator._reconcile"),
    ("ui/widgets/header_bar.py", "HeaderBar.show"),
    ("ui/widgets/footer_bar.py", "FooterBar.show_hints"),
    *((_SCREEN, f"OverviewScreen._fill_{part}") for part in ("alerts", "places", "timeline")),
    *((_SCREEN, f"OverviewScreen.{part}") for part in ("_fill_selected", "_show_strip")),
}
BESIDE: Final = {
    "reading": {
        *_BESIDE,
        ("engine/engine.py", "Engine._follow_operations"),
        ("operations/operator.py", "Operator.changed"),
    },
    "restart": {*_BESIDE, (_SCREEN, "OverviewScreen.show_body")},
}
"""By walk, what the console does whatever happens, and the other panels of the screen: neither
this nor what it calls is on the walk."""

WALKS_OF_THEIR_OWN: Final = {
    ("config/loader.py", "load"),
    ("engine/state/store.py", "Store.settle"),
    ("operations/driving/instance_probes.py", "InstanceProbes.__init__"),
    ("sources/health/http_probe.py", "HttpProbe.collect"),
}
"""On the restart's walk, what is reached and not gone into: the walk of a reading is the other."""

_CONFIG: Final = """
docker: []
host: {{enabled: false}}
recording: {{enabled: false}}
state_dir: {folder}/state
services:
  web:
    instances: [{url}]
    health: /health
    timeout: 15s
    thresholds: {{failures: 1}}
    interval: {interval}
    actions:
      restart: {{http: {{post: /restart}}, min_healthy: 200ms, deadline: 30s}}
"""
_CHILD: Final = "WALKS_OF_A_CHILD"
_SITE: Final = "from tools.walks import follow_child\nfollow_child()\n"

Visit = tuple[str, str]
"""A file, relative to the package, and a function of it."""


class Trace:
    """Which functions of ours run while it is on, in the order of their first call."""

    def __init__(self, walk: str = "") -> None:
        self._beside: set[Visit] = BESIDE.get(walk, set())
        self._entered = WALKS_OF_THEIR_OWN if walk == "restart" else set()
        self.visits: dict[Visit, None] = {}
        self._known: dict[CodeType, Visit | None] = {}
        self.on = False
        self.awaited: Visit | None = None
        """Nothing is noted until this is called; it is the first of what is."""

    def begin(self) -> None:
        """Note what runs in threads that start from here on, and in this one."""
        threading.setprofile(self._note)
        sys.setprofile(self._note)

    def _note(self, frame: FrameType, event: str, _: Any) -> None:
        if not self.on or event != "call":
            return
        visit = self._visit(frame.f_code)
        if self.awaited not in {None, visit}:
            return
        self.awaited = None
        if visit is not None and visit not in self.visits and self._is_on_the_walk(frame):
            self.visits[visit] = None

    def _visit(self, code: CodeType) -> Visit | None:
        if code not in self._known:
            _, ours, place = code.co_filename.rpartition(PACKAGE)
            self._known[code] = (place, code.co_qualname) if ours else None
        return self._known[code]

    def _is_on_the_walk(self, frame: FrameType) -> bool:
        each: FrameType | None = frame
        while each is not None:
            visit = self._visit(each.f_code)
            imported = (
                each.f_code.co_name == "<module>" and each.f_globals["__name__"] != "__main__"
            )
            if visit is not None and (imported or visit in self._beside):
                return False
            if visit in self._entered and each is not frame:
                return False
            each = each.f_back
        return frame.f_code.co_name != "<module>"


def follow_child() -> None:
    """Note what a process runs, and write it down at its end."""
    walk, _, place = os.environ.get(_CHILD, "").partition("@")
    if not place:
        return
    trace = Trace(walk)
    trace.on = True
    trace.begin()

    def write() -> None:
        path = Path(place, f"{time.time_ns()}-{os.getpid()}.json")
        path.write_text(json.dumps([sys.argv[1:], list(trace.visits)]))

    atexit.register(write)


class Service(BaseHTTPRequestHandler):
    """Answers ``/health``, and begins again with each POST."""

    well: ClassVar[bool] = True
    began: ClassVar[float] = time.time() - 1000

    def do_GET(self) -> None:
        """How it is."""
        body = {"status": "ok" if self.well else "error", "uptime": time.time() - self.began}
        self._answer(200 if self.well else 503, body)

    def do_POST(self) -> None:
        """Begin again."""
        Service.began = time.time()
        self._answer(200, {})

    def _answer(self, status: int, body: object) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Console:
    """The console on one service, with a trace of what runs in it."""

    def __init__(self, pilot: "Pilot[int]", trace: Trace) -> None:
        self.pilot, self.trace = pilot, trace

    async def until(self, wanted: str) -> None:
        """Return when it is on the screen."""
        while wanted not in self._text():
            await self.pilot.pause(0.05)

    async def walk(self, go: Callable[[], Awaitable[None]], ends: str) -> list[Visit]:
        """What runs from ``go`` until ``ends`` is seen."""
        await self.pilot.pause(2.0)
        self.trace.on = True
        await go()
        while self.trace.awaited is not None:
            await self.pilot.pause(0.05)
        await self.until(ends)
        self.trace.on = False
        return list(self.trace.visits)

    def _text(self) -> str:
        was, self.trace.on = self.trace.on, False
        try:
            screen = self.pilot.app.screen
            return "\n".join(strip.text for strip in screen._compositor.render_strips())
        finally:
            self.trace.on = was


@asynccontextmanager
async def console(folder: Path, walk: str, interval: str) -> AsyncIterator[Console]:
    """The real console on a service of its own."""
    from opsconsole.cli.configuration import Configuration
    from opsconsole.cli.engine import build_engine
    from opsconsole.config.loader import load
    from opsconsole.ui.app import Console as App
    from opsconsole.ui.options import Options

    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    path = folder / "opsconsole.yaml"
    path.write_text(_CONFIG.format(folder=folder, url=url, interval=interval))
    path.chmod(0o600)
    configuration = Configuration(load(path), path, folder, read_only=False)
    trace = Trace(walk)
    trace.begin()
    app = App(lambda: build_engine(configuration), options=Options())
    try:
        async with app.run_test(size=(120, 40)) as pilot:
            found = Console(pilot, trace)
            await found.until("web")
            yield found
    finally:
        threading.setprofile(None)
        sys.setprofile(None)
        server.shutdown()
        server.server_close()


async def reading(folder: Path, walk: str) -> list[Visit]:
    """From the answer on the socket to the cell that shows it."""
    async with console(folder, walk, "20s") as shown:
        await shown.until(" ok")

        async def fall() -> None:
            Service.well = False
            shown.trace.awaited = "sources/http/connection.py", "Connection.data_received"

        try:
            return await shown.walk(fall, " down ")
        finally:
            Service.well = True


async def restart(folder: Path, walk: str) -> list[Visit]:
    """From the key to the verdict on the screen, and through the runner in between."""
    children = folder / "children"
    children.mkdir()
    (folder / "sitecustomize.py").write_text(_SITE)
    root = str(Path(__file__).parents[1])
    os.environ |= {_CHILD: f"{walk}@{children}", "PYTHONPATH": f"{folder}:{root}"}
    async with console(folder, walk, "1h") as shown:
        await shown.until(" ok")

        async def press() -> None:
            await shown.pilot.press("R")
            await shown.until("undone by")
            await shown.pilot.pause(1.5)
            await shown.pilot.press("tab")
            await shown.pilot.press("space")

        visits = dict.fromkeys(await shown.walk(press, "verified"))
    for path in await asyncio.to_thread(_ended, children):
        _, ran = json.loads(path.read_text())
        visits |= dict.fromkeys((place, function) for place, function in ran)
    return list(visits)


def _ended(children: Path) -> list[Path]:
    """What the processes that the console started wrote, once no more end."""
    found: list[Path] = []
    while not found or found != (found := sorted(children.iterdir())):
        time.sleep(2.0)
        found = found or sorted(children.iterdir())
    return found


def only_forwards(place: str, functions: list[str]) -> bool:
    """Whether each of these functions of a file is one call with what it was given."""
    found = bodies(ast.parse((SOURCE / place).read_text()), "")
    return all(_is_forwarding(found.get(each.replace(".<locals>", ""))) for each in functions)


def bodies(tree: ast.AST, before: str) -> dict[str, list[ast.stmt]]:
    """Each function of a tree by its qualified name, with its statements."""
    found: dict[str, list[ast.stmt]] = {}
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{before}{node.name}"
            found |= bodies(node, f"{name}.")
            if not isinstance(node, ast.ClassDef):
                found[name] = node.body[1:] if ast.get_docstring(node) else node.body
        else:
            found |= bodies(node, before)
    return found


def _is_forwarding(body: list[ast.stmt] | None) -> bool:
    if body is None or len(body) != 1 or not isinstance(body[0], ast.Return | ast.Expr):
        return False
    value = body[0].value
    if isinstance(value, ast.Await):
        value = value.value
    if not isinstance(value, ast.Call):
        return False
    given = [*value.args, *(each.value for each in value.keywords)]
    return all(isinstance(each, ast.Name | ast.Attribute | ast.Constant) for each in given)


def summary_of(name: str, visits: list[Visit]) -> str:
    """The files in their order, each with its functions, and how many there are."""
    files: dict[str, list[str]] = {}
    for place, function in visits:
        files.setdefault(place, []).append(function)
    passing = [place for place in files if only_forwards(place, files[place])]
    lines = [f"{place:42}{', '.join(files[place])}"[:160] for place in files]
    figures = f"{name}: {len(files)} files, of which {len(passing)} only pass on"
    return "\n".join([*lines, f"{figures}{': ' if passing else ''}{', '.join(passing)}"])


def main() -> None:
    """Walk both, or the one that is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("walk", nargs="?", choices=["reading", "restart"])
    parser.add_argument("--all", action="store_true", help="count everything that runs")
    arguments = parser.parse_args()
    for name, go in (("reading", reading), ("restart", restart)):
        if arguments.walk in {None, name}:
            with tempfile.TemporaryDirectory() as folder:
                walk = "all" if arguments.all else name
                print(summary_of(name, asyncio.run(go(Path(folder), walk))), flush=True)


if __name__ == "__main__":
    main()
