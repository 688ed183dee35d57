"""Which service an alert is about."""

import pytest

from opsconsole.engine.records.find_instance import Locator
from opsconsole.model.alerting.alerts import Alert, AlertState, Severity
from tests.engine.conftest import fleet

SETTINGS = fleet(
    {
        "api": {"instances": ["http://10.0.0.1:8000", "http://10.0.0.2:8000"]},
        "db": {
            "instances": [{"url": "http://10.0.0.3:5432", "name": "primary", "container": "pg-0"}],
            "containers": ["pgbouncer"],
        },
    }
)


@pytest.mark.parametrize(
    ("labels", "place"),
    [
        ({"service": "api"}, ("api", "")),
        ({"service": "api", "job": "db"}, ("api", "")),
        ({"job": "db"}, ("db", "")),
        ({"service": "unheard-of", "job": "db"}, ("db", "")),
        ({"job": "api", "instance": "10.0.0.2:8000"}, ("api", "api-2")),
        ({"instance": "http://10.0.0.1:8000/"}, ("api", "api-1")),
        ({"job": "api", "instance": "10.0.0.3:5432"}, ("api", "")),
        ({"container": "pgbouncer"}, ("db", "")),
        ({"name": "pg-0"}, ("db", "primary")),
        ({"instance": "10.0.0.9:9100"}, ("", "")),
        ({"job": "apis"}, ("", "")),
        ({}, ("", "")),
    ],
)
def test_labels_name_a_service_and_an_instance(
    labels: dict[str, str], place: tuple[str, str]
) -> None:
    alert = Alert("k", "A", Severity.WARNING, AlertState.FIRING, 0.0, labels=labels)
    found = Locator(SETTINGS).locate(alert)
    assert (found.service, found.instance) == place
