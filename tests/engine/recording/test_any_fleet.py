"""Whatever a fleet is made of, and however its parts come, change and go, it is shown as it was."""

import dataclasses
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from opsconsole.engine.recording.archive import Archive
from opsconsole.engine.recording.writer import Writer
from opsconsole.model.alerting.alerts import Alert
from opsconsole.model.events import Event
from opsconsole.model.snapshot import InstanceView, ServiceView, Snapshot, SourceView
from tests.engine.recording.test_archive import assert_same
from tests.engine.recording.values import DEEPEST, values

SHALLOW = DEEPEST - 1
START = 1_700_000_000.0


@st.composite
def histories(draw: st.DrawFn) -> list[Snapshot]:
    """Snapshots whose parts are the same objects, others, moved, or equal ones made again."""

    def pool(hint: type, size: int = 3) -> list[Any]:
        return draw(st.lists(values(hint, SHALLOW), min_size=1, max_size=size))

    instances = pool(InstanceView)
    alerts, events, sources = pool(Alert), pool(Event, 5), pool(SourceView)
    services = [
        dataclasses.replace(service, instances=tuple(draw(_some(instances))))
        for service in pool(ServiceView, 4)
    ]
    moments = draw(st.lists(st.integers(-100, 100), min_size=1, max_size=6, unique=True))
    return [
        Snapshot(
            number,
            START + moment,
            services=tuple(draw(_some(services))),
            alerts=tuple(draw(_some(alerts))),
            events=tuple(draw(_some(events))),
            sources=tuple(draw(_some(sources))),
        )
        for number, moment in enumerate(moments)
    ]


def _some(parts: list[Any]) -> st.SearchStrategy[list[Any]]:
    """Some of ``parts`` in any order, some as copies."""
    one = st.sampled_from(parts)
    copied = one.map(dataclasses.replace)
    return st.lists(one | copied, max_size=4)


@settings(max_examples=25, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(histories())
def test_every_moment_is_shown_as_it_was(history: list[Snapshot]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recording.db"
        with closing(Writer(path)) as writer:
            for snapshot in history:
                writer.write(snapshot)
        with closing(Archive(path)) as archive:
            for snapshot in history:
                assert_same(snapshot, archive.at(snapshot.taken_at))
