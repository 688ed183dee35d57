"""What is refused here is what a real promtool refuses."""

import subprocess
from pathlib import Path

import pytest

from opsconsole.config.rule_files import read_rule_file
from opsconsole.demo.binaries import find

pytestmark = [pytest.mark.servers]

RULE = "groups: [{name: a, rules: [{alert: X, expr: up, %s}]}]"
FILES = (
    "groups: []", "", "groups: [{name: a}]", "groups: [{name: a, rules: []}, {name: b, rules: []}]",
    "groups: [{name: a, rules: []}, {name: a, rules: []}]", "groups: [{name: '', rules: []}]",
    "groups: [{rules: []}]", "foo: 1", "groups: [{name: a, rulez: []}]",
    "groups: [{name: a, interval: 5x}]", "groups: [{name: a, interval: 1h5m, limit: 3}]",
    "groups: [{name: a, rules: []}]\n---\ngroups: 5\n",
    "groups: [{name: a, rules: [{record: 'a b', expr: up}]}]",
    "groups: [{name: a, rules: [{record: 'a:b', expr: up, labels: {x: y}}]}]",
    "groups: [{name: a, rules: [{record: a, expr: up, for: 5m}]}]",
    "groups: [{name: a, rules: [{record: a, expr: up, annotations: {x: y}}]}]",
    "groups: [{name: a, rules: [{record: a}]}]", "groups: [{name: a, rules: [{expr: up}]}]",
    "groups: [{name: a, rules: [{alert: X, record: y, expr: up}]}]",
    "groups: [{name: a, rules: [{alert: 'a b', expr: up}]}]",
    RULE % "for: 1y2w3d", RULE % "for: soon", RULE % "labels: {a-b: x}", RULE % "fro: 1m",
    RULE % "labels: {__name__: x}", RULE % "annotations: {'c d': x}", RULE % "labels: {s: }",
    *(
        RULE % f"annotations: {{s: '{text}'}}"
        for text in (
            "{{ foo 1 }}", "{{ $no }}", "{{ if }}", "a {{ b", "{{ end }}", "{{ if true }}x",
            "{{ else }}", "{{ }}", "{{ $value | humanize }}",
            "{{ with $labels.x }}{{ . }}{{ end }}",
            "{{ range query `up` }}{{ .Labels.job }}{{ end }}", "{{ $x := 1 }}{{ $x }}", "}} a",
            "{{ if true }}a{{ else if false }}b{{ else }}c{{ end }}", "{{/* no */}}",
            "{{ $externalURL }}",
            "{{ (query `up` | first).Value }}",
            "{{ range $i, $e := query `up` }}{{ $i }}{{ end }}",
        )
    ),
)  # fmt: skip


@pytest.mark.parametrize("text", FILES)
def test_a_file_is_judged_as_promtool_judges_it(tmp_path: Path, text: str) -> None:
    promtool = find("promtool")
    path = tmp_path / "rules.yml"
    path.write_text(text)
    done = subprocess.run(
        [str(promtool), "check", "rules", "--lint=none", str(path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = read_rule_file(path)
    assert bool(found.problems) is (done.returncode != 0), (found.problems, done.stderr)
