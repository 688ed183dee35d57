"""A file of another program is said to be what it is, in one problem."""

from pathlib import Path

import pytest

from opsconsole.config.files.other_formats import other_program
from opsconsole.config.files.problems import OTHER_WORDS
from opsconsole.config.files.yaml_tree import read_tree
from opsconsole.config.loader import load
from opsconsole.config.settings import Settings
from opsconsole.errors import ConfigError

SAMPLES = Path(__file__).parents[3] / "sample_configs"
SERVICE = "services:\n  web:\n    image: nginx\n    ports: ['80:80']\n"
FILES = {
    "a Compose file": [
        SERVICE,
        f"version: '3'\n{SERVICE}networks: {{}}\nvolumes: {{data: {{}}}}\n",
        "name: shop\nservices:\n  db: {build: ., environment: {A: b}, depends_on: [x]}\n",
        SERVICE + "".join(f"  s{n}: {{image: a, restart: always}}\n" for n in range(200)),
    ],
    "a prometheus.yml": [
        "global: {scrape_interval: 5s}\nscrape_configs: []\n",
        "global: {scrape_interval: 5s}\nrule_files: [a.yml]\n",
    ],
    "an alertmanager.yml": ["route: {receiver: a}\nreceivers: [{name: a}]\n"],
    "a file of Prometheus rules": ["groups: [{name: a, rules: []}]\n"],
    "a Kubernetes manifest": [
        "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n",
        "apiVersion: v1\nkind: Service\n---\napiVersion: apps/v1\nkind: Deployment\n",
    ],
    "a Helm chart": ["apiVersion: v2\nname: a\nversion: 1.0.0\n"],
    "a systemd unit": ["[Unit]\nDescription=x\n\n[Service]\nExecStart=/bin/x\n"],
    "an INI or TOML file": ["[tool.x]\na = 1\n", "# a\n[main]\nkey = value\n"],
    "a file of variables": ["DB_HOST=localhost\nDB_PORT=5432\n", "export A=b\n"],
    "an nginx or Caddy configuration": [
        "server {\n  listen 80;\n  location / {\n    root /x;\n  }\n}\n"
    ],
    "an Ansible playbook": ["- hosts: all\n  tasks: []\n"],
    "a file of Prometheus targets": ["- targets: [a:1]\n  labels: {job: a}\n"],
    "an OpenTelemetry collector's configuration": [
        "receivers: {otlp: {}}\nexporters: {debug: {}}\nservice: {pipelines: {}}\n"
    ],
    "a GitHub workflow": ["on: push\njobs: {a: {runs-on: x}}\n"],
    "an XML or HTML file": ["<?xml version='1.0'?>\n<a/>\n"],
    "a runbook": ["title: Restart\nsteps: [{do: a}]\n"],
}


def problems(folder: Path, text: str) -> tuple[str, ...]:
    path = folder / "opsconsole.yaml"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ConfigError) as raised:
        load(path, {})
    return raised.value.problems


@pytest.mark.parametrize(
    ("what", "text"), [(what, text) for what, texts in FILES.items() for text in texts]
)
def test_it_is_said_what_it_is(tmp_path: Path, what: str, text: str) -> None:
    (said,) = problems(tmp_path, text)
    assert f"this is {what}, not a configuration of opsconsole, " in said
    assert "opsconsole.yaml:1" in said


@pytest.mark.parametrize(
    "text",
    [
        "services: {web: {instances: ['http://a'], image: nginx}}\n",
        "services: {web: {instances: ['http://a'], ports: [80]}}\nprometheus: {url: 'http://a'}\n",
        "display: {background: red}\n", "services: {web: {steps: []}}\n", "groups: []\n",
        "just words\n", "[a, b]\n", "services: 3\n", "{\n",
    ],
)  # fmt: skip
def test_what_may_be_ours_is_judged_as_ours(tmp_path: Path, text: str) -> None:
    assert not any("this is a" in said for said in problems(tmp_path, text))


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.yaml")), ids=lambda path: path.name)
def test_a_sample_is_ours(path: Path) -> None:
    value = read_tree(path.read_text(), path.name).value
    assert other_program(value, Settings.model_fields.keys()) == ("", "")


@pytest.mark.parametrize(
    ("text", "where", "meant"),
    [
        ("defaults: {thresholds: {down: 3}}", "defaults.thresholds.down", "failures"),
        ("defaults: {thresholds: {up: 3}}", "defaults.thresholds.up", "successes"),
        ("services: {a: {thresholds: {failure: 3}}}", "a.thresholds.failure", "failures"),
        ("services: {a: {hosts: x}}", "services.a.hosts", "instances"),
        ("services: {a: {alerts: [{name: X, expr: up}]}}", "alerts[0].expr", "when"),
        ("hosts: {a: {user: x}}", "hosts.a.user", "ssh"),
        ("hosts: {a: {HostName: x}}", "hosts.a.HostName", "ssh"),
        ("hosts: {a: {port: 22}}", "hosts.a.port", "ssh"),
        ("hosts: {a: {host: x}}", "hosts.a.host", "ssh"),
        ("hosts: {a: {IdentityFile: x}}", "hosts.a.IdentityFile", "ssh_config"),
        ("kubernetes: {ns: x}", "kubernetes.ns", "namespaces"),
        ("services: {a: {kubernetes: {workload: deploy/a, ns: x}}}", "kubernetes.ns", "namespace"),
        ("services: {a: {kubernetes: {deployment: a}}}", "kubernetes.deployment", "workload"),
        ("services: {a: {slo: []}}", "services.a.slo", "objectives"),
        ("services: {a: {actions: {restart: {cmd: [a]}}}}", "restart.cmd", "command"),
        ("display: {timezone: utc}", "display.timezone", "time"),
        ("prometheus: {address: 'http://a'}", "prometheus.address", "url"),
        ("services: {a: {logs: [{docker: a, patern: {}}]}}", "logs[0].patern", "patterns"),
    ],
)
def test_a_key_is_guessed_however_deep_it_stands(
    tmp_path: Path, text: str, where: str, meant: str
) -> None:
    said = f"{where}: unknown key, did you mean {meant!r}?"
    assert any(said in each for each in problems(tmp_path, f"{text}\n"))


def test_every_guess_is_a_key_that_there_is() -> None:
    schema = Settings.model_json_schema(by_alias=True)
    known = set(schema["properties"])
    for definition in schema["$defs"].values():
        for form in (definition, *definition.get("anyOf", ())):
            known |= set(form.get("properties", {}))
    guessed = {guess for guesses in OTHER_WORDS.values() for guess in guesses}
    assert guessed <= known
