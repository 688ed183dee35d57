import base64
import os
from pathlib import Path
from typing import Any

import pytest

from opsconsole.model.fault import FaultKind
from opsconsole.sources.kubernetes.api.access import context_of
from opsconsole.sources.kubernetes.api.cluster_error import ClusterError
from opsconsole.sources.kubernetes.api.credentials import Identity
from opsconsole.sources.kubernetes.api.kubeconfig import access_of
from opsconsole.text import sanitize
from tests.sources.kubernetes.kubeconfigs import cluster, entries, write

TOKEN = "t0ken-of-the-test-Zx91"


def headers(access: Any) -> dict[str, str]:
    return dict(access.credentials.identity().headers)


def test_a_context_says_where_and_as_whom(tmp_path: Path) -> None:
    content = entries("a", user={"token": TOKEN}, namespace="shop")
    access = access_of(cluster(write(tmp_path / "config", content)), {})
    assert (access.context, access.namespace) == ("a", "shop")
    assert access.server == "https://api.example:6443"
    assert headers(access) == {"Authorization": f"Bearer {TOKEN}"}
    origin = access.origin()
    assert (origin.host, origin.port, origin.server_name) == ("api.example", 6443, "api.example")
    assert access.notes == ()


def test_a_secret_is_in_no_text(tmp_path: Path) -> None:
    content = entries("a", user={"token": TOKEN, "username": "u", "password": "pa55-of-test"})
    access = access_of(cluster(write(tmp_path / "config", content)), {})
    identity = access.credentials.identity()
    assert TOKEN not in repr((access, identity))
    assert TOKEN not in sanitize(f"it said {TOKEN}")
    assert "pa55-of-test" not in sanitize("it said pa55-of-test")


def test_of_several_files_the_first_that_names_a_thing_has_its_say(tmp_path: Path) -> None:
    first = entries("a", server="https://first:1", user={"token": TOKEN})
    del first["current-context"]
    second = entries("a", server="https://second:2")
    second["contexts"].append({"name": "b", "context": {"cluster": "b", "user": "a"}})
    second["clusters"].append({"name": "b", "cluster": {"server": "https://b:3"}})
    second["current-context"] = "b"
    third = {"current-context": "a"}
    paths = [
        write(tmp_path / name, content)
        for name, content in (("1", first), ("2", second), ("3", third))
    ]
    paths.insert(1, tmp_path / "absent")
    environ = {"KUBECONFIG": os.pathsep.join(map(str, paths))}
    access = access_of(cluster(), environ)
    assert (access.context, access.server) == ("b", "https://b:3")
    assert headers(access) == {"Authorization": f"Bearer {TOKEN}"}
    assert access_of(cluster(context="a"), environ).server == "https://first:1"
    with pytest.raises(ClusterError, match="it names a, b"):
        access_of(cluster(context="c"), environ)


def test_without_a_name_it_is_the_one_of_the_home_folder(tmp_path: Path) -> None:
    (tmp_path / ".kube").mkdir()
    write(tmp_path / ".kube" / "config", entries("a"))
    assert access_of(cluster(), {"HOME": str(tmp_path)}).context == "a"


def test_paths_begin_where_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "kube").mkdir()
    (tmp_path / "kube" / "token").write_text(f"{TOKEN}\n")
    user = {"tokenFile": "token", "client-certificate": "crt", "client-key": "/abs/key"}
    content = entries("a", cluster={"certificate-authority": "ca.pem"}, user=user)
    write(tmp_path / "kube" / "config", content)
    access = access_of(cluster(Path("kube/config")), {}, base=tmp_path)
    assert access.authorities == tmp_path / "kube" / "ca.pem"
    with pytest.raises(ClusterError, match="crt"):
        access.credentials.identity()


def test_a_token_that_is_rotated_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    path = write(tmp_path / "config", entries("a", user={"tokenFile": "token"}))
    access = access_of(cluster(path), {})
    before = access.credentials.identity()
    (tmp_path / "token").write_text("another-token-1")
    after = access.credentials.renewed(before)
    assert after != before
    assert dict(after.headers) == {"Authorization": "Bearer another-token-1"}


def test_data_goes_before_files(tmp_path: Path) -> None:
    authority = base64.b64encode(b"PEM").decode()
    place = {"certificate-authority": "x", "certificate-authority-data": authority}
    access = access_of(cluster(write(tmp_path / "config", entries("a", cluster=place))), {})
    assert access.authorities == b"PEM"


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        (
            {"username": "u", "password": "p4ss-word-x"},
            {"Authorization": "Basic dTpwNHNzLXdvcmQteA=="},
        ),
        ({"token": TOKEN, "username": "u"}, {"Authorization": f"Bearer {TOKEN}"}),
        (
            {"token": TOKEN, "as": "root", "as-groups": ["g"]},
            {
                "Authorization": f"Bearer {TOKEN}",
                "Impersonate-User": "root",
                "Impersonate-Group": "g",
            },
        ),
        ({}, {}),
    ],
)
def test_what_a_user_is_known_by(
    tmp_path: Path, user: dict[str, Any], expected: dict[str, str]
) -> None:
    assert (
        headers(access_of(cluster(write(tmp_path / "c", entries("a", user=user))), {})) == expected
    )


def test_what_is_unusual_is_noted(tmp_path: Path) -> None:
    place = {
        "insecure-skip-tls-verify": True,
        "tls-server-name": "inner",
        "proxy-url": "http://p:3",
    }
    content = entries("a", cluster=place, user={"token": TOKEN})
    access = access_of(cluster(write(tmp_path / "config", content, 0o644)), {})
    origin = access.origin()
    assert origin.server_name == "inner"
    assert origin.proxy is not None
    assert origin.proxy.peer == "proxy p:3"
    assert len(access.notes) == 2
    assert context_of(access, Identity()).check_hostname is False


@pytest.mark.parametrize("mode", [0o666, 0o622])
@pytest.mark.parametrize("user", [{"token": TOKEN}, {"exec": {}}], ids=["token", "exec"])
def test_a_file_that_others_could_change_hands_out_no_credentials(
    tmp_path: Path, mode: int, user: dict[str, Any]
) -> None:
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": "true"}
    content = entries("a", user={**user, **({"exec": plugin} if "exec" in user else {})})
    path = write(tmp_path / "config", content, mode)
    with pytest.raises(ClusterError, match="can be written by others") as caught:
        access_of(cluster(path), {})
    assert "chmod go-w" in caught.value.remedy


def test_a_loose_file_that_only_says_which_context_is_refused_too(tmp_path: Path) -> None:
    loose = write(tmp_path / "1", {"current-context": "a"}, 0o666)
    strict = write(tmp_path / "2", entries("a", user={"token": TOKEN}))
    with pytest.raises(ClusterError, match="can be written by others"):
        access_of(cluster(), {"KUBECONFIG": f"{loose}:{strict}"})
    assert access_of(cluster(context="a"), {"KUBECONFIG": f"{loose}:{strict}"}).context == "a"


def test_without_credentials_a_loose_file_will_do(tmp_path: Path) -> None:
    assert access_of(cluster(write(tmp_path / "config", entries("a"), 0o666)), {}).context == "a"


def test_a_context_to_name_is_written_as_it_can_be_copied(tmp_path: Path) -> None:
    two = [{"name": name, "context": {"cluster": "a", "user": "a"}} for name in ("prod", "staging")]
    given = {**entries("a"), "current-context": "", "contexts": two}
    with pytest.raises(ClusterError) as caught:
        access_of(cluster(write(tmp_path / "config", given)), {})
    assert caught.value.fault.hint.endswith("context: prod, or staging")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"current-context": ""}, "no current-context"),
        ({"current-context": "x"}, "there is no context 'x'"),
        ({"clusters": []}, "there is no cluster 'a'"),
        ({"users": None}, "there is no user 'a'"),
        ({"users": [{"name": "a", "user": {"token": 12}}]}, "token is no text"),
        ({"users": [{"name": "a", "user": {"auth-provider": {"name": "gcp"}}}]}, "auth-provider"),
        ({"users": [{"name": "a", "user": {"exec": {"command": "x"}}}]}, "apiVersion"),
        ({"users": [{"name": "a", "user": {"client-key-data": "?"}}]}, "no base64"),
        ({"users": [{"name": "a", "user": {"as": "a\r\nb"}}]}, "no header can"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    path = write(tmp_path / "config", {**entries("a"), **change})
    with pytest.raises(ClusterError, match=said) as caught:
        access_of(cluster(path), {})
    assert caught.value.remedy
    assert not caught.value.fault.blames_target


@pytest.mark.parametrize("text", ["[1]", "a: [", "\x00", "&a [*a]", "a: b: c", "--- 1\n--- 2"])
def test_what_is_no_kubeconfig_is_said(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(ClusterError, match="config"):
        access_of(cluster(path), {})


@pytest.mark.parametrize(
    "server", ["", "api:6443", "ftp://a", "https://", "https://[x", "https://a:b", "https://u:p@"]
)
def test_a_server_that_is_no_address_is_said(tmp_path: Path, server: str) -> None:
    access = access_of(cluster(write(tmp_path / "config", entries("a", server=server))), {})
    with pytest.raises(ClusterError, match="correct"):
        access.origin()


@pytest.mark.parametrize(
    "env", [[1], [{"name": "A"}], [{"value": "a"}], [{"name": "A=B", "value": "c"}], [{"name": ""}]]
)
def test_variables_that_are_none_are_refused(tmp_path: Path, env: list[Any]) -> None:
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": "x", "env": env}
    path = write(tmp_path / "config", entries("a", user={"exec": plugin}))
    with pytest.raises(ClusterError, match="env of exec"):
        access_of(cluster(path), {})


def test_a_context_may_have_no_user(tmp_path: Path) -> None:
    content = entries("a")
    content["contexts"][0]["context"].pop("user")
    access = access_of(cluster(write(tmp_path / "config", content, 0o666)), {})
    assert headers(access) == {}


def test_passwords_in_addresses_are_shown_nowhere(tmp_path: Path) -> None:
    place = {"proxy-url": "http://me:pa55-of-proxy@p:3"}
    content = entries("a", server="https://me:pa55-of-api@api:6443", cluster=place)
    access_of(cluster(write(tmp_path / "config", content)), {})
    assert sanitize("pa55-of-proxy and pa55-of-api of me") == "••• and ••• of me"


def test_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "config")
    with pytest.raises(ClusterError, match="not a regular file"):
        access_of(cluster(tmp_path / "config"), {})


def test_no_kubeconfig_at_all_is_said(tmp_path: Path) -> None:
    with pytest.raises(ClusterError) as caught:
        access_of(cluster(), {"HOME": str(tmp_path)})
    assert caught.value.fault.kind is FaultKind.ABSENT


@pytest.mark.parametrize("asked", [True, False], ids=["as configured", "for lack of a kubeconfig"])
def test_in_a_pod_it_is_the_cluster_of_the_pod(tmp_path: Path, asked: bool) -> None:
    for name, text in (("token", TOKEN), ("namespace", "shop"), ("ca.crt", "PEM")):
        (tmp_path / name).write_text(text)
    environ = {
        "KUBERNETES_SERVICE_HOST": "fd00::1",
        "KUBERNETES_SERVICE_PORT": "443",
        "HOME": str(tmp_path),
    }
    access = access_of(cluster(in_cluster=asked), environ, mounted=tmp_path)
    assert access.server == "https://[fd00::1]:443"
    assert access.namespace == "shop"
    assert access.authorities == tmp_path / "ca.crt"
    assert headers(access) == {"Authorization": f"Bearer {TOKEN}"}
    assert access.credentials.identity().until < float("inf")


def test_outside_of_a_pod_its_cluster_is_none(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="runs in no pod"):
        access_of(cluster(in_cluster=True), {}, mounted=tmp_path)
