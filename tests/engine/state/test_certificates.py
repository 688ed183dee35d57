"""What certificates that looks are shown become: a figure, an event, a part of the view."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.engine.figures.service_figures import cert_days, holds
from opsconsole.engine.past.preload import Past, fill
from opsconsole.engine.recording.codec import Decoder, Encoder, layout
from opsconsole.engine.state.store import Store
from opsconsole.model.certificate import DAY, Validity
from opsconsole.model.events import Event, EventCode
from opsconsole.model.fault import Fault
from opsconsole.model.health import HealthReport
from opsconsole.model.reading import Reading
from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.model.source_id import SourceId
from opsconsole.model.state import State
from opsconsole.model.written.expressions import parse
from opsconsole.render.json.status import status_document
from opsconsole.render.timeline.words import words
from tests.engine.conftest import PROBE, REFUSED, fleet
from tests.named import named

NOW = 1_700_000_000.0
OK = HealthReport(State.OK, "json")
FIRST, SECOND = (named(f"probe:api/api-{number}:health") for number in (1, 2))
RULE = {"name": "CertificateEnds", "when": "cert_days < 14"}


def store_of(copies: int = 1, before: Store | None = None, **more: Any) -> Store:
    urls = [f"https://10.0.0.{number}" for number in range(1, copies + 1)]
    settings = fleet({"api": {"instances": urls, "interval": "5s", **more}})
    return Store(settings, NOW, before=before)


def lasts(days: float, whole: float = 90.0) -> Validity:
    """One that ends ``days`` after ``NOW``."""
    ends = NOW + days * DAY
    return Validity(ends - whole * DAY, ends)


def look(
    store: Store,
    days: float,
    shown: Validity | None,
    key: SourceId = PROBE,
    answer: HealthReport | Fault = OK,
) -> None:
    """One look, ``days`` after ``NOW``."""
    at = NOW + days * DAY
    fault = answer if isinstance(answer, Fault) else None
    value = None if isinstance(answer, Fault) else answer
    store.apply(Reading(key, at, 0.02, value, fault, certificate=shown))
    store.settle(at)


def told(store: Store) -> list[Event]:
    return [each for each in store.events.view() if each.code is EventCode.CERTIFICATE_ENDS]


def view(store: Store) -> ServiceView:
    found = store.services["api"].view
    assert found is not None
    return found


def test_the_figure_is_of_the_copy_whose_certificate_ends_first() -> None:
    store = store_of(2)
    look(store, 0, lasts(60), FIRST)
    look(store, 0, lasts(9.5), SECOND)
    assert cert_days(store.services["api"], NOW) == pytest.approx(9.5)
    shown = view(store).certificate(NOW)
    assert shown is not None
    assert (shown.validity, shown.seen_at) == (lasts(9.5), NOW)


def test_what_was_not_shown_lately_is_not_known() -> None:
    store = store_of(2)
    look(store, 0, lasts(9.5), FIRST)
    look(store, 0, lasts(60), SECOND)
    later = 60 / DAY
    look(store, later, None, FIRST, REFUSED)
    look(store, later, lasts(60), SECOND)
    record = store.services["api"]
    assert cert_days(record, NOW + 60) == pytest.approx(60 - later)
    assert cert_days(record, NOW + 120) is None
    assert holds(record, parse("cert_days < 14"), NOW + 120) is None


def test_without_tls_there_is_none() -> None:
    store = store_of(alerts=[RULE])
    look(store, 0, None)
    assert cert_days(store.services["api"], NOW) is None
    assert view(store).certificate(NOW) is None
    assert store.alerts.view() == ()


@pytest.mark.parametrize("days", [13.9, 0.1, -2.0])
def test_a_rule_on_it_fires_before_the_end_and_goes_on_after_it(days: float) -> None:
    store = store_of(alerts=[RULE])
    look(store, 0, lasts(days))
    assert [each.name for each in store.alerts.view()] == ["CertificateEnds"]


def test_a_rule_on_it_is_quiet_while_there_is_time() -> None:
    store = store_of(alerts=[RULE])
    look(store, 0, lasts(14.1))
    assert store.alerts.view() == ()


def test_each_threshold_is_told_once_and_nothing_after_the_end() -> None:
    store = store_of(2)
    for step in range(200):
        for key in (FIRST, SECOND):
            look(store, step / 10, lasts(16), key)
    ends = lasts(16).ends
    assert [(each.figure, each.at) for each in told(store)] == [
        (days, ends - days * DAY) for days in (14.0, 7.0, 3.0)
    ]
    assert words(told(store)[1]) == "its certificate ends within 7 days"


def test_a_renewed_certificate_is_told_anew() -> None:
    store = store_of()
    look(store, 0, lasts(2))
    look(store, 1, lasts(90))
    look(store, 89, lasts(90))
    assert [each.figure for each in told(store)] == [3.0, 3.0]


@given(st.floats(0.01, 13.9), st.floats(0.0, 1.0), st.floats(0.0, 400))
def test_every_console_tells_the_same(left: float, later: float, before: float) -> None:
    """Whenever it was opened, and by whomever it was looked at before."""
    shown = lasts(left, left + before)
    one, other = store_of(), store_of()
    look(one, 0, shown)
    look(other, 0, shown)
    now = left * later * 0.99
    look(one, now, shown)
    again = store_of()
    fill(again, Past(events=other.events.view()), NOW)
    look(again, now, shown)
    fill(other, Past(events=one.events.view()), NOW)
    look(other, now, shown)
    assert told(one)
    times = [sorted(each.at for each in told(console)) for console in (one, other, again)]
    assert times[0] == times[1] == times[2]
    assert set(told(one)) == set(told(other)) == set(told(again))


def test_a_reload_tells_nothing_again() -> None:
    store = store_of()
    look(store, 0, lasts(6))
    reloaded = store_of(2, before=store)
    look(reloaded, 0.001, lasts(6), FIRST)
    look(reloaded, 0.001, lasts(6), SECOND)
    assert len(told(reloaded)) == 1


def test_the_document_has_it_with_its_age() -> None:
    store = store_of()
    look(store, 0, lasts(6))
    snapshot = Snapshot(1, NOW + 4, services=(view(store),))
    (told_of,) = json.loads(json.dumps(status_document(snapshot, snapshot.services, NOW + 4)))[
        "services"
    ]
    assert told_of["cert_days"] == pytest.approx(6, abs=0.001)
    certificate = told_of["instances"][0]["certificate"]
    assert certificate["ends_at"] == lasts(6).ends
    assert (certificate["age"], certificate["stale"]) == (4.0, False)


def test_it_is_recorded_and_what_was_recorded_without_it_is_read() -> None:
    store = store_of()
    look(store, 0, lasts(6))
    service = view(store)
    tree = json.loads(json.dumps(Encoder().encode(service)))
    here = layout(Snapshot)
    assert Decoder(here).decode(ServiceView, tree) == service
    index = here["InstanceView"].index("certificate")
    older = {**here, "InstanceView": [*here["InstanceView"]]}
    del older["InstanceView"][index]
    instances = here["ServiceView"].index("instances")
    del tree[instances][0][index]
    read = Decoder(older).decode(ServiceView, tree)
    assert read.instances == (replace(service.instances[0], certificate=None),)
