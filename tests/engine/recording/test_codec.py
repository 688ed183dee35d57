"""Every class that a snapshot is made of survives being written and read, by this version or
another."""

import dataclasses
import json
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsconsole.engine.recording.codec import Decoder, Encoder, layout
from opsconsole.errors import StateError
from opsconsole.model.alerting.alerts import Alert, AlertState, Severity
from opsconsole.model.events import Event, EventKind
from opsconsole.model.snapshot import ServiceView, Snapshot, SourceView
from opsconsole.model.source_id import SourceId, SourceKind
from opsconsole.model.state import State
from opsconsole.render.timeline.words import words
from tests.engine.recording.values import values


def classes(hint: Any, seen: set[type]) -> Iterator[type]:
    """Every dataclass in ``hint``."""
    if dataclasses.is_dataclass(hint) and hint not in seen:
        seen.add(typing.cast(type, hint))
        yield typing.cast(type, hint)
        for each in typing.get_type_hints(hint).values():
            yield from classes(each, seen)
    for each in typing.get_args(hint):
        yield from classes(each, seen)


PARTS = sorted(set(classes(Snapshot, set())) - {Snapshot}, key=lambda part: part.__name__)


def through_json(
    value: Any, written: Mapping[str, list[str]], read_as: type, *, strict: bool = False
) -> Any:
    tree = json.loads(json.dumps(Encoder().encode(value)))
    return Decoder(written, strict=strict).decode(read_as, tree)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_what_was_written_is_read(part: type) -> None:
    @settings(max_examples=15, deadline=None)
    @given(values(part))
    def round_trip(value: Any) -> None:
        for strict in (False, True):
            read = through_json(value, layout(Snapshot), part, strict=strict)
            assert read == value
            assert type(read) is part

    round_trip()


def test_types_come_back_as_they_were() -> None:
    service = ServiceView("api", State.DOWN, 1.0, memory=3, depends_on=("db",))
    read = through_json(service, layout(Snapshot), ServiceView)
    assert isinstance(read.state, State)
    assert isinstance(read.depends_on, tuple)
    assert isinstance(read.memory, int)
    assert isinstance(read.since, float)


def test_every_class_of_a_snapshot_is_in_the_layout() -> None:
    assert set(layout(Snapshot)) == {part.__name__ for part in PARTS} | {"Snapshot"}
    assert len({part.__name__ for part in PARTS}) == len(PARTS), "names tell classes apart"


def older(part: type, **renamed: str | None) -> dict[str, list[str]]:
    """The layout of a version without ids of sources, whose ``part`` had other fields."""
    written = layout(Snapshot)
    del written["SourceId"]
    own = written[part.__name__]
    written[part.__name__] = [name for each in own if (name := renamed.get(each, each))]
    return written


def test_sources_of_an_older_recording_keep_their_names_and_are_of_no_known_kind() -> None:
    """What the older version did not say is not guessed from a name."""
    written = older(SourceView, id="name", unknown_rules=None)
    tree = ["main", "http://127.0.0.1:9090", 15.0, 1.0, 0.0, None, 0.0, "", True]
    read = Decoder(written).decode(SourceView, tree)
    assert read.id == SourceId(SourceKind.UNKNOWN, "main")
    assert (read.name, read.taken_at) == ("main", 1.0)


def test_reporters_of_an_older_recording_s_alerts_are_read() -> None:
    alert = Alert("k", "Down", Severity.CRITICAL, AlertState.FIRING, 1.0)
    tree = json.loads(json.dumps(Encoder().encode(alert)))
    place = layout(Snapshot)["Alert"].index("sources")
    tree[place] = ["alertmanager:main", "local", "what was this"]
    read = Decoder(older(Alert)).decode(Alert, tree)
    assert read.sources == (
        SourceId(SourceKind.ALERTMANAGER, "main"),
        SourceId(SourceKind.LOCAL),
        SourceId(SourceKind.UNKNOWN, "what was this"),
    )


class Colour(StrEnum):
    RED = "red"


class Mood(StrEnum):
    GOOD = "good"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Inner:
    a: int
    colour: Colour = Colour.RED


@dataclass(frozen=True, slots=True)
class Outer:
    name: str
    inner: Inner | None = None
    more: tuple[Inner, ...] = ()
    mood: Mood = Mood.GOOD
    by_name: Mapping[str, int] = field(default_factory=dict)


LATER = {"Outer": ["later", "more", "name"], "Inner": ["later", "a"]}


def test_another_version_s_fields_are_found_by_name() -> None:
    tree = ["unknown here", [[None, 1], [None, 2]], "x"]
    read = Decoder(LATER).decode(Outer, tree)
    assert read == Outer("x", more=(Inner(1), Inner(2)))


@given(st.permutations(["name", "inner", "more", "mood", "by_name"]))
def test_the_order_of_fields_does_not_matter(order: list[str]) -> None:
    value = Outer("x", Inner(3), (Inner(4),), Mood.UNKNOWN, {"k": 5})
    plain = dict(zip(layout(Outer)["Outer"], Encoder().encode(value), strict=True))
    written = {**layout(Outer), "Outer": order}
    assert Decoder(written).decode(Outer, [plain[name] for name in order]) == value


def test_a_field_without_default_that_is_missing_is_told() -> None:
    with pytest.raises(StateError, match=r"does not hold Outer\.name; use the version"):
        Decoder({"Outer": ["inner"]}).decode(Outer, [None])


def test_a_word_of_a_later_version_is_unknown_or_refused() -> None:
    written = layout(Outer)
    assert Decoder(written).decode(Outer, ["x", None, [], "gloomy", {}]).mood is Mood.UNKNOWN
    with pytest.raises(StateError, match="no Outer"):
        Decoder(written).decode(Outer, ["x", [1, "green"], [], "good", {}])


def test_a_word_that_is_none_of_those_of_its_field_is_refused() -> None:
    @dataclass(frozen=True, slots=True)
    class Mix:
        how: Literal["mean", "sum"]

    assert through_json(Mix("sum"), layout(Mix), Mix) == Mix("sum")
    with pytest.raises(StateError, match="no Mix"):
        Decoder(layout(Mix)).decode(Mix, ["product"])


def test_what_is_no_tree_of_the_class_is_told() -> None:
    for tree in (None, [], ["x"], ["x", 3, 3, 3, 3], {"a": 1}):
        with pytest.raises(StateError, match="no Outer"):
            Decoder(layout(Outer)).decode(Outer, tree)


def test_a_type_that_cannot_be_recorded_is_a_defect() -> None:
    @dataclass(frozen=True, slots=True)
    class Odd:
        items: list[int]

    with pytest.raises(TypeError, match="cannot be recorded"):
        Encoder().encode(Odd([1]))


def test_a_mapping_that_changes_later_does_not_change_what_was_written() -> None:
    labels = {"a": 1}
    tree = Encoder().encode(Outer("x", by_name=labels))
    labels["a"] = 2
    assert Decoder(layout(Outer)).decode(Outer, tree).by_name == {"a": 1}


def test_an_event_of_an_older_file_tells_what_it_told() -> None:
    written = {"Event": ["at", "kind", "message", "service", "subject", "state", "before", "after"]}
    tree = [5.0, "health", "ok → down: refused", "api", "api-1", "down", "ok", "down"]
    event = Decoder(written).decode(Event, tree)
    assert (event.kind, event.state) == (EventKind.HEALTH, State.DOWN)
    assert words(event) == "ok → down: refused"


@pytest.mark.parametrize("kind", EventKind)
def test_every_kind_of_an_older_file_is_read(kind: EventKind) -> None:
    written = {"Event": ["at", "kind", "message", "service", "subject", "state", "before", "after"]}
    event = Decoder(written).decode(Event, [5.0, kind, "told", "", "", None, "", ""])
    assert (event.kind, words(event)) == (kind, "told")
