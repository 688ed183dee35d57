"""What was seen a while ago, so that one can hold the picture and step back.

Invariant: bounded: at most ``KEPT`` snapshots, at least ``APART`` seconds apart; holding a
picture never stops the reading.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from opsconsole.model.snapshot import Snapshot

KEPT: Final = 60
APART: Final = 15.0


class Lookback:
    """A few past snapshots and which of them is held."""

    def __init__(self) -> None:
        self._past: deque[Snapshot] = deque(maxlen=KEPT)
        self.held: Snapshot | None = None

    def keep(self, snapshot: Snapshot) -> None:
        """Remember ``snapshot`` where enough time has passed."""
        if not self._past or snapshot.taken_at - self._past[-1].taken_at >= APART:
            self._past.append(snapshot)

    def hold(self, snapshot: Snapshot) -> None:
        """Hold the picture at ``snapshot``."""
        self.held = snapshot

    def release(self) -> None:
        """Go back to the latest."""
        self.held = None

    def step(self, step: int) -> None:
        """Hold the picture before or after; after the last one is the latest."""
        past = list(self._past)
        if self.held is None:
            if step < 0 and past:
                self.held = past[-1]
            return
        moment = self.held.taken_at
        if step < 0:
            earlier = [each for each in past if each.taken_at < moment]
            self.held = earlier[-1] if earlier else self.held
        else:
            later = [each for each in past if each.taken_at > moment]
            self.held = later[0] if later else None
