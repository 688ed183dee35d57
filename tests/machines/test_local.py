"""This host as a machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from opsconsole.machines.local import LocalMachine
from tests.machines.contract import MachineContract


class TestLocalMachine(MachineContract):
    """It keeps what every machine must."""

    @pytest.fixture
    def machine(self) -> Iterator[LocalMachine]:
        machine = LocalMachine()
        yield machine
        machine.close()

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        return tmp_path

    @pytest.fixture
    def here(self, tmp_path: Path) -> Path:
        return tmp_path
