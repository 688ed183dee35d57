"""Why a container could not be started, of what engines say: Docker 20.10 to 28, Podman."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsconsole.sources.docker.start_errors import start_error

SHIM = "failed to create shim task: OCI runtime create failed: runc create failed: unable to start"
PROCESS = f"{SHIM} container process: "
NETWORK = "driver failed programming external connectivity on endpoint web (0a1b2c): "

SAID = {
    f'{PROCESS}exec: "gunicorn": executable file not found in $PATH: unknown': (
        "no program gunicorn"
    ),
    f'{PROCESS}exec: "/app/run": stat /app/run: no such file or directory: unknown': (
        "no program /app/run"
    ),
    f'{PROCESS}exec: "/app/run.sh": permission denied: unknown': (
        "/app/run.sh may not be executed"
    ),
    f"{NETWORK}Error starting userland proxy: listen tcp4 127.0.0.1:8080: bind: address already"
    " in use": "port 8080 taken",
    f"{NETWORK}Bind for 0.0.0.0:8080 failed: port is already allocated": "port 8080 taken",
    f"{NETWORK}failed to bind host port 127.0.0.1:8080/tcp: address already in use": (
        "port 8080 taken"
    ),
    'invalid mount config for type "bind": bind source path does not exist: /srv/data': (
        "/srv/data to mount is missing"
    ),
    "network 5e5e5e not found": "network 5e5e5e is missing",
    f"{PROCESS}error during container init: error mounting \"/a\" to rootfs at \"/etc/a\": not a"
    " directory: unknown": 'error mounting "/a" to rootfs at "/etc/a": not a directory',
    'OCI runtime create failed: container_linux.go:380: starting container process caused: exec:'
    ' "nginxx": executable file not found in $PATH: unknown': "no program nginxx",
    "crun: executable file `x` not found in $PATH: No such file": (
        "crun: executable file `x` not found in $PATH: No such file"
    ),
    "": "",
}  # fmt: skip


@pytest.mark.parametrize("said", SAID)
def test_the_cause_is_what_is_kept(said: str) -> None:
    assert start_error(said) == SAID[said]


@given(
    st.lists(
        st.sampled_from([SHIM, "OCI runtime create failed", "on endpoint web", "x", "unknown"])
    )
)
def test_an_error_is_never_silenced(parts: list[str]) -> None:
    said = ": ".join(parts)
    assert bool(start_error(said)) is bool(said)
    assert len(start_error(said)) <= len(said)
