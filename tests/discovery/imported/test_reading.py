"""Files of other programs as a first configuration: what is taken, and that it always loads."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from opsconsole.config.loader import load
from opsconsole.config.settings import Settings
from opsconsole.discovery.imported.reading import read_files
from opsconsole.errors import OpsconsoleError
from opsconsole.model.written.draft import Draft
from opsconsole.render.first_configuration import FirstConfiguration, imported

SAMPLES = Path(__file__).parent / "samples"
GUIDE = ("compose.yml", "scale.yml", "prometheus.yml", "dashboard.json", "alerts.yml")
SHOP = ("compose.yml", "prometheus.yml", "alertmanager.yml", "dashboard.json")


def files(program: str, *names: str) -> list[Path]:
    return [SAMPLES / f"{program}-{name}" for name in names]


def written(draft: Draft) -> FirstConfiguration:
    return imported(draft, ["a file"])


def loaded(folder: Path, lines: list[str]) -> Settings:
    path = folder / "opsconsole.yaml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    path.chmod(0o600)
    return load(path, {})


def taken(lines: tuple[str, ...]) -> list[str]:
    """Every offer taken; what is said of the file stays a comment."""
    return [
        line.replace("#", "", 1) if line.lstrip().startswith("#") else line
        for line in lines
        if not line.startswith("# ")
    ]


@pytest.mark.parametrize(
    "paths",
    [
        files("errorscope", *GUIDE),
        files("errorscope", *reversed(GUIDE)),
        files("ai-service", "prometheus.yml"),
        files("oatie", "prometheus.yml"),
        files("shop", *SHOP),
        *([each] for each in sorted(SAMPLES.iterdir())),
    ],
    ids=lambda paths: ",".join(each.name for each in paths),
)
def test_what_is_written_loads_as_it_is_and_with_every_offer_taken(
    paths: list[Path], tmp_path: Path
) -> None:
    made = written(read_files(paths))
    loaded(tmp_path, list(made.lines))
    loaded(tmp_path, taken(made.lines))
    kept = [line for line in made.lines if line.strip() and not line.lstrip().startswith("#")]
    unexplained = [line for line in kept if "  # " not in line and not line.startswith("services:")]
    assert unexplained == []


def test_a_guides_files_are_one_configuration(tmp_path: Path) -> None:
    draft = read_files(files("errorscope", *GUIDE))
    settings = loaded(tmp_path, list(written(draft).lines))
    assert list(settings.services) == ["web", "prometheus", "grafana", "model_service"]
    web = settings.services["web"]
    assert (web.job, web.containers) == ("errorscope", ("web",))
    assert {name: each.promql for name, each in web.metrics.items()} == {
        "panel_request_rate": "rate(errorscope_requests_total[5m])",
        "model_performance": "errorscope_model_accuracy",
        "resolution_success_rate": "rate(errorscope_resolutions_success[1h])",
    }
    assert [each.url for each in settings.prometheus] == ["http://127.0.0.1:9090"]
    assert settings.services["grafana"].depends_on == ("prometheus",)
    # It stands beside deploy, where Compose knows no such key.
    assert [each.rpartition(": ")[2] for each in draft.not_understood] == [
        "services.web.placement",
        "services.model_service.placement",
    ]


def test_the_order_in_which_files_are_given_changes_nothing_that_stands(tmp_path: Path) -> None:
    one = loaded(tmp_path, list(written(read_files(files("shop", *SHOP))).lines))
    other = loaded(tmp_path, list(written(read_files(files("shop", *SHOP[::-1]))).lines))
    assert one == other


def test_a_compose_file_gives_health_needs_ports_and_actions(tmp_path: Path) -> None:
    draft = read_files(files("shop", "compose.yml"))
    made = written(draft)
    settings = loaded(tmp_path, list(made.lines))
    web = settings.services["shop-web"]
    assert [each.url for each in web.instances] == ["http://127.0.0.1:8080"]
    assert web.health is not None
    assert (web.health.path, web.interval, web.timeout) == ("/health?full=1", 15.0, 3.0)
    assert web.thresholds is not None
    assert web.thresholds.failures == 5
    assert (web.group, web.team, web.containers) == ("shop", "storefront", ("shop/web",))
    assert web.depends_on == ("shop-db", "shop-cache"), "a job that ends is nothing to wait for"
    assert settings.services["shop-api"].containers == ("shop-api",)
    assert {"shop-migrate", "shop-debug"} & set(settings.services) == set()
    offered = [line.strip().partition("  #")[0] for line in made.lines if "#backup" in line]
    assert offered == ["#backup: {volume: {volume: shop_db-data}}"]
    assert all(not each.actions.model_fields_set - {"restart"}
               for each in settings.services.values())  # fmt: skip
    assert not [line for line in made.lines if "PASSWORD" in line]


def test_a_prometheus_file_gives_jobs_rules_and_alertmanagers(tmp_path: Path) -> None:
    made = written(read_files(files("shop", "prometheus.yml")))
    settings = loaded(tmp_path, list(made.lines))
    assert {name: each.job for name, each in settings.services.items()} == {
        name: name for name in ("prometheus", "shop-api", "nodes", "probes")
    }
    assert [each.url for each in settings.alertmanager] == ["https://am.shop.example:443/am"]
    assert settings.prometheus == (), "where it answers is said nowhere"
    assert [line for line in made.left_open if line.startswith("where the prometheus")]
    (with_it,) = loaded(tmp_path, taken(made.lines)).prometheus
    assert with_it.rule_files == ("rules/*.yml",)


def monitored(folder: Path, alertmanagers: list[str], targets: list[str]) -> Draft:
    path = folder / "prometheus.json"
    path.write_text(
        json.dumps(
            {
                "alerting": {"alertmanagers": [{"static_configs": [{"targets": alertmanagers}]}]},
                "scrape_configs": [{"job_name": "web", "static_configs": [{"targets": targets}]}],
            }
        )
    )
    return read_files([path])


hosts = some.sampled_from(
    ["am", "am-2", "am_3.lan", "10.0.0.5", "[::1]", "localhost", "am.example"]
).flatmap(lambda host: some.sampled_from([host, f"{host}:9093", f"{host}:9094"]))


@given(servers=some.lists(hosts, max_size=4, unique=True), targets=some.lists(hosts, max_size=4))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_target_is_taken_as_it_is_written(
    servers: list[str], targets: list[str], tmp_path: Path
) -> None:
    made = written(monitored(tmp_path, servers, targets))
    sure = [each for each in servers if "." in each or "::" in each or "localhost" in each]
    assert {each.url for each in loaded(tmp_path, list(made.lines)).alertmanager} == {
        f"http://{each}" for each in sure
    }
    offered = loaded(tmp_path, taken(made.lines))
    assert {each.url for each in offered.alertmanager} == {f"http://{each}" for each in servers}
    assert {each.url for each in offered.services["web"].instances} == {
        f"http://{each}" for each in targets
    }
    asked = [each for each in made.left_open if each.startswith("whether the alertmanager at ")]
    assert len(asked) == len(servers) - len(sure)


@pytest.mark.parametrize("target", ["${AM}:9093", "a b", "am:99999", "", "ftp://am", "u:p@am:1"])
def test_a_target_that_is_no_address_is_named(target: str, tmp_path: Path) -> None:
    made = written(monitored(tmp_path, [target], [target]))
    assert [each for each in made.not_understood if "alerting.alertmanagers[0]" in each]
    assert [each for each in made.not_understood if each.endswith("a target of job web")]
    loaded(tmp_path, taken(made.lines))


def test_a_target_that_is_a_url_is_one(tmp_path: Path) -> None:
    made = written(monitored(tmp_path, ["am:9093"], ["https://web.example/ready"]))
    (instance,) = loaded(tmp_path, taken(made.lines)).services["web"].instances
    assert instance.url == "https://web.example/ready"


def test_what_is_merged_by_name_is_said() -> None:
    found = read_files(files("shop", *SHOP)).found
    assert (
        "shop-api",
        "job shop-api of shop-prometheus.yml is merged into service api of shop-compose.yml",
    ) in found
    merged = [(name, why) for name, why in found if "is merged into" in why]
    assert {name for name, why in merged if why.startswith("dashboard ")} == {"shop-api"}


def test_an_alertmanager_of_a_compose_file_is_not_taken_twice(tmp_path: Path) -> None:
    composed = tmp_path / "compose.json"
    server = {"image": "prom/alertmanager", "ports": ["9193:9093"]}
    composed.write_text(json.dumps({"services": {"am": server}}))
    monitored(tmp_path, ["am:9093"], [])
    draft = read_files([composed, tmp_path / "prometheus.json"])
    made = written(draft)
    (only,) = loaded(tmp_path, taken(made.lines)).alertmanager
    assert only.url == "http://127.0.0.1:9193"
    assert [why for _, why in draft.found if why.endswith("which is the one at " + only.url)]


def test_a_dashboard_gives_metrics_objectives_and_labels(tmp_path: Path) -> None:
    draft = read_files(files("shop", "dashboard.json"))
    settings = loaded(tmp_path, list(written(draft).lines))
    (service,) = settings.services.values()
    assert service.labels == {"job": "shop-api"}
    metrics = {name: (each.promql, each.unit) for name, each in service.metrics.items()}
    assert metrics == {
        "panel_request_rate": ('sum(rate(http_requests_total{job="shop-api"}[5m]))', "/s"),
        "latency_p95": (
            "histogram_quantile(0.95, sum by (le) "
            '(rate(http_request_duration_seconds_bucket{job="shop-api"}[5m])))',
            "s",
        ),
        "cache_hits": ('100 * (cache_hit_ratio{job="shop-api", path=~"/a.*$"})', "%"),
        "memory_resident": ('process_resident_memory_bytes{job="shop-api"}', "B"),
        "memory_virtual": ('process_virtual_memory_bytes{job="shop-api"}', "B"),
    }
    assert service.objectives == ("latency_p95 < 0.3s", "cache_hits >= 90%")
    assert [each.partition(": panel ")[2] for each in draft.not_understood] == [
        "Wanted shard needs a variable",
        "Errors asks loki, no Prometheus",
    ]


def test_a_dashboard_is_of_the_service_that_is_named(tmp_path: Path) -> None:
    paths = files("shop", "compose.yml", "dashboard.json")
    settings = loaded(tmp_path, list(written(read_files(paths, "shop-web")).lines))
    assert len(settings.services["shop-web"].metrics) == 5
    with pytest.raises(OpsconsoleError, match="is no name of a service"):
        read_files(paths, "shop web")


def test_an_alertmanagers_file_says_whose_service_it_is(tmp_path: Path) -> None:
    made = written(read_files(files("shop", "compose.yml", "alertmanager.yml")))
    assert loaded(tmp_path, list(made.lines)).always_firing == ("Watchdog",)
    assert ("receiver storefront-pager", "receivers of shop-alertmanager.yml; it stays there") in (
        made.found
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("services: {api: {instances: [http://127.0.0.1:1]}}", "nothing that can be imported"),
        ("[1, 2]", "nothing that can be imported"),
        ("", "nothing that can be imported"),
        ('{"title": ', "is no JSON"),
        ('{"title": "\\ud800", "panels": []}', "is no JSON"),
        ("[" * 100_000, "nested deeper"),
        ('{"a":' * 100_000, "is no JSON"),
        ("services: [a\n", r"file\.yml:2: not YAML"),
    ],
)
def test_another_file_is_refused_by_name(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "file.yml"
    path.write_text(text)
    with pytest.raises(OpsconsoleError, match=said):
        read_files([path])


plain = some.recursive(
    some.none() | some.booleans() | some.integers(-9, 99_999) | some.floats(0, 9) | some.text(),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(), inner, max_size=3),
    max_leaves=6,
)
names = some.sampled_from(["web", "db", "a b", "é", "${X}", "-", "x" * 80, "#", "null", "1"])
ports = some.sampled_from(
    [
        "80",
        "8080:80",
        "127.0.0.1:1:2",
        "[::1]:1:2",
        "1:2/udp",
        "99999:1",
        "${P:-7}:8",
        {"target": 1},
    ]
)
tests = some.sampled_from(
    ["curl http://localhost/h", "wget -q https://127.0.0.1:80//x", "curl localhost:80/${A}",
     ["CMD", "curl", "http://0.0.0.0:80/#? 'x"], "true"]
)  # fmt: skip
composed = some.fixed_dictionaries(
    {"image": some.sampled_from(["prom/prometheus", "x:1", "prom/alertmanager"]) | plain},
    optional={
        "ports": some.lists(ports | plain, max_size=3) | plain,
        "depends_on": some.lists(names) | some.dictionaries(names, plain) | plain,
        "links": plain,
        "healthcheck": some.fixed_dictionaries(
            {"test": tests | plain},
            optional={"interval": some.sampled_from(["5s", "1m30s", "0s", "x"]) | plain,
                      "retries": plain},
        ) | plain,
        "labels": some.dictionaries(
            some.sampled_from([f"io.opsconsole.{each}" for each in ("group", "health", "actions")]),
            plain,
        ) | some.lists(some.text()) | plain,
        "volumes": some.lists(some.sampled_from(["a:/b", "./a:/b", "a b:/c"]) | plain) | plain,
        "container_name": names | plain, "deploy": plain, "profiles": plain, "scale": plain,
    },
)  # fmt: skip


@given(services=some.dictionaries(names, composed, max_size=4), name=names)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_compose_file_says_the_result_loads(
    services: dict[str, Any], name: str, tmp_path: Path
) -> None:
    path = tmp_path / "compose.json"
    every = {"w": {"image": "x"}, **services}
    path.write_text(json.dumps({"name": name, "services": every}))
    made = written(read_files([path]))
    loaded(tmp_path, list(made.lines))
    loaded(tmp_path, taken(made.lines))


queries = some.sampled_from(
    ['up{job="$job"}', "a{b=~\"$c\",d='[[e]]'} > ${f:csv}", "rate(x[$__rate_interval])", "${a",
     "$$", "x\n+y", "up # no", 'sum by ($by) (x)', "\x00"]
)  # fmt: skip
panels = some.fixed_dictionaries(
    {"title": names | some.text(), "type": some.sampled_from(["stat", "row", "graph"]) | plain},
    optional={
        "targets": some.lists(some.fixed_dictionaries({"expr": queries | plain}) | queries | plain),
        "fieldConfig": some.fixed_dictionaries({
            "defaults": some.fixed_dictionaries({
                "unit": some.sampled_from(["s", "percentunit", "bytes", "%"]) | plain,
                "thresholds": some.fixed_dictionaries({"steps": some.lists(
                    some.fixed_dictionaries({
                        "color": some.sampled_from(["green", "red"]),
                        "value": some.none() | some.integers() | some.floats() | plain,
                    }) | plain, max_size=3)}),
            }),
        }) | plain,
        "datasource": plain,
    },
)  # fmt: skip
variables = some.fixed_dictionaries(
    {"name": some.sampled_from(["job", "c", "by", "env"]) | plain,
     "current": some.fixed_dictionaries({"value": names | some.lists(names) | plain}) | plain}
)  # fmt: skip


@given(shown=some.lists(panels, max_size=4), chosen=some.lists(variables | plain, max_size=3),
       title=names | some.text())  # fmt: skip
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_dashboard_says_the_result_loads(
    shown: list[Any], chosen: list[Any], title: str, tmp_path: Path
) -> None:
    path = tmp_path / "dashboard.json"
    path.write_text(json.dumps({"title": title, "panels": shown, "templating": {"list": chosen}}))
    made = written(read_files([path]))
    loaded(tmp_path, list(made.lines))
    loaded(tmp_path, taken(made.lines))
