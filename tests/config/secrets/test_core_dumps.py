"""A process that has read a secret leaves no core dump, whichever way the secret came."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_SCRIPT = """
import ctypes, os, resource, sys
from pathlib import Path
from opsconsole.config.secrets.references import reveal
from opsconsole.config.types import SecretRef
from opsconsole.operations.who import whoami
base, ref = Path(sys.argv[1]), SecretRef.model_validate_json(sys.argv[2])
whoami()
if sys.argv[3:]:
    os.setgid(65534); os.setuid(65534)
assert reveal(ref, base=base).value == "canary"
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), resource.getrlimit(resource.RLIMIT_CORE)[0])
whoami(); os.listdir("/proc/self/fd"); Path("/proc/self/stat").read_text()
print("still sees itself", flush=True)
os.abort()
"""


@pytest.mark.parametrize(
    "ref",
    [
        '{"env": "TOKEN"}',
        '{"file": "token"}',
        '{"credential": "token"}',
        '{"command": ["cat", "token"]}',
    ],
)
def test_no_core_is_left(tmp_path: Path, ref: str) -> None:
    (tmp_path / "token").write_text("canary\n")
    (tmp_path / "token").chmod(0o600)
    environ = {"TOKEN": "canary", "CREDENTIALS_DIRECTORY": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-c", _SCRIPT, str(tmp_path), ref],
        cwd=tmp_path,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=_allow_cores,
    )
    assert ended.stdout.splitlines() == ["0 0", "still sees itself"], ended.stderr
    assert ended.returncode == -6
    assert os.listdir(tmp_path) == ["token"]


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user takes root")
def test_a_user_without_rights_still_sees_its_own_process(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _SCRIPT, "/", '{"env": "TOKEN"}', "drop"],
        env={**os.environ, "TOKEN": "canary"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout.splitlines() == ["0 0", "still sees itself"], ended.stderr


def _allow_cores() -> None:
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
