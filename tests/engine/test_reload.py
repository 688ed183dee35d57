"""A configuration that changes under a running engine: taken over whole, or not at all."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from opsconsole.config.loader import load
from opsconsole.config.settings import Settings
from opsconsole.engine import reload
from opsconsole.engine.engine import Engine
from opsconsole.engine.reload import ConfigurationWatch, Reloading
from opsconsole.engine.state.store import Store
from opsconsole.errors import ConfigError
from opsconsole.model.alerting.alerts import AlertState
from opsconsole.model.events import Event, EventKind
from opsconsole.model.fault import Fault
from opsconsole.model.health import HealthReport
from opsconsole.model.reading import Reading
from opsconsole.model.snapshot import ServiceView, Snapshot
from opsconsole.model.state import State
from opsconsole.render.timeline.words import words
from tests.engine.conftest import REFUSED, fleet
from tests.fakes import FakeClock
from tests.named import named
from tests.patience import until

QUIET: dict[str, Any] = {"docker": [], "host": {"enabled": False}, "defaults": {"interval": "1s"}}


def write(path: Path, services: dict[str, Any], **more: Any) -> None:
    """A whole file at once, as an editor does; JSON is YAML."""
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({**QUIET, "services": services, **more}, indent=1) + "\n")
    fresh.replace(path)


def watching(path: Path) -> ConfigurationWatch:
    return ConfigurationWatch(path, path.parent, lambda: load(path))


# ---- the watch ----


async def test_a_file_is_read_once_it_has_settled_and_not_again(
    tmp_path: Path, clock: FakeClock
) -> None:
    path = tmp_path / "ops.yaml"
    write(path, {})
    watch = watching(path)
    watch.begin(load(path))
    assert [await watch.poll(clock.now()) for _ in range(3)] == [None, None, None]
    write(path, {"api": {}})
    assert await watch.poll(clock.now()) is None
    write(path, {"api": {}, "web": {}})
    assert await watch.poll(clock.now()) is None
    reread = await watch.poll(clock.now())
    assert reread is not None
    assert reread.settings is not None
    assert list(reread.settings.services) == ["api", "web"]
    assert [await watch.poll(clock.now()) for _ in range(3)] == [None, None, None]
    watch.close()


async def test_what_cannot_be_used_is_named_with_its_line_until_it_is_mended(
    tmp_path: Path, clock: FakeClock
) -> None:
    path = tmp_path / "ops.yaml"
    write(path, {})
    watch = watching(path)
    await watch.poll(clock.now())
    path.write_text("services:\n  api: {instanzes: []}\n  web: {intervall: 1s}\n")
    await watch.poll(clock.now())
    reread = await watch.poll(clock.now())
    assert reread is not None
    assert reread.settings is None
    assert f"{path}:2: services.api.instanzes: unknown key" in watch.trouble
    assert "(and 1 more)" in watch.trouble
    assert "since 22:13:20Z" in watch.trouble
    clock.move(60)
    path.write_text("services: [broken\n")
    await watch.poll(clock.now())
    await watch.poll(clock.now())
    # The age is that of the first problem: since then the file is not in use.
    assert "since 22:13:20Z" in watch.trouble
    write(path, {})
    await watch.poll(clock.now())
    reread = await watch.poll(clock.now())
    assert reread is not None
    assert watch.trouble == ""
    watch.close()


async def test_a_folder_its_rule_files_and_its_secrets_are_watched_too(
    tmp_path: Path, clock: FakeClock
) -> None:
    folder = tmp_path / "conf"
    folder.mkdir()
    token = {"authorization": {"credentials": {"file": "token"}}}
    servers = {"url": "http://127.0.0.1:1", "rule_files": ["rules/*.yml"], "http": token}
    write(folder / "a.yaml", {}, prometheus=servers)
    (folder / "rules").mkdir()
    watch = ConfigurationWatch(folder, folder, lambda: load(folder))
    watch.begin(load(folder))

    async def noticed() -> bool:
        return any([await watch.poll(clock.now()) is not None for _ in range(3)])

    assert not await noticed()
    (folder / "b.yaml").write_text("services: {api: {}}\n")
    assert await noticed()
    (folder / "token").write_text("secret")
    assert await noticed()
    (folder / ".a.yaml.swp").write_text("an editor's")
    assert not await noticed()
    (folder / "b.yaml").unlink()
    assert await noticed()
    watch.close()


async def test_a_file_system_that_hangs_delays_nothing(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reload, "DEADLINE", 0.05)
    held = threading.Event()

    def hang() -> Settings:
        held.wait(5)
        raise ConfigError(("too late",))

    path = tmp_path / "ops.yaml"
    write(path, {})
    watch = ConfigurationWatch(path, tmp_path, hang)
    await watch.poll(clock.now())
    watch.want()
    reread = await watch.poll(clock.now())
    assert reread is not None
    assert "could not be read" in watch.trouble
    held.set()
    watch.close()


# ---- what is told ----


async def test_what_changed_is_an_event_and_what_must_wait_is_a_notice(
    tmp_path: Path, clock: FakeClock
) -> None:
    path = tmp_path / "ops.yaml"
    write(path, {"api": {}, "old": {}})
    told: list[Event] = []
    reloading = Reloading(load(path), watching(path), told.append)
    await reloading.poll(clock.now())
    more = {"display": {"theme": "light", "window": "1h"}, "prometheus": {"url": "http://p:9090"}}
    write(path, {"api": {"objectives": ["cpu < 70%"], "alerts": []}, "new": {}}, **more)
    await reloading.poll(clock.now())
    settings = await reloading.poll(clock.now())
    assert settings is not None
    assert settings.display.window == 900.0
    assert [each.kind for each in told] == [EventKind.CONFIGURATION]
    assert words(told[0]) == (
        "configuration read again: added new; removed old; "
        "changed api (objectives), prometheus, display.theme, display.window"
    )
    assert reloading.notices == ("restart to apply display.window",)
    reloading.close()


async def test_read_only_is_closed_by_a_reload_and_opened_by_a_start_alone(
    tmp_path: Path, clock: FakeClock
) -> None:
    path = tmp_path / "ops.yaml"
    write(path, {}, read_only=True)
    reloading = Reloading(load(path), watching(path), lambda event: None)
    await reloading.poll(clock.now())
    write(path, {})
    await reloading.poll(clock.now())
    await reloading.poll(clock.now())
    assert reloading.notices == ("restart to apply read_only",)
    reloading.close()


async def test_asking_for_it_reads_at_once_and_always_tells(
    tmp_path: Path, clock: FakeClock
) -> None:
    path = tmp_path / "ops.yaml"
    write(path, {})
    told: list[Event] = []
    reloading = Reloading(load(path), watching(path), told.append)
    reloading.want(clock.now())
    assert await reloading.poll(clock.now()) is not None
    assert words(told[-1]) == "configuration read again: nothing in it changed"
    reloading.close()
    without = Reloading(load(path), None, told.append)
    without.want(clock.now())
    assert "no configuration file" in words(told[-1])
    assert (await without.poll(clock.now()), without.notices) == (None, ())


# ---- what is kept ----


def api(**more: Any) -> dict[str, Any]:
    return {"instances": ["http://10.0.0.1:8000"], **more}


def look(store: Store, at: float, fault: Fault | None = None, service: str = "api") -> None:
    report = None if fault else HealthReport(State.OK, "plain")
    store.apply(
        Reading(named(f"probe:{service}/{service}:health"), at, 0.1, value=report, fault=fault)
    )
    store.settle(at)


def view(store: Store, name: str = "api") -> ServiceView:
    found = store.services[name].view
    assert found is not None
    return found


def test_a_service_that_did_not_change_is_the_same_object_with_its_past() -> None:
    now = 1_000_000.0
    before = Store(fleet({"api": api(), "gone": {}}), now)
    for second in range(60):
        look(before, now + second)
    after = Store(fleet({"api": api(), "new": api()}), now + 60, before=before)
    assert list(after.services) == ["api", "new"]
    assert after.services["api"] is before.services["api"]
    assert after.events is before.events
    assert view(after).state is State.OK
    assert view(after, "new").state is State.UNKNOWN
    assert after.events.view() == ()


def test_a_service_that_changed_keeps_its_state_history_and_budget() -> None:
    now = 1_000_000.0
    month = "availability 99% over 30d"
    before = Store(fleet({"api": api(objectives=[month])}), now)
    for second in range(120):
        look(before, now + second)
    since = view(before).since
    changed = api(objectives=[month, "cpu < 70%"], thresholds={"failures": 5})
    after = Store(fleet({"api": changed}), now + 120, before=before)
    seen = view(after)
    assert after.services["api"] is not before.services["api"]
    assert (seen.state, seen.since) == (State.OK, since)
    assert seen.latency.p95 is not None
    assert seen.objectives[0].seen == pytest.approx(120)
    assert len(seen.objectives) == 2
    # It is judged by what it says now: three failures were enough before.
    for second in range(4):
        look(after, now + 121 + second, REFUSED)
    assert view(after).state is State.OK
    assert after.events.view() == ()


def test_a_look_that_comes_back_after_its_service_left_changes_nothing() -> None:
    now = 1_000_000.0
    before = Store(fleet({"api": api()}), now)
    after = Store(fleet({}), now, before=before)
    assert after.apply(Reading(named("probe:api/api:health"), now, 0.1, fault=REFUSED)) is None
    assert after.services == {}


def test_an_alert_of_a_rule_goes_on_or_ends_with_its_rule() -> None:
    now = 1_000_000.0
    rule = {"name": "Down", "when": "state == down"}
    before = Store(fleet({"api": api(alerts=[rule])}), now)
    for second in range(4):
        look(before, now + second, REFUSED)
    assert [each.state for each in before.alerts.view()] == [AlertState.FIRING]
    kept = Store(fleet({"api": api(alerts=[rule], description="more")}), now + 4, before=before)
    assert [each.state for each in kept.alerts.view()] == [AlertState.FIRING]
    assert kept.alerts.view()[0].since == before.alerts.view()[0].since
    ended = Store(fleet({"api": api()}), now + 5, before=kept)
    assert [each.state for each in ended.alerts.view()] == [AlertState.RESOLVED]


# ---- the whole engine ----


class Healthy(BaseHTTPRequestHandler):
    """Says ok to everything."""

    def do_GET(self) -> None:
        body = b'{"status": "ok"}'
        with suppress(BrokenPipeError):
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Quiet."""


@contextmanager
def healthy() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Healthy)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def wait(engine: Engine, what: Callable[[Snapshot], bool]) -> Snapshot:
    until(lambda: what(engine.latest))
    return engine.latest


def test_a_file_is_broken_mended_and_added_to_under_a_running_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("opsconsole.engine.engine.POLL_EVERY", 0.2)
    path = tmp_path / "ops.yaml"
    with healthy() as url:
        write(path, {"api": {"instances": [url]}})
        engine = Engine(load(path), base=tmp_path, configuration=watching(path))
        engine.start()
        try:
            wait(engine, lambda seen: seen.services[0].state is State.OK)
            good = path.read_text()
            path.write_text(good.replace("instances", "instanzes"))
            broken = wait(engine, lambda seen: bool(seen.notices))
            assert f"{path}:" in broken.notices[0]
            assert "did you mean 'instances'?" in broken.notices[0]
            assert broken.services[0].state is State.OK

            path.write_text(good)
            wait(engine, lambda seen: not seen.notices)

            record = engine._store.services["api"]
            both = {"api": {"instances": [url]}, "new": {"instances": [url]}}
            write(path, both)
            seen = wait(engine, lambda seen: len(seen.services) == 2)
            assert engine._store.services["api"] is record
            assert seen.services[0].state is State.OK
            assert seen.services[0].latency.p95 is not None
            seen = wait(engine, lambda seen: seen.services[1].state is State.OK)
            told = [words(each) for each in seen.events if each.kind is EventKind.CONFIGURATION]
            assert told[0].startswith("configuration not taken over: ")
            assert told[1:] == [
                "configuration read again: nothing in it changed",
                "configuration read again: added new",
            ]

            write(path, {"new": {"instances": [url]}})
            wait(engine, lambda seen: [each.name for each in seen.services] == ["new"])
            engine.reload()
            wait(
                engine,
                lambda seen: (
                    words(seen.events[-1]) == "configuration read again: nothing in it changed"
                ),
            )
            assert engine.latest.service("new") is not None
            schedule = engine._schedule
            assert schedule is not None
            assert schedule.counts.errors == 0
        finally:
            engine.stop()
