"""Annotations are filled in as a real Prometheus fills them in."""

import json
import urllib.request
from itertools import product

import pytest

from opsconsole.demo.prometheus import write_prometheus_config
from opsconsole.engine.judge.rule_templates import render
from tests.patience import until
from tests.servers.fixtures import MonitoringStack
from tests.servers.monitoring import reload

pytestmark = [pytest.mark.servers]

LABELS = {"instance": "db-1:9100", "job": "node exporter", "mount": '/a "b"'}
VALUES = (
    "0", "1", "-3", "0.5", "0.0123", "0.000045", "1e-9", "-0.25", "1e-13", "12.345", "59.9", "90",
    "3725.5", "-90061", "999.96", "1000", "1023", "1024", "123456", "1234567", "1e9", "1e12",
    "2.5e15", "3e18", "1e20", "1e21", "4e27", "NaN", "Inf", "-Inf", "0.1", "100", "1700000000.5",
    "1500000", "0.00001",
)  # fmt: skip
TEMPLATES = (
    "{{ $value }}", "{{ .Value }}", "{{ $labels }}", "{{ $labels.job }}", "{{ .Labels.instance }}",
    "{{ $labels.nothing }}!", '{{ index $labels "mount" }}',
    "{{ $value | humanize }}", "{{ humanize $value }}", "{{ humanize1024 $value }}",
    "{{ $value | humanizePercentage }}", "{{ $value | humanizeDuration }}",
    '{{ printf "%0.0f" $value }}', '{{ printf "%.2f%%" $value }}', '{{ $value | printf "%.1f" }}',
    '{{ printf "%g|%e|%v" $value $value $value }}', '{{ printf "%8.1f|%-8s|%q" $value "a" "b" }}',
    '{{ printf "%d %s" $value $value }}', '{{ printf "%s" }}', '{{ printf "a" $value }}',
    "{{ with $labels.job }}a {{ . }}{{ end }}", "{{ with $labels.no }}a{{ else }}none{{ end }}",
    "{{ if gt $value 5.0 }}big{{ else if gt $value 0.0 }}small{{ else }}none{{ end }}",
    '{{ if eq $labels.job "node exporter" }}yes{{ end }}',
    '{{ if and (gt $value 1.0) (ne $labels.job "x") }}both{{ end }}',
    "{{ $x := $value | humanize }}{{ $x }} and {{ $x }}", "a {{- $value -}} b", "a {{/* no */}} b",
    "{{ $labels.job | title }} {{ $labels.job | toUpper }} {{ stripPort $labels.instance }}",
    '{{ if match "^node" $labels.job }}matches{{ end }}', "{{ `raw` }} {{ true }}",
    "{{ len $labels.job }} {{ not true }}",
)  # fmt: skip


def test_every_template_with_every_value(monitoring_stack: MonitoringStack) -> None:
    server = monitoring_stack.prometheus()
    rules = [
        {
            "alert": f"A{number}",
            "expr": _expression(value),
            "annotations": {f"t{place}": text for place, text in enumerate(TEMPLATES)},
        }
        for number, value in enumerate(VALUES)
    ]
    write_prometheus_config(server.folder)
    (server.folder / "rules.yml").write_text(
        json.dumps({"groups": [{"name": "all", "rules": rules}]})
    )
    reload(server)

    def seen() -> dict[str, dict[str, str]]:
        with urllib.request.urlopen(f"{server.url}/api/v1/alerts", timeout=5) as answer:
            alerts = json.loads(answer.read())["data"]["alerts"]
        return {each["labels"]["alertname"]: each["annotations"] for each in alerts}

    until(lambda: len(seen()) == len(VALUES), every=0.5)
    found = seen()
    wrong = []
    for (number, value), (place, text) in product(enumerate(VALUES), enumerate(TEMPLATES)):
        theirs = found[f"A{number}"][f"t{place}"]
        ours = render(text, LABELS, float(value))
        if ours != theirs:
            wrong.append(f"{value} {text}: {ours!r}, Prometheus has {theirs!r}")
    assert not wrong, "\n".join(wrong)


def _expression(value: str) -> str:
    made = f"vector({value})"
    for name, text in LABELS.items():
        made = f'label_replace({made}, "{name}", {json.dumps(text)}, "", "")'
    return made
