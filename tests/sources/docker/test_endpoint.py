"""The engine that is meant is found as the Docker CLI finds it, or refused by name."""

import json
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from opsconsole.config.hosts import RemoteHost
from opsconsole.config.settings import Settings
from opsconsole.model.fault import FaultKind
from opsconsole.sources.docker.endpoint import DockerUnavailableError, resolve
from tests.clean import is_clean


@dataclass(frozen=True)
class Choice:
    host: str | None = None
    context: str | None = None
    tls: str | None = None
    through: RemoteHost | None = None


def environment(home: Path, **variables: str) -> dict[str, str]:
    return {"HOME": str(home), **variables}


def add_context(
    home: Path, name: str, host: object, *, tls: tuple[str, ...] = (), skip_verify: bool = False
) -> Path:
    digest = sha256(name.encode()).hexdigest()
    meta = home / ".docker" / "contexts" / "meta" / digest / "meta.json"
    meta.parent.mkdir(parents=True)
    docker = {"Host": host, "SkipTLSVerify": skip_verify}
    meta.write_text(json.dumps({"Name": name, "Metadata": {}, "Endpoints": {"docker": docker}}))
    folder = home / ".docker" / "contexts" / "tls" / digest / "docker"
    folder.mkdir(parents=True)
    for file in tls:
        (folder / file).write_text("-")
    return meta


def use_context(home: Path, name: object) -> None:
    (home / ".docker").mkdir(exist_ok=True)
    (home / ".docker" / "config.json").write_text(json.dumps({"currentContext": name}))


def test_the_default_socket_without_anything(tmp_path: Path) -> None:
    endpoint = resolve(Choice(), environment(tmp_path))

    assert str(endpoint) == "unix:///var/run/docker.sock (default socket)"
    assert endpoint.socket == Path("/var/run/docker.sock")


def test_the_order_is_that_of_the_cli(tmp_path: Path) -> None:
    for name in ("configured", "variable", "current"):
        add_context(tmp_path, name, f"tcp://{name}.example:2375")
    use_context(tmp_path, "current")
    host = {"DOCKER_HOST": "tcp://variable-host.example:2375"}
    context = {"DOCKER_CONTEXT": "variable"}

    def found(choice: Choice, **variables: str) -> str:
        return str(resolve(choice, environment(tmp_path, **variables)))

    assert found(Choice()) == "tcp://current.example:2375 (context current)"
    assert found(Choice(), **context) == "tcp://variable.example:2375 (DOCKER_CONTEXT)"
    assert found(Choice(), **host, **context) == "tcp://variable-host.example:2375 (DOCKER_HOST)"
    chosen = Choice(context="configured")
    assert found(chosen, **host, **context) == "tcp://configured.example:2375 (docker.context)"
    both = Choice(host="unix:///run/x.sock", context="configured")
    assert found(both, **host, **context) == "unix:///run/x.sock (docker.host)"


@pytest.mark.parametrize("config_file", [True, False])
def test_an_unknown_context_is_refused_and_the_known_are_named(
    tmp_path: Path, config_file: bool
) -> None:
    add_context(tmp_path, "staging", "tcp://staging:2375")
    if config_file:
        use_context(tmp_path, "staging")

    for choice, variables in (
        (Choice(context="typo"), {}),
        (Choice(), {"DOCKER_CONTEXT": "typo"}),
    ):
        with pytest.raises(DockerUnavailableError, match="does not exist: typo") as caught:
            resolve(choice, environment(tmp_path, **variables))
        assert caught.value.fault.kind is FaultKind.ABSENT
        assert caught.value.fault.hint == "known contexts: default, staging"
        assert not caught.value.fault.blames_target


def test_a_known_context_is_found_without_a_config_file(tmp_path: Path) -> None:
    add_context(tmp_path, "staging", "tcp://staging:2375")

    endpoint = resolve(Choice(), environment(tmp_path, DOCKER_CONTEXT="staging"))

    assert endpoint.url == "tcp://staging:2375"


def test_a_current_context_that_was_removed_is_refused(tmp_path: Path) -> None:
    use_context(tmp_path, "gone")

    with pytest.raises(DockerUnavailableError, match="gone"):
        resolve(Choice(), environment(tmp_path))


def test_the_default_context_is_the_variable_or_the_socket(tmp_path: Path) -> None:
    use_context(tmp_path, "default")
    chosen = Choice(context="default")

    assert resolve(Choice(), environment(tmp_path)).url == "unix:///var/run/docker.sock"
    variables = environment(tmp_path, DOCKER_HOST="tcp://a:1")
    assert resolve(chosen, variables).url == "tcp://a:1"


def test_docker_config_moves_the_folder(tmp_path: Path) -> None:
    add_context(tmp_path, "there", "tcp://there:2375")
    variables = {"DOCKER_CONFIG": str(tmp_path / ".docker"), "DOCKER_CONTEXT": "there"}

    assert resolve(Choice(), {"HOME": "/nowhere", **variables}).url == "tcp://there:2375"


@pytest.mark.parametrize("text", ["{", "[]nonsense", "[" * 100_000, ""])
def test_a_config_file_that_cannot_be_read_is_not_ignored(tmp_path: Path, text: str) -> None:
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text(text)

    with pytest.raises(DockerUnavailableError, match=r"config\.json: it is not JSON") as caught:
        resolve(Choice(), environment(tmp_path))

    assert caught.value.fault.kind is FaultKind.LOCAL


@pytest.mark.parametrize("host", [None, 5, "", {"a": 1}])
def test_a_context_without_a_host_is_refused(tmp_path: Path, host: object) -> None:
    add_context(tmp_path, "odd", host)

    with pytest.raises(DockerUnavailableError, match="names no Docker host"):
        resolve(Choice(context="odd"), environment(tmp_path))


@pytest.mark.parametrize(
    ("host", "ssh", "path"),
    [
        ("ssh://admin@10.0.0.1", "ssh://admin@10.0.0.1", ""),
        ("ssh://app-1:2222/run/user/1000/docker.sock", "ssh://app-1:2222",
         "/run/user/1000/docker.sock"),
        ("ssh://[::1]:22/", "ssh://[::1]:22", ""),
    ],
)  # fmt: skip
def test_an_engine_over_ssh_is_at_a_host_and_may_have_another_socket(
    tmp_path: Path, host: str, ssh: str, path: str
) -> None:
    found = resolve(Choice(), environment(tmp_path, DOCKER_HOST=host))
    assert found.far is not None
    assert (found.far.target.ssh, found.far.path) == (ssh, path)
    assert found.socket is None


@pytest.mark.parametrize(
    "host",
    ["ssh://", "ssh://-oProxyCommand=x", "ssh://a b", "ssh://me:secret@h", "ssh://h/a'b", "ssh://h/;x",
     "ssh://h:port", "ssh://h/$(x)", "ssh://-l@h"],
)  # fmt: skip
def test_what_ssh_or_a_shell_would_take_for_more_than_a_host_is_refused(
    tmp_path: Path, host: str
) -> None:
    with pytest.raises(DockerUnavailableError, match="names no engine over ssh") as caught:
        resolve(Choice(), environment(tmp_path, DOCKER_HOST=host))
    assert "secret" not in str(caught.value)


def test_a_host_of_the_settings_is_reached_as_they_say() -> None:
    document = {
        "hosts": {"app-1": {"ssh": "ops@10.0.0.7", "ssh_config": "/etc/other"}},
        "docker": [
            {"name": "near", "host": "ssh://app-1/run/d.sock"},
            {"name": "far", "host": "ssh://ops@app-1"},
        ],
    }
    near, far = (resolve(each, {}).far for each in Settings.model_validate(document).docker)
    assert near is not None
    assert far is not None
    assert (near.target.ssh, near.target.config) == ("ops@10.0.0.7", "/etc/other")
    assert (near.target.name, near.path) == ("app-1", "/run/d.sock")
    assert (far.target.ssh, far.target.config) == ("ssh://ops@app-1", "")


@pytest.mark.parametrize(
    "host", ["docker.sock", "npipe:////./pipe/x", "fd://", "tcp://", "tcp://h:99999", "tcp://[::1"]
)
def test_what_is_no_address_is_refused(tmp_path: Path, host: str) -> None:
    with pytest.raises(DockerUnavailableError, match="DOCKER_HOST") as caught:
        resolve(Choice(), environment(tmp_path, DOCKER_HOST=host))

    assert caught.value.fault.hint


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("tcp://10.0.0.1", "tcp://10.0.0.1:2375"),
        ("tcp://10.0.0.1:2376/", "tcp://10.0.0.1:2376"),
        ("https://[::1]:2376", "https://[::1]:2376"),
        ("tcp://user:secret@h:1/p", "tcp://h:1/p"),
        ("unix://run/docker.sock", "unix:///run/docker.sock"),
    ],
)
def test_addresses_are_completed_and_hold_no_credentials(
    tmp_path: Path, host: str, url: str
) -> None:
    assert resolve(Choice(host=host), environment(tmp_path)).url == url


def test_no_password_is_in_an_error(tmp_path: Path) -> None:
    with pytest.raises(DockerUnavailableError) as caught:
        resolve(Choice(host="ftp://user:secret@h"), environment(tmp_path))

    assert "secret" not in str(caught.value)


def test_names_from_files_are_clean(tmp_path: Path) -> None:
    add_context(tmp_path, "\x1b[31mred", "tcp://h:1")

    with pytest.raises(DockerUnavailableError) as caught:
        resolve(Choice(context="\x1b]0;title\x07"), environment(tmp_path))

    assert is_clean(str(caught.value))


def test_tls_of_a_context_is_read_beside_it(tmp_path: Path) -> None:
    add_context(tmp_path, "safe", "tcp://h:2376", tls=("ca.pem", "cert.pem", "key.pem"))
    add_context(tmp_path, "unchecked", "tcp://h:2376", skip_verify=True)
    add_context(tmp_path, "plain", "tcp://h")

    safe = resolve(Choice(context="safe"), environment(tmp_path)).tls
    assert safe is not None
    assert safe.verify
    assert safe.ca is not None
    assert safe.ca.endswith("docker/ca.pem")
    unchecked = resolve(Choice(context="unchecked"), environment(tmp_path)).tls
    assert unchecked is not None
    assert not unchecked.verify
    assert resolve(Choice(context="plain"), environment(tmp_path)).tls is None


def test_tls_of_the_variables_and_of_the_configuration(tmp_path: Path) -> None:
    folder = tmp_path / "certificates"
    folder.mkdir()
    variables = {
        "DOCKER_HOST": "tcp://h",
        "DOCKER_TLS_VERIFY": "1",
        "DOCKER_CERT_PATH": str(folder),
    }
    with pytest.raises(DockerUnavailableError, match=r"no TLS file .*ca\.pem"):
        resolve(Choice(), environment(tmp_path, **variables))

    for name in ("ca.pem", "cert.pem", "key.pem"):
        (folder / name).write_text("-")
    from_variables = resolve(Choice(), environment(tmp_path, **variables))
    assert from_variables.url == "tcp://h:2376"
    assert from_variables.tls == resolve(Choice(host="tcp://h", tls=str(folder)), {}).tls


def test_a_file_that_cannot_be_opened_is_said(tmp_path: Path) -> None:
    (tmp_path / ".docker" / "config.json").mkdir(parents=True)

    with pytest.raises(DockerUnavailableError, match="not a regular file"):
        resolve(Choice(), environment(tmp_path))
