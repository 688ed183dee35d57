"""The runner, in this process: what it begins, what it refuses, and what it leaves behind."""

import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from opsconsole.errors import OpsconsoleError, StateError
from opsconsole.model.operation import ActionKind, Effect, Operation, OperationState, Step
from opsconsole.model.state import State
from opsconsole.operations.driving.driver import ObserveError, Outcome, Sight, StepOutcome
from opsconsole.operations.journal.records import PromiseKind
from opsconsole.operations.own_configuration import OwnConfiguration
from opsconsole.operations.planning.declared import find
from opsconsole.operations.running.dispatch import runner_lock, subject_lock
from tests.operations.running.runner_stage import CONFIG, ILL, ONE, WELL, Scripted, Stage, StepClock

S = OperationState
SECRET = "hunter2"


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """The runner ignores what a terminal sends; the tests obey it again."""
    handlers = {each: signal.getsignal(each) for each in TERMINAL}
    yield
    for each, handler in handlers.items():
        signal.signal(each, handler)


TERMINAL = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)

Set = Callable[..., Stage]


@pytest.fixture
def staged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Set]:
    made: list[Stage] = []

    def stage(**given: Any) -> Stage:
        made.append(Stage(tmp_path, monkeypatch, **given))
        return made[-1]

    yield stage
    for each in made:
        each.journal.close()


def test_what_was_confirmed_is_observed_carried_out_once_and_verified(staged: Set) -> None:
    stage = staged()
    stage.confirm()
    assert stage.run() == 0
    assert stage.driver.asked == ["observe", "make a", "make b", "close"]
    assert stage.ended[0] is S.VERIFIED
    assert stage.operation.next_steps == ()
    assert stage.place.mandates.get(ONE) is None, "nothing more is to be done"
    assert (stage.released, stage.looked_on, stage.keepers) == (1, [], 0)
    assert stage.made_of == [("why", ())]
    assert stage.probed == ["web"]
    assert all(signal.getsignal(each) is signal.SIG_IGN for each in TERMINAL)


@pytest.mark.parametrize(
    ("sights", "code"), [(WELL, 0), (ILL, 1), ((), 3)], ids=["well", "ill", "unseen"]
)
def test_each_verdict_has_its_exit_code(staged: Set, sights: tuple[Sight, ...], code: int) -> None:
    stage = staged(driver=Scripted(sights=sights))
    stage.confirm()
    assert stage.run() == code
    assert stage.ended[0] is {0: S.VERIFIED, 1: S.FAILED, 3: S.INCONCLUSIVE}[code]
    asked = list(stage.driver.asked)
    assert stage.run() == code, "it has its verdict"
    assert stage.driver.asked == asked


def test_nothing_is_carried_out_that_this_user_did_not_confirm(staged: Set) -> None:
    stage = staged()
    with pytest.raises(StateError, match="confirmed no operation"):
        stage.run()
    stage.confirm()
    stage.place.mandates.end(ONE)
    with pytest.raises(StateError, match="confirmed no operation"):
        stage.run()
    assert stage.operation.state is S.INTENT
    assert stage.driver.asked == []


def test_what_a_dead_runner_had_not_begun_is_not_begun(staged: Set) -> None:
    stage = staged()
    stage.confirm()
    assert stage.run(fresh=False) == 1
    assert stage.ended == (S.FAILED, "its runner ended before it began; nothing was done")
    assert stage.driver.asked == []


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        ({"web-1 id": "def"}, "web-1 id was abc, is def"),
        ({}, "web-1 id was abc, is gone"),
        (ObserveError("no engine answers"), "no engine answers"),
    ],
)
def test_a_world_that_moved_since_the_plan_is_left_alone(staged: Set, seen: Any, said: str) -> None:
    driver = Scripted(trouble={"observe": seen}) if isinstance(seen, Exception) else Scripted(seen)
    stage = staged(driver=driver)
    stage.confirm()
    assert stage.run() == 2
    state, summary = stage.ended
    assert state is S.REFUSED
    assert said in summary
    assert summary.endswith("; nothing was done")
    assert stage.driver.asked == ["observe", "close"]


@pytest.mark.parametrize("begun", [False, True])
def test_what_is_declared_otherwise_now_is_not_carried_out(staged: Set, begun: bool) -> None:
    stage = staged()
    stage.confirm()
    if begun:
        stage.was_killed("running")
    stage.configure(CONFIG.replace("restart: {command: ['true']", "restart: {command: ['false']"))
    assert stage.run(fresh=not begun) == (3 if begun else 2)
    said = "the declaration of the action has changed"
    assert said in stage.ended[1]
    assert stage.ended[1].startswith("the runner was killed, and ") is begun
    assert stage.ended[1].endswith("; nothing was done") is not begun
    assert stage.driver.asked == []


@pytest.mark.parametrize(
    ("where", "error", "state", "said"),
    [
        ("observe", ValueError(SECRET), S.REFUSED,
         "the runner could not begin: ValueError in it; nothing was done"),
        ("observe", OpsconsoleError("no room"), S.REFUSED,
         "the runner could not begin: no room; nothing was done"),
        ("make b", ValueError(SECRET), S.INCONCLUSIVE,
         "the runner failed halfway: ValueError in it; look at the service"),
    ],
)  # fmt: skip
def test_a_defect_of_the_runner_is_a_verdict_too(
    staged: Set,
    capsys: pytest.CaptureFixture[str],
    where: str,
    error: Exception,
    state: OperationState,
    said: str,
) -> None:
    stage = staged(driver=Scripted(trouble={where: error}))
    stage.confirm()
    assert stage.run() == (2 if state is S.REFUSED else 3)
    assert stage.ended == (state, said)
    assert stage.driver.asked[-1] == "close"
    written = capsys.readouterr().err
    assert type(error).__name__ in written
    assert SECRET not in written
    assert "runner_stage.py" in written


@pytest.mark.parametrize(
    ("steps", "found", "state", "said", "asked"),
    [
        (("done", "done"), Outcome.DONE, S.VERIFIED, "", ""),
        (("done", "running"), Outcome.DONE, S.VERIFIED, "", "look up b"),
        (("running", "waiting"), Outcome.DONE, S.FAILED,
         "interrupted: 1 of 2 steps done, the rest was not begun", "look up a"),
        (("unknown", "waiting"), Outcome.UNKNOWN, S.INCONCLUSIVE,
         "interrupted: 1 of 2 steps done, the rest was not begun", "look up a"),
        (("running", "waiting"), Outcome.FAILED, S.FAILED, "restart a: its runner", "look up a"),
        (("failed", "waiting"), Outcome.DONE, S.FAILED, "restart a: was failed", ""),
        (("done", "waiting"), Outcome.DONE, S.FAILED,
         "interrupted: 1 of 2 steps done, the rest was not begun", ""),
    ],
)  # fmt: skip
def test_what_a_dead_runner_began_is_looked_up_and_nothing_more_is_begun(
    staged: Set,
    steps: tuple[str, ...],
    found: Outcome,
    state: OperationState,
    said: str,
    asked: str,
) -> None:
    stage = staged(driver=Scripted(outcomes={"a": found, "b": found}))
    stage.confirm()
    stage.was_killed(*steps)
    stage.run(fresh=True)  # that it was begun counts, not who says so
    assert stage.ended[0] is state
    assert stage.ended[1].startswith(said)
    assert stage.driver.asked == [*filter(None, [asked]), "close"]
    operation = stage.operation
    assert operation.evidence[0] == "its runner was killed; what it left was looked at afterwards"
    assert any("restart a: " in each for each in operation.evidence)
    written = [(each.state, each.detail) for each in stage.journal.step_records(ONE)]
    if "waiting" in steps:
        why = (
            "stopped at the first failure"
            if found is Outcome.FAILED or "failed" in steps
            else "its runner was killed before it"
        )
        assert written[1] == ("waiting", f"not done: {why}")


@pytest.mark.parametrize(
    ("sights", "begins", "left", "promised"),
    [
        (ILL, True, False, True),
        (WELL, True, False, False),
        (ILL, False, False, False),
        ((), True, True, False),
    ],
    ids=["failed", "verified", "not begun", "left by a person"],
)
def test_a_rollback_is_promised_before_the_verdict_that_wants_it(
    staged: Set, sights: tuple[Sight, ...], begins: bool, left: bool, promised: bool
) -> None:
    stage = staged(rolls_back=True, driver=Scripted(sights=sights))
    stage.confirm(rollback_after=60.0, auto_rollback=True)
    if not begins:
        stage.was_killed("waiting", "waiting")
    if left:
        waiting = (Sight("unit", State.UNKNOWN),)
        stage.driver.sights = waiting
        giving_up = stage.driver.look

        async def look(steps: tuple[Step, ...], since: float) -> tuple[Sight, ...]:
            stage.journal.give_up(ONE, "sam@here", 5.0)
            return await giving_up(steps, since)

        stage.monkeypatch.setattr(stage.driver, "look", look)
    stage.run(fresh=begins)
    assert stage.promised() == ({PromiseKind.ROLLBACK} if promised else set())
    assert (stage.operation.rollback_at is not None) is promised
    assert stage.keepers == int(promised)
    assert any("rolled back by itself" in line for line in stage.operation.next_steps) is promised


@pytest.mark.parametrize(
    ("declared", "kind", "offered"),
    [
        (True, ActionKind.RESTART, True),
        (False, ActionKind.RESTART, False),
        (True, ActionKind.BACKUP, False),
    ],
)
def test_a_rollback_is_offered_where_one_is_declared_and_makes_sense(
    staged: Set, declared: bool, kind: ActionKind, offered: bool
) -> None:
    stage = staged(rolls_back=declared, driver=Scripted(sights=ILL))
    stage.confirm(kind)
    assert stage.run() == 1
    steps = stage.operation.next_steps
    assert steps, "no failure stands alone"
    assert any(line.startswith("roll back: ") for line in steps) is offered


def test_a_configuration_that_is_broken_meanwhile_offers_no_rollback(staged: Set) -> None:
    stage = staged(rolls_back=True, driver=Scripted(sights=ILL))
    stage.confirm()
    look = stage.driver.look

    async def broken(steps: tuple[Step, ...], since: float) -> tuple[Sight, ...]:
        stage.configure("services: [")
        return await look(steps, since)

    stage.monkeypatch.setattr(stage.driver, "look", broken)
    assert stage.run() == 1
    assert not any(line.startswith("roll back: ") for line in stage.operation.next_steps)


@pytest.mark.parametrize(
    ("sights", "watch", "looked"), [(WELL, 5.0, True), (WELL, 0.0, False), (ILL, 5.0, False)]
)
def test_what_may_die_again_is_looked_on_without_the_locks(
    staged: Set, sights: tuple[Sight, ...], watch: float, looked: bool
) -> None:
    stage = staged(driver=Scripted(sights=sights))
    stage.confirm(watch=watch)
    stage.run()
    assert stage.released == 1, "they are let go of whatever comes of it"
    assert stage.looked_on == ([(ONE, watch)] if looked else [])
    assert stage.driver.asked.count("close") == 1 + int(looked)


def test_a_defect_in_looking_on_changes_no_verdict(
    staged: Set, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = staged(driver=Scripted(trouble={"look on": ValueError(SECRET)}))
    stage.confirm(watch=5.0)
    assert stage.run() == 0
    assert stage.ended[0] is S.VERIFIED
    assert "ValueError" in (said := capsys.readouterr().err)
    assert SECRET not in said
    assert stage.driver.asked.count("close") == 2


def test_what_is_declared_otherwise_by_then_is_not_looked_on(staged: Set) -> None:
    stage = staged(driver=Scripted(concludes=True))
    stage.confirm(watch=5.0)
    conclude = stage.driver.conclude

    async def changed(steps: tuple[Step, ...], verdict: OperationState) -> StepOutcome:
        stage.configure(CONFIG.replace("'true'", "'false'"))
        return await conclude(steps, verdict)

    stage.monkeypatch.setattr(stage.driver, "conclude", changed)
    assert stage.run() == 0
    assert stage.driver.asked[-2:] == ["conclude verified", "close"]
    assert (stage.released, stage.looked_on) == (1, [])


def test_the_end_of_a_degradation_is_promised_before_it_begins(staged: Set) -> None:
    stage = staged()
    stage.confirm(ActionKind.DEGRADE, ends_at=3601.0, created_at=1.0)
    execute = stage.driver.execute
    before: list[set[PromiseKind]] = []

    async def made(step: Step) -> StepOutcome:
        before.append(stage.promised())
        return await execute(step)

    stage.monkeypatch.setattr(stage.driver, "execute", made)
    assert stage.run() == 0
    assert before == [{PromiseKind.END}] * 2
    assert stage.promised() == {PromiseKind.END}
    assert stage.keepers == 2, "before the first step, and after the verdict"


def test_a_silence_ends_by_itself_and_its_own_lock_is_forgotten(
    staged: Set, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = staged(driver=Scripted(sights=(Sight("silence", State.OK, "silence s1", run="r"),)))
    monkeypatch.setattr(
        OwnConfiguration,
        "declared",
        lambda own, fleet, _: find(fleet.settings, "main", ActionKind.SILENCE, ""),
    )
    made = stage.confirm(
        ActionKind.SILENCE, service="main", ends_at=3601.0, created_at=1.0,
        parameters={"silence": "s1"},
    )  # fmt: skip
    lock = stage.place.locks
    for name in (subject_lock(made.plan), runner_lock(ONE)):
        held = lock.take(name)
        assert held is not None
        held.release()
    assert stage.run() == 0
    assert stage.promised() == set()
    assert stage.probed == [""], "its health decides nothing"
    assert not any(lock.path(each).exists() for each in (subject_lock(made.plan), runner_lock(ONE)))


def test_a_service_keeps_its_lock(staged: Set) -> None:
    stage = staged()
    made = stage.confirm()
    held = stage.place.locks.take(subject_lock(made.plan))
    assert held is not None
    assert stage.run() == 0
    assert stage.place.locks.path(subject_lock(made.plan)).exists()
    held.release()


@pytest.mark.parametrize("text", ["", "what went wrong\n"])
def test_an_empty_log_is_not_kept(staged: Set, text: str) -> None:
    stage = staged()
    stage.confirm()
    log = stage.place.log_of(ONE)
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(text)
    assert stage.run() == 0
    assert log.exists() is bool(text)


def test_a_driver_is_made_with_what_was_performed_before_it(staged: Set) -> None:
    stage = staged()
    before = stage.confirm(name="before")
    for state in (S.DISPATCHED, S.VERIFYING, S.VERIFIED):
        stage.journal.advance(before.operation, state, 2.0)
    stage.confirm()
    assert stage.run() == 0
    assert stage.made_of == [("why", ("plan-before",))]


@pytest.mark.parametrize("kind", [ActionKind.BACKUP, ActionKind.RESTART])
def test_a_backup_that_was_read_back_is_looked_at_once(staged: Set, kind: ActionKind) -> None:
    stage = staged()
    stage.confirm(kind, effect=Effect.CHANGE)
    began = StepClock.at
    assert stage.run() == 0
    assert (StepClock.at - began < 2.0) is (kind is ActionKind.BACKUP)
    assert stage.probed == ["" if kind is ActionKind.BACKUP else "web"]


@pytest.mark.parametrize("at", ["step_begins", "step_ends", "advance"])
def test_a_journal_out_of_reach_ends_what_was_begun_and_begins_no_more(
    staged: Set, at: str
) -> None:
    stage = staged()
    stage.place.patience = 30.0
    stage.confirm()
    kind = type(stage.journal)
    works = getattr(kind, at)
    away = iter([False, True] if at == "advance" else [True])

    def gone(journal: object, *given: Any, **more: Any) -> None:
        if at == "step_ends":
            assert stage.place.mandates.get(ONE) is not None
        if next(away, False):
            raise StateError("the server is away")
        works(journal, *given, **more)

    stage.monkeypatch.setattr(kind, at, gone)
    assert stage.run() == (1 if at == "step_begins" else 3)
    made = [each for each in stage.driver.asked if each.startswith(("make", "look up"))]
    match at:
        case "step_begins":
            assert made == []
        case "step_ends":
            assert made == ["make a", "look up a"]
            assert stage.ended[1].startswith("the journal could not be reached meanwhile; ")
        case _:
            assert made == ["make a", "make b"]


def test_a_journal_that_stays_away_leaves_this_users_own_record(
    staged: Set, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = staged()
    stage.place.patience = 0.01
    given = stage.confirm()

    kind = type(stage.journal)
    reads, is_away = kind.operation, threading.Event()

    def gone(*_: object, **__: object) -> NoReturn:
        is_away.set()
        raise StateError("the server is away")

    def operation(journal: Any, name: str) -> Operation | None:
        return gone() if is_away.is_set() else reads(journal, name)

    with monkeypatch.context() as patched:
        patched.setattr(kind, "step_ends", gone)
        patched.setattr(kind, "why_not_writable", lambda _: "away")
        patched.setattr(kind, "operation", operation)
        with pytest.raises(StateError, match="the server is away"):
            stage.run()
    past = stage.journal.past_plans("web")
    assert [each.state for each in stage.place.mandates.believed(past)] == [S.INCONCLUSIVE]
    assert stage.place.mandates.get(given.operation) is not None, "another runner may look"


def test_what_another_runner_ended_meanwhile_stays_as_it_is(staged: Set) -> None:
    stage = staged()
    stage.confirm()
    look = stage.driver.look

    async def ended(steps: tuple[Step, ...], since: float) -> tuple[Sight, ...]:
        if not stage.operation.state.final:
            stage.journal.advance(ONE, S.INCONCLUSIVE, 5.0, summary="looked at by another")
        return await look(steps, since)

    stage.monkeypatch.setattr(stage.driver, "look", ended)
    assert stage.run() == 3
    assert stage.ended == (S.INCONCLUSIVE, "looked at by another")


def test_a_full_disk_takes_the_record_and_not_the_verdict(staged: Set) -> None:
    stage = staged()
    stage.confirm()

    def full(*_: object) -> None:
        raise StateError("the disk is full")

    stage.monkeypatch.setattr(stage.place.mandates, "remember", full)
    assert stage.run() == 0
    assert stage.ended[0] is S.VERIFIED
