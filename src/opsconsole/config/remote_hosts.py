"""Which host a part of a service is on, and what is refused there.

Invariant: works on the plain values before the schema does, and takes what has another shape for
absent. What cannot be as safe on another host as on this one is refused here, with the reason, and
is never attempted.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from opsconsole.config.actions import DRIVERS
from opsconsole.config.files.problems import KeyPath, did_you_mean
from opsconsole.config.hosts import HERE

_ON_HOSTS: Final = ("systemd", "command", "pid_file", "env_file", "git", "releases", "files")
_PATHS: Final = {
    "pid_file": ("path",),
    "env_file": ("file", "pid_file"),
    "git": ("path",),
    "releases": ("current", "releases"),
    "command": ("cwd",),
}
"""The keys of a driver's target that name paths on the host."""

_BY_NAME: Final = ("test", "call")
"""Keys of actions that hold several, by their names."""

_WITHIN: Final = ("recover", "restore")
"""Keys of an action that hold another one."""

_ABSOLUTE: Final = "a path on another host begins with /"
Finding = tuple[KeyPath, str, str]


def check_hosts(settings: Mapping[str, Any]) -> Iterator[Finding]:
    """Every host that is not there, and everything that another host cannot do."""
    hosts = settings.get("hosts")
    known = [*(hosts if isinstance(hosts, dict) else ()), HERE]
    services = settings.get("services")
    for name, service in services.items() if isinstance(services, dict) else ():
        if isinstance(service, dict):
            yield from _check_service(("services", str(name)), service, known)


def _check_service(
    path: KeyPath, service: Mapping[str, Any], known: Sequence[str]
) -> Iterator[Finding]:
    yield from _check_name(path, service, known)
    listed = service.get("instances")
    for index, instance in enumerate(_items(listed)):
        yield from _check_name((*path, "instances", index), instance, known)
        if _elsewhere(_named(instance) or _named(service)):
            yield from _absolute((*path, "instances", index), instance, ("pid_file",))
    theirs = host_of_all(service)
    if theirs == "" and service.get("units"):
        what = "the instances are on several hosts"
        yield (*path, "units"), what, "name the unit of each instance: unit:"
    for index, log in enumerate(_items(service.get("logs"))):
        yield from _check_name((*path, "logs", index), log, known)
        yield from _check_log((*path, "logs", index), log, theirs)
    yield from _check_actions((*path, "actions"), service.get("actions"), theirs, known)


def host_of_all(service: Mapping[str, Any]) -> str | None:
    """The host of all that does not name another: the service's, else that of all its instances.

    None for this one; '' where the instances are on several.
    """
    named = _named(service)
    if named:
        return named
    theirs = {_named(each) or HERE for each in _items(service.get("instances"))} or {HERE}
    return theirs.pop() if len(theirs) == 1 else ""


def _check_log(path: KeyPath, log: Any, theirs: str | None) -> Iterator[Finding]:
    if not isinstance(log, dict):
        return
    on_host = log.get("file") is not None or log.get("journal") is not None
    if _named(log) and not on_host:
        yield (*path, "host"), "host: is for a file or a journal", "an engine is named by engine:"
    if on_host and not _named(log) and theirs == "":
        yield path, "the instances are on several hosts", "name the one that has it: host:"
    if _elsewhere(_named(log) or theirs):
        yield from _absolute(path, log, ("file",))


def _check_actions(
    path: KeyPath, actions: Any, theirs: str | None, known: Sequence[str]
) -> Iterator[Finding]:
    for key, value in actions.items() if isinstance(actions, dict) else ():
        if key not in _BY_NAME:
            yield from _check_one((*path, key), value, theirs, known)
        elif isinstance(value, dict):
            for name, action in value.items():
                yield from _check_one((*path, key, name), action, theirs, known)


def _check_one(
    path: KeyPath, action: Any, theirs: str | None, known: Sequence[str]
) -> Iterator[Finding]:
    """An action, and the one that takes it back; what a driver is given is not looked into."""
    if not isinstance(action, dict):
        return
    yield from _check_name(path, action, known)
    driver = next((name for name in DRIVERS if action.get(name) is not None), None)
    if driver is not None:
        yield from _check_action(path, driver, action, theirs)
    for key in _WITHIN:
        yield from _check_one((*path, key), action.get(key), theirs, known)


def _check_action(
    path: KeyPath, driver: str, action: Mapping[str, Any], theirs: str | None
) -> Iterator[Finding]:
    named = _named(action)
    if driver not in _ON_HOSTS:
        if named:
            what = f"host: is for what is on a host, not for {driver}"
            yield (*path, "host"), what, ""
    elif not named and theirs == "":
        if driver == "systemd":
            return  # at each of them, one after another
        what = "the instances are on several hosts, and it is done on one"
        yield path, what, "name that one: host:"
    elif _elsewhere(named or theirs):
        yield from _check_target((*path, driver), driver, action[driver])


def _check_target(path: KeyPath, driver: str, target: Any) -> Iterator[Finding]:
    if isinstance(target, str) and driver == "pid_file" and not target.startswith("/"):
        yield path, _ABSOLUTE, ""
    if driver == "files":
        paths = target.get("paths") if isinstance(target, dict) else target
        for index, each in enumerate(paths if isinstance(paths, (list, tuple)) else ()):
            if isinstance(each, str) and not each.startswith("/"):
                yield (*path, index), _ABSOLUTE, ""
    yield from _absolute(path, target, _PATHS.get(driver, ()))


def _absolute(path: KeyPath, part: Any, keys: Sequence[str]) -> Iterator[Finding]:
    for key in keys:
        value = part.get(key) if isinstance(part, dict) else None
        if isinstance(value, str) and not value.startswith("/"):
            yield (*path, key), _ABSOLUTE, ""


def _check_name(path: KeyPath, part: Any, known: Sequence[str]) -> Iterator[Finding]:
    name = _named(part)
    if name and name not in known:
        yield (*path, "host"), f"no host is called {name!r}", did_you_mean(name, known)


def _elsewhere(name: str | None) -> bool:
    return bool(name) and name != HERE


def _named(part: Any) -> str | None:
    name = part.get("host") if isinstance(part, dict) else None
    return name if isinstance(name, str) else None


def _items(value: Any) -> Sequence[Any]:
    if isinstance(value, (list, tuple)):
        return value
    return (value,) if isinstance(value, dict) else ()
