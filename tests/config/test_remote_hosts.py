"""Where a part of a service is, and what another host is refused, with the reason."""

from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from opsconsole.config.hosts import RemoteHost
from opsconsole.config.loader import load
from opsconsole.config.settings import Settings
from opsconsole.errors import ConfigError

HOSTS = {"app-1": None, "app-2": "ops@10.0.0.2"}
AT = "http://127.0.0.1:1"


def loaded(folder: Path, service: object, hosts: object = HOSTS) -> Settings:
    path = folder / "opsconsole.yaml"
    path.write_text(yaml.safe_dump({"hosts": hosts, "services": {"api": service}}))
    path.chmod(0o600)
    return load(path)


def problems(folder: Path, service: object) -> str:
    with pytest.raises(ConfigError) as raised:
        loaded(folder, service)
    return "\n".join(raised.value.problems)


def on(*hosts: str | None) -> dict[str, object]:
    return {"instances": [{"url": f"{AT}{n}", "host": host} for n, host in enumerate(hosts)]}


def name_of(host: object) -> str:
    return host.name if isinstance(host, RemoteHost) else "local"


@pytest.mark.parametrize(
    ("service", "where"),
    [
        ({}, "local"),
        ({"host": "app-1"}, "app-1"),
        (on("app-1"), "app-1"),
        (on("app-1", "app-1"), "app-1"),
        ({"host": "app-2", **on("app-1")}, "app-2"),
        ({"host": "local", **on("app-1")}, "local"),
    ],
)
def test_what_names_no_host_is_where_its_service_is(
    tmp_path: Path, service: dict[str, object], where: str
) -> None:
    actions = {"restart": {"systemd": "api"}}
    settings = loaded(tmp_path, {**service, "logs": [{"journal": "api"}], "actions": actions})
    api = settings.services["api"]
    assert name_of(settings.host_of("api")) == where
    assert name_of(settings.host_of("api", api.logs[0])) == where
    assert list(settings.hosts_of("api", api.actions.restart)) == [where]


@pytest.mark.parametrize(
    ("service", "names"),
    [
        ({}, []),
        (on(None), []),
        ({"host": "app-1"}, ["app-1"]),
        (on("app-1", "app-2", "app-1", None), ["app-1", "app-2", "local"]),
        ({"host": "app-1", **on(None, "app-2")}, ["app-1", "app-2"]),
    ],
)
def test_a_service_is_on_the_hosts_that_it_and_its_instances_name(
    tmp_path: Path, service: dict[str, object], names: list[str]
) -> None:
    assert [each.name for each in loaded(tmp_path, service).hosts_named("api")] == names


def test_each_part_may_name_its_own(tmp_path: Path) -> None:
    service = {
        "host": "app-1",
        "instances": [{"url": AT}, {"url": AT, "name": "b", "host": "app-2"}],
        "logs": [{"journal": "x", "host": "local"}],
        "actions": {"restart": {"systemd": "x", "host": "app-2"}},
    }
    settings = loaded(tmp_path, service)
    api = settings.services["api"]
    found = [name_of(settings.host_of("api", each)) for each in api.instances]
    assert found == ["app-1", "app-2"]
    assert name_of(settings.host_of("api", api.logs[0])) == "local"
    assert list(settings.hosts_of("api", api.actions.restart)) == ["app-2"]


def test_a_unit_is_restarted_at_each_host_of_its_instances(tmp_path: Path) -> None:
    service = {**on("app-1", "app-2", "app-1", None), "actions": {"restart": {"systemd": "api"}}}
    settings = loaded(tmp_path, service)
    hosts = settings.hosts_of("api", settings.services["api"].actions.restart)
    assert list(hosts) == ["app-1", "app-2", "local"]


@pytest.mark.parametrize(
    ("service", "said"),
    [
        ({"host": "aap-2"}, "no host is called 'aap-2', did you mean 'app-2'?"),
        (on("app-9"), "instances[0].host"),
        ({"logs": [{"journal": "x", "host": "nowhere"}]}, "logs[0].host"),
        ({"actions": {"test": {"a": {"command": ["a"], "host": "no"}}}}, "test.a.host"),
        ({"host": "app-1", "actions": {"backup": {"files": ["/a", "b"]}}}, "begins with /"),
        ({"actions": {"backup": {"files": {"paths": ["b"]}, "host": "app-1"}}}, "begins with /"),
        ({**on("app-1", None), "actions": {"backup": {"files": ["/a"]}}}, "on several hosts"),
        ({"actions": {"test": {"git": {"command": ["a"], "host": "no"}}}}, "test.git.host"),
        (
            {"actions": {"backup": {"command": ["a"], "restore": {"command": ["a"], "host": "x"}}}},
            "backup.restore.host",
        ),
        ({"host": "app-1", "actions": {"rollback": {"git": {"path": "x"}}}}, "begins with /"),
        ({"host": "app-1", "actions": {"restart": {"pid_file": "~/x.pid"}}}, "begins with /"),
        ({**on("app-1"), "logs": [{"file": "app.log"}]}, "begins with /"),
        ({**on("app-1", "app-2"), "logs": [{"file": "/app.log"}]}, "on several hosts"),
        ({**on("app-1", "app-2"), "actions": {"restart": {"command": ["/a"]}}}, "several hosts"),
        ({"actions": {"restart": {"docker": "x", "host": "app-1"}}}, "not for docker"),
        ({"logs": [{"docker": "x", "host": "app-1"}]}, "is for a file or a journal"),
        ({**on("app-1", "app-2"), "units": "x"}, "several hosts"),
    ],
)
def test_what_cannot_be_there_is_refused_with_the_reason(
    tmp_path: Path, service: object, said: str
) -> None:
    assert said in problems(tmp_path, service)


def test_what_a_driver_is_given_is_not_taken_for_a_host(tmp_path: Path) -> None:
    body = {"post": "/x", "json": {"host": "of the service's own"}}
    loaded(tmp_path, {**on("app-1"), "actions": {"restart": {"http": body}}})


@pytest.mark.parametrize("ssh", ["-oProxyCommand=touch /tmp/x", "a b", "ops:secret@db", "a\nb"])
def test_a_destination_holds_no_option_and_no_password(ssh: str) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate({"hosts": {"db": {"ssh": ssh}}})


def test_this_host_has_its_name_to_itself() -> None:
    with pytest.raises(ValidationError, match="is the name of this host"):
        Settings.model_validate({"hosts": {"local": {}}})


def test_units_found_on_hosts_are_of_hosts_that_there_are_and_no_engine_is_called_so(
    tmp_path: Path,
) -> None:
    def wrong(**more: object) -> str:
        document = {"hosts": {"app-1": {}}, **more}
        path = tmp_path / "opsconsole.yaml"
        path.write_text(yaml.safe_dump(document))
        with pytest.raises(ConfigError) as raised:
            load(path)
        return str(raised.value)

    assert "no host is called 'app-2'" in wrong(discover={"systemd": {"hosts": ["app-2"]}})
    named = {"docker": {"name": "app-1"}}
    assert "an engine is called 'app-1' too" in wrong(discover={"systemd": True}, **named)
    run = {"services": {"web": {"host": "app-1", "units": "nginx"}}}
    assert "an engine is called 'app-1' too" in wrong(**run, **named)
