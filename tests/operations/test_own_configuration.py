"""What is carried out is what the process's own configuration declares, and nothing else."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from opsconsole.config.loader import load
from opsconsole.errors import OpsconsoleError, StateError
from opsconsole.model.operation import ActionKind, ActionRequest, OperationState, Plan
from opsconsole.operations.journal.records import Intent, Promise, PromiseKind
from opsconsole.operations.journal.sqlite_journal import SqliteJournal
from opsconsole.operations.keeping import automatic, watch_rule
from opsconsole.operations.keeping.keeper import rule_of
from opsconsole.operations.locks.locks import Held
from opsconsole.operations.mandates import Mandate
from opsconsole.operations.own_configuration import DeclaredElsewhereError, OwnConfiguration
from opsconsole.operations.planning.declared import digest, find
from opsconsole.operations.promises.due import due_in
from opsconsole.operations.promises.left_to_others import left_to_others
from opsconsole.operations.promises.promising import revive
from opsconsole.operations.running.dispatch import take_up
from opsconsole.operations.state_place import FolderPlace
from tests.fakes import FakeClock
from tests.operations.journal.samples import KIM, intent, op
from tests.operations.place import Place, ended, http_config, performed, planned
from tests.operations.recording_server import RecordingServer
from tests.patience import soon as until

END, ROLLBACK = PromiseKind.END, PromiseKind.ROLLBACK
WATCH, NEXT = PromiseKind.WATCH, PromiseKind.NEXT
KINDS = {
    END: ActionKind.DEGRADE,
    ROLLBACK: ActionKind.RESTART,
    WATCH: ActionKind.ACKNOWLEDGE,
    NEXT: ActionKind.RESTART,
}
ONE = op("one")
LATER = 1_000_000.0
CONFIRMED = """
docker: []
environment: {name: production, danger: high}
alertmanager: [{name: alerts, url: 'http://127.0.0.1:9093'}]
services:
  web:
    instances: ['http://127.0.0.1:8080']
    actions:
      restart: {http: {post: /restart}}
      degrade: {http: {post: /degrade}, recover: {http: {post: /recover}}}
      rollback: {http: {post: /rollback}}
"""
DIFFERING = {
    "another place": CONFIRMED.replace("127.0.0.1", "127.0.0.2"),
    "another environment": CONFIRMED.replace("production", "staging"),
    "nothing": "docker: []\n",
}
ALIKE = "# of another team\n" + CONFIRMED


def _written(path: Path, text: str) -> OwnConfiguration:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)
    return OwnConfiguration(str(path), str(path.parent))


@pytest.fixture
def state(tmp_path: Path) -> FolderPlace:
    return FolderPlace(tmp_path / "state")


@pytest.fixture
def journal(state: FolderPlace) -> Iterator[SqliteJournal]:
    made = state.journal()
    yield made
    made.close()


@pytest.fixture
def confirmed(tmp_path: Path) -> OwnConfiguration:
    return _written(tmp_path / "one" / "opsconsole.yaml", CONFIRMED)


def _intent(own: OwnConfiguration, kind: ActionKind) -> Intent:
    service = "alerts" if kind is ActionKind.ACKNOWLEDGE else "web"
    made = intent("one", kind, service)
    found = find(own.settings(), service, kind, "")
    assert found is not None
    plan = replace(made.plan, rollback_after=LATER)
    declaration = digest(own.settings(), found)
    return replace(made, plan=plan, declaration=declaration, config_path=own.path, base=own.base)


def _promised(
    state: FolderPlace, journal: SqliteJournal, made: Intent, kind: PromiseKind
) -> Promise:
    """A promise that is due, in the mandate and in the journal."""
    if kind is NEXT:
        following = replace(made, operation=op("two"), plan=replace(made.plan, id="plan-two"))
        state.mandates.give(made, (following,))
        journal.submit(made, 1.0)
        for each in (OperationState.DISPATCHED, OperationState.VERIFYING, OperationState.VERIFIED):
            journal.advance(ONE, each, 2.0)
        (mandate,) = state.mandates.all()
        return mandate.promises[0]
    seconds = LATER if kind is WATCH else -1.0
    promise = due_in(Promise(ONE, kind, made.plan.service, 0.0), seconds)
    state.mandates.give(made)
    state.mandates.arm(promise)
    journal.submit(made, 1.0)
    journal.advance(ONE, OperationState.DISPATCHED, 2.0)
    if kind is ROLLBACK:
        journal.advance(ONE, OperationState.VERIFYING, 2.5)
        now = time.time()
        journal.advance(ONE, OperationState.FAILED, now - LATER - 1, rollback_after=LATER)
    else:
        journal.arm(promise, 3.0)
    return promise


class _BegunError(OpsconsoleError):
    """Something was to be done."""


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was begun instead of being done: configurations by their folders."""
    seen: list[str] = []

    def begin(*words: object, **named: object) -> object:
        seen.append(str(named.get("base") or words[1]))
        raise _BegunError("begun")

    monkeypatch.setattr(automatic, "Operator", begin)
    monkeypatch.setattr(watch_rule, "AlertmanagerClient", begin)
    return seen


@pytest.mark.parametrize("kind", PromiseKind)
@pytest.mark.parametrize("other", [False, True])
@pytest.mark.parametrize("text", [ALIKE, *DIFFERING.values()])
async def test_what_is_due_is_done_only_as_this_process_declares_it(
    text: str,
    other: bool,
    kind: PromiseKind,
    state: FolderPlace,
    journal: SqliteJournal,
    confirmed: OwnConfiguration,
    begun: list[str],
    tmp_path: Path,
) -> None:
    made = _intent(confirmed, KINDS[kind])
    promise = _promised(state, journal, made, kind)
    path = tmp_path / "two" / "opsconsole.yaml" if other else Path(confirmed.path)
    own = _written(path, text)
    alike = text == ALIKE
    before = journal.promise(ONE, kind)
    (mandate,) = state.mandates.all()
    rule = rule_of(state, journal, own, mandate, promise)
    left = other and not alike
    try:
        await rule.turn()
        if kind is WATCH:
            await rule.turn()
    except DeclaredElsewhereError:
        assert left
    except _BegunError:
        assert kind in {WATCH, NEXT}
    else:
        assert not left
    assert begun == ([own.base] if alike else [])
    if left:
        assert journal.promise(ONE, kind) == before, "nobody was told that it was tried"
        assert state.mandates.all() == (mandate,)


@pytest.mark.parametrize("kind", PromiseKind)
@pytest.mark.parametrize("text", [*DIFFERING.values(), "services: ["])
def test_what_another_configuration_confirmed_is_left_and_told(
    text: str,
    kind: PromiseKind,
    state: FolderPlace,
    journal: SqliteJournal,
    confirmed: OwnConfiguration,
    tmp_path: Path,
) -> None:
    promise = _promised(state, journal, _intent(confirmed, KINDS[kind]), kind)
    own = _written(tmp_path / "two" / "opsconsole.yaml", text)
    assert revive(state, journal, own) == 0
    (told,) = left_to_others(state, journal, own)
    assert (told.operation, told.due, told.config_path) == (ONE, promise.due, confirmed.path)
    assert left_to_others(state, journal, confirmed) == ()
    alike = _written(tmp_path / "three" / "opsconsole.yaml", ALIKE)
    assert left_to_others(state, journal, alike) == (), "it is revived under this one"
    keeps: tuple[Callable[[], Held | None], ...] = (
        lambda: state.mandates.take_promise(ONE, kind),
        lambda: state.mandates.take_keeper(confirmed.path),
    )
    for take in keeps:
        held = take()
        assert held is not None
        assert left_to_others(state, journal, own) == (), "somebody keeps it"
        held.release()


@pytest.mark.parametrize(("base", "alike"), [("one", True), ("two", False)])
def test_paths_that_start_elsewhere_are_not_the_same(
    base: str, alike: bool, tmp_path: Path
) -> None:
    text = CONFIRMED.replace("rollback: {http: {post: /rollback}}", "rollback: {command: [./back]}")
    confirmed = _written(tmp_path / "one" / "opsconsole.yaml", text)
    made = _intent(confirmed, ActionKind.RESTART)
    own = _written(tmp_path / base / "other.yaml", text)
    assert own.leaves(made) is not alike


@pytest.mark.parametrize("change", ["post: /recover", "post: /rollback", "post: /restart"])
def test_what_may_follow_is_a_part_of_what_was_confirmed(change: str, tmp_path: Path) -> None:
    confirmed = _written(tmp_path / "one" / "opsconsole.yaml", CONFIRMED)
    other = CONFIRMED.replace(change, f"{change}-all")
    own = _written(tmp_path / "two" / "opsconsole.yaml", other)
    assert own.leaves(_intent(confirmed, ActionKind.DEGRADE))


def test_a_runner_that_died_is_followed_only_under_what_declares_the_same(
    state: FolderPlace, journal: SqliteJournal, confirmed: OwnConfiguration, tmp_path: Path
) -> None:
    made = _intent(confirmed, ActionKind.RESTART)
    state.mandates.give(made)
    journal.submit(made, 1.0)
    left = journal.operation(ONE)
    assert left is not None
    (state.folder / "logs").rmdir()
    (state.folder / "logs").write_text("none can be started, which shows that one was to be")
    own = _written(tmp_path / "two" / "opsconsole.yaml", DIFFERING["another place"])
    assert not take_up(state, journal, own, left, KIM, FakeClock())
    assert journal.operation(ONE) == left
    with pytest.raises(StateError):
        take_up(state, journal, confirmed, left, KIM, FakeClock())


async def test_a_mandate_leads_nobody_to_another_configuration(
    place: Place, serve: Callable[[], RecordingServer], tmp_path: Path
) -> None:
    server, elsewhere = serve(), serve()
    place.write(http_config(server))
    operator = place.operator()
    plan = await planned(operator, ActionRequest("web", ActionKind.DEGRADE, duration=3600))
    assert isinstance(plan, Plan)
    started = await ended(operator, (await performed(operator, plan, "load")).id)
    assert started.state is OperationState.VERIFIED
    await place.kill_keeper()
    # The same declaration, edited to name a configuration that leads to another server.
    (mandate,) = place.there.mandates.all()
    other = _written(tmp_path / "two" / "opsconsole.yaml", http_config(elsewhere))
    load(Path(other.path))
    (promise,) = mandate.promises
    named = replace(mandate.intent, config_path=other.path, base=other.base)
    due = replace(promise, due=1.0, boot_id="")
    place.there.mandates._write(Mandate(named, (due,)))
    assert await place.operator().reconcile() == 1
    await until(lambda: not server.behaviour.degraded)
    await until(lambda: place.there.mandates.all() == ())
    assert elsewhere.changes == []
