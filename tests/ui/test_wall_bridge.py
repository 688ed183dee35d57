"""One engine takes the place of another: one at a time, and the one before is let go."""

import threading
import time
from pathlib import Path

from textual.message import Message

from opsconsole.config.loader import default_settings
from opsconsole.engine.engine import Engine
from opsconsole.ui.bridge import Bridge
from opsconsole.ui.messages import EngineFailed, SnapshotArrived
from tests.patience import until
from tests.ui import fleet
from tests.ui.fake_engine import FakeEngine


class Slow:
    """Makes engines that take a while to be made and to be let go."""

    def __init__(self) -> None:
        self.made: list[FakeEngine] = []
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self) -> FakeEngine:
        self.gate.wait(5)
        self.made.append(FakeEngine(fleet.calm(len(self.made) + 1)))
        return self.made[-1]


def test_several_wishes_at_once_make_one_engine() -> None:
    slow, posted = Slow(), list[Message]()
    bridge = Bridge(slow, posted.append)
    bridge.start()
    until(lambda: bridge.latest is not None)
    slow.gate.clear()
    for _ in range(5):
        bridge.restart()
    until(lambda: slow.made[0].stopped)
    slow.gate.set()
    until(lambda: bridge.latest is not None and bridge.latest.seq == 2)
    time.sleep(0.1)
    assert len(slow.made) == 2
    assert bridge.pulse is None


def test_an_engine_that_was_let_go_is_not_heard_any_more() -> None:
    slow, posted = Slow(), list[Message]()
    bridge = Bridge(slow, posted.append)
    bridge.start()
    until(lambda: bridge.latest is not None)
    bridge.restart()
    until(lambda: bridge.latest is not None and bridge.latest.seq == 2)
    slow.made[0].publish(fleet.on_fire(99))
    assert bridge.latest is not None
    assert bridge.latest.seq == 2
    slow.made[1].publish(fleet.on_fire(3))
    assert bridge.latest.seq == 3
    assert all(isinstance(each, SnapshotArrived) for each in posted)


def test_the_pulse_stands_still_while_there_is_no_engine() -> None:
    def fails() -> FakeEngine:
        raise RuntimeError("not today")

    posted: list[Message] = []
    bridge = Bridge(fails, posted.append)
    bridge.start()
    until(lambda: posted)
    assert isinstance(posted[0], EngineFailed)
    assert bridge.pulse == 0.0


def test_the_pulse_of_a_real_engine_moves_until_it_ends(tmp_path: Path) -> None:
    engine = Engine(default_settings(), base=tmp_path, sources=())
    engine.start()
    first = engine.pulse
    until(lambda: engine.pulse > first)
    engine.stop()
    last = engine.pulse
    time.sleep(0.7)
    assert engine.pulse == last
