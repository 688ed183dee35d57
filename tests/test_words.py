"""Code and pages are written in words that an English-speaking engineer uses.

No word of the list stands in a docstring, comment, message or name there; what to write instead is
named with it. A phrase is found across the end of a line too.
"""

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]

CLEAN = ("README.md", "docs", "src", "tools", "benchmarks", "tests")
"""Files and folders, from the project's root, in which no word of the list stands."""

TOLERATED = {"tests": {"anew", "told", "tell", "tells", "whoever"}}
"""Words that name what tests do, by their folder."""

INSTEAD = {
    "anew": "again",
    "at the (?:least|most)": "at least, at most",
    "befell": "happened to",
    "befalls?": "happens to",
    "brought up": "upgraded, raised",
    "can(?:not)? be had": "be available, be obtained",
    "comes? about": "happen",
    "for want of": "for lack of",
    "(?:give|gives|given|giving) back": "release, return, restore",
    "goes? (?:its|their) way": "go on",
    "heed(?:s|ed)?": "follow, obey, read",
    r"in sight(?!\.\w)": "visible, shown",
    "in the place of": "in place of, instead of",
    "in vain": "without success, not found",
    "(?:is|are) let in": "accept",
    "know their way back": "can undo it",
    "lately": "recently",
    "mend(?:s|ed|ing)?": "fix, repair",
    "on end": "without a break, in a row",
    "reckon(?:s|ed|ing)?": "count, calculate",
    "(?:is|and) said so": "be reported",
    "sees? to it": "take care of it",
    "speaks? (?:of|for)": "is about, points at",
    "taken up": "apply, resume, accept",
    "tell(?:s|ing)?": "report, show, say, distinguish",
    "though every": "even if every",
    "to be had": "available",
    "told": "reported, shown, said, known",
    "untold": "withdrawn",
    "wants? nothing more": "is complete",
    "whoever": "the caller, anyone who, the user who",
}
"""Each pattern of whole words, and what to write instead."""

_WORDS = "|".join(words.replace(" ", r"\s+(?:#\s+)?") for words in INSTEAD)
PATTERN = re.compile(rf"(?<![.-])\b(?:{_WORDS})\b", re.IGNORECASE)


def found_in(text: str) -> list[str]:
    """``line: 'word'`` for each word of the list in ``text``."""
    return [
        f"{text.count(chr(10), 0, match.start()) + 1}: {match.group()!r}"
        for match in PATTERN.finditer(text)
    ]


def files_of(place: str) -> list[Path]:
    """The modules and hand-written pages of a file or folder; there is at least one."""
    path = PROJECT / place
    files = [path] if path.is_file() else [*path.rglob("*.py"), *path.rglob("*.md")]
    assert files, f"{place} has no modules and no pages"
    return sorted(files)


@pytest.mark.parametrize("place", CLEAN)
def test_no_word_of_the_list_stands_in_what_is_clean(place: str) -> None:
    fine = {f"'{word}'" for word in TOLERATED.get(place, ())}
    found = [
        f"{file}:{each}"
        for file in files_of(place)
        if file != Path(__file__)
        for each in found_in(file.read_text())
        if each.partition(": ")[2].lower() not in fine
    ]
    assert not found, "\n".join(["see INSTEAD for what to write:", *found])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It is told twice.", ["1: 'told'"]),
        ("A look\n    # in\n    # vain, by whoever.", ["2: 'in\\n    # vain'", "3: 'whoever'"]),
        ("Untolled, retell, stepmending, told_at", []),
    ],
)
def test_the_list_is_found_as_whole_words_across_lines(text: str, found: list[str]) -> None:
    assert found_in(text) == found


def test_what_is_to_be_written_instead_is_not_in_the_list_itself() -> None:
    assert not [words for words, instead in INSTEAD.items() if found_in(instead)]
