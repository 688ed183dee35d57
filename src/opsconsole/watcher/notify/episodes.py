"""What one receiver was notified of, folded from what was kept: a report, and never an order.

Invariant: whatever the records hold, folding them gives a whole value or leaves a record out, and
the records of a value fold to the same value again. Every text is safe to show.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace
from typing import Final

from opsconsole.dataclass import dataclass
from opsconsole.model.alerting.alerts import Alert, Severity
from opsconsole.model.notices import Episode, Member
from opsconsole.text import sanitize

Record = Mapping[str, object]
"""One record, as JSON has it."""

_TEXT: Final = 300
_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,80}")
"""What an episode is called, which goes into headers too."""

_KEY: Final = 1000
_MEMBERS: Final = 2000
_LABELS: Final = 64
_VERDICTS: Final = 200


@dataclass(slots=True)
class Notified:
    """Everything that one receiver was notified of.

    ``followed_at`` is from when on verdicts are reported; ``verdicts`` are those that were, by
    their notices' ids, the oldest first.
    """

    followed_at: float | None = None
    episodes: dict[str, Episode] = field(default_factory=dict)
    verdicts: dict[str, None] = field(default_factory=dict)

    def apply(self, record: Record) -> None:
        """Take in one record; what cannot be understood changes nothing."""
        at = record.get("at")
        if not isinstance(at, (int, float)) or not 0 <= at < 1e11:
            return
        known = self.episodes.get(_text(record.get("id"), _KEY))
        match record.get("do"):
            case "followed":
                self.followed_at = float(at)
            case "opened":
                self._open(record, float(at))
            case "taken" if known is not None:
                first = float(at) if known.taken_at is None else known.taken_at
                again = known.taken_at is not None
                self.episodes[known.id] = replace(
                    known,
                    taken_at=first,
                    last_at=float(at),
                    reminders=known.reminders + again,
                )
            case "over" if known is not None:
                self.episodes[known.id] = replace(known, over_at=float(at))
            case "whole":
                self.followed_at, self.episodes, self.verdicts = None, {}, {}
            case "closed" if known is not None:
                del self.episodes[known.id]
            case "verdict":
                self.verdicts[_text(record.get("id"), _KEY)] = None
                while len(self.verdicts) > _VERDICTS:
                    del self.verdicts[next(iter(self.verdicts))]

    def records(self, now: float) -> Iterator[Record]:
        """As few records as fold to the same, whatever stands before them."""
        yield {"do": "whole", "at": now}
        if self.followed_at is not None:
            yield {"do": "followed", "at": self.followed_at}
        for name in self.verdicts:
            yield {"do": "verdict", "at": now, "id": name}
        for each in self.episodes.values():
            yield opened(each)
            if each.taken_at is not None:
                yield {"do": "taken", "id": each.id, "at": each.taken_at}
                for _ in range(each.reminders):
                    yield {"do": "taken", "id": each.id, "at": each.last_at}
            if each.over_at is not None:
                yield {"do": "over", "id": each.id, "at": each.over_at}

    def _open(self, record: Record, at: float) -> None:
        listed = record.get("members")
        found = tuple(_members(listed[:_MEMBERS])) if isinstance(listed, (list, tuple)) else ()
        name = _text(record.get("id"), _KEY)
        if found and _ID.fullmatch(name):
            self.episodes[name] = Episode(name, found, at)


def folded(records: Iterable[Record]) -> Notified:
    """What ``records`` say was reported."""
    notified = Notified()
    for each in records:
        notified.apply(each)
    return notified


def begun(troubles: Iterable[Alert], now: float, *, labelled: bool) -> Episode:
    """An episode of ``troubles`` that is to be reported; ``labelled`` keeps their labels."""
    members = tuple(
        Member(
            each.key,
            each.name,
            each.severity,
            each.since,
            each.service,
            each.summary[:_TEXT],
            dict(each.labels) if labelled else {},
        )
        for each in troubles
    )
    said = "\n".join([f"{now:.3f}", *(each.key for each in members)])
    return Episode(hashlib.sha256(said.encode()).hexdigest()[:16], members, now)


def opened(episode: Episode) -> Record:
    """The record that begins an episode."""
    return {
        "do": "opened",
        "id": episode.id,
        "at": episode.opened_at,
        "members": [_written(each) for each in episode.members],
    }


def _written(member: Member) -> dict[str, object]:
    said: dict[str, object] = {
        "key": member.key,
        "name": member.name,
        "severity": member.severity.value,
        "since": member.since,
    }
    if member.service:
        said["service"] = member.service
    if member.summary:
        said["summary"] = member.summary
    if member.labels:
        said["labels"] = dict(member.labels)
    return said


def _members(listed: Iterable[object]) -> Iterator[Member]:
    for each in listed:
        if not isinstance(each, Mapping):
            continue
        key, since = _text(each.get("key"), _KEY), each.get("since")
        if key and isinstance(since, (int, float)) and 0 <= since < 1e11:
            labels = each.get("labels")
            yield Member(
                key,
                _text(each.get("name"), _TEXT),
                Severity.from_word(_text(each.get("severity"), _TEXT)),
                float(since),
                _text(each.get("service"), _TEXT),
                _text(each.get("summary"), _TEXT),
                _labels(labels) if isinstance(labels, Mapping) else {},
            )


def _labels(found: Mapping[object, object]) -> dict[str, str]:
    pairs = list(found.items())[:_LABELS]
    return {_text(name, _TEXT): _text(value, _KEY) for name, value in pairs if name}


def _text(value: object, limit: int) -> str:
    return sanitize(value, limit=limit) if isinstance(value, str) else ""
