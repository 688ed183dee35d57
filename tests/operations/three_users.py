"""Three users of one machine: a service's, a member of a group that shares the state, and root."""

import os
from collections.abc import Callable
from pathlib import Path

SERVICE, MEMBER, GROUP = 63001, 63002, 63000


def act_as(uid: int, gid: int, folder: Path, deed: Callable[[], None]) -> None:
    """Do ``deed`` as that user, in ``folder``: a fork, as another may not reach the interpreter."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([])
            os.setgid(gid)
            os.setuid(uid)
            os.umask(0o002)
            os.chdir(folder)
            deed()
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
