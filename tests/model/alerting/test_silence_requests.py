"""Acknowledgements and silences at a real Alertmanager, by the way that every change goes."""

import json
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from opsconsole.demo.prometheus import MonitoringServer
from opsconsole.model.alerting import silence_requests as silencing_requests
from opsconsole.model.alerting.alerts import AlertState
from opsconsole.model.alerting.silence_requests import LONGEST_ACK, again, ending, parameters_of
from opsconsole.model.alerting.silences import LONGEST_MATCHER, OWN_RULES
from opsconsole.model.change_subject import subject_of
from opsconsole.model.operation import (
    ActionKind,
    ActionRequest,
    Confirmation,
    ConfirmLevel,
    Operation,
    OperationState,
    Refusal,
)
from opsconsole.model.source_id import LOCAL
from opsconsole.operations.locks.locks import Holder
from opsconsole.operations.operator import Operator
from opsconsole.operations.promises.promising import revive
from opsconsole.render.forms import decision
from opsconsole.render.forms.decision import Setting
from opsconsole.sources.prometheus.api_alerts import read_alertmanager
from opsconsole.sources.prometheus.api_silences import read_silences
from tests.named import named
from tests.operations.place import Place, ended, performed, planned, refused
from tests.patience import until
from tests.servers.fixtures import MonitoringStack

pytestmark = pytest.mark.servers
LABELS = {"alertname": "Down", "instance": 'a "b"\\c', "severity": "critical"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MonitoringServer]:
    stack = MonitoringStack(tmp_path_factory.mktemp("silencing"))
    yield stack.alertmanager()
    stack.stop()


@pytest.fixture
def console(place: Place, server: MonitoringServer) -> Operator:
    place.write(f"docker: []\nalertmanager: {{url: {server.url}}}\n")
    return place.operator()


def get(server: MonitoringServer, path: str) -> Any:
    with urllib.request.urlopen(f"{server.url}/api/v2/{path}", timeout=5) as answer:
        return json.loads(answer.read())


def fire(server: MonitoringServer, lasts: float = 300.0, **labels: str) -> str:
    """Send one alert and return its fingerprint; ``lasts`` of 0 resolves it."""
    wanted = {**LABELS, **labels}
    ends = datetime.fromtimestamp(time.time() + lasts, UTC).isoformat()
    request = urllib.request.Request(
        f"{server.url}/api/v2/alerts",
        data=json.dumps([{"labels": wanted, "endsAt": ends}]).encode(),
        headers={"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=5).close()
    if not lasts:
        return ""
    until(lambda: _find(server, wanted) is not None, every=0.05)
    found = _find(server, wanted)
    assert found is not None
    return str(found["fingerprint"])


def _find(server: MonitoringServer, labels: dict[str, str]) -> Any:
    return next((each for each in get(server, "alerts") if each["labels"] == labels), None)


def silenced_by(server: MonitoringServer, fingerprint: str) -> list[str]:
    found = (each for each in get(server, "alerts") if each["fingerprint"] == fingerprint)
    return list(next(found)["status"]["silencedBy"])


def silence(server: MonitoringServer, identity: str) -> Any:
    return get(server, f"silence/{identity}")


def acknowledgement(fingerprint: str, **more: Any) -> ActionRequest:
    parameters = {"alert": fingerprint}
    return ActionRequest("alertmanager", ActionKind.ACKNOWLEDGE, parameters=parameters, **more)


def silencing(*matchers: str, lasts: float | None = 600.0, **more: str) -> ActionRequest:
    parameters = {**parameters_of(matchers), **more}
    return ActionRequest("alertmanager", ActionKind.SILENCE, duration=lasts, parameters=parameters)


def expiry(identity: str) -> ActionRequest:
    parameters = {"silence": identity}
    return ActionRequest("alertmanager", ActionKind.EXPIRE_SILENCE, parameters=parameters)


async def done(console: Operator, request: ActionRequest, reason: str = "a test") -> Operation:
    operation = await performed(console, await planned(console, request), reason)
    return await ended(console, operation.id)


async def test_an_acknowledgement_suppresses_exactly_its_alert(
    console: Operator, server: MonitoringServer
) -> None:
    mine, other = fire(server, zone="ack"), fire(server, zone="other")
    plan = await planned(console, acknowledgement(mine))
    assert plan.confirm is ConfirmLevel.CHOICE
    assert "hides 1 alert (Down) now" in plan.steps[0].summary
    assert plan.ends_at == pytest.approx(time.time() + LONGEST_ACK, abs=10)
    operation = await done(console, acknowledgement(mine), "looking at it")
    assert operation.state is OperationState.VERIFIED, operation
    assert "suppresses 1 alert" in operation.summary
    (identity,) = silenced_by(server, mine)
    assert silenced_by(server, other) == []
    made = silence(server, identity)
    assert made["comment"] == "ACK looking at it"
    assert "@" in made["createdBy"]
    assert {each["value"] for each in made["matchers"]} == {*LABELS.values(), "ack"}


async def test_an_acknowledgement_ends_when_its_alert_resolves(
    console: Operator, place: Place, server: MonitoringServer
) -> None:
    mine = fire(server, zone="resolves")
    await done(console, acknowledgement(mine))
    (identity,) = silenced_by(server, mine)
    mandates = place.there.mandates
    until(mandates.keeper_is_there, every=0.05)
    journal = place.there.journal()
    assert revive(place.there, journal, place.own) == 0, "one that lives is not started again"
    journal.close()
    fire(server, lasts=0.0, zone="resolves")
    until(
        lambda: silence(server, identity)["status"]["state"] == "expired",
        every=0.2,
    )
    ends = [each for each in console.operations() if each.kind is ActionKind.EXPIRE_SILENCE]
    assert ends[0].reason == "the acknowledged alert has resolved"
    until(lambda: mandates.all() == ())


async def test_the_next_console_watches_what_a_dead_keeper_left(
    console: Operator, place: Place, server: MonitoringServer
) -> None:
    mine = fire(server, zone="dead-keeper")
    await done(console, acknowledgement(mine))
    await place.kill_keeper()
    assert await console.reconcile() == 1
    mandates = place.there.mandates
    until(mandates.keeper_is_there, every=0.05)
    (identity,) = silenced_by(server, mine)
    assert (await done(console, expiry(identity))).state is OperationState.VERIFIED
    until(lambda: not mandates.keeper_is_there(), every=0.2)


async def test_a_silence_is_previewed_made_and_ended(
    console: Operator, server: MonitoringServer
) -> None:
    long = "x" * 400
    one, two = fire(server, zone="s1", pod=long), fire(server, zone="s2", pod=long)
    request = silencing('zone=~"s[0-9]"', "alertname=Down", f"pod={long}")
    plan = await planned(console, request)
    assert "hides 2 alerts (Down) now" in plan.steps[0].summary
    operation = await done(console, request, "a change of disks")
    assert operation.state is OperationState.VERIFIED, operation
    (identity,) = silenced_by(server, one)
    assert silenced_by(server, two) == [identity]
    assert silence(server, identity)["comment"] == "a change of disks"
    over = await done(console, expiry(identity))
    assert over.state is OperationState.VERIFIED, over
    assert silenced_by(server, one) == []
    assert "loud again" in over.steps[0].summary
    assert refused(await console.plan(expiry(identity), None)) == "cannot-look"


@pytest.mark.parametrize(
    ("author", "comment", "said"),
    [
        ("kim@bastion-2", "deploy window", "by kim@bastion-2: deploy window; of"),
        ("kim@bastion-2", "", "by kim@bastion-2; of"),
        ("", "", "by nobody named; of"),
        ("kim\x1b[2J", "\x9b31mred", "by kim"),
    ],
)  # fmt: skip
async def test_the_plan_that_ends_the_silence_of_another_names_who_made_it_and_why(
    author: str, comment: str, said: str, console: Operator, server: MonitoringServer
) -> None:
    mine = fire(server, zone=f"of {len(author)} {len(comment)}")
    theirs = made_by(server, author, comment, f"of {len(author)} {len(comment)}")
    assert silenced_by(server, mine) == [theirs]
    plan = await planned(console, expiry(theirs))
    (step,) = plan.steps
    assert said in step.summary
    assert "\x1b" not in step.summary
    assert "\x9b" not in step.summary
    sentence = decision.sentence(plan, Setting())
    assert said in sentence, "it is what the plan begins with"
    assert silence(server, theirs)["status"]["state"] == "active", "a plan ends nothing"


def made_by(server: MonitoringServer, author: str, comment: str, zone: str) -> str:
    """A silence that somebody made elsewhere; its id."""
    now = time.time()
    document = {
        "matchers": [{"name": "zone", "value": zone, "isRegex": False, "isEqual": True}],
        "startsAt": datetime.fromtimestamp(now, UTC).isoformat(),
        "endsAt": datetime.fromtimestamp(now + 600, UTC).isoformat(),
        "createdBy": author,
        "comment": comment,
    }
    request = urllib.request.Request(
        f"{server.url}/api/v2/silences",
        data=json.dumps(document).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=5) as answer:
        identity: str = json.loads(answer.read())["silenceID"]
    until(lambda: identity in str(get(server, "alerts")), every=0.05)
    return identity


async def test_an_ended_silence_is_made_again(console: Operator, server: MonitoringServer) -> None:
    mine = fire(server, zone="again")
    await done(console, silencing('zone=~"agai."'), "disks")
    (first,) = silenced_by(server, mine)
    listed = {each.id: each for each in read_silences(get(server, "silences"), "alertmanager")}
    await done(console, ending(listed[first], "enough"))
    assert silenced_by(server, mine) == []
    operation = await done(console, again(listed[first], 600.0), "")
    assert operation.state is OperationState.VERIFIED, operation
    (second,) = silenced_by(server, mine)
    assert silence(server, second)["comment"] == "disks"


def test_an_alert_is_acknowledged_where_it_is_reported_else_in_the_consoles_own_state() -> None:
    (alert,) = read_alertmanager(
        [{"labels": LABELS, "startsAt": "2026-11-21T07:00:00Z", "fingerprint": "f00"}],
        named("alertmanager:main"),
    ).alerts
    request = silencing_requests.acknowledgement(alert)
    assert request is not None
    assert (request.service, dict(request.parameters)) == ("main", {"alert": "f00"})
    own = replace(alert, sources=(LOCAL,))
    request = silencing_requests.acknowledgement(own)
    assert request is not None
    assert request.service == OWN_RULES
    over = replace(own, state=AlertState.RESOLVED)
    assert silencing_requests.acknowledgement(over) is None


async def test_an_edited_silence_takes_the_place_of_the_one_before(
    console: Operator, server: MonitoringServer
) -> None:
    mine = fire(server, zone="edit")
    await done(console, silencing("zone=edit"))
    (first,) = silenced_by(server, mine)
    edited = silencing("zone=edit", "alertname=Down", replaces=first)
    operation = await done(console, edited, "narrower")
    assert operation.state is OperationState.VERIFIED, operation
    (second,) = silenced_by(server, mine)
    assert second != first
    assert silence(server, first)["status"]["state"] == "expired"


async def test_read_only_refuses_all_three(
    console: Operator, place: Place, server: MonitoringServer
) -> None:
    mine = fire(server, zone="read-only")
    closed = place.operator(read_only=True)
    before = len(get(server, "silences"))
    for request in (acknowledgement(mine), silencing("zone=read-only"), expiry("x")):
        assert refused(await closed.plan(request, None)) == "read-only"
    plan = await planned(console, acknowledgement(mine))
    assert refused(await closed.perform(plan, Confirmation("", "why"))) == "read-only"
    assert len(get(server, "silences")) == before


async def test_what_is_missing_or_endless_is_refused(
    console: Operator, server: MonitoringServer
) -> None:
    mine = fire(server, zone="refused")
    for request in (
        silencing("zone=refused", lasts=None),
        silencing("zone=refused", lasts=float("inf")),
        silencing(),
        silencing('zone=~".*"'),
        silencing("zone"),
        silencing('zone="' + "x" * LONGEST_MATCHER + '"'),
        acknowledgement(""),
        acknowledgement(mine, duration=LONGEST_ACK * 2),
        expiry(""),
    ):
        assert refused(await console.plan(request, None)) == "bad-parameter"
    assert refused(await console.plan(acknowledgement("0" * 16), None)) == "cannot-look"
    for request in (acknowledgement(mine), silencing("zone=refused")):
        plan = await planned(console, request)
        answer = await console.perform(plan, Confirmation(plan.service, " "))
        assert refused(answer) == "reason-missing"
    assert silenced_by(server, mine) == []


async def test_without_an_alertmanager_nothing_is_declared(place: Place) -> None:
    place.write("docker: []\n")
    answer = await place.operator().plan(acknowledgement("f"), None)
    assert refused(answer) == "not-declared"


async def test_an_alertmanager_that_is_gone_is_a_refusal_and_no_silence(place: Place) -> None:
    place.write("docker: []\nalertmanager: {url: 'http://127.0.0.1:1', timeout: 1s}\n")
    answer = await place.operator().plan(silencing("zone=x"), None)
    assert refused(answer) == "cannot-look"


async def test_one_that_resolved_before_the_confirmation_is_not_acknowledged(
    console: Operator, server: MonitoringServer
) -> None:
    mine = fire(server, zone="late")
    plan = await planned(console, acknowledgement(mine))
    before = len(get(server, "silences"))
    fire(server, lasts=0.0, zone="late")
    operation = await performed(console, plan)
    assert (await ended(console, operation.id)).state is OperationState.REFUSED
    assert len(get(server, "silences")) == before


async def test_two_at_once_exclude_each_other(console: Operator, server: MonitoringServer) -> None:
    mine = fire(server, zone="twice")
    plan = await planned(console, acknowledgement(mine))
    first = await performed(console, plan)
    second = await console.perform(plan, Confirmation("", "again"))
    assert isinstance(second, Refusal)
    await ended(console, first.id)
    assert len(silenced_by(server, mine)) == 1


async def test_changes_of_different_silences_never_hinder_each_other(
    console: Operator, place: Place, server: MonitoringServer
) -> None:
    mine, other = fire(server, zone="side"), fire(server, zone="by-side")
    await done(console, silencing("zone=side"))
    (first,) = silenced_by(server, mine)
    # Planned as one would confirm them: all while none has begun.
    requests = (
        expiry(first), acknowledgement(other), silencing("zone=elsewhere"), silencing("zone=x"),
    )  # fmt: skip
    plans = [await planned(console, each) for each in requests]
    begun = [await performed(console, plan) for plan in plans]
    for each in begun:
        assert (await ended(console, each.id)).state is OperationState.VERIFIED, each
    assert silenced_by(server, mine) == []
    assert len(silenced_by(server, other)) == 1


async def test_who_is_at_a_silence_keeps_others_from_that_one_alone(
    console: Operator, place: Place, server: MonitoringServer
) -> None:
    mine, other = fire(server, zone="held"), fire(server, zone="free")
    wanted = acknowledgement(mine)
    subject = subject_of(wanted.service, wanted.kind, wanted.parameters)
    holder = Holder("0" * 16, "acknowledge", wanted.service, "ann", None, "here", "", 1.0, subject)
    held = place.there.locks.take_service(holder)
    assert held is not None
    answer = await console.plan(wanted, None)
    assert isinstance(answer, Refusal)
    assert (answer.code, "ann@here" in answer.message) == ("locked", True)
    assert (await done(console, acknowledgement(other))).state is OperationState.VERIFIED
    held.release()
    assert (await done(console, wanted)).state is OperationState.VERIFIED


async def test_no_lock_of_a_silence_is_left_behind(
    console: Operator, place: Place, server: MonitoringServer
) -> None:
    fire(server, zone="left")
    await done(console, silencing("zone=left"))
    until(lambda: not list((place.there.folder / "locks").glob("alertmanager*")))


class Swallower(ThreadingHTTPServer):
    """Stands before an Alertmanager, hands everything on, and keeps the answers to POST."""

    daemon_threads = True

    def __init__(self, behind: str) -> None:
        super().__init__(("127.0.0.1", 0), _Swallowing)
        self.behind = behind
        self.posts = 0


class _Swallowing(BaseHTTPRequestHandler):
    server: Swallower

    def do_GET(self) -> None:
        with urllib.request.urlopen(self.server.behind + self.path, timeout=5) as answer:
            body = answer.read()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.server.posts += 1
        request = urllib.request.Request(
            self.server.behind + self.path,
            data=self.rfile.read(int(self.headers["Content-Length"])),
            headers={"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=5).close()
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""


@pytest.fixture
def swallower(server: MonitoringServer) -> Iterator[Swallower]:
    made = Swallower(server.url)
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


async def test_a_lost_answer_is_looked_up_and_never_sent_again(
    place: Place, server: MonitoringServer, swallower: Swallower
) -> None:
    mine = fire(server, zone="lost")
    url = f"http://127.0.0.1:{swallower.server_port}"
    place.write(f"docker: []\nalertmanager: {{url: '{url}', timeout: 2s}}\n")
    operation = await done(place.operator(), silencing("zone=lost"))
    assert operation.state is OperationState.VERIFIED, operation
    assert "looked up" in operation.steps[0].detail
    assert swallower.posts == 1
    assert len(silenced_by(server, mine)) == 1
