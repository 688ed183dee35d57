"""Programs are found where they were unpacked, then on the machine, and never in a trap."""

import os
import subprocess
from pathlib import Path

import pytest

from opsconsole.demo import binaries


@pytest.fixture
def servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for unpacked servers, the only one that is looked in first."""
    folder = tmp_path / "servers"
    folder.mkdir(mode=0o755)
    monkeypatch.setenv(binaries.FOLDER_VARIABLE, str(folder))
    monkeypatch.chdir(tmp_path)
    return folder


def put_program(path: Path, mode: int = 0o755) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\necho unpacked\n")
    path.chmod(mode)
    return path


def test_an_unpacked_program_is_preferred_to_the_machines(servers: Path) -> None:
    program = put_program(servers / "group/usr/bin/sh")
    assert binaries.find("sh") == program


def test_the_machines_program_is_found_when_none_is_unpacked(servers: Path) -> None:
    put_program(servers / "group/usr/bin/sh", mode=0o644)
    found = binaries.find("sh")
    assert found is not None
    assert servers not in found.parents


def test_a_program_that_is_nowhere_is_none(servers: Path) -> None:
    assert binaries.find("no-such-program-anywhere") is None


def test_the_working_folders_servers_are_found(servers: Path) -> None:
    program = put_program(servers.parent / ".servers/group/usr/sbin/opsconsole-test-program")
    assert binaries.find("opsconsole-test-program") == program


def test_a_folder_that_others_can_write_is_not_looked_in(servers: Path) -> None:
    put_program(servers / "group/usr/bin/opsconsole-test-program")
    assert binaries.find("opsconsole-test-program") is not None
    servers.chmod(0o777)
    assert binaries.find("opsconsole-test-program") is None


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a folder away")
def test_a_folder_of_someone_else_is_not_looked_in(servers: Path) -> None:
    put_program(servers / "group/usr/bin/opsconsole-test-program")
    os.chown(servers, 65534, 65534)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "getuid", lambda: 1000)
            assert binaries.find("opsconsole-test-program") is None
    finally:
        os.chown(servers, 0, 0)


def test_unpacked_programs_find_each_other_and_their_libraries(
    servers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_program(servers / "group/usr/bin/opsconsole-test-program")
    library = servers / "group/usr/lib/x86_64-linux-gnu"
    (library / "xtables").mkdir(parents=True)
    monkeypatch.setenv("LD_LIBRARY_PATH", "/kept")
    environment = binaries.environment()
    done = subprocess.run(
        ["sh", "-c", "opsconsole-test-program"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "unpacked\n"
    libraries = environment["LD_LIBRARY_PATH"].split(":")
    assert str(library) in libraries
    assert libraries[-1] == "/kept"
    assert environment["XTABLES_LIBDIR"].endswith("/xtables")
