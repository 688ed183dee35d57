"""Which lines of a log are one entry.

Invariant: a line belongs to the entry before it or begins one, whatever it is. What nobody caught
is an entry of its own, of the level of an error, and never part of the harmless line before it; a
trace stays with the line that told of it, through blank lines and chained errors.
"""

from dataclasses import dataclass

from opsconsole.model.logs import LogLevel
from opsconsole.sources.logs.line import ParsedLine, Part


@dataclass(slots=True)
class Assembly:
    """What is known of the entry before. ``open``: its trace is not over.

    ``stamped``: lines of this log bear their times, so that one without is no new entry after an
    error.
    """

    begun: bool = False
    level: LogLevel = LogLevel.UNKNOWN
    own: bool = False
    open: bool = False
    awaits: bool = False
    stamped: bool = False

    def take(self, line: ParsedLine) -> bool:
        """Take in the next line; whether it belongs to the entry before."""
        belongs = self.begun and self._belongs(line)
        if belongs:
            if self.level is LogLevel.UNKNOWN:
                self.level = line.level
        else:
            self.begun, self.level, self.own = True, line.level, line.own
        self.stamped = self.stamped or line.own
        self.awaits = line.awaits
        if line.part is not Part.BLANK:
            self.open = self._is_open_after(line, belongs=belongs)
        return belongs

    def interrupt(self) -> None:
        """What comes next is not next to what came before."""
        self.begun = self.open = self.awaits = False

    def _belongs(self, line: ParsedLine) -> bool:
        failed = self.level >= LogLevel.ERROR
        match line.part:
            case Part.MORE | Part.BLANK | Part.CHAIN:
                return True
            case Part.TRACE | Part.REASON:
                return failed and self.open
            case Part.ENTRY:
                if line.own:
                    return False
                if self.awaits:
                    return True
                quiet = line.level is LogLevel.UNKNOWN
                return quiet and failed and self.stamped

    def _is_open_after(self, line: ParsedLine, *, belongs: bool) -> bool:
        match line.part:
            case Part.TRACE | Part.CHAIN:
                return True
            case Part.REASON:
                return False
            case Part.ENTRY:
                # A trace may follow the line that tells of an error.
                return self.open if belongs else line.level >= LogLevel.ERROR
            case Part.MORE | Part.BLANK:
                return self.open
