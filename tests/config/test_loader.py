"""Finding, reading and merging configurations."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opsconsole.config.files.finding import find
from opsconsole.config.loader import default_settings, load
from opsconsole.config.settings import Settings
from opsconsole.errors import ConfigError
from tests.clean import is_clean


def write(folder: Path, text: str, name: str = "opsconsole.yaml") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    path.chmod(0o600)
    return path


def problems(path: Path, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(path, environ or {})
    return [problem.replace(f"{path}", "", 1) for problem in caught.value.problems]


def test_an_empty_file_means_this_host(tmp_path: Path) -> None:
    assert load(write(tmp_path, "# nothing yet\n"), {}) == Settings()


def test_without_a_file_what_its_engine_runs_is_found() -> None:
    assert default_settings().discovered == Settings().docker
    assert Settings().discovered == ()


def test_short_forms_are_expanded(tmp_path: Path) -> None:
    text = """
services:
  api:
    instances: http://10.0.0.1:8000
    containers: api
    health: /status
    actions: {restart: {docker: api}, backup: {files: [a.db]}, scale: {command: [x, "{to}"]}}
prometheus: {url: "http://10.0.0.2:9090"}
"""
    loaded = load(write(tmp_path, text), {})
    api = loaded.services["api"]

    assert api.instances[0].url == "http://10.0.0.1:8000"
    assert loaded.instance_names("api") == ("api",)
    assert api.containers == ("api",)
    assert api.health is not None
    assert api.health.path == "/status"
    assert api.actions.restart is not None
    assert api.actions.restart.docker is not None
    assert api.actions.restart.docker.containers == ("api",)
    assert api.actions.backup is not None
    assert api.actions.backup.keep == 7
    assert loaded.prometheus[0].name == "prometheus"


def test_scalars_mean_what_yaml_1_2_says(tmp_path: Path) -> None:
    text = """
host: {enabled: no, processes: 017}
services: {on: {description: 22:22, group: 1.10e, instances: "http://x:017"}}
"""
    loaded = load(write(tmp_path, text), {})

    assert loaded.host.enabled is False
    assert loaded.host.processes == 17
    assert loaded.services["on"].description == "22:22"


def test_variables_are_filled_in_and_references_stay(tmp_path: Path) -> None:
    text = """
services:
  api:
    instances: "http://${HOST}:${PORT:-8000}"
    interval: "${INTERVAL}"
    description: costs $$5, see $HOME and ${EMPTY:-nothing}
    http: {authorization: {credentials: "${env:TOKEN}"}}
"""
    environ = {"HOST": "10.0.0.9", "INTERVAL": "7", "EMPTY": "", "TOKEN": "CANARY"}
    api = load(write(tmp_path, text), environ).services["api"]

    assert api.instances[0].url == "http://10.0.0.9:8000"
    assert api.interval == 7.0
    assert api.description == "costs $5, see $HOME and nothing"
    assert api.http.authorization is not None
    assert api.http.authorization.credentials.env == "TOKEN"
    assert "CANARY" not in repr(api)


def test_what_a_variable_held_is_not_said(tmp_path: Path) -> None:
    path = write(tmp_path, 'defaults: {interval: "${INTERVAL}"}\n')

    (problem,) = problems(path, {"INTERVAL": "CANARY"})

    assert "${INTERVAL}" in problem
    assert "CANARY" not in problem


def test_a_folder_is_merged(tmp_path: Path) -> None:
    write(tmp_path, "services: {api: {}}\nread_only: true\n", "10-api.yaml")
    write(tmp_path, "services: {web: {depends_on: [api]}}\n", "20-web.yaml")
    write(tmp_path, "not yaml: [", "notes.txt")

    loaded = load(tmp_path, {})

    assert list(loaded.services) == ["api", "web"]
    assert loaded.read_only


def test_the_servers_of_several_files_stand_beside_one_another(tmp_path: Path) -> None:
    write(tmp_path, "prometheus: {url: http://a:9090}\n", "10.yaml")
    write(
        tmp_path,
        "prometheus: [{url: http://b:1, name: b}, {url: http://c:1, name: c}]\n",
        "20.yaml",
    )
    assert [each.name for each in load(tmp_path, {}).prometheus] == ["prometheus", "b", "c"]
    last = write(tmp_path, "x-a: 1\nprometheus: {url: nowhere, name: d}\n", "30.yaml")
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, {})
    assert [each.partition(": ")[0] for each in caught.value.problems] == [f"{last}:2"]
    write(tmp_path, "prometheus: {url: http://d:1}\n", "30.yaml")
    with pytest.raises(ConfigError, match="two of them are called 'prometheus'"):
        load(tmp_path, {})


def test_what_two_files_give_is_a_problem_that_names_both(tmp_path: Path) -> None:
    first = write(tmp_path, "services: {api: {}}\nread_only: true\n", "a.yaml")
    second = write(tmp_path, "read_only: false\nservices: {api: {}}\n", "b.yaml")

    with pytest.raises(ConfigError) as caught:
        load(tmp_path, {})

    assert list(caught.value.problems) == [
        f"{second}:1: read_only: is given twice, the first time in {first}:2",
        f"{second}:2: services.api: is given twice, the first time in {first}:1",
    ]


def test_problems_of_all_files_come_at_once(tmp_path: Path) -> None:
    write(tmp_path, "services: [", "a.yaml")
    write(tmp_path, "a: 1\na: 2\n", "b.yaml")

    with pytest.raises(ConfigError) as caught:
        load(tmp_path, {})

    assert [problem.split(": ")[0] for problem in caught.value.problems] == [
        f"{tmp_path}/a.yaml:2",
        f"{tmp_path}/b.yaml:2",
    ]


def test_what_is_not_a_readable_file_is_a_problem(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "empty").mkdir()
    large = write(tmp_path, "#" * (1024 * 1024 + 1), "large.yaml")
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"services:\n  caf\xe9: {}\n")

    assert problems(tmp_path / "absent.yaml") == [": cannot be opened: No such file or directory"]
    assert problems(tmp_path / "pipe") == [": is not a regular file"]
    assert problems(tmp_path / "empty") == [": the folder holds no *.yaml file"]
    assert problems(large) == [": is larger than 1024 KiB"]
    assert problems(latin) == [":2: is not UTF-8 text"]


def test_a_loose_file_may_not_name_programs(tmp_path: Path) -> None:
    path = write(tmp_path, "services: {api: {actions: {restart: {command: [systemctl]}}}}\n")
    path.chmod(0o664)

    (problem,) = problems(path)

    assert "names programs to run but can be written by others (mode 0664)" in problem
    assert problem.endswith(f"chmod go-w {path}")
    path.chmod(0o640)
    assert load(path, {}).services["api"].actions.restart


ACTS = {
    "a call": "services: {web: {actions: {call: {x: {http: {post: 'http://h:1/x'}}}}}}\n",
    "flags": "services: {web: {actions: {degrade: {env_file: {file: a, set: {A: b}}, for: 1m}}}}\n",
    "a container": "services: {web: {actions: {restart: {docker: web}}}}\n",
    "a secret in a variable": (
        "services: {web: {instances: [http://h:1],"
        " http: {basic_auth: {username: kim, password: '${env:OWN}'}}}}\n"
    ),
    "a secret in a file": (
        "services: {web: {instances: [http://h:1],"
        " http: {authorization: {credentials: {file: token}}}}}\n"
    ),
    "a server's secret": (
        "prometheus: {url: http://h:1, http: {http_headers: {X-Key: {file: token}}}}\n"
    ),
}


@pytest.mark.parametrize("name", ACTS)
@pytest.mark.parametrize("where", ["the file", "another of its folder", "the folder"])
def test_nor_be_part_of_what_acts_or_has_secrets(tmp_path: Path, name: str, where: str) -> None:
    folder = tmp_path / "etc"
    folder.mkdir()
    acts = write(folder, ACTS[name], "a.yaml")
    other = write(folder, "services: {db: {}}\n", "b.yaml")
    load(folder, {})
    changed = {"the file": acts, "another of its folder": other, "the folder": folder}[where]
    changed.chmod(0o777)
    found = problems(folder)
    assert len(found) == (2 if changed == folder else 1)
    assert "can be written by others (mode 0777)" in found[0]
    assert f"chmod go-w {changed}" in found[0]


def test_neither_may_one_in_a_folder_where_others_could_replace_it(tmp_path: Path) -> None:
    folder = tmp_path / "etc"
    folder.mkdir()
    path = write(folder, "services: {api: {actions: {restart: {command: [systemctl]}}}}\n")
    folder.chmod(0o775)

    (problem,) = problems(path)

    assert f"its folder {folder} can be written by others (mode 0775)" in problem
    assert problem.endswith(f"chmod go-w {folder}")
    folder.chmod(0o755)
    assert load(path, {}).services


def test_a_loose_file_without_programs_is_fine(tmp_path: Path) -> None:
    path = write(tmp_path, "services: {api: {}}\n")
    path.chmod(0o666)

    assert load(path, {}).services


@pytest.mark.parametrize(
    "bomb", ["aliases", "brackets", "braces", "lines", "dashes", "keys", "long"]
)
def test_bombs_are_problems(bomb: str, tmp_path: Path) -> None:
    levels = "\n".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 10))
    text = {
        "aliases": f"l0: &l0 [x]\n{levels}\n",
        "brackets": "[" * 200_000,
        "braces": "{a: " * 200_000,
        "lines": "[a,\n" * 2_000,
        "dashes": "- " * 200_000,
        "keys": "? " * 200_000,
        "long": "[" + "1," * 300_000 + "]",
    }[bomb]

    (problem,) = problems(write(tmp_path, text))

    assert any(words in problem for words in ("more than", "nested deeper than", "a key must be"))


def test_the_search_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "home"
    environ = {"HOME": str(home), "XDG_CONFIG_HOME": str(tmp_path / "xdg")}
    assert find(None, {"HOME": "relative"}) in {None, Path("/etc/opsconsole/config.yaml")}

    (tmp_path / "xdg" / "opsconsole").mkdir(parents=True)
    user = write(tmp_path / "xdg" / "opsconsole", "", "config.yaml")
    assert find(None, environ) == user
    (home / ".config" / "opsconsole").mkdir(parents=True)
    own = write(home / ".config" / "opsconsole", "", "config.yaml")
    assert find(None, {"HOME": str(home)}) == own
    write(tmp_path, "")
    assert find(None, environ) == Path("opsconsole.yaml")
    assert find(None, {**environ, "OPSCONSOLE_CONFIG": "/nowhere"}) == Path("/nowhere")
    assert find(Path("/given"), {**environ, "OPSCONSOLE_CONFIG": "/nowhere"}) == Path("/given")


YAML_ISH = st.text(
    st.sampled_from("abc:-[]{}&*!|>'\"#%?,$< \n\t\x00é\u202e"),
    max_size=120,
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                sorted({*Settings.model_fields, "api", "instances", "url", "x-a", "http"})
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=YAML_ISH | st.text(max_size=200))
def test_any_text_loads_or_is_refused(text: str, tmp_path: Path) -> None:
    check_any(write(tmp_path, text.encode("utf-8", "replace").decode()))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=VALUES)
def test_any_value_loads_or_is_refused(value: object, tmp_path: Path) -> None:
    check_any(write(tmp_path, json.dumps({"services": {"api": value}, "prometheus": value})))
    check_any(write(tmp_path, json.dumps(value)))


def check_any(path: Path) -> None:
    """Anything but ConfigError fails the test by itself."""
    said: tuple[str, ...] = ("loaded",)
    try:
        load(path, {})
    except ConfigError as error:
        said = error.problems
    assert said
    assert all(is_clean(problem) and "\n" not in problem for problem in said)
