"""``:export``: the incident report, written to a new file in this folder.

Invariant: the screen never waits: the report is made on its own thread, one at a time, and the
result is shown in the bottom line.
"""

from __future__ import annotations

import threading

from opsconsole.errors import OpsconsoleError
from opsconsole.model.written.typed_time import TypedTimeError, moment_of
from opsconsole.text import sanitize
from opsconsole.ui.contracts import ConsoleLike
from opsconsole.ui.messages import NotePosted
from opsconsole.ui.options import ExportRequest

HOW = "export [SERVICE] [SINCE]: the report of the incident, to a new file in this folder"

_writing = threading.Lock()


def export(console: ConsoleLike, typed: str = "") -> None:
    """Write the report that ``typed`` asks for: a service's name, a time, both or neither."""
    write = console.options.export
    if write is None:
        console.say("this console has no configuration to export from")
        return
    try:
        request = _request(console, typed)
    except TypedTimeError as error:
        console.say(str(error))
        return
    if not _writing.acquire(blocking=False):
        console.say("a report is being written already")
        return

    def run() -> None:
        try:
            said = f"written: {write(request)}"
        except OpsconsoleError as error:
            said = f"not written: {sanitize(str(error), limit=200)}"
        except Exception as error:  # noqa: BLE001 - the thread's boundary: reported
            said = f"not written: {type(error).__name__}: {sanitize(str(error), limit=200)}"
        finally:
            _writing.release()
        console.post_message(NotePosted(said))

    console.say("writing the report …")
    threading.Thread(target=run, name="incident-export", daemon=True).start()


def _request(console: ConsoleLike, typed: str) -> ExportRequest:
    """The request in ``typed``, relative to the shown moment. Raises TypedTimeError."""
    snapshot, now = console.time.shown, console.time.now
    service, since = "", None
    known = {each.name for each in snapshot.services} if snapshot else set()
    words = typed.split()
    if words and words[0] in known:
        service = words.pop(0)
    if words:
        since = moment_of(" ".join(words), now)
    return ExportRequest(snapshot, since, now, service)
