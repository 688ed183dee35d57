"""The Prometheus servers or the Alertmanagers that imported files name. Pure.

Invariant: each URL that a file names is kept, and stands where it is sure to be reached from here;
a guess is made only while no file names one.
"""

from collections.abc import Iterator
from dataclasses import field
from urllib.parse import urlsplit

from opsconsole.dataclass import dataclass
from opsconsole.discovery.finding import fit
from opsconsole.model.written.draft import Entry


@dataclass(slots=True)
class Servers:
    """Those of one kind: ``at`` their URLs, ``beside`` what is said of the first of them.

    ``guess`` stands in while no file says where one answers; ``called`` are the URLs of those that
    are services of a Compose file, by its name for them.
    """

    kind: str
    at: dict[str, Entry] = field(default_factory=dict)
    beside: dict[str, Entry] = field(default_factory=dict)
    guess: Entry | None = None
    called: dict[str, str] = field(default_factory=dict)

    def entry(self) -> Entry:
        """All of them; several are a list in which each has a name of its own."""
        every = list(self.at.values()) or [each for each in [self.guess] if each is not None]
        every.sort(key=lambda each: not each.stands)
        more = tuple(self.beside.values())
        (first, *others) = every
        if not others:
            return Entry(self.kind, (*first.block, *more), first.why, first.stands)
        names: dict[str, Entry] = {}
        for each in every:
            url = urlsplit(str(each.block[0].value))
            name = fit(f"{self.kind}-{url.netloc}", "") or self.kind
            while name in names:
                name = f"{name}-{len(names) + 1}"
            names[name] = each
        listed = tuple(
            Entry(
                "",
                (
                    Entry("name", name, "to distinguish them"),
                    *each.block,
                    *(() if number else more),
                ),
                each.why,
                each.stands,
            )
            for number, (name, each) in enumerate(names.items())
        )
        return Entry(self.kind, listed, f"{len(every)} of them")

    def left_open(self) -> Iterator[str]:
        """What a person has to say of them."""
        for url, each in self.at.items():
            if not each.stands:
                yield f"whether the {self.kind} at {url}, by {each.why}, is reached from here"
        if not self.at and self.guess is not None:
            yield f"where the {self.kind} of {self.guess.why} answers: its usual port is a guess"
