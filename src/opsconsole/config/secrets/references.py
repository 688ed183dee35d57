"""Secrets, fetched at the moment of use from where the configuration says.

Invariant: a value leaves this module only inside a ``Secret``, which shows itself masked in every
form of text, and no error holds a part of it; from then on no text from outside has it either
(``hiding``). A file that others could read or replace is refused, by OpenSSH's rule
(``authfile.c``, ``sshkey_perm_ok``) on the opened descriptor.

Everything here blocks: call it in an executor of your own.
"""

import os
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from opsconsole import durable, ownership, programs
from opsconsole.config.secrets.core_dumps import forbid_core_dumps
from opsconsole.config.types import SecretRef
from opsconsole.errors import SecretError
from opsconsole.hiding import MASK, hide
from opsconsole.model.running.machine import Command, End
from opsconsole.text import sanitize

LIMIT: Final = 64 * 1024
"""Bytes of a secret; what is longer is not one."""

COMMAND_TIMEOUT: Final = 5.0
"""Seconds that a command may take to print a secret."""


class Secret:
    """A value that every kind of formatting shows as ``•••``. It cannot be pickled or compared."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    @property
    def value(self) -> str:
        """The secret itself; pass it on, never keep or show it."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __reduce__(self) -> str:
        raise TypeError("a secret is not written down")


def reveal(ref: SecretRef, *, base: Path, environ: Mapping[str, str] = os.environ) -> Secret:
    """The secret that ``ref`` refers to; files are relative to ``base``.

    One line feed at the end is dropped. Raises SecretError when it cannot be read.
    """
    forbid_core_dumps()
    if ref.env is not None:
        value = _from_environment(ref.env, environ)
    elif ref.file is not None:
        value = _from_file(base / Path(ref.file).expanduser())
    elif ref.credential is not None:
        value = _from_credential(ref.credential, environ)
    else:
        value = _from_command(ref.command or (), base, environ)
    if not value:
        raise SecretError(f"the secret from {describe(ref)} is empty")
    hide(value, ref.env or ref.credential or "")
    return Secret(value)


def describe(ref: SecretRef) -> str:
    """Where the secret is read from, in words that are safe to show."""
    if ref.env is not None:
        return f"the environment variable {sanitize(ref.env)}"
    if ref.file is not None:
        return f"the file {sanitize(ref.file)}"
    if ref.credential is not None:
        return f"the systemd credential {sanitize(ref.credential)}"
    return f"the command {sanitize((ref.command or ('',))[0])}"


def _from_environment(name: str, environ: Mapping[str, str]) -> str:
    if name not in environ:
        raise SecretError(
            f"the environment variable {name} is not set", remedy="set it before the console starts"
        )
    return environ[name]


def _from_credential(name: str, environ: Mapping[str, str]) -> str:
    folder = environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        raise SecretError(
            f"there is no systemd credential {sanitize(name)}: CREDENTIALS_DIRECTORY is not set",
            remedy="run the console as a unit with LoadCredential=",
        )
    if "/" in name or name in {"", ".", ".."}:
        raise SecretError("the name of a systemd credential is a plain file name")
    return _from_file(Path(folder) / name)


def _from_file(path: Path) -> str:
    shown = sanitize(str(path))
    try:
        descriptor = durable.open_file(path, os.O_RDONLY, follow=True)
    except OSError as error:
        raise SecretError(f"cannot open the secret file {shown}: {error.strerror}") from None
    with os.fdopen(descriptor, "rb") as stream:
        _check_ownership(os.fstat(stream.fileno()), shown)
        return _decode(stream.read(LIMIT + 1), f"the file {shown}")


def _check_ownership(status: os.stat_result, shown: str) -> None:
    mode = stat.S_IMODE(status.st_mode)
    if status.st_uid not in {0, os.geteuid()}:
        raise SecretError(
            f"the secret file {shown} belongs to user {status.st_uid}",
            remedy=f"chown it to user {os.geteuid()} or to root",
        )
    loose = mode & (0o077 if status.st_uid == os.geteuid() else 0o022)
    if loose:
        raise SecretError(
            f"the secret file {shown} has mode {mode:04o}, so others can reach it",
            remedy=f"chmod 600 {shown}",
        )


def _from_command(argv: tuple[str, ...], base: Path, environ: Mapping[str, str]) -> str:
    shown = f"the command {sanitize(argv[0])}" if argv else "an empty command"
    if not argv:
        raise SecretError(f"{shown} gives no secret", remedy="write it as [program, argument, …]")
    _refuse_loose_program(argv[0], base, environ)
    command = Command(argv, cwd=str(base), environment=environ)
    try:
        finished = programs.run(command, limit=LIMIT, deadline=COMMAND_TIMEOUT)
    except OSError as error:
        raise SecretError(f"cannot run {shown}: {error.strerror}") from None
    if finished.end is End.TOO_LARGE:
        raise _too_long(shown)
    if finished.end is not End.EXITED:
        raise SecretError(f"{shown} gave no secret within {COMMAND_TIMEOUT:g} s")
    if finished.code != 0:
        raise SecretError(f"{shown} ended with code {finished.code}, so it gave no secret")
    return _decode(finished.output, shown)


def _refuse_loose_program(name: str, base: Path, environ: Mapping[str, str]) -> None:
    """A program that others could change would learn the secret, or print another."""
    path = shutil.which(name, path=environ.get("PATH")) if "/" not in name else str(base / name)
    try:
        loose = ownership.looseness(Path(path)) if path else None
    except OSError:
        return  # running it says what is wrong
    if loose is not None:
        shown = f"the program {sanitize(name)} {sanitize(loose.how)}"
        raise SecretError(f"{shown}, so it gives no secret", remedy=sanitize(loose.remedy))


def _decode(raw: bytes, shown: str) -> str:
    if len(raw) > LIMIT:
        raise _too_long(shown)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise SecretError(f"the secret from {shown} is not UTF-8 text") from None
    return text.removesuffix("\n").removesuffix("\r")


def _too_long(shown: str) -> SecretError:
    return SecretError(f"the secret from {shown} is longer than {LIMIT // 1024} KiB")
