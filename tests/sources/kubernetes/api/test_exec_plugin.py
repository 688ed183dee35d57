import json
import os
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from opsconsole.model.fault import FaultKind
from opsconsole.sources.kubernetes.api.cluster_error import ClusterError
from opsconsole.sources.kubernetes.api.exec_plugin import AGAIN, MARGIN, Handed, Plugin, handed_by
from opsconsole.sources.kubernetes.api.kubeconfig import access_of
from tests.patience import until
from tests.sources.kubernetes.asking import answering, said
from tests.sources.kubernetes.kubeconfigs import cluster, entries, write

V1 = "client.authentication.k8s.io/v1"
NOW = 1_700_000_000.0


class Times:
    """Both clocks of a plugin."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def credential(version: str = V1, **status: str) -> str:
    return json.dumps({"kind": "ExecCredential", "apiVersion": version, "status": status})


def script(folder: Path, *lines: str) -> Path:
    """A program that counts its runs in ``runs`` beside it."""
    path = folder / "plugin"
    path.write_text("\n".join(["#!/bin/sh", f"echo run >> {folder}/runs", *lines, ""]))
    path.chmod(0o700)
    return path


def runs(folder: Path) -> int:
    return len((folder / "runs").read_text().splitlines())


def handing(
    folder: Path, *lines: str, deadline: float = 20.0, **about: Any
) -> tuple[Handed, Times]:
    times = Times()
    plugin = replace(Plugin(str(script(folder, *lines)), folder=folder), **about)
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    return Handed(plugin, environ, deadline=deadline, wall=times, steady=times), times


def at(seconds: float) -> str:
    return datetime.fromtimestamp(NOW + seconds, UTC).isoformat().replace("+00:00", "Z")


def test_what_it_hands_out_is_used_until_a_minute_before_it_ends(tmp_path: Path) -> None:
    out = credential(token="token-of-plugin", expirationTimestamp=at(600))
    handed, times = handing(tmp_path, f"echo '{out}'")
    assert dict(handed.identity().headers) == {"Authorization": "Bearer token-of-plugin"}
    times.now = NOW + 600 - MARGIN - 1
    handed.identity()
    assert runs(tmp_path) == 1
    times.now += 2
    handed.identity()
    assert runs(tmp_path) == 2


def test_a_short_life_is_used_by_half(tmp_path: Path) -> None:
    out = credential(token="token-of-plugin", expirationTimestamp=at(60))
    handed, times = handing(tmp_path, f"echo '{out}'")
    handed.identity()
    times.now += 29
    handed.identity()
    assert runs(tmp_path) == 1


def test_after_a_refusal_it_is_run_once(tmp_path: Path) -> None:
    out = credential(token="token-of-plugin")
    handed, times = handing(tmp_path, f"echo '{out}'")
    first = handed.identity()
    times.now += 1000
    assert handed.renewed(first) == first
    assert runs(tmp_path) == 2
    # Whatever is refused right after that is not the plugin's to cure.
    assert handed.renewed(first) == first
    assert runs(tmp_path) == 2
    times.now += AGAIN
    handed.renewed(first)
    assert runs(tmp_path) == 3


def test_a_refusal_of_what_was_replaced_already_runs_nothing(tmp_path: Path) -> None:
    handed, times = handing(
        tmp_path,
        f"echo '{credential(token='token-number-N')}' | sed s/N/$(wc -l < {tmp_path}/runs)/",
    )
    first = handed.identity()
    times.now += 60
    second = handed.renewed(first)
    assert second != first
    assert handed.renewed(first) == second
    assert runs(tmp_path) == 2


def test_a_certificate_is_handed_out(tmp_path: Path) -> None:
    out = credential(clientCertificateData="CERT", clientKeyData="KEY-of-a-test")
    handed, _ = handing(tmp_path, f"echo '{out}'")
    assert handed.identity().certificate == (b"CERT", b"KEY-of-a-test")


@pytest.mark.parametrize("version", ["v1", "v1beta1", "v1alpha1"])
def test_it_learns_what_its_version_knows(tmp_path: Path, version: str) -> None:
    whole = f"client.authentication.k8s.io/{version}"
    out = credential(whole, token="token-of-plugin")
    lines = (f'echo "$KUBERNETES_EXEC_INFO" > {tmp_path}/info', f"echo '{out}'")
    handed, _ = handing(tmp_path, *lines, version=whole, cluster='{"server":"https://a"}')
    handed.identity()
    assert json.loads((tmp_path / "info").read_text()) == {
        "apiVersion": whole,
        "kind": "ExecCredential",
        "spec": {"interactive": False, "cluster": {"server": "https://a"}},
    }


def test_it_has_no_terminal_and_no_input(tmp_path: Path) -> None:
    out = credential(token="token-of-plugin")
    handed, _ = handing(
        tmp_path,
        "read -r answer && exit 3",
        "(: < /dev/tty) 2>/dev/null && exit 4",
        f"echo $(ps -o sid= -p $$) $$ > {tmp_path}/session",
        f"echo '{out}'",
    )
    handed.identity()
    session, own = (tmp_path / "session").read_text().split()
    assert session == own


def test_one_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    handed, _ = handing(tmp_path, f"sleep 1000 & echo $! > {tmp_path}/child", "wait", deadline=0.5)
    with pytest.raises(ClusterError, match=r"gave no credentials within 0\.5 s"):
        handed.identity()
    child = int((tmp_path / "child").read_text())
    until(lambda: not Path(f"/proc/{child}").exists())


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("echo 'Enter MFA code: ' >&2", "exit 255"), "ended with code 255: Enter MFA code:"),
        (("echo 'a\033[31mb' >&2", "exit 1"), "a␛\\[31mb"),
        (("echo nonsense",), "no JSON"),
        (("echo '[]'",), "printed no ExecCredential"),
        (("yes x | head -c 3000000",), "printed too much"),
        ((f"echo '{credential()}'",), "neither a token nor a certificate"),
        ((f"echo '{credential('client.authentication.k8s.io/v9', token='t')}'",), "answers as"),
        ((f"echo '{credential(token='a b')}'",), "no token can"),
        ((f"echo '{credential(token='t', expirationTimestamp='soon')}'",), "end at 'soon'"),
        ((f"echo '{credential(token='t', expirationTimestamp=at(-5))}'",), "ended already"),
        (('echo "with $AWS_SECRET_ACCESS_KEY $MY_TOKEN" >&2', "exit 2"), "with ••• •••"),
    ],
)
def test_what_goes_wrong_is_said_without_secrets(
    tmp_path: Path, lines: tuple[str, ...], said: str
) -> None:
    secrets = (("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI1"), ("MY_TOKEN", "zzYQ81-of-test"))
    handed, _ = handing(tmp_path, *lines, arguments=("get-token",), environment=secrets)
    with pytest.raises(ClusterError, match=said) as caught:
        handed.identity()
    fault = caught.value.fault
    assert fault.kind in {FaultKind.AUTH, FaultKind.LOCAL}
    assert not fault.blames_target
    assert not [value for _, value in secrets if value in str(caught.value)]
    assert fault.hint


async def test_a_refusal_of_what_it_gave_names_the_command(tmp_path: Path) -> None:
    out = credential(token="token-of-plugin")
    handed, _ = handing(tmp_path, f"echo '{out}'", arguments=("get-token", "--cluster", "c"))
    async with answering(lambda _: said({}, 401), credentials=handed) as (client, _):
        with pytest.raises(ClusterError) as caught:
            await client.get("/api")
    assert caught.value.remedy == f"run it in a shell: {tmp_path}/plugin get-token --cluster c"


def test_one_that_fails_is_not_run_by_all_who_ask(tmp_path: Path) -> None:
    handed, times = handing(tmp_path, "exit 1")
    for _ in range(3):
        with pytest.raises(ClusterError):
            handed.identity()
    assert runs(tmp_path) == 1
    times.now += AGAIN
    with pytest.raises(ClusterError):
        handed.identity()
    assert runs(tmp_path) == 2


def test_one_that_others_could_change_is_not_run(tmp_path: Path) -> None:
    handed, _ = handing(tmp_path, "exit 0")
    (tmp_path / "plugin").chmod(0o777)
    with pytest.raises(ClusterError, match=r"is not run: .*can be written by others"):
        handed.identity()
    assert not (tmp_path / "runs").exists()


def test_one_that_is_not_there_is_said_with_where_it_was_looked_for() -> None:
    plugin = Plugin("no-such-plugin-anywhere", install_hint="install the cloud's tools")
    with pytest.raises(ClusterError, match="PATH=/nowhere:/else") as caught:
        Handed(plugin, {"PATH": "/nowhere:/else"}).identity()
    assert caught.value.remedy == "install the cloud's tools"


def test_a_relative_command_is_beside_the_kubeconfig(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    out = credential(token="token-of-plugin")
    script(tmp_path / "bin", f'echo "$1 $WHO" > {tmp_path}/asked', f"echo '{out}'")
    plugin = {
        "apiVersion": V1,
        "command": "./bin/plugin",
        "args": ["get-token"],
        "env": [{"name": "WHO", "value": "me"}],
        "interactiveMode": "IfAvailable",
    }
    path = write(tmp_path / "config", entries("a", user={"exec": plugin}))
    access = access_of(cluster(path), {"PATH": os.environ["PATH"]})
    assert dict(access.credentials.identity().headers) == {
        "Authorization": "Bearer token-of-plugin"
    }
    assert (tmp_path / "asked").read_text() == "get-token me\n"


def test_one_that_wants_a_terminal_is_refused_before_it_is_run(tmp_path: Path) -> None:
    plugin = {"apiVersion": V1, "command": "x", "interactiveMode": "Always"}
    path = write(tmp_path / "config", entries("a", user={"exec": plugin}))
    with pytest.raises(ClusterError, match="wants to ask at a terminal"):
        access_of(cluster(path), {})


def test_clients_of_one_context_share_a_run(tmp_path: Path) -> None:
    out = credential(token="token-of-plugin")
    plugin = Plugin(str(script(tmp_path, "sleep 0.2", f"echo '{out}'")), folder=tmp_path)
    environ = {"PATH": os.environ["PATH"]}
    found: list[object] = []
    threads = [
        threading.Thread(target=lambda: found.append(handed_by(plugin, environ).identity()))
        for _ in range(5)
    ]
    kept = handed_by(plugin, environ)
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert found == [kept.identity()] * 5
    assert runs(tmp_path) == 1
    assert handed_by(plugin, {**environ, "AWS_PROFILE": "b"}) is not kept


def test_the_cluster_is_described_where_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("PEM")
    out = credential(token="token-of-plugin")
    path = script(tmp_path, f'echo "$KUBERNETES_EXEC_INFO" > {tmp_path}/info', f"echo '{out}'")
    plugin = {"apiVersion": V1, "command": str(path), "provideClusterInfo": True}
    place = {
        "certificate-authority": "ca.pem",
        "extensions": [{"name": "client.authentication.k8s.io/exec", "extension": {"aud": "x"}}],
    }
    content = entries("a", cluster=place, user={"exec": plugin})
    kubeconfig = write(tmp_path / "config", content)
    access_of(cluster(kubeconfig), {"PATH": os.environ["PATH"]}).credentials.identity()
    assert json.loads((tmp_path / "info").read_text())["spec"]["cluster"] == {
        "server": "https://api.example:6443",
        "certificate-authority-data": "UEVN",
        "config": {"aud": "x"},
    }
