"""An incident put together from what each place gives, and told in sentences."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from opsconsole.engine.past.incident import Asked, Material, gather
from opsconsole.errors import StateError
from opsconsole.model.alerting.alerts import Alert, AlertState, Severity
from opsconsole.model.alerting.silences import Matcher, SilenceState, SilenceView
from opsconsole.model.events import Event, EventCode
from opsconsole.model.logs import LogLevel, LogLine
from opsconsole.model.operation import ActionKind, Operation, OperationState
from opsconsole.model.past.recording import FleetFigures, ServiceFigures
from opsconsole.model.past.replay import Gap, SeenBy, Span
from opsconsole.model.past.reported import Excerpt, Reported
from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.model.state import State
from opsconsole.render.incident.report import markdown
from opsconsole.render.incident.story import story

T = 1_763_716_400.0
"""09:13:20 UTC."""

EVIL = "<script>alert(1)</script> | `x` [y](http://evil) token=abcdef123456"


def flip(at: float, service: str, state: State) -> Event:
    return Event(at, EventCode.HEALTH_CHANGED, "", service, f"{service}-1", state)


IMAGE = Event(T - 300, EventCode.IMAGE_CHANGED, "", "db", "db-1", None, "a:1", "a:2")
FIRES = Event(T + 30, EventCode.ALERT_FIRED, "it is down", "api", "Down", State.DOWN)
RESOLVED = Event(T + 400, EventCode.ALERT_RESOLVED, "", "api", "Down", State.OK)
EVENTS = (
    IMAGE,
    flip(T, "db", State.DOWN),
    flip(T + 5, "api", State.DEGRADED),
    FIRES,
    flip(T + 200, "db", State.OK),
    flip(T + 210, "api", State.OK),
    RESOLVED,
)


class Recorded:
    """A recording of two services in which nothing else was kept."""

    def __init__(
        self,
        *events: Event,
        gaps: tuple[Gap, ...] = (),
        silences: tuple[SilenceView, ...] = (),
        alerts: tuple[Alert, ...] = (),
    ) -> None:
        self._events = events
        self._gaps = gaps
        views = (
            ServiceView("api", State.OK, 0.0, depends_on=("db",)),
            ServiceView("db", State.OK, 0.0),
        )
        self._snapshot = Snapshot(1, T - 600, services=views, silences=silences, alerts=alerts)

    lacks = ""
    theirs: tuple[SeenBy, ...] = ()

    def seen_by(self, since: float, until: float) -> tuple[SeenBy, ...]:
        return self.theirs

    def span(self) -> Span | None:
        return Span(T - 2000, T + 1000)

    def at(self, moment: float) -> Snapshot | None:
        return self._snapshot

    def events(self, since: float, until: float, service: str = "") -> tuple[Event, ...]:
        return tuple(each for each in self._events if since <= each.at <= until)

    def gaps(self, since: float, until: float) -> tuple[Gap, ...]:
        return self._gaps

    def services(self, since: float, until: float, every: float = 0.0) -> Iterator[FleetFigures]:
        for step in range(int(since), int(until), 20):
            state = State.DOWN if T <= step < T + 200 else State.OK
            memory = 64_000_000 if state is State.OK else None
            figures = ServiceFigures(state, 0.0, p95=0.05, memory=memory)
            yield FleetFigures(float(step), {"db": figures, "api": figures})


def run(at: float, state: OperationState, kind: ActionKind = ActionKind.ROLLBACK) -> Operation:
    return Operation(
        "op", "plan", "db", kind, kind.value, state, "kim", "bastion", at, at + 40,
        reason="the new image leaks", summary="healthy for 10 s", ended_at=at + 40,
    )  # fmt: skip


def incident(*events: Event, runs: tuple[Operation, ...] = (), service: str = "") -> Reported:
    material = Material(Recorded(*events), lambda: runs, lambda: (), lambda _names, _start: ())
    return gather(Asked(T + 600, None, service, "production", T + 700), material)


def test_the_report_begins_before_the_trouble_and_tells_it_whole() -> None:
    found = incident(*EVENTS, runs=(run(T + 100, OperationState.VERIFIED),))
    assert found.since == T - 900
    assert [each.service for each in found.affected] == ["db", "api"]
    assert story(found) == [
        "`db` went wrong at 09:13:20Z on 2025-11-21; at its worst it was down, and it was ok again"
        " at 09:16:40Z, 3m20s later. Also affected: `api` (which needs `db`).",
        "The likeliest cause is what changed before: image a:1 → a:2 of `db-1` at 09:08:20Z"
        " (another image; the service itself; 5m00s before).",
        "1 alert fired (`Down`), the first 30s after it went wrong. All of them are resolved.",
        "Times: an alert fired after 30s (`Down`), not acknowledged, resolved after 3m20s.",
        "kim began rollback of `db` at 09:15:00Z (“the new image leaks”); verdict verified:"
        " healthy for 10 s. It helped: `db` was ok 1m40s later and stayed so.",
    ]


def test_what_did_not_help_is_not_called_help() -> None:
    again = (*EVENTS, flip(T + 300, "db", State.DOWN), flip(T + 320, "db", State.OK))
    told = story(incident(*again, runs=(run(T + 100, OperationState.VERIFIED),)))
    assert "`db` was ok 1m40s later, but went wrong again after 1m40s." in told[-1]
    assert "It was wrong as well at 09:18:20Z for 20s." in told[0]

    lasting = EVENTS[:4]
    told = story(incident(*lasting, runs=(run(T + 100, OperationState.FAILED),)))
    assert "It did not help: `db` was still wrong at the end." in told[-1]
    assert "it was still wrong 10m00s later, when this report ends" in told[0]
    assert "Still firing at the end: `Down`." in told[2]

    silence = run(T + 100, OperationState.VERIFIED, ActionKind.SILENCE)
    assert "help" not in story(incident(*EVENTS, runs=(silence,)))[-1]


def test_of_one_service_only_what_hangs_together_with_it() -> None:
    other = flip(T - 100, "mailer", State.DOWN)
    found = incident(*EVENTS, other, service="api")
    assert found.main is not None
    assert found.main.service == "api"
    assert other not in found.events
    assert "`api` went wrong at 09:13:25Z" in story(found)[0]
    assert found.changes is not None
    assert found.changes.root == "db"


def test_nothing_wrong_is_said() -> None:
    told = story(incident(IMAGE))
    assert told == [
        "No service went wrong between 09:08:20Z and 09:23:20Z on 2025-11-21.",
        "Nothing was done from a console.",
    ]


def test_where_nobody_looked_nothing_is_called_well() -> None:
    for recorded in (None, Recorded()):
        material = Material(recorded, lambda: (), lambda: (), lambda _names, _start: ())
        found = gather(Asked(T - 4000, T - 5000), material)
        assert story(found)[0] == (
            "It is unknown whether any service went wrong between 07:50:00Z and 08:06:40Z on"
            " 2025-11-21: nothing was seen."
        )
    told = story(incident(flip(T, "db", State.UNKNOWN)))
    assert told[0].endswith(" on 2025-11-21. Not always known: `db`.")
    material = Material(Recorded(), lambda: (), lambda: (), lambda _names, _start: ())
    found = gather(Asked(T + 600, T - 5000), material)
    assert "went wrong between 08:40:00Z and" in story(found)[0]


KIM = SilenceView(
    "s1", (Matcher("alertname", "Down"),), "kim@b-2", "ACK killed on purpose", T + 60, T + 4000,
    SilenceState.ACTIVE,
)  # fmt: skip


def told_of(recorded: Recorded, *runs: Operation) -> list[str]:
    material = Material(recorded, lambda: runs, lambda: (), lambda _names, _start: ())
    return story(gather(Asked(T + 600, None, "", "production", T + 700), material))


def test_whose_looks_they_were_and_what_of_others_is_not_seen_is_said() -> None:
    recorded = Recorded()
    recorded.lacks = "the server is away"
    recorded.theirs = (SeenBy(T - 900.0, T - 600.0, "kim@bastion-a"),)
    material = Material(recorded, lambda: (), lambda: (), lambda _names, _start: ())
    said = gather(Asked(T + 600, T - 1000), material).lacks
    assert said == (
        "nobody looked here from 2025-11-21 08:58:20Z to 2025-11-21 09:03:20Z:"
        " it is as kim@bastion-a saw it",
        "what other hosts recorded is not seen: the server is away",
    )


def test_gaps_are_named_and_nothing_in_them_is_called_well() -> None:
    gap = Gap(T - 27.0, T - 1.0)
    began = replace(flip(T, "db", State.DOWN), before="ok", figure=27.0)
    ended = replace(flip(T + 200, "db", State.OK), before="down", figure=50.0)
    (first, *others) = told_of(Recorded(began, ended, gaps=(gap,)))
    assert any("Times, from when it was first seen to be wrong:" in each for each in others)
    assert first == (
        "`db` went wrong between 09:12:53Z and 09:13:20Z on 2025-11-21; at its worst it was down,"
        " and it was ok again between 09:15:50Z and 09:16:40Z, 3m20s later."
        " No other service is known to have been affected."
        " Nobody looked from 09:12:53Z to 09:13:19Z."
    )
    (calm, *_) = told_of(Recorded(gaps=(gap,)))
    assert calm.startswith("No service is known to have gone wrong between")
    blind = flip(T + 20, "mailer", State.UNKNOWN)
    (first, *_) = told_of(Recorded(flip(T, "db", State.DOWN), blind))
    assert "No other service is known to have been affected. Not always known: `mailer`." in first


def test_what_was_still_wrong_or_firing_is_said() -> None:
    old = Alert("k", "Disk", Severity.WARNING, AlertState.FIRING, T - 9000, service="db")
    told = told_of(Recorded(*EVENTS[:4], flip(T + 560, "db", State.OK), alerts=(old,)))
    assert "it was ok again at 09:22:40Z, 9m20s later. Also affected: `api`" in told[0]
    assert told[0].endswith("Still wrong when this report ends: `api`.")
    assert "Firing already when the report begins: `Disk`. Still firing at the end: `Disk`." in told
    assert "No alert fired." not in told


def test_who_silenced_what_from_elsewhere_is_told_with_the_times() -> None:
    told = told_of(Recorded(*EVENTS, silences=(KIM,)))
    assert (
        "Times: an alert fired after 30s (`Down`), acknowledged after 1m00s (by kim),"
        " resolved after 3m20s."
    ) in told
    assert (
        'kim\\@b-2 acknowledged `alertname="Down"` at 09:14:20Z, until 10:20:00Z'
        " (“killed on purpose”)."
    ) in told
    mine = replace(
        run(T + 58, OperationState.VERIFIED, ActionKind.ACKNOWLEDGE),
        reason="killed on purpose", about="Down", service="alertmanager",
    )  # fmt: skip
    told = told_of(Recorded(*EVENTS, silences=(KIM,)), mine)
    assert told[-1] == "Down acknowledged by kim: killed on purpose at 09:14:58Z."
    assert not any("until 10:20" in each for each in told)


def test_the_screen_and_the_recording_are_one_story() -> None:
    later = tuple(replace(each, at=each.at + 3.0) for each in EVENTS[1:])
    shown = Snapshot(1, T + 500, services=(ServiceView("db", State.OK, 0.0),), events=later)
    material = Material(Recorded(*EVENTS), lambda: (), lambda: (), lambda _n, _s: (), shown)
    assert gather(Asked(T + 600), material).events == EVENTS


def test_alerts_last_from_their_start_to_their_end() -> None:
    (span,) = incident(*EVENTS).alerts
    assert (span.name, span.service, span.said) == ("Down", "api", "it is down")
    assert (span.began_at, span.ended_at) == (T + 30, T + 400)


def test_a_place_that_cannot_be_read_keeps_nothing_else_out() -> None:
    def broken() -> tuple[Operation, ...]:
        raise StateError("cannot use the journal", remedy="look at it")

    def lost(_names: object, _start: float) -> tuple[Excerpt, ...]:
        raise OSError("no such log")

    material = Material(Recorded(*EVENTS), broken, lambda: (), lost)
    found = gather(Asked(T + 600), material)
    assert found.lacks == ("cannot use the journal; look at it", "no such log")
    assert found.main is not None
    assert "- cannot use the journal; look at it" in markdown(found)


def test_without_a_recording_what_is_on_the_screen_is_told() -> None:
    shown = Snapshot(1, T + 500, services=(ServiceView("db", State.OK, 0.0),), events=EVENTS)
    material = Material(None, lambda: (), lambda: (), lambda _names, _start: (), shown)
    found = gather(Asked(T + 600), material)
    assert found.main is not None
    assert found.lacks == (
        "nothing was recorded: the report has what the console saw and the journal",
    )


@pytest.mark.parametrize("place", ["detail", "service", "subject"])
def test_no_outside_text_acts_and_no_secret_is_told(place: str) -> None:
    said = {"detail": "died", "service": "db", "subject": "db-1", place: EVIL}
    evil = Event(
        T - 5, EventCode.CONTAINER, said["detail"], said["service"], said["subject"], State.DOWN
    )
    line = LogLine("db.log", 1, T, LogLevel.ERROR, EVIL)
    fires = Event(T + 1, EventCode.ALERT_FIRED, EVIL, "db", EVIL, State.DOWN)
    material = Material(
        Recorded(*EVENTS, evil, fires),
        lambda: (run(T + 100, OperationState.VERIFIED),),
        lambda: (Event(T, EventCode.NOTE, f"kim: {EVIL}"),),
        lambda _names, _start: (Excerpt("db", (line,)),),
    )
    report = markdown(gather(Asked(T + 600, None, "", EVIL, T), material))
    outside = "".join(part for part in report.split("```")[::2])
    assert "<script>" not in outside.replace(r"\<script", "").replace("`" + EVIL[:8], "")
    assert "abcdef123456" not in report
    for row in (line for line in outside.splitlines() if line.startswith("|")):
        bare = row.replace(r"\|", "")
        assert bare.count("|") in {6, 7, 8}, row


def test_the_chart_shows_each_figure_on_one_axis() -> None:
    report = markdown(incident(*EVENTS))
    chart = report.split("```")[1].splitlines()
    state = next(line for line in chart if line.startswith("state"))
    assert state.count("✖") == pytest.approx(60 * 200 / 1500, abs=1)
    marks = next(line for line in chart if line.startswith("events"))
    assert marks.index("I") < state.index("✖")
    assert "09:00:00" not in chart[-1]
    assert "╵08:58:20" in chart[-1]


def test_a_report_of_nothing_at_all_is_a_report(tmp_path: Path) -> None:
    material = Material(None, lambda: (), lambda: (), lambda _names, _start: ())
    report = markdown(gather(Asked(T), material))
    assert "No event is known." in report
    assert "What is missing here" in report
