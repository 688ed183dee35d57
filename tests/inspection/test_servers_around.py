"""A Prometheus and an Alertmanager that answer are found, and nothing else is taken for one."""

from urllib.parse import urlsplit

from opsconsole.config.offers import ServerAround
from opsconsole.demo.prometheus import MonitoringServer
from opsconsole.inspection.servers_around import servers_around
from opsconsole.model.running.workloads import Port, Replica
from opsconsole.model.source_id import SourceKind
from tests.workloads import inventory, replica


def published(name: str, image: str, private: int, url: str) -> Replica:
    port = urlsplit(url).port
    return replica(name, image=image, ports=(Port(private, port, "127.0.0.1"),))


def test_what_answers_as_what_its_image_says_is_found(
    prometheus_server: MonitoringServer, alertmanager_server: MonitoringServer
) -> None:
    prometheus, alertmanager = prometheus_server.url, alertmanager_server.url
    seen = inventory(
        published("prom", "prom/prometheus:v2", 9090, prometheus),
        published("am", "quay.io/prometheus/alertmanager", 9093, alertmanager),
        published("false", "prometheus", 9090, alertmanager),
        published("other", "grafana", 9090, prometheus),
        published("inside", "prometheus", 8080, prometheus),
    )
    found = {each for each in servers_around([seen], 5.0) if "usual" not in each.evidence}
    assert found == {
        ServerAround(
            SourceKind.PROMETHEUS, prometheus, "container prom of image prom/prometheus:v2"
        ),
        ServerAround(
            SourceKind.ALERTMANAGER,
            alertmanager,
            "container am of image quay.io/prometheus/alertmanager",
        ),
    }


def test_only_ports_that_are_known_are_asked() -> None:
    away = inventory(replica("prom", image="prometheus", ports=(Port(9090, 1),)))
    assert [each for each in servers_around([away], 2.0) if "usual" not in each.evidence] == []
