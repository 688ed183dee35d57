"""Which driver carries out which kind of action.

Invariant: a pair that is not listed cannot be planned. Drivers are imported when they are first
needed, because what they import is heavy.
"""

import importlib
from collections.abc import Callable, Mapping
from typing import Final, cast

from opsconsole.model.operation import SILENCING, ActionKind
from opsconsole.operations.planning.driver import Driver, DriverContext

_K = ActionKind
_DRIVERS: Final = "opsconsole.operations.drivers"

FACTORIES: Final[Mapping[tuple[str, ActionKind], str]] = {
    ("docker", _K.RESTART): f"{_DRIVERS}.docker.restart:DockerRestart",
    ("docker", _K.ROLLBACK): f"{_DRIVERS}.docker.rollback:DockerRollback",
    ("docker", _K.SCALE): f"{_DRIVERS}.docker.containers_scale:ContainersScale",
    ("git", _K.ROLLBACK): f"{_DRIVERS}.git:GitRollback",
    ("releases", _K.ROLLBACK): f"{_DRIVERS}.releases:ReleasesRollback",
    **{
        ("http", kind): f"{_DRIVERS}.http:HttpDriver"
        for kind in (_K.RESTART, _K.DEGRADE, _K.RECOVER, _K.ROLLBACK, _K.SCALE, _K.TEST, _K.CALL)
    },
    ("docker", _K.DEGRADE): f"{_DRIVERS}.docker.degrade:DockerDegrade",
    ("docker", _K.RECOVER): f"{_DRIVERS}.docker.degrade:DockerDegrade",
    ("swarm", _K.RESTART): f"{_DRIVERS}.docker.swarm:SwarmDriver",
    ("swarm", _K.SCALE): f"{_DRIVERS}.docker.swarm:SwarmDriver",
    ("swarm", _K.ROLLBACK): f"{_DRIVERS}.docker.swarm_rollback:SwarmRollback",
    ("systemd", _K.RESTART): f"{_DRIVERS}.systemd:SystemdRestart",
    ("pid_file", _K.RESTART): f"{_DRIVERS}.pid_file:PidFileRestart",
    ("env_file", _K.DEGRADE): f"{_DRIVERS}.env_file:EnvFileDriver",
    ("env_file", _K.RECOVER): f"{_DRIVERS}.env_file:EnvFileDriver",
    ("files", _K.BACKUP): f"{_DRIVERS}.files:FilesBackup",
    ("files", _K.RESTORE): f"{_DRIVERS}.files:FilesRestore",
    ("volume", _K.BACKUP): f"{_DRIVERS}.docker.volume:VolumeBackup",
    ("volume", _K.RESTORE): f"{_DRIVERS}.docker.volume:VolumeRestore",
    ("backup", _K.RESTORE): f"{_DRIVERS}.backup:restore_of",
    ("backup", _K.ROLLBACK): f"{_DRIVERS}.backup:restore_of",
    **{
        ("command", kind): f"{_DRIVERS}.command:CommandDriver"
        for kind in ActionKind
        if kind not in SILENCING
    },
    **{("alertmanager", kind): f"{_DRIVERS}.alertmanager:AlertmanagerDriver" for kind in SILENCING},
}
"""``module:class`` by driver and kind; the class is called with a DriverContext."""


def can(driver: str, kind: ActionKind) -> bool:
    """Whether ``driver`` carries out ``kind``."""
    return (driver, kind) in FACTORIES


def make(context: DriverContext) -> Driver:
    """The driver for ``context``. Raises KeyError for a pair that is not listed."""
    module, _, name = FACTORIES[context.action.driver, context.kind].partition(":")
    factory = cast(
        Callable[[DriverContext], Driver], getattr(importlib.import_module(module), name)
    )
    return factory(context)
