"""``restore: {backup: latest}``: putting back what the service's own backup action copied.

Invariant: what is restored is what was declared to be backed up, by the same kind of driver.
"""

from opsconsole.operations.drivers.docker.volume import VolumeRestore
from opsconsole.operations.drivers.files import FilesRestore
from opsconsole.operations.planning.driver import Driver, DriverContext


def restore_of(context: DriverContext) -> Driver:
    """The driver that restores the backups of ``context.service``."""
    backup = context.settings.services[context.service].actions.backup
    if backup is not None and backup.volume is not None:
        return VolumeRestore(context)
    return FilesRestore(context)
