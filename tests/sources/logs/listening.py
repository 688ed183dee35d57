"""A sink that keeps what it hears."""

from collections.abc import Sequence

from opsconsole.sources.logs.raw_lines import RawLine


class Heard:
    """What a follower told."""

    def __init__(self) -> None:
        self.raw: list[RawLine] = []
        self.live: list[bool] = []
        self.half: list[bytes] = []
        self.gaps: list[str] = []
        self.troubles: list[str] = []

    @property
    def texts(self) -> list[str]:
        return [line.data.decode("utf-8", "backslashreplace") for line in self.raw]

    def lines(self, lines: Sequence[RawLine], *, live: bool) -> None:
        self.raw.extend(lines)
        self.live.extend([live] * len(lines))

    def unfinished(self, line: RawLine) -> None:
        self.half.append(line.data)

    def gap(self, text: str) -> None:
        self.gaps.append(text)

    def trouble(self, text: str) -> None:
        if not self.troubles or self.troubles[-1] != text:
            self.troubles.append(text)
