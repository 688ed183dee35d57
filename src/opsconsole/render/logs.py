"""A page of logs as lines: time, level, source if there are several, text.

Invariant: pure. A row is one line of a log; each line that continues it is another row. The same
error several times in a row is one, with how often and over how long. Dropped lines, lag and unread
logs are always shown.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import Final, NamedTuple

from opsconsole.model.logs import (
    LogLevel,
    LogLine,
    LogPage,
    LogPast,
    LogQuery,
    LogStatus,
    PastEnd,
)
from opsconsole.render.ink.cells import (
    Line,
    Role,
    Span,
    clip,
    clip_line,
    fit,
    line_width,
    titled,
    width_of,
    wrap,
)
from opsconsole.render.ink.figures import age, clock, date, dated_clock, duration, fine_clock
from opsconsole.render.ink.matching import compiled
from opsconsole.zones import written

WINDOWS: Final[dict[int, float]] = {2: 60.0, 3: 300.0, 4: 900.0, 5: 1800.0, 6: 3600.0}
"""Seconds of the windows 2 to 6; 0 is the end of everything, 1 its beginning."""

LEVELS: Final = (LogLevel.UNKNOWN, LogLevel.INFO, LogLevel.WARNING, LogLevel.ERROR)
CONTEXTS: Final = (0, 3, 10)
BEHIND: Final = 2.0
"""Seconds of lag from which the lag is coloured."""

_SOURCE_WIDTH: Final = 18
_WIDE: Final = 100
"""Width in cells from which a line is shown as it was written, its time and level too."""
_STAMP: Final = re.compile(
    r"\[?(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?\]?(?!\S)"
)
_WORD: Final = re.compile(r"\[?([A-Za-z]+)\]?:?(?: +|$)")
_MILLISECOND: Final = 0.001
_WORDS: Final = {
    LogLevel.UNKNOWN: ("", Role.MUTED),
    LogLevel.TRACE: ("TRACE", Role.FAINT),
    LogLevel.DEBUG: ("DEBUG", Role.MUTED),
    LogLevel.INFO: ("INFO", Role.MUTED),
    LogLevel.NOTICE: ("NOTE", Role.ACCENT),
    LogLevel.WARNING: ("WARN", Role.DEGRADED),
    LogLevel.ERROR: ("ERROR", Role.DOWN),
    LogLevel.CRITICAL: ("CRIT", Role.DOWN),
}


class LineRow(NamedTuple):
    """A row: the position of a line on its page, and which row of that line it is."""

    line: int
    part: int


class Rows:
    """The rows of a page. ``folded``: lines that repeat are one."""

    def __init__(self, page: LogPage, *, folded: bool = False) -> None:
        self.page = page
        self._parts = [line.text.split("\n") if "\n" in line.text else None for line in page.lines]
        self._heads = _heads(page.lines) if folded else list(range(len(page.lines)))
        self._last = dict(zip(self._heads, range(len(self._heads)), strict=True))
        self.places = [
            LineRow(at, part)
            for at, parts in enumerate(self._parts)
            if self._heads[at] == at
            for part in range(len(parts) if parts else 1)
        ]
        self._matches = set(page.matches) if page.query.pattern is not None else set()
        self.fine = any(line.at % 1.0 >= _MILLISECOND for line in page.lines)
        moments = [line.at for line in page.lines]
        self.days = bool(moments) and date(min(moments)) != date(max(moments))
        writers = _writers(page)
        self.several = len(writers) > 1
        self._short = _short(writers)
        self.source_width = min(_SOURCE_WIDTH, max(map(len, self._short.values()), default=0))

    def source_at(self, row: int) -> str:
        """Whose line it is, as brief as the other sources allow; '' for several."""
        found = self._sources_of(row)
        return self._short.get(found[0], found[0]) if len(found) == 1 else ""

    def repeats(self, row: int) -> str:
        """``×5 in 25s`` of a row that stands for several, and of how many sources; else ''."""
        first, last = self._span_of(row)
        if first == last or self.places[row].part:
            return ""
        lines, sources = self.page.lines, len(self._sources_of(row))
        of = f" of {sources} sources" if sources > 1 else ""
        return f"×{last - first + 1} in {age(lines[last].at - lines[first].at)}{of}"

    def _sources_of(self, row: int) -> list[str]:
        first, last = self._span_of(row)
        return sorted({line.writer for line in self.page.lines[first : last + 1]})

    def _span_of(self, row: int) -> tuple[int, int]:
        first = self.places[row].line
        return first, self._last[first]

    def __len__(self) -> int:
        return len(self.places)

    def line_at(self, row: int) -> LogLine:
        """The line that a row belongs to."""
        return self.page.lines[self.places[row].line]

    def text_at(self, row: int) -> str:
        """The text of a row."""
        place = self.places[row]
        parts = self._parts[place.line]
        return parts[place.part] if parts else self.page.lines[place.line].text

    def is_match(self, row: int) -> bool:
        """Whether the pattern selected the row's line."""
        return self.places[row].line in self._matches

    def row_of(self, line: int) -> int:
        """The first row of a line."""
        return bisect_left(self.places, LineRow(self._heads[line], 0))

    def find(self, source: str, number: int, at: float) -> int:
        """The row of a line seen before, or of the next later one if it is gone."""
        for position, line in enumerate(self.page.lines):
            if line.source == source and line.number == number:
                return self.row_of(position)
        for position, line in enumerate(self.page.lines):
            if line.at >= at:
                return self.row_of(position)
        return max(0, len(self) - 1)

    def next_match(self, row: int, step: int) -> int | None:
        """The row of the next selected line, None at the end."""
        return self._next(list(self.page.matches), row, step)

    def next_error(self, row: int, step: int) -> int | None:
        """The row of the next line that is an error or worse, None at the end."""
        lines = self.page.lines
        errors = [at for at, line in enumerate(lines) if line.level >= LogLevel.ERROR]
        return self._next(errors, row, step)

    def _next(self, lines: Sequence[int], row: int, step: int) -> int | None:
        if not self.places:
            return None
        here = self.places[min(row, len(self) - 1)].line
        heads = sorted({self._heads[at] for at in lines})
        found = [at for at in heads if (at > here if step > 0 else at < here)]
        return self.row_of(found[0] if step > 0 else found[-1]) if found else None


def _heads(lines: Sequence[LogLine]) -> list[int]:
    """For each line the first of those like it that stand right before it."""
    heads: list[int] = []
    for at, line in enumerate(lines):
        before = lines[at - 1] if at else None
        same = (
            before is not None
            and line.level >= LogLevel.WARNING
            and not line.notice
            and (line.level, line.text) == (before.level, before.text)
        )
        heads.append(heads[-1] if same else at)
    return heads


def _writers(page: LogPage) -> list[str]:
    """Whose lines may be on the page: each log, or the replicas that write it."""
    replicas = {line.replica: line.source for line in page.lines if line.replica}
    several = set(replicas.values())
    return [*(each.source for each in page.sources if each.source not in several), *replicas]


def _short(names: Sequence[str]) -> dict[str, str]:
    """The part of each name in which it differs from the others, from a separator on."""
    one, other = min(names, default=""), max(names, default="")
    alike = next(
        (at for at, pair in enumerate(zip(one, other, strict=False)) if len({*pair}) > 1), 0
    )
    cut = max(one[:alike].rfind(each) for each in "-./:")
    return {name: name[cut:] if cut > 0 else name for name in names}


def query_of(
    text: str,
    *,
    mark_only: bool = False,
    context: int = 0,
    level: LogLevel = LogLevel.UNKNOWN,
    window: float | None = None,
    since: float | None = None,
    back: bool = False,
) -> LogQuery:
    """The query for the typed text; a leading ``!`` inverts it, an empty text selects all."""
    inverted = text.startswith("!")
    typed = (text[1:] if inverted else text).strip()
    pattern = compiled(typed) if typed else None
    return LogQuery(
        pattern,
        invert=inverted and pattern is not None,
        mark_only=mark_only,
        context=context if pattern is not None else 0,
        level=level,
        window=window,
        since=since,
        back=back,
    )


def row(rows: Rows, at: int, width: int, *, several: bool, wrapped: bool, most: int) -> list[Line]:
    """One row in ``width`` cells, in several lines when ``wrapped``; at most ``most``.

    Its first cell is blank, as in all panels.
    """
    line, part = rows.line_at(at), rows.places[at].part
    if line.notice:
        words = f" ── {rows.text_at(at)} ──"
        return [
            clip_line(
                (Span(f" {fine_clock(line.at)}", Role.FAINT), Span(words, Role.UNKNOWN)),
                width,
            )
        ]
    head = _head(rows, at, several=several)
    used = line_width(head)
    if part:
        head = (Span(" " * used),)
    role = Role.MATCH if rows.is_match(at) else _text_role(line.level, part)
    text = rows.text_at(at)
    if part == 0 and width < _WIDE:
        text = _without_columns(line, text)
    often = rows.repeats(at)
    if often:
        room = max(10, width - used - width_of(often) - 2)
        return [
            clip_line((*head, Span(clip(text, room), role), Span(f"  {often}", Role.ACCENT)), width)
        ]
    if not wrapped or width - used < 20:
        return [clip_line((*head, Span(text, role)), width)]
    pieces = wrap(text, width - used)
    if len(pieces) > most:
        pieces = [*pieces[: most - 1], f"{pieces[most - 1][: width - used - 1]}…"]
    gap = (Span(" " * used),)
    return [
        (*(head if number == 0 else gap), Span(piece, role)) for number, piece in enumerate(pieces)
    ]


def _without_columns(line: LogLine, text: str) -> str:
    """``text`` without the time and the level at its very beginning that its columns show."""
    stamp = _STAMP.match(text) if line.stamped else None
    if stamp is None or stamp.groups() != (date(line.at), clock(line.at)):
        return text
    rest = text[stamp.end() :].lstrip()
    word = _WORD.match(rest)
    if word is not None and word[1].upper() in {line.level.name, _WORDS[line.level][0]}:
        rest = rest[word.end() :]
    return rest or text


def _text_role(level: LogLevel, part: int) -> Role:
    """The first line of an error in strong ink; what continues it says where, not what."""
    if level >= LogLevel.ERROR and part == 0:
        return Role.STRONG
    return Role.MUTED if LogLevel.UNKNOWN < level <= LogLevel.DEBUG else Role.TEXT


def _head(rows: Rows, at: int, *, several: bool) -> Line:
    line = rows.line_at(at)
    word, role = _WORDS[line.level]
    moment = fine_clock(line.at) if rows.fine else clock(line.at)
    moment = dated_clock(line.at) if rows.days else moment
    spans = [
        Span(f" {moment}", Role.MUTED if line.stamped else Role.FAINT),
        Span(f" {word:5} ", role),
    ]
    if several:
        spans.append(Span(f"{fit(rows.source_at(at), rows.source_width)} ", Role.MUTED))
    return tuple(spans)


class Look(NamedTuple):
    """How the page is shown. ``window`` is 0 to 6."""

    service: str
    typed: str = ""
    mark_only: bool = False
    context: int = 0
    level: LogLevel = LogLevel.UNKNOWN
    window: int = 0
    follows: bool = True
    paused: bool = False
    wraps: bool = False
    back: bool = False


def title(look: Look, page: LogPage | None, width: int) -> Line:
    """The first line: whose logs, and how they are shown."""
    notes = [Span("PAUSED " if look.paused else "", Role.ACCENT)]
    notes.append(Span("following" if look.follows and not look.paused else "", Role.MUTED))
    if look.typed:
        what = "marked" if look.mark_only else "filter"
        notes.append(Span(f"  {what} {look.typed}", Role.ACCENT))
        if page is not None and page.query.pattern is not None:
            notes.append(Span(f"  {len(page.matches)} lines", Role.MUTED))
    if look.context:
        notes.append(Span(f"  ±{look.context} lines", Role.MUTED))
    if look.level is not LogLevel.UNKNOWN:
        notes.append(Span(f"  {look.level.name.lower()} and worse", Role.ACCENT))
    if look.window in WINDOWS:
        notes.append(Span(f"  last {duration(WINDOWS[look.window])}", Role.ACCENT))
    if look.back:
        notes.append(Span("  older ones too", Role.ACCENT))
    if look.wraps:
        notes.append(Span("  wrapped", Role.MUTED))
    kept = tuple(span for span in notes if span.text)
    return titled(f"{look.service} · logs", width, focused=True, note=kept)


def status(page: LogPage | None, width: int) -> list[Line]:
    """A short line for each source, or what is wrong: at most four lines."""
    if page is None:
        return [(Span("  opening the logs …", Role.MUTED),)]
    if not page.sources:
        words = "  this service declares no logs and no containers: add logs: [{file: …}]"
        return [(Span(words, Role.MUTED),)]
    lines = [clip_line(_source_status(each), width) for each in page.sources[:3]]
    if len(page.sources) > 3:
        lines.append((Span(f"  and {len(page.sources) - 3} more sources", Role.MUTED),))
    if page.past is not None:
        lines.append(clip_line(_past_status(page.past), width))
    if page.looked_at < page.held:
        words = f"  the filter is slow: the latest {page.looked_at} of {page.held} were looked at"
        lines[-1] = (Span(words, Role.DEGRADED),)
    return lines


def _past_status(past: LogPast) -> Line:
    reach = "" if past.reach is None else f", back to {written(past.reach)}"
    said = f"{past_words(past.end)}: {past.read / 1e6:,.1f} MB read{reach}"
    whole = past.end in (None, PastEnd.BEGINNING)
    spans = [Span(f"  {said}", Role.MUTED if whole else Role.DEGRADED)]
    if past.troubles:
        spans.append(Span(f"  {past.troubles[0]}", Role.UNKNOWN))
    return tuple(spans)


def past_words(end: PastEnd | None) -> str:
    """How far the past was read."""
    match end:
        case None:
            return "looking back …"
        case PastEnd.BEGINNING:
            return "looked back as far as was asked"
        case PastEnd.LINES:
            return "as many lines as are shown were found: what is older was not read"
        case PastEnd.SECONDS:
            return "looked back for as long as it may take: what is older was not read"
        case PastEnd.STOPPED:
            return "looking back was stopped"


def _source_status(source: LogStatus) -> Line:
    spans = [
        Span(f"  {fit(source.source, _SOURCE_WIDTH)} ", Role.MUTED),
        Span(f"{source.held:,} of {source.seen:,} lines", Role.MUTED),
    ]
    if source.drop_rate:
        spans.append(Span(f"  dropped {source.drop_rate:,.0f}/s", Role.DEGRADED))
    if source.dropped:
        spans.append(Span(f"  dropped {source.dropped:,} in all", Role.DEGRADED))
    if source.lag is not None:
        role = Role.DEGRADED if source.lag > BEHIND else Role.MUTED
        spans.append(Span(f"  lag {duration(source.lag)}", role))
    if source.trouble:
        spans.append(Span(f"  {source.trouble}", Role.UNKNOWN))
    return tuple(spans)
