"""Every driver: what it carries out, and what must be known of it before it is imported.

Invariant: a pair of driver and kind that is not listed cannot be planned. Each class is imported
when it is first needed, because what it imports is heavy, and is compared with ``Driver`` here.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from opsconsole.config.actions import Action
from opsconsole.dataclass import dataclass
from opsconsole.model.operation import SILENCING, ActionKind
from opsconsole.operations.drivers.followed import Followed
from opsconsole.operations.driving.driver import Driver, DriverContext, ObserveError

_K = ActionKind

Factory = Callable[[DriverContext], Driver]


def _docker_restart() -> Factory:
    from opsconsole.operations.drivers.docker.restart import DockerRestart

    return DockerRestart


def _docker_rollback() -> Factory:
    from opsconsole.operations.drivers.docker.rollback import DockerRollback

    return DockerRollback


def _docker_degrade() -> Factory:
    from opsconsole.operations.drivers.docker.degrade import DockerDegrade

    return DockerDegrade


def _docker_scale() -> Factory:
    from opsconsole.operations.drivers.docker.containers_scale import ContainersScale

    return ContainersScale


def _swarm() -> Factory:
    from opsconsole.operations.drivers.docker.swarm import SwarmDriver

    return SwarmDriver


def _swarm_rollback() -> Factory:
    from opsconsole.operations.drivers.docker.swarm_rollback import SwarmRollback

    return SwarmRollback


def _kubernetes_restart() -> Factory:
    from opsconsole.operations.drivers.kubernetes.restart import KubernetesRestart

    return KubernetesRestart


def _kubernetes_rollback() -> Factory:
    from opsconsole.operations.drivers.kubernetes.rollback import KubernetesRollback

    return KubernetesRollback


def _kubernetes_scale() -> Factory:
    from opsconsole.operations.drivers.kubernetes.scale import KubernetesScale

    return KubernetesScale


def _kubernetes_degrade() -> Factory:
    """By flags where a ConfigMap is named, else by the number of copies."""

    def degrade_of(context: DriverContext) -> Driver:
        from opsconsole.operations.drivers.kubernetes.flags import KubernetesFlags

        target = context.action.kubernetes
        by_flags = target is not None and target.config_map is not None
        return KubernetesFlags(context) if by_flags else _kubernetes_scale()(context)

    return degrade_of


def _kubernetes_call() -> Factory:
    """What a call says to do, with a rollout, a pod or a node."""

    def call_of(context: DriverContext) -> Driver:
        from opsconsole.operations.drivers.kubernetes.drain import KubernetesNode
        from opsconsole.operations.drivers.kubernetes.rollout_calls import (
            KubernetesPause,
            KubernetesResume,
        )
        from opsconsole.operations.drivers.kubernetes.stuck_pod import KubernetesStuckPod

        target = context.action.kubernetes
        match target.do if target is not None else None:
            case "pause":
                return KubernetesPause(context)
            case "resume":
                return KubernetesResume(context)
            case "delete-stuck-pod":
                return KubernetesStuckPod(context)
            case "cordon" | "uncordon" | "drain":
                return KubernetesNode(context)
            case None:
                raise ObserveError(
                    f"the call {context.request.name} of {context.service} does not say what to do",
                    remedy="write do: beside its workload or node",
                )

    return call_of


def _systemd() -> Factory:
    from opsconsole.operations.drivers.systemd import SystemdRestart

    return SystemdRestart


def _systemd_call() -> Factory:
    """What a call says to do with a unit."""

    def call_of(context: DriverContext) -> Driver:
        from opsconsole.operations.drivers.systemd_calls import UnitReload, UnitStart, UnitStop

        target = context.action.systemd
        match target.do if target is not None else None:
            case "reload":
                return UnitReload(context)
            case "start":
                return UnitStart(context)
            case "stop":
                return UnitStop(context)
            case None:
                raise ObserveError(
                    f"the call {context.request.name} of {context.service} does not say what to do",
                    remedy="write do: beside its unit",
                )

    return call_of


def _http() -> Factory:
    from opsconsole.operations.drivers.http import HttpDriver
    from opsconsole.operations.drivers.kubernetes.pod_call import PodCall

    def call_of(context: DriverContext) -> Driver:
        http = context.action.http
        return PodCall(context) if http is not None and http.through else HttpDriver(context)

    return call_of


def _command() -> Factory:
    from opsconsole.operations.drivers.command import CommandDriver

    return CommandDriver


def _pid_file() -> Factory:
    from opsconsole.operations.drivers.pid_file import PidFileRestart

    return PidFileRestart


def _env_file() -> Factory:
    from opsconsole.operations.drivers.env_file import EnvFileDriver

    return EnvFileDriver


def _files_backup() -> Factory:
    """Of this host through descriptors of folders, of another one by what is there."""

    def backup_of(context: DriverContext) -> Driver:
        from opsconsole.operations.drivers.files import FilesBackup
        from opsconsole.operations.drivers.host_files import HostFilesBackup

        return HostFilesBackup(context) if context.machine.name else FilesBackup(context)

    return backup_of


def _files_restore() -> Factory:
    def restore_of(context: DriverContext) -> Driver:
        from opsconsole.operations.drivers.files import FilesRestore
        from opsconsole.operations.drivers.host_files import HostFilesRestore

        backup = context.settings.services[context.service].actions.backup
        if context.action.files is None and not context.action.host and backup is not None:
            # What is put back is where it was.
            there = context.action.model_copy(update={"host": backup.host})
            context = replace(context, action=there)
        return HostFilesRestore(context) if context.machine.name else FilesRestore(context)

    return restore_of


def _volume_backup() -> Factory:
    from opsconsole.operations.drivers.docker.volume import VolumeBackup

    return VolumeBackup


def _volume_restore() -> Factory:
    from opsconsole.operations.drivers.docker.volume import VolumeRestore

    return VolumeRestore


def _git() -> Factory:
    from opsconsole.operations.drivers.git import GitRollback

    return GitRollback


def _releases() -> Factory:
    from opsconsole.operations.drivers.releases import ReleasesRollback

    return ReleasesRollback


def _alertmanager() -> Factory:
    from opsconsole.operations.drivers.alertmanager import AlertmanagerDriver

    return AlertmanagerDriver


def _own_rules() -> Factory:
    from opsconsole.operations.drivers.own_rules import OwnRulesDriver

    return OwnRulesDriver


def _newest_backup() -> Factory:
    """What restores the service's own backup is of the kind that made it."""

    def restore_of(context: DriverContext) -> Driver:
        backup = context.settings.services[context.service].actions.backup
        of_volume = backup is not None and backup.volume is not None
        return (_volume_restore() if of_volume else _files_restore())(context)

    return restore_of


@dataclass(frozen=True, slots=True)
class Traits:
    """One driver, by the name that it has in an action.

    ``sees``: it sees by itself whether what it changed is as it should be. ``keeps_backups``: the
    backups that it makes are kept, listed and restored by the console. ``puts_back``: it looks
    whether what it restored is in place. ``ends_degradation``: it knows how to end a degradation
    that it made, from its own step. ``in_base``: it acts on paths that start at the folder of the
    configuration. ``rolls``: its one step of a restart replaces copies one after another, and it
    says itself what is away meanwhile. ``by_instance``: it can be asked for one instance alone,
    ``by_host`` where instances are on several hosts; where it cannot, ``as_a_whole`` is why not,
    and ``instead`` what to do.
    """

    carries_out: Mapping[ActionKind, Callable[[], Factory]]
    sees: bool = False
    keeps_backups: bool = False
    puts_back: bool = False
    ends_degradation: bool = False
    in_base: bool = False
    rolls: bool = False
    by_instance: frozenset[ActionKind] = frozenset()
    by_host: bool = False
    as_a_whole: str = ""
    instead: str = "leave the instance out, to mean all of them"


DRIVERS: Final[Mapping[str, Traits]] = {
    "docker": Traits(
        {
            _K.RESTART: _docker_restart,
            _K.ROLLBACK: _docker_rollback,
            _K.SCALE: _docker_scale,
            _K.DEGRADE: _docker_degrade,
            _K.RECOVER: _docker_degrade,
        },
        sees=True,
        ends_degradation=True,
        by_instance=frozenset({_K.RESTART}),
    ),
    "swarm": Traits(
        {_K.RESTART: _swarm, _K.SCALE: _swarm, _K.ROLLBACK: _swarm_rollback},
        sees=True,
        as_a_whole="a Swarm decides itself which tasks run, and where",
        instead="restart the service, whose tasks are replaced one after another, or remove the "
        "container of that task on its node: the Swarm starts another",
    ),
    "kubernetes": Traits(
        {
            _K.RESTART: _kubernetes_restart,
            _K.ROLLBACK: _kubernetes_rollback,
            _K.SCALE: _kubernetes_scale,
            _K.DEGRADE: _kubernetes_degrade,
            _K.RECOVER: _kubernetes_degrade,
            _K.CALL: _kubernetes_call,
        },
        sees=True,
        ends_degradation=True,
        rolls=True,
        as_a_whole="a rollout replaces all pods of a workload",
        instead="restart the workload, whose pods are replaced one after another by its own rules",
    ),
    "systemd": Traits(
        {_K.RESTART: _systemd, _K.CALL: _systemd_call},
        sees=True,
        by_instance=frozenset({_K.RESTART, _K.CALL}),
        by_host=True,
        as_a_whole="a unit is changed as a whole",
        instead="restart the service, or declare what runs as a unit of its own, such as web@2, as "
        "a service of its own",
    ),
    "http": Traits(
        dict.fromkeys(
            (_K.RESTART, _K.DEGRADE, _K.RECOVER, _K.ROLLBACK, _K.SCALE, _K.TEST, _K.CALL), _http
        ),
        by_instance=frozenset({_K.RESTART, _K.TEST, _K.CALL}),
    ),
    "command": Traits(
        dict.fromkeys((kind for kind in _K if kind not in SILENCING), _command),
        in_base=True,
        by_instance=frozenset({_K.RESTART, _K.TEST, _K.CALL}),
    ),
    "pid_file": Traits(
        {_K.RESTART: _pid_file},
        sees=True,
        in_base=True,
        as_a_whole="a pid file names one process for all of it",
    ),
    "env_file": Traits(
        {_K.DEGRADE: _env_file, _K.RECOVER: _env_file}, ends_degradation=True, in_base=True
    ),
    "files": Traits(
        {_K.BACKUP: _files_backup, _K.RESTORE: _files_restore},
        keeps_backups=True,
        puts_back=True,
        in_base=True,
    ),
    "volume": Traits(
        {_K.BACKUP: _volume_backup, _K.RESTORE: _volume_restore},
        keeps_backups=True,
        puts_back=True,
        in_base=True,
    ),
    "git": Traits({_K.ROLLBACK: _git}, sees=True, in_base=True),
    "releases": Traits({_K.ROLLBACK: _releases}, sees=True, in_base=True),
    "backup": Traits(
        {_K.RESTORE: _newest_backup, _K.ROLLBACK: _newest_backup}, puts_back=True, in_base=True
    ),
    "alertmanager": Traits(dict.fromkeys(SILENCING, _alertmanager)),
    "own_rules": Traits(dict.fromkeys((_K.ACKNOWLEDGE, _K.EXPIRE_SILENCE), _own_rules)),
}
"""Drivers by name; the imports are made, and a class called with a DriverContext, by ``make``."""


def traits(action: Action) -> Traits:
    """What is known of the driver that ``action`` names."""
    return DRIVERS[action.driver]


def can(action: Action, kind: ActionKind) -> bool:
    """Whether the driver that ``action`` names carries out ``kind``."""
    return kind in traits(action).carries_out


def make(context: DriverContext) -> Driver:
    """The driver for ``context``, with the one for what follows where something does.

    Raises KeyError for a pair that is not listed, ObserveError where what is to follow cannot be.
    """
    driver = traits(context.action).carries_out[context.kind]()(context)
    after = driver.follow_up()
    if after is None:
        return driver
    if not can(after.action, after.kind):
        raise ObserveError(
            f"what is to follow a {context.kind} of {context.service} cannot be done by "
            f"{after.action.driver}",
            remedy="declare it with a driver that can restart",
        )
    return Followed(driver, make(after))
