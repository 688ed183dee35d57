"""The syntax of RE2 as labels are matched with it: text to a tree.

Invariant: any text gives a tree or a PatternError that says what is wrong and where; nesting and
repetition are bounded, so that neither reading nor matching can be made to cost much.
"""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Final, TypeAlias

NESTING: Final = 100
REPEATS: Final = 1000
"""The largest number in braces; RE2's own."""


class PatternError(ValueError):
    """The text is not such a pattern."""


class Edge(Enum):
    """A place between characters."""

    BEGIN = "^"
    END = "$"


@dataclass(frozen=True, slots=True)
class Characters:
    """One character of ``ranges`` (first and last), or one outside of them."""

    ranges: tuple[tuple[str, str], ...]
    negated: bool = False
    folded: bool = False

    def holds(self, character: str) -> bool:
        """Whether ``character`` is one of them."""
        found = self._has(character)
        if self.folded and not found:
            found = self._has(character.lower()) or self._has(character.upper())
        return found is not self.negated

    def _has(self, character: str) -> bool:
        return any(first <= character <= last for first, last in self.ranges)


@dataclass(frozen=True, slots=True)
class Sequence:
    """One after the other."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Alternatives:
    """One of them."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """``part`` at least ``least`` times and at most ``most``; None is any number."""

    part: "Node"
    least: int
    most: int | None


Node: TypeAlias = Characters | Edge | Sequence | Alternatives | Repeat

_DIGITS: Final = (("0", "9"),)
_WORDS: Final = (("0", "9"), ("A", "Z"), ("_", "_"), ("a", "z"))
_SPACES: Final = ((" ", " "), ("\t", "\n"), ("\f", "\r"))
_LETTERS: Final = (("A", "Z"), ("a", "z"))
_NEW_LINE: Final = (("\n", "\n"),)
_CLASSES: Final = {"d": _DIGITS, "w": _WORDS, "s": _SPACES}
_NAMED: Final = {
    "alnum": (*_DIGITS, *_LETTERS),
    "alpha": _LETTERS,
    "digit": _DIGITS,
    "lower": (("a", "z"),),
    "space": (*_SPACES, ("\v", "\v")),
    "upper": (("A", "Z"),),
    "word": _WORDS,
    "xdigit": (*_DIGITS, ("A", "F"), ("a", "f")),
}
_CONTROLS: Final = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}
_REPEATS: Final[dict[str, tuple[int, int | None]]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_HEX: Final = frozenset("0123456789abcdefABCDEF")


@dataclass(frozen=True, slots=True)
class _Flags:
    folded: bool = False
    dot_is_all: bool = False


def parse_pattern(text: str) -> Node:
    """The tree of ``text``. Raises PatternError."""
    reader = _Reader(text)
    tree = reader.alternatives(_Flags(), 0)
    if reader.at < len(text):
        raise PatternError(f"a ) at {reader.at + 1} closes nothing")
    return tree


class _Reader:
    """One pass from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.at = 0

    def alternatives(self, flags: _Flags, depth: int) -> Node:
        if depth > NESTING:
            raise PatternError(f"is nested deeper than {NESTING} levels")
        parts: list[Node] = []
        sequence: list[Node] = []
        while (character := self._peek()) not in {"", ")"}:
            if character == "|":
                self.at += 1
                parts.append(Sequence(tuple(sequence)))
                sequence = []
            elif self._skip("(?") and (changed := self._flags_here(flags)) is not None:
                flags = changed
            else:
                sequence.append(self._repeated(self._atom(flags, depth)))
        parts.append(Sequence(tuple(sequence)))
        return parts[0] if len(parts) == 1 else Alternatives(tuple(parts))

    def _flags_here(self, flags: _Flags) -> _Flags | None:
        """The flags of ``(?is)`` after its ``(?``; None, back at its start, for any other group."""
        start = self.at
        changed = self._flags(flags)
        if changed is not None and self._skip(")"):
            return changed
        self.at = start - 2
        return None

    def _flags(self, flags: _Flags) -> _Flags | None:
        value = True
        while (character := self._peek()) and character in "ims-":
            self.at += 1
            if character == "m":
                raise PatternError("the flag m is not known here")
            if character == "-":
                value = False
            elif character == "i":
                flags = replace(flags, folded=value)
            else:
                flags = replace(flags, dot_is_all=value)
        return flags if self._peek() in {")", ":"} else None

    def _atom(self, flags: _Flags, depth: int) -> Node:
        start = self.at
        character = self._take()
        if character == "(":
            return self._group(flags, depth, start)
        if character == "[":
            return replace(self._class(start), folded=flags.folded)
        if character == ".":
            return Characters(() if flags.dot_is_all else _NEW_LINE, negated=True)
        if character == "^":
            return Edge.BEGIN
        if character == "$":
            return Edge.END
        if character == "\\":
            return self._escaped(flags, start)
        if character in _REPEATS:
            raise PatternError(f"a {character} at {start + 1} repeats nothing")
        return Characters(((character, character),), folded=flags.folded)

    def _group(self, flags: _Flags, depth: int, start: int) -> Node:
        if self._skip("?"):
            if self._skip("P<") or (self._peek() == "<" and self._skip("<")):
                self._name(start)
            else:
                changed = self._flags(flags)
                if changed is None or not self._skip(":"):
                    raise PatternError(f"the group at {start + 1} is of a kind that is not known")
                flags = changed
        inner = self.alternatives(flags, depth + 1)
        if not self._skip(")"):
            raise PatternError(f"the ( at {start + 1} is not closed")
        return inner

    def _name(self, start: int) -> None:
        end = self._text.find(">", self.at)
        if end < 0 or not self._text[self.at : end].isidentifier():
            raise PatternError(f"the group at {start + 1} is of a kind that is not known")
        self.at = end + 1

    def _repeated(self, part: Node) -> Node:
        bounds = self._bounds()
        if bounds is None:
            return part
        # Lazy or not, the same texts match.
        self._skip("?")
        if self._bounds() is not None:
            raise PatternError(f"what ends at {self.at} is repeated twice")
        return Repeat(part, *bounds)

    def _bounds(self) -> tuple[int, int | None] | None:
        known = _REPEATS.get(self._peek())
        if known is not None:
            self.at += 1
            return known
        end = self._text.find("}", self.at)
        if self._peek() != "{" or end < 0:
            return None
        least, comma, most = self._text[self.at + 1 : end].partition(",")
        if not _is_number(least) or not (most == "" or _is_number(most)):
            # RE2 takes braces that hold no bounds for what they are.
            return None
        self.at = end + 1
        low = int(least)
        high = (int(most) if most else None) if comma else low
        if low > REPEATS or (high or 0) > REPEATS or (high is not None and high < low):
            raise PatternError(f"{{{least}{comma}{most}}} is not between 0 and {REPEATS}")
        return low, high

    def _escaped(self, flags: _Flags, start: int) -> Node:
        character = self._take()
        if character in {"A", "z"}:
            return Edge.BEGIN if character == "A" else Edge.END
        return replace(self._escape(character, start), folded=flags.folded)

    def _escape(self, character: str, start: int) -> Characters:
        if character.lower() in _CLASSES:
            return Characters(_CLASSES[character.lower()], negated=character.isupper())
        if character == "x":
            one = self._hexadecimal(start)
        elif character in _CONTROLS:
            one = _CONTROLS[character]
        elif character and not character.isalnum():
            one = character
        else:
            raise PatternError(f"\\{character} at {start + 1} is not known here")
        return Characters(((one, one),))

    def _hexadecimal(self, start: int) -> str:
        if self._skip("{"):
            end = self._text.find("}", self.at)
            digits, self.at = self._text[self.at : max(end, self.at)], end + 1
        else:
            digits, self.at = self._text[self.at : self.at + 2], self.at + 2
        whole = 2 <= len(digits) <= 6 and _HEX.issuperset(digits)
        if not whole or int(digits, 16) > 0x10FFFF:
            raise PatternError(f"\\x at {start + 1} needs two hexadecimal digits")
        return chr(int(digits, 16))

    def _class(self, start: int) -> Characters:
        negated = self._skip("^")
        ranges: list[tuple[str, str]] = []
        first = True
        while first or self._peek() != "]":
            first = False
            ranges.extend(self._class_part(start))
        self.at += 1
        return Characters(tuple(ranges), negated)

    def _class_part(self, start: int) -> tuple[tuple[str, str], ...]:
        if self._skip("[:"):
            end = self._text.find(":]", self.at)
            name, self.at = self._text[self.at : max(end, self.at)], end + 2
            if name not in _NAMED:
                raise PatternError(f"[:{name}:] is not known here")
            return _NAMED[name]
        low = self._class_character(start)
        if len(low.ranges) != 1 or low.negated or low.ranges[0][0] != low.ranges[0][1]:
            return _outside(low.ranges) if low.negated else low.ranges
        following = self._text[self.at : self.at + 2]
        if len(following) < 2 or following[0] != "-" or following[1] == "]":
            return low.ranges
        self.at += 1
        high = self._class_character(start)
        first, last = low.ranges[0][0], high.ranges[0][1]
        if len(high.ranges) != 1 or high.negated or last < first:
            raise PatternError(f"{first}-{last} is not a range")
        return ((first, last),)

    def _class_character(self, start: int) -> Characters:
        character = self._take()
        if not character:
            raise PatternError(f"the [ at {start + 1} is not closed")
        if character == "\\":
            return self._escape(self._take(), self.at - 1)
        return Characters(((character, character),))

    def _peek(self) -> str:
        return self._text[self.at : self.at + 1]

    def _take(self) -> str:
        character = self._peek()
        self.at += 1
        return character

    def _skip(self, text: str) -> bool:
        if not self._text.startswith(text, self.at):
            return False
        self.at += len(text)
        return True


def _outside(ranges: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """What ``ranges``, in order, leave out."""
    found, low = [], 0
    for first, last in sorted(ranges):
        if ord(first) > low:
            found.append((chr(low), chr(ord(first) - 1)))
        low = ord(last) + 1
    return (*found, (chr(low), chr(0x10FFFF)))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 4
