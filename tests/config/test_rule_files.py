"""Prometheus rule files are read whole, or said to be wrong with their place."""

import re
from pathlib import Path

import pytest

from opsconsole.config.rule_files import RuleFiles, load_rule_files, read_rule_file

FOLDER = Path(__file__).parent / "rules"


def read(folder: Path, text: str) -> RuleFiles:
    path = folder / "rules.yml"
    path.write_text(text)
    return read_rule_file(path)


def test_a_rule_is_read_with_all_it_says(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        """
groups:
  - name: web
    interval: 30s
    labels: {team: web}
    rules:
      - {record: "job:up:sum", expr: sum by (job) (up)}
      - alert: Down
        expr: |
          up == 0
        for: 1h30m
        keep_firing_for: 5m
        labels: {severity: critical, page: yes, high: true}
        annotations: {summary: "{{ $labels.instance }} is down"}
      - {alert: Always, expr: 1}
""",
    )
    assert found.problems == ()
    assert found.recordings == ("job:up:sum",)
    down, always = found.rules
    assert (down.name, down.expr, down.for_, down.keep_firing_for) == (
        "Down",
        "up == 0",
        5400.0,
        300.0,
    )
    assert down.labels == {"team": "web", "severity": "critical", "page": "yes", "high": "true"}
    assert down.annotations == {"summary": "{{ $labels.instance }} is down"}
    assert (always.expr, always.for_, always.group) == ("1", 0.0, "web")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("groups: 3", "a rule file holds groups:"),
        ("- alert: X", "a rule file holds groups:"),
        ("groups: [{rules: []}]", "groups[0]: a group has a name and rules"),
        ("groups: [{name: a, rules: 3}]", "groups[0].rules: takes a list of rules"),
        ("groups: [{name: a, rules: [{alert: X}]}]", "either alert: or record:"),
        (
            "groups: [{name: a, rules: [{alert: X, record: y, expr: up}]}]",
            "either alert: or record:",
        ),
        ("groups: [{name: a, rules: [{alert: X, expr: up, fro: 1m}]}]", "did you mean 'for'?"),
        ("groups: [{name: a, rules: [{alert: X, expr: up, for: soon}]}]", "takes a duration"),
        ("groups: [{name: a, rules: [{alert: X, expr: up, labels: [a]}]}]", "names and texts"),
        ("groups: [", "not YAML"),
        ("groups: [{name: '', rules: []}]", "groups[0]: a group has a name and rules"),
        ("groups: [{name: a}, {name: a}]", "groups[1].name: group a is there twice"),
        ("groups: [{name: a, interval: 5x}]", "groups[0].interval: takes a duration"),
        ("groups: [{name: a, rulez: []}]", "did you mean 'rules'?"),
        ("{groups: [], group: 1}", "did you mean 'groups'?"),
        ("groups: [{name: a, rules: [{record: 'a b', expr: up}]}]", "'a b' is no name of a metric"),
        ("groups: [{name: a, rules: [{record: a, expr: up, for: 5m}]}]", "this rule records"),
        (
            "groups: [{name: a, rules: [{record: a, expr: up, annotations: {x: y}}]}]",
            "rules[0].annotations: is for alerts",
        ),
        ("groups: [{name: a, rules: [{record: a}]}]", "either alert: or record:"),
        ("groups: [{name: a, rules: [{alert: ' ', expr: up}]}]", "an alert has a name"),
        ("groups: [{name: a, rules: [{alert: X, expr: up, labels: {a-b: x}}]}]", "name of a label"),
        (
            "groups: [{name: a, rules: [{alert: X, expr: up, labels: {__name__: x}}]}]",
            "'__name__' is no name of a label",
        ),
        (
            "groups: [{name: a, rules: [{alert: X, expr: up, annotations: {'c d': x}}]}]",
            "'c d' is no name of an annotation",
        ),
        (
            "groups: [{name: a, rules: [{alert: X, expr: up, annotations: {s: '{{ foo 1 }}'}}]}]",
            "annotations.s: its template is refused: function",
        ),
        (
            "groups: [{name: a, rules: [{alert: X, expr: up, labels: {s: '{{ $no }}'}}]}]",
            "undefined variable",
        ),
        (
            "groups: [{name: a, rules: [{alert: X, expr: up, annotations: {s: '{{ if }}'}}]}]",
            "missing value for if",
        ),
        (
            "groups: [{name: a, rules: [{alert: X, expr: up, annotations: {s: 'a {{ b'}}]}]",
            "unclosed action",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    found = read(tmp_path, text)
    assert any(said in str(problem) for problem in found.problems), found.problems
    assert all("rules.yml" in str(problem) for problem in found.problems)


def test_a_file_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    assert load_rule_files(["gone.yml"], tmp_path).problems
    assert load_rule_files(["*.rules"], tmp_path).problems


def test_stars_stand_for_any_file(tmp_path: Path) -> None:
    for name in ("a", "b"):
        rule = f"{{alert: {name}, expr: up}}"
        (tmp_path / f"{name}.yml").write_text(f"groups: [{{name: g, rules: [{rule}]}}]")
    found = load_rule_files(["*.yml"], tmp_path)
    assert [rule.name for rule in found.rules] == ["a", "b"]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yml")), ids=lambda path: path.stem)
def test_rules_in_every_manner_of_writing_are_read(path: Path) -> None:
    found = read_rule_file(path)
    assert found.problems == ()
    written = re.findall(r"(?m)^\s*(?:- )\{?(?:alert|record):", path.read_text())
    assert len(found.rules) + len(found.recordings) == len(written) > 8


def test_of_several_documents_the_first_is_read_as_a_server_does(tmp_path: Path) -> None:
    first = "groups: [{name: a, rules: [{alert: X, expr: up}]}]"
    found = read(tmp_path, f"---\n{first}\n---\ngroups: [{{name: b, rules: [nonsense]}}]\n")
    assert [rule.name for rule in found.rules] == ["X"]
    assert found.problems == ()
    (hint,) = found.hints
    assert "rules.yml:3" in str(hint)
    assert "second document" in hint.message


def test_the_same_rule_twice_is_a_hint(tmp_path: Path) -> None:
    rule = "{alert: X, expr: up}"
    found = read(tmp_path, f"groups: [{{name: a, rules: [{rule}, {rule}]}}]")
    assert found.problems == ()
    assert [hint.message for hint in found.hints] == ["X is there twice"]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yml")), ids=lambda path: path.name)
def test_sound_files_have_no_problem(path: Path) -> None:
    found = read_rule_file(path)
    assert (found.problems, found.hints) == ((), ())
