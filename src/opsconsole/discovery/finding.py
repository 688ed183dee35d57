"""What every kind of discovery finds, how it is named, and how rules choose. Pure."""

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Final

from opsconsole.config.effective import FoundService
from opsconsole.dataclass import dataclass

_UNFIT: Final = re.compile(r"[^A-Za-z0-9._-]+")
_NAME_LIMIT: Final = 63


@dataclass(frozen=True, slots=True)
class Finding:
    """A service that was found.

    ``serves``: it is there, or has failed within a day. ``is_over``: it has ended of itself and
    well, as a job does.
    """

    found: FoundService
    serves: bool
    is_over: bool


def fit(text: str, suffix: str) -> str:
    """``text`` as a service may be called, '' where nothing is left of it."""
    kept = _UNFIT.sub("-", text).strip("._-")[: _NAME_LIMIT - len(suffix)]
    return f"{kept}{suffix}" if kept else ""


def matches(text: str, patterns: Iterable[str]) -> bool:
    """Whether any of ``patterns``, where * stands for anything, is all of ``text``."""
    return any(fnmatchcase(text, each) for each in patterns)


def labelled(labels: Mapping[str, str], wanted: str) -> bool:
    """Whether ``labels`` have ``wanted``: key, or key=value."""
    key, has_value, value = wanted.partition("=")
    return key in labels and (not has_value or labels[key] == value)
