"""Outside text that is meant to do harm, put into every string that the screens are given.

Invariant: ``poisoned`` changes no structure: equal strings become equal strings, so that names
still refer to what they name, and every payload is used. As if every door had been missed.
"""

import re
import unicodedata
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any, Final

from opsconsole.model.asked.questions import AnyQuestion, Perform, PlanFor
from opsconsole.model.logs import LogLevel, LogLine, LogPage, LogQuery, LogStatus
from opsconsole.model.snapshot import Snapshot
from tests.ui import reading, ringing, working
from tests.ui.fake_engine import FakeEngine
from tests.ui.fleet import NOW
from tests.ui.screens.incident.test_runbooks import BOOK

PAYLOADS: Final = (
    *("".join(map(chr, range(start, start + 8))) for start in range(0, 32, 8)),
    "\x7f",
    *("".join(map(chr, range(start, start + 8))) for start in range(0x80, 0xA0, 8)),
    "\x1b[2J", "\x1b[097;097H", "\x1b[?1049l", "\x1b[?25h", "\x1b[6n", "\x1b[21t", "\x1b[>0q",
    "\x1b[c", "\x1b[38;5;201mSPOOF", "\x1b[?2004l", "\x1b[?1003l", "\x1b[5i", "\x1b[3J", "\x1bc",
    "\x1b]52;c;ZXZpbA==\x07", "\x1b]52;c;ZXZpbA==\x1b\\", "\x1b]8;;http://evil\x1b\\x\x1b]8;;\x1b\\",
    "\x1b]0;own\x07", "\x1b]4;1;?\x07", "\x1b]10;?\x07", "\x1b]11;?\x1b\\", "\x1b]9;7;cmd\x07",
    "\x1b]777;notify;x;y\x07", "\x1b]52;c;unterminated", "\x1b]", "\x1b[", "\x1b", "\x1bP$qm\x1b\\",
    "\x1bPdcs\x1b\\", "\x1b_apc\x1b\\", "\x1b^pm\x1b\\", "\x1b#8", "\x1b(0", "\x9b2J", "\x9d0;\x9c",
    "\x90q\x9c", "\x8d", "\x85",
    "\u202eevil\u202c", "\u202dx", "\u2066x\u2069", "\u2067x", "\u2068x", "\u200e", "\u200f",
    "\u061c", "\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u180e", "\ufff9",
    "\u2028", "\u2029", "\U000e0041\U000e007f", "\ue000", "\U000f0000", "\ud800", "\udfff",
    "e" + "\u0301" * 40, "x\ufe0f", "\u3164", "\u115f", "OK\rFAIL", "a\nb", "a\tb", "\x0b\x0c",
    "[/x]", "[/]", "[/", "[", "]", "[[", "[red]CRIT[/red]", "[$error]z", "[link=https://x]y[/link]",
    "[@click=app.leave]press[/]", "[@click=app.action('leave')]press[/]", "\\[bold]", "[/var/log]",
    "[type=x, v={'a[0]'}]", "{0} {name} %s %n ${HOME} $(id) `id`", "'; drop table x; --",
    "漢字 🚀 🇩🇪", "x" * 300, "../../etc/passwd", "-rf", " " * 90 + "far",
)  # fmt: skip

_OURS: Final = re.compile(
    r"\x1b(?:\[(?:0|[1-9][\d;]*)?m|\[[1-9]\d*;[1-9]\d*H|\]22;\w+\x07"
    r"|\[\?(?:1000|1002|1003|1004|1006|1015|1016|1049|2004|2026|2048|7|25)[hl]"
    r"|\[[<>]\d*u|\[\?20(?:26|48)\$p)|\r\n"
)
_FROM_PAYLOADS: Final = ("\x1b[38;5;201m", "\x1b[?1049l", "\x1b[?25h", "\x1b[?1003l", "\x1b[?2004l")
_HIDDEN: Final = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}


def foreign(sent: bytes) -> list[str]:
    """What a console that goes on never sends by itself; [] when all is its own."""
    text = sent.decode("utf-8", "ignore")
    found = [each for each in _FROM_PAYLOADS if each in text]
    # The last bytes may be half a sequence.
    rest = _OURS.sub("", text[: text.rfind("\x1b")])
    found += sorted(
        f"U+{ord(char):04X}" for char in set(rest) if unicodedata.category(char) in _HIDDEN
    )
    return found


class Poison:
    """Puts the payloads, one after the other from ``first`` on, before the strings it meets."""

    def __init__(self, first: int = 0) -> None:
        self._next = first
        self._done: dict[str, str] = {}

    def text(self, text: str) -> str:
        """The string with its payload; the same again for the same string."""
        if text not in self._done:
            payload = PAYLOADS[self._next % len(PAYLOADS)]
            self._next += 1
            self._done[text] = f"{payload}{text}"
        return self._done[text]

    def value(self, value: Any) -> Any:
        """The same structure with every string poisoned; enumerations stay."""
        if isinstance(value, Enum) or not value:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, tuple) and type(value) is tuple:
            return tuple(self.value(each) for each in value)
        if isinstance(value, dict):
            return {self.value(key): self.value(each) for key, each in value.items()}
        if is_dataclass(value) and not isinstance(value, type):
            changes = {
                each.name: self.value(getattr(value, each.name))
                for each in fields(value)
                if each.init
            }
            return replace(value, **changes)
        return value


def everything(first: int = 0) -> tuple[Snapshot, Poison]:
    """A fleet with something on every screen, and what it was poisoned with."""
    loud, busy = ringing.ringing(), working.acting()
    poison = Poison(first)
    whole = replace(
        loud,
        services=tuple(replace(each, actions=working.EVERY_ACTION) for each in loud.services),
        operations=busy.operations,
        degradations=busy.degradations,
        notices=("the configuration was read again", "a second notice"),
        runbooks=(BOOK,),
    )
    return poison.value(whole), poison


class HostileEngine(FakeEngine):
    """Whatever it is asked, it answers with poison."""

    def __init__(self, first: int = 0) -> None:
        snapshot, self.poison = everything(first)
        super().__init__(snapshot)
        self.kept = self.poison.value(working.backups())
        self.answer_logs = self._logs
        self.read_pages = self.poison.value(reading.pages(fire=True))

    def answer(self, question: AnyQuestion) -> object:
        self.refusal = None
        answer = super().answer(question)
        return self.poison.value(answer) if isinstance(question, PlanFor | Perform) else answer

    def _logs(self, query: LogQuery) -> LogPage:
        lines = tuple(
            LogLine(payload, number, NOW - number, list(LogLevel)[number % 8], f"{payload} a line")
            for number, payload in enumerate(PAYLOADS)
        )
        statuses = tuple(LogStatus(each, 1, 1, trouble=each) for each in PAYLOADS[:3])
        return LogPage(query, lines, (1, 2), statuses, len(lines), len(lines))
