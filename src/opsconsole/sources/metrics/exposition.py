"""The series of declared metrics in what a target exposes.

Invariant: lines of other metrics are never read, so that the cost of a large body is that of one
search; at most ``LINE_LIMIT`` lines are read. A line that is not understood costs all series of its
name, because a figure without one of them would be wrong, and no others; that is said.

Formats: Prometheus' text format 0.0.4, OpenMetrics, and names in quotes as both have them for UTF-8
(``{"http.requests", path="/"} 3``).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from functools import lru_cache
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.text import sanitize

ACCEPT: Final = (
    "text/plain;version=0.0.4;q=0.9, application/openmetrics-text;version=1.0.0;q=0.5, */*;q=0.1"
)
LINE_LIMIT: Final = 20_000
"""Series of declared metrics in one body; a parser's time for them is about 0.2 s."""

_TEXT: Final = r'"((?:[^"\\]|\\.)*)"'
_HEAD: Final = re.compile(r"([A-Za-z_:][A-Za-z0-9_:]*)?[ \t]*")
_ITEM: Final = re.compile(
    rf"[ \t]*(?:([A-Za-z_][A-Za-z0-9_]*)|{_TEXT})[ \t]*(?:=[ \t]*{_TEXT}[ \t]*)?(?:,|(?=\}}))"
)
_END: Final = re.compile(r"[ \t]*\}[ \t]*")
# A value, a time, and what OpenMetrics has of an example.
_REST: Final = re.compile(r"[ \t]*([^\s#]+)(?:[ \t]+[-+0-9.eE]+)?[ \t]*(?:# ?\{.*)?")
_TYPE: Final = re.compile(rf"# TYPE (?:{_TEXT}|([^\s\"]+)) (\w+)[ \t]*")
_BEGIN: Final = re.compile(rf"(?:([A-Za-z_:][A-Za-z0-9_:]*)|\{{[ \t]*{_TEXT})")
_ESCAPE: Final = re.compile(r"\\(.)")
_SUFFIX: Final = re.compile(r"_(bucket|total|count|sum)$")
_NAME: Final = re.compile(
    rb'^(?:([A-Za-z_:][A-Za-z0-9_:]*)[ \t{]|\{[ \t]*"((?:[^"\\\n]|\\.)*)"[ \t]*[,}])', re.M
)
_WORD_LIMIT: Final = 120
_PIECE: Final = 256 * 1024


class ExpositionError(ValueError):
    """The body is not an exposition; the text is safe to show."""


class TooManySeriesError(ValueError):
    """More lines of declared metrics than ``LINE_LIMIT``; ``count`` says how many."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} series of declared metrics")
        self.count = count


@dataclass(frozen=True, slots=True)
class Exposed:
    """One sample, as the target gives it; labels are sorted pairs and not sanitised."""

    name: str
    labels: tuple[tuple[str, str], ...]
    value: float


@dataclass(frozen=True, slots=True)
class Exposition:
    """``problems`` say which names are left out and why, ``types`` what names are declared as."""

    samples: list[Exposed]
    problems: tuple[str, ...] = ()
    types: Mapping[str, str] = field(default_factory=dict)

    def type_of(self, name: str) -> str:
        """counter, gauge, histogram …; '' where the page does not say."""
        return self.types.get(name) or self.types.get(_SUFFIX.sub("", name), "")


def read_exposition(body: bytes, content_type: str, names: frozenset[str]) -> Exposition:
    """The samples of ``body`` whose name is in ``names``.

    Raises ExpositionError where nothing is understood, and TooManySeriesError.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind.endswith(("html", "json", "xml")):
        raise ExpositionError(f"the body is {sanitize(kind, limit=_WORD_LIMIT)}, not metrics")
    if not names:
        return Exposition([])
    wanted = _pattern(names)
    lines = [line for begin, end in pieces(body) for line in wanted.findall(body, begin, end)]
    if len(lines) > LINE_LIMIT:
        raise TooManySeriesError(len(lines))
    return _read(lines, names)


def pieces(body: bytes) -> Iterator[tuple[int, int]]:
    """Begin and end of parts of ``body`` at ends of lines, each searched in about 10 ms.

    One search of a large body would let no other thread run, not even the event loop's.
    """
    begin = 0
    while begin < len(body):
        end = body.find(b"\n", begin + _PIECE) + 1 or len(body)
        yield begin, end
        begin = end


def exposed_names(body: bytes) -> frozenset[str]:
    """The names of all samples in ``body``, for saying what there is instead."""
    return frozenset(
        plain.decode("ascii") or _unescaped(quoted.decode("utf-8", "replace"))
        for plain, quoted in _NAME.findall(body)
    )


def _read(lines: Iterable[bytes], names: frozenset[str]) -> Exposition:
    samples: list[Exposed] = []
    types: dict[str, str] = {}
    broken: dict[str, str] = {}
    for raw in lines:
        if raw.startswith(b"#"):
            _note_type(raw.decode("utf-8", "replace"), types)
            continue
        try:
            sample = _sample(raw.decode("utf-8").rstrip("\r"))
        except ValueError as error:
            name = _begins_with(raw.decode("utf-8", "replace"))
            said = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
            broken.setdefault(name, sanitize(f"{name}: {said}", limit=_WORD_LIMIT))
            continue
        if sample.name in names:
            samples.append(sample)
    sound = [sample for sample in samples if sample.name not in broken]
    problems = tuple(broken.values())
    if problems and not sound:
        raise ExpositionError(f"a line of the metrics is not understood: {problems[0]}")
    return Exposition(sound, problems, types)


def _sample(line: str) -> Exposed:
    """One line. Raises ValueError."""
    head = _HEAD.match(line)
    assert head is not None, "both of its parts may be empty"
    name, at = head[1], head.end()
    labels: dict[str, str] = {}
    if line[at : at + 1] == "{":
        at += 1
        while not (end := _END.match(line, at)):
            item = _ITEM.match(line, at)
            if item is None:
                raise ValueError("its labels are not understood")
            at = item.end()
            key = _unescaped(item[1] or item[2])
            if item[3] is None and not name:
                name = key
            elif item[3] is None or key in labels:
                raise ValueError("a label twice, or without a value")
            else:
                labels[key] = _unescaped(item[3])
        at = end.end()
    rest = _REST.fullmatch(line, at)
    if rest is None or not name:
        raise ValueError("its value is not understood")
    return Exposed(name, tuple(sorted(labels.items())), float(rest[1].replace("_", "?")))


def _note_type(line: str, types: dict[str, str]) -> None:
    found = _TYPE.fullmatch(line)
    if found:
        types[_unescaped(found[1]) if found[1] is not None else found[2]] = found[3]


def _begins_with(line: str) -> str:
    """The name of a line that is not understood."""
    found = _BEGIN.match(line)
    return "" if found is None else found[1] or _unescaped(found[2])


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda match: "\n" if match[1] == "n" else match[1], text)


@lru_cache(maxsize=256)
def _pattern(names: frozenset[str]) -> "re.Pattern[bytes]":
    """Whole lines of the samples in ``names``, and the types of their families."""
    samples = _alternatives(names)
    families = _alternatives({*names, *(_SUFFIX.sub("", name) for name in names)})
    return re.compile(
        rb"^(?:(?:" + samples + rb")[ \t{][^\n]*"
        rb'|\{[ \t]*"(?:' + samples + rb')"[^\n]*'
        rb'|# TYPE "?(?:' + families + rb')"? [^\n]*)',
        re.M,
    )


def _alternatives(names: Iterable[str]) -> bytes:
    quoted = (
        name.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n") for name in sorted(names)
    )
    return "|".join(map(re.escape, quoted)).encode()
