"""Runbooks as they are written: what is taken, what is refused and where, and those shipped."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from opsconsole.config.loader import load
from opsconsole.config.runbooks.files import Runbooks, load_runbooks
from opsconsole.config.settings import Settings
from opsconsole.model.operation import ActionKind
from opsconsole.model.runbooks.runbook import (
    CommandCheck,
    HttpCheck,
    MetricCheck,
    OnFailure,
    OperationCall,
    Question,
    StateCheck,
    StepKind,
    Wait,
    bound,
    viewed,
    worded,
)
from opsconsole.model.state import State
from opsconsole.model.written.expressions import parse
from tests.clean import is_clean

SAMPLES = Path(__file__).parents[3] / "sample_configs"
PLATFORMS = ("ai-backend", "ai-operations-assistant", "ai-service", "errorscope", "oatie")

SHOP: dict[str, Any] = {
    "instances": ["http://127.0.0.1:1"],
    "metrics": {"accuracy": {"gauge": "shop_accuracy"}},
    "alerts": [{"name": "ShopDown", "when": "state == down"}],
    "actions": {
        "restart": {"systemd": "shop"},
        "backup": {"files": ["a"]},
        "test": {"database": {"http": {"get": "/t"}, "effect": "read"}},
    },
}


def settings(**more: Any) -> Settings:
    services = {"shop": SHOP, "till": {"instances": ["http://127.0.0.1:2"]}}
    return Settings.model_validate({"docker": [], "services": services, **more})


def read(folder: Path, text: str, *, name: str = "recover", known: Settings | None = None) -> Any:
    place = folder / "runbooks"
    place.mkdir(exist_ok=True)
    path = place / f"{name}.yaml"
    path.write_text(text)
    path.chmod(0o600)
    return load_runbooks(known or settings(), folder)


def problems(found: Runbooks) -> list[str]:
    return [str(problem).partition("recover.yaml:")[2] for problem in found.problems]


WHOLE = """\
title: recover {service}
purpose: bring {service} back in {environment}
when: [ShopDown]
services: shop
steps:
  - {id: read, text: look first}
  - {id: ok, check: state == ok, on_failure: continue}
  - {id: part, check: {state: ok, component: db, service: till}}
  - {id: slow, check: p95(latency) < 100ms}
  - {id: page, check: {http: {get: /health, status: 200, json_path: status, equals: fine}}}
  - {id: list, check: {command: {argv: [ls, "/srv/{service}"], read: true, timeout: 5s}}}
  - {id: again, operation: restart, optional: true}
  - {id: db, operation: {action: test, name: database}}
  - {id: nap, wait: 30s}
  - {id: watch, wait: {for: 30m, while: state == ok, every: 10s}}
  - {id: back, wait: {until: accuracy > 80%, within: 10m}}
  - {id: fine, question: {ask: "is {service} fine?", expect: "yes"}}
  - {id: tag, question: {ask: which tag?, answers: text}}
  - {id: way, question: {ask: which way?, answers: [left, right]}}
"""


def test_every_kind_of_step_is_read(tmp_path: Path) -> None:
    found = read(tmp_path, WHOLE)

    assert found.problems == ()
    (runbook,) = found.runbooks
    assert (runbook.name, runbook.services, runbook.when) == ("recover", ("shop",), ("ShopDown",))
    steps = {step.id: step for step in runbook.steps}
    assert steps["read"].kind is StepKind.TEXT
    assert steps["ok"].does == StateCheck(State.OK)
    assert steps["ok"].on_failure is OnFailure.CONTINUE
    assert steps["part"].does == StateCheck(State.OK, "db", "till")
    assert steps["slow"].does == MetricCheck(parse("p95(latency) < 100ms"))
    assert steps["page"].does == HttpCheck("/health", (200,), json_path="status", equals="fine")
    assert steps["list"].does == CommandCheck(("ls", "/srv/{service}"), reads=True, timeout=5.0)
    assert steps["again"].does == OperationCall(ActionKind.RESTART)
    assert steps["again"].optional
    assert steps["db"].does == OperationCall(ActionKind.TEST, "database")
    assert steps["nap"].does == Wait(30.0)
    assert steps["watch"].does == Wait(1800.0, StateCheck(State.OK), every=10.0)
    assert steps["back"].does == Wait(600.0, MetricCheck(parse("accuracy > 80%")), until=True)
    assert steps["fine"].does == Question("is {service} fine?", ("yes", "no"), "yes")
    assert steps["tag"].does == Question("which tag?", ())
    assert steps["way"].does == Question("which way?", ("left", "right"))
    assert [step.id for step in runbook.steps if step.changes] == ["again", "db"]


def test_words_are_filled_in_where_they_keep_their_shape(tmp_path: Path) -> None:
    (runbook,) = read(tmp_path, WHOLE).runbooks

    made = bound(runbook, "shop", "pro {service} duction")

    assert (made.title, made.purpose) == (
        "recover shop",
        "bring shop back in pro {service} duction",
    )
    listing = made.step("list")
    assert listing is not None
    assert isinstance(listing.does, CommandCheck)
    assert listing.does.argv == ("ls", "/srv/shop")
    assert worded(viewed(runbook), "shop", "x").steps[11].title == "is shop fine?"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{id: a, chek: state == ok}", "unknown key, did you mean 'check'?"),
        ("{id: a, check: stat == ok}", "here a number is missing"),
        ("{id: a, check: state == okay}", "unknown state 'okay', did you mean 'ok'?"),
        ("{id: a, check: accurasy > 80%}", "no metric or log pattern called 'accurasy', did you"),
        ("{id: a, check: latency > 80%}", "latency needs a number such as 100ms"),
        ("{id: a, check: {state: ok, metric: cpu < 1%}}", "exactly one of state, metric, http"),
        ("{id: a, check: {state: ok, service: shoo}}", "no service is called 'shoo', did you mean"),
        ("{id: a, check: {command: {argv: [rm, x]}}}", "without read: true is a change"),
        ("{id: a, check: {command: {argv: rm x, read: true}}}", "takes a list"),
        ("{id: a, check: {command: {argv: [ls, '{reason}'], read: true}}}", "unknown placeholder"),
        ("{id: a, check: {http: health}}", "takes a URL such as"),
        ("{id: a, check: {http: {get: /, regex: '('}}}", "is not a regular expression"),
        ("{id: a, check: {http: {get: /, equals: x}}}", "json_path and equals need each other"),
        ("{id: a, operation: restrat}", "did you mean 'restart'?"),
        ("{id: a, operation: rollback}", "shop declares no action 'rollback'"),
        ("{id: a, operation: {action: test, name: databse}}", "did you mean 'test database'?"),
        ("{id: a, operation: test}", "a test or a call has a name"),
        ("{id: a, operation: silence}", "must be one of"),
        ("{id: a, wait: soon}", "soon"),
        ("{id: a, wait: {until: state == ok}}", "until and within need each other"),
        ("{id: a, wait: {for: 1m, until: state == ok, within: 2m}}", "write for: 30m"),
        ("{id: a, wait: {for: 30d}}", "a wait lasts at most 7d"),
        ("{id: a, wait: {for: 1m, while: state == ok, every: 100ms}}", "must be at least 1"),
        ("{id: a, question: {ask: b, answers: [c]}}", "two or more to choose from"),
        ("{id: a, question: {ask: b, expect: maybe}}", "expect is none of the answers"),
        ("{id: a, question: 'is {servce} well?'}", "unknown placeholder {servce}"),
        ("{id: a}", "a step is text, or one of"),
        ("{id: a, text: b, check: cpu < 1%, wait: 1s}", "a step is text, or one of"),
        ("{id: a b, text: c}", "takes letters, digits"),
        ("{id: a, text: b, on_failure: retry}", "must be one of 'stop' or 'continue'"),
        ("{text: b}", "id: is required"),
    ],
)  # fmt: skip
def test_what_cannot_be_run_is_said_at_its_line(tmp_path: Path, line: str, said: str) -> None:
    found = read(tmp_path, f"title: t\nservices: [shop]\nsteps:\n  - {line}\n")

    (text,) = problems(found)
    assert text.startswith("4:")
    assert said in text
    assert found.runbooks == ()


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("", "the instances of shop are on several hosts, name one: host:"),
        ("host: app-3, ", "no host is called 'app-3', did you mean 'app-2'"),
        ("host: app-2, ", ""),
        ("host: local, ", ""),
    ],
)
def test_a_command_of_a_service_on_several_hosts_says_where(
    tmp_path: Path, host: str, said: str
) -> None:
    instances = ["http://127.0.0.1:1", {"url": "http://127.0.0.1:2", "host": "app-2"}]
    services = {"shop": {**SHOP, "instances": instances, "actions": {}}}
    known = settings(hosts={"app-2": {}}, services=services)
    step = f"{{id: a, check: {{command: {{argv: [ls], {host}read: true}}}}}}"
    found = read(tmp_path, f"title: t\nservices: [shop]\nsteps:\n  - {step}\n", known=known)
    if said:
        assert said in str(found.problems[0])
        return
    assert found.problems == ()
    (step_run,) = found.runbooks[0].steps
    assert isinstance(step_run.does, CommandCheck)
    assert step_run.does.host in host


def test_all_problems_of_all_files_come_at_once(tmp_path: Path) -> None:
    read(tmp_path, "title: t\nservices: [shop]\nsteps: [{id: a, text: b}]\n", name="sound")
    read(tmp_path, "title: [\n", name="broken")
    found = read(
        tmp_path,
        "title: t\nwhen: [ShopDwn]\nservices: [shop, shopp]\nsteps:\n"
        "  - {id: a, operation: scale}\n  - {id: a, text: b}\n  - {id: c, check: nothing > 1}\n",
    )

    assert [runbook.name for runbook in found.runbooks] == ["sound"]
    lines = [line.partition(":")[0] for line in problems(found) if line]
    assert lines == ["2", "3", "5", "6", "7"]
    assert any("broken.yaml" in str(problem) for problem in found.problems)
    assert any("did you mean 'ShopDown'?" in str(problem) for problem in found.problems)


def test_an_alert_may_be_a_servers_own(tmp_path: Path) -> None:
    known = settings(prometheus={"url": "http://127.0.0.1:9090"})
    text = "title: t\nwhen: Elsewhere\nservices: shop\nsteps: [{id: a, text: b}]\n"

    assert read(tmp_path, text, known=known).problems == ()


def test_a_service_names_its_runbooks_too(tmp_path: Path) -> None:
    named = {**SHOP, "runbooks": ["recover", "recovr"]}
    known = Settings.model_validate({"docker": [], "services": {"shop": named}})

    found = read(tmp_path, "title: t\nsteps: [{id: a, operation: restart}]\n", known=known)

    assert found.runbooks[0].services == ("shop",)
    assert "no runbook is called 'recovr', did you mean 'recover'?" in str(found.problems[0])


def test_a_runbook_for_nobody_has_to_say_whom_it_means(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "title: t\nsteps:\n  - {id: a, operation: restart}\n  - {id: b, check: cpu < 1%}\n"
        "  - {id: c, check: {command: {argv: [ls], read: true}}}\n",
    )

    assert len(found.problems) == 2


def test_commands_of_a_file_that_others_can_write_are_not_obeyed(tmp_path: Path) -> None:
    text = "title: t\nsteps:\n  - {id: c, check: {command: {argv: [ls], read: true}}}\n"
    assert read(tmp_path, text).problems == ()
    (tmp_path / "runbooks/recover.yaml").chmod(0o666)

    (problem,) = load_runbooks(settings(), tmp_path).problems

    assert "names programs to run but can be written by others" in str(problem)


def test_a_secret_in_a_runbook_is_refused_and_not_shown(tmp_path: Path) -> None:
    secret = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    found = read(tmp_path, f"title: t\nsteps:\n  - {{id: a, text: 'token {secret}'}}\n")

    assert found.runbooks == ()
    assert all(secret not in str(problem) for problem in found.problems)
    assert "does not belong in a file" in str(found.problems[0])


def test_words_hold_nothing_that_a_terminal_acts_on(tmp_path: Path) -> None:
    text = (
        'title: "a\\e[2Jb"\npurpose: "c\\u202Ed"\nservices: shop\nsteps:\n'
        '  - {id: a, text: "e\\u009bf\\ng"}\n'
        '  - {id: c, check: {command: {argv: ["m\\en"], read: true}}}\n'
        '  - {id: b, question: {ask: "h\\u200bi", answers: ["j\\ek", l]}}\n'
    )
    (runbook,) = read(tmp_path, text).runbooks
    view = viewed(runbook)

    said = [
        view.title,
        view.purpose,
        *(step.text for step in view.steps),
        *(step.does for step in view.steps),
    ]
    assert all(is_clean(each) for each in (*said, *view.steps[2].answers))
    assert view.steps[0].text.endswith("\ng")


def test_no_folder_is_no_problem_unless_it_is_named(tmp_path: Path) -> None:
    assert load_runbooks(settings(), tmp_path) == Runbooks()

    (problem,) = load_runbooks(settings(runbooks="books"), tmp_path).problems
    assert "there is no such folder of runbooks" in str(problem)


# ---- those that are shipped ----


def shipped(platform: str, folder: Path) -> tuple[Settings, Runbooks]:
    """A copy that only its owner can write, whatever the checkout's umask was."""
    shutil.copytree(SAMPLES, folder / "samples", dirs_exist_ok=True)
    for path in (folder / "samples").rglob("*.yaml"):
        path.chmod(0o600)
    path = folder / "samples" / f"{platform}.yaml"
    known = load(path, {})
    return known, load_runbooks(known, path.parent)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_shipped_runbook_refers_only_to_what_its_platform_has(
    platform: str, tmp_path: Path
) -> None:
    known, found = shipped(platform, tmp_path)

    assert [str(problem) for problem in found.problems] == []
    files = list((SAMPLES / "runbooks" / platform).glob("*.yaml"))
    assert len(found.runbooks) == len(files)
    for runbook in found.runbooks:
        assert runbook.services
        assert set(runbook.services) <= set(known.services)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_platform_has_what_its_operators_do_by_hand(platform: str, tmp_path: Path) -> None:
    _, found = shipped(platform, tmp_path)

    titles = " · ".join(runbook.title for runbook in found.runbooks)
    for wanted in ("recover", "zero-downtime update", "rollback", "post-deployment", "maintenance"):
        assert wanted in titles
    assert "pre-launch" in titles or "checklist" in titles
    watch = next(each for each in found.runbooks if each.name == "post-deployment")
    waits = [step.does.seconds for step in watch.steps if isinstance(step.does, Wait)]
    assert waits == [1800.0, 86400.0]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_recovery_backs_up_restores_the_environment_restarts_verifies_and_watches(
    platform: str, tmp_path: Path
) -> None:
    _, found = shipped(platform, tmp_path)
    recovery = next(each for each in found.runbooks if each.name == "recovery")
    said = " ".join(f"{step.id} {step.title} {step.text}" for step in recovery.steps).lower()

    for wanted in ("back", "env", "restart", "health", "log" if platform != "oatie" else "circuit"):
        assert wanted in said or any(wanted in str(step.does) for step in recovery.steps)
    assert any(isinstance(step.does, Wait) and step.does.check for step in recovery.steps)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_words_of_alerts_lead_to_runbooks(platform: str, tmp_path: Path) -> None:
    known, found = shipped(platform, tmp_path)
    own = {rule.name for service in known.services.values() for rule in service.alerts}

    named = {name for runbook in found.runbooks for name in runbook.when}

    assert named <= own
    assert named & {"ServiceDown", "ServerDown", "OatieDown"}


_SAY_NO_MORE = ("/live", "/ready", "/startup", "/metrics", "/startup/stats")
"""Pages whose status is their whole answer: probes, and pages of figures."""


@pytest.mark.parametrize("platform", PLATFORMS)
def test_what_asks_whether_something_is_well_looks_at_the_body(
    platform: str, tmp_path: Path
) -> None:
    """A program may answer 200 with an ill part in its body."""
    _, found = shipped(platform, tmp_path)
    looks = [
        does.check if isinstance(does := step.does, Wait) else does
        for runbook in found.runbooks
        for step in runbook.steps
    ]
    of_health = [
        look
        for look in looks
        if isinstance(look, HttpCheck)
        and "health" in look.target
        and not look.target.endswith(_SAY_NO_MORE)
    ]
    blind = [look.target for look in of_health if look.json_path is look.contains is look.regex]
    assert not blind
    assert of_health or any(isinstance(look, StateCheck) for look in looks)
