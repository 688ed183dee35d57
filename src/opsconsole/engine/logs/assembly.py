"""Groups the lines of a log into entries.

Invariant: every line either belongs to the previous entry or begins one. An uncaught exception is
its own entry with the level of an error, never part of the harmless line before it; a trace stays
with the line that reported it, through blank lines and chained errors.
"""

from opsconsole.dataclass import dataclass
from opsconsole.model.logs import LogLevel
from opsconsole.sources.logs.parsed_line import ParsedLine, Part


@dataclass(slots=True)
class Assembly:
    """What is known about the previous entry. ``open``: its trace has not ended.

    ``stamped``: lines of this log begin with times, so a line without one after an error is not a
    new entry.
    """

    begun: bool = False
    level: LogLevel = LogLevel.UNKNOWN
    own: bool = False
    open: bool = False
    awaits: bool = False
    stamped: bool = False

    def take(self, line: ParsedLine) -> bool:
        """Take in the next line. Returns whether it belongs to the previous entry."""
        belongs = self.begun and self._belongs(line)
        if belongs:
            if self.level is LogLevel.UNKNOWN:
                self.level = line.level
        else:
            self.begun, self.level, self.own = True, line.level, line.own
        self.stamped = self.stamped or line.own or line.clocked
        self.awaits = line.awaits
        if line.part is not Part.BLANK:
            self.open = self._is_open_after(line, belongs=belongs)
        return belongs

    def interrupt(self) -> None:
        """Note a gap: the next line does not follow the previous one."""
        self.begun = self.open = self.awaits = False

    def _belongs(self, line: ParsedLine) -> bool:
        failed = self.level >= LogLevel.ERROR
        match line.part:
            case Part.MORE | Part.BLANK | Part.CHAIN:
                return True
            case Part.TRACE | Part.REASON:
                return failed and self.open
            case Part.ENTRY:
                if line.own or line.clocked:
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
                # A trace may follow the line that reports an error.
                return self.open if belongs else line.level >= LogLevel.ERROR
            case Part.MORE | Part.BLANK:
                return self.open
