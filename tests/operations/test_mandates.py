"""What is carried out is what this user confirmed: nothing because a shared row says so."""

import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from opsconsole.config.loader import load
from opsconsole.errors import StateError
from opsconsole.model.operation import ActionKind, ActionRequest, Operation, OperationState
from opsconsole.operations.journal.records import Intent, Promise, PromiseKind
from opsconsole.operations.mandates import Mandates
from opsconsole.operations.promises.promising import lasting
from opsconsole.operations.running.dispatch import runner_lock
from opsconsole.operations.state_folder import prepare
from opsconsole.operations.state_place import scope_of
from tests.operations.journal.samples import intent, op
from tests.operations.place import Place, ended, http_config, performed, planned
from tests.operations.recording_server import RecordingServer
from tests.patience import soon as until

Serve = Callable[[], RecordingServer]
_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give a file away")
END, ROLLBACK = PromiseKind.END, PromiseKind.ROLLBACK


@pytest.fixture
def mandates(tmp_path: Path) -> Mandates:
    return Mandates(prepare(tmp_path / "state", shared=True))


def _file(mandates: Mandates, name: str) -> Path:
    return mandates._folder / f"{op(name)}.json"


# ---- the book ----


def test_a_mandate_is_read_as_it_was_given_until_it_ends(mandates: Mandates) -> None:
    assert (mandates.all(), mandates.get(op("one"))) == ((), None)
    mandates.give(intent("one"))
    mandates.give(intent("two"))
    promises = (
        Promise(op("one"), END, "web", 5.0, "boot", 7.0),
        Promise(op("one"), ROLLBACK, "web", 6.0),
    )
    for each in promises:
        mandates.arm(each)
    found = mandates.get(op("one"))
    assert found is not None
    assert (found.intent, found.promises) == (intent("one"), promises)
    assert {each.intent.operation for each in mandates.all()} == {op("one"), op("two")}
    moved = mandates.moved_at()
    mandates.drop(op("one"), END)
    assert mandates.moved_at() != moved
    mandates.drop(op("one"), ROLLBACK)
    mandates.end(op("two"))
    mandates.end(op("two"))
    assert mandates.all() == ()
    with pytest.raises(StateError, match="no mandate"):
        mandates.arm(promises[0])


def test_its_folder_is_for_this_user_alone(mandates: Mandates) -> None:
    mandates.give(intent("one"))
    assert mandates._folder.stat().st_mode & 0o777 == 0o700
    assert _file(mandates, "one").stat().st_mode & 0o777 == 0o600


def _entered(folder: Path) -> None:
    folder.chmod(0o750)


def _of_another(folder: Path) -> None:
    os.chown(folder, 3001, 3001)


def _linked(folder: Path) -> None:
    folder.rename(folder.with_name("moved"))
    folder.symlink_to(folder.with_name("moved"))


@pytest.mark.parametrize("change", [_entered, pytest.param(_of_another, marks=_ROOT), _linked])
def test_a_folder_that_others_can_have_made_is_not_used(
    mandates: Mandates, change: Callable[[Path], None]
) -> None:
    mandates.give(intent("one"))
    change(mandates._folder)
    for touch in (mandates.all, mandates.moved_at, lambda: mandates.give(intent("two"))):
        with pytest.raises(StateError):
            touch()


def _written(path: Path) -> None:
    path.chmod(0o620)


def _given(path: Path) -> None:
    os.chown(path, 3001, 3001)


def _link_to_mine(path: Path) -> None:
    path.rename(path.with_name("x"))
    path.symlink_to("x")


def _renamed(path: Path) -> None:
    path.rename(path.with_name(f"{op('other')}.json"))


def _garbage(path: Path) -> None:
    path.write_text("[" * 4000)


def _piped(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    "change",
    [_written, pytest.param(_given, marks=_ROOT), _link_to_mine, _renamed, _garbage, _piped],
)
def test_a_file_that_others_can_have_made_is_no_mandate(
    mandates: Mandates, change: Callable[[Path], None]
) -> None:
    mandates.give(intent("one"))
    change(_file(mandates, "one"))
    assert mandates.get(op("one")) is None
    assert mandates.all() == ()


def test_a_mandate_of_another_state_commands_nothing_here(
    mandates: Mandates, tmp_path: Path
) -> None:
    mandates.give(intent("one"))
    other = Mandates(prepare(tmp_path / "other", shared=False))
    other.give(intent("two"))
    shutil.copy(_file(mandates, "one"), _file(other, "one"))
    assert [each.intent.operation for each in other.all()] == [op("two")]


@pytest.mark.parametrize("name", ["../x", "", "0" * 17])
def test_an_id_that_leads_elsewhere_is_no_mandate(mandates: Mandates, name: str) -> None:
    mandates.give(intent("one"))
    assert mandates.get(name) is None
    with pytest.raises(StateError):
        mandates.begin_step(name, "a")


# ---- forged rows ----


def _environment(place: Place) -> str:
    return scope_of(load(place.config), place.config).environments[0]


def _row(place: Place, forged: Intent, state: str) -> None:
    """A row as somebody who may write the journal would write it."""
    plan = json.dumps(asdict(forged.plan))
    place.write_row(
        "INSERT INTO operations (id, plan_id, service, kind, name, environment, state, plan, who,"
        " host, asked_by, reason, declaration, config_path, base, started_at, updated_at)"
        " VALUES (?,?,'web',?,'',?,?,?,'root','here',?,'','',?,?,1,1)",
        forged.operation, forged.plan.id, forged.plan.kind.value, _environment(place), state, plan,
        json.dumps(forged.who.document()), forged.config_path, forged.base,
    )  # fmt: skip
    place.write_row(
        "INSERT INTO steps (operation, ordinal, summary, state) VALUES (?, 0, 's', 'running')",
        forged.operation,
    )


@pytest.mark.parametrize("kind", PromiseKind)
async def test_nothing_is_carried_out_because_a_row_says_so(
    place: Place, serve: Serve, kind: PromiseKind
) -> None:
    server = serve()
    place.write(http_config(server, more="      rollback: {http: {post: /rollback}}\n"))
    operator = place.operator()
    journal = place.there.journal()
    real = replace(
        intent("forged", ActionKind.DEGRADE), config_path=str(place.config), base=str(place.state)
    )
    for name, state in (("forged", "failed"), ("open", "dispatched")):
        plan = replace(real.plan, id=name)
        _row(place, replace(real, operation=op(name), plan=plan), state)
    place.write_row(
        "INSERT INTO promises (operation, kind, service, due) VALUES (?, ?, 'web', ?)",
        op("forged"), kind.value, time.time() - 60,
    )  # fmt: skip
    assert await place.operator().reconcile() == 0
    await operator.plan(ActionRequest("web", ActionKind.RESTART), None)
    assert not place.there.mandates.keeper_is_there()
    assert (server.changes, journal.step_records(op("open"))[0].state) == ([], "running")
    if kind is END:
        (told,) = lasting(journal)
        assert (told.service, told.ends_at < time.time()) == ("web", True)
    journal.close()


async def test_what_a_row_says_of_an_operation_of_mine_changes_nothing_that_is_done(
    place: Place, serve: Serve
) -> None:
    server, other = serve(), serve()
    place.write(http_config(server))
    operator = place.operator()
    plan = await planned(operator, ActionRequest("web", ActionKind.DEGRADE, duration=3600))
    started = await ended(operator, (await performed(operator, plan, "load")).id)
    assert started.state is OperationState.VERIFIED
    await place.kill_keeper()
    elsewhere = place.config.with_name("elsewhere.yaml")
    elsewhere.write_text(http_config(other))
    place.write_row("UPDATE operations SET config_path = ?", str(elsewhere))
    place.write_row("UPDATE promises SET due = 1, due_boottime = 1")
    await place.operator().reconcile()
    await until(place.there.mandates.keeper_is_there)
    ((promise,),) = (mandate.promises for mandate in place.there.mandates.all())
    assert promise.due > time.time() + 3000
    place.there.mandates.arm(replace(promise, due=1.0, due_boottime=1.0))
    await place.kill_keeper()
    await place.operator().reconcile()
    await until(lambda: not server.behaviour.degraded)
    assert other.changes == []


async def test_one_process_keeps_all_promises_of_a_user(place: Place, serve: Serve) -> None:
    servers = [serve() for _ in range(3)]
    services = "\n".join(
        f"  s{number}:\n    instances: [{server.url}]\n    health: /health\n    actions:\n"
        "      degrade: {http: {post: /degrade}, min_healthy: 0.1s, deadline: 5s,"
        " recover: {http: {post: /recover}, min_healthy: 0.1s, deadline: 5s}}"
        for number, server in enumerate(servers)
    )
    place.write(f"docker: []\noperations: {{cooldown: 0.001ms}}\nservices:\n{services}\n")
    operator = place.operator()
    for number in range(3):
        request = ActionRequest(f"s{number}", ActionKind.DEGRADE, duration=3600)
        plan = await planned(operator, request)
        operation = await ended(operator, (await performed(operator, plan, "load")).id)
        assert operation.state is OperationState.VERIFIED, operation
    await until(place.there.mandates.keeper_is_there)
    assert len(_keepers(place)) == 1
    await _recovered(operator.operations(), place, servers)
    await until(lambda: not place.there.mandates.keeper_is_there())


def _keepers(place: Place) -> list[str]:
    """The processes that have the name of this state in their command line and keep promises."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"keep" in words and place.there.name.encode() in words:
            found.append(process.name)
    return found


async def _recovered(
    operations: tuple[Operation, ...], place: Place, servers: list[RecordingServer]
) -> None:
    for mandate in place.there.mandates.all():
        (promise,) = mandate.promises
        place.there.mandates.arm(replace(promise, due=1.0, boot_id=""))
    await place.kill_keeper()
    await place.operator().reconcile()
    await until(lambda: not any(server.behaviour.degraded for server in servers))
    assert len(operations) == 3


async def test_a_keeper_ends_when_its_state_is_gone(place: Place, serve: Serve) -> None:
    place.write(http_config(serve()))
    operator = place.operator()
    plan = await planned(operator, ActionRequest("web", ActionKind.DEGRADE, duration=3600))
    await ended(operator, (await performed(operator, plan, "load")).id)
    await until(place.there.mandates.keeper_is_there)
    operator.close()

    def is_gone() -> bool:
        # A process that writes there while it is emptied keeps a folder from being removed.
        shutil.rmtree(place.state, ignore_errors=True)
        return not place.state.exists()

    await until(is_gone)
    await until(lambda: _keepers(place) == [])
    assert not place.state.exists()


async def test_a_mandate_that_was_left_behind_with_a_verdict_is_ended(
    place: Place, serve: Serve
) -> None:
    place.write(http_config(serve()))
    operator = place.operator()
    journal = place.there.journal()
    for name in ("ended", "open"):
        place.there.mandates.give(intent(name))
        journal.submit(intent(name), 1.0)
    journal.advance(op("ended"), OperationState.FAILED, 2.0)
    held = place.there.locks.take(runner_lock(op("open")))
    assert held is not None
    assert await operator.reconcile() == 0
    assert [each.intent.operation for each in place.there.mandates.all()] == [op("open")]
    held.release()
    journal.close()
