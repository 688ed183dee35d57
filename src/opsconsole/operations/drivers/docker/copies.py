"""What a container would be created from to be the same again, perhaps from another image.

Invariant: all that was given when the container was created is given again: environment, mounts
(also the volumes without a name of one's own), networks with aliases and fixed addresses,
limits, ports, labels, restart policy, health check, logging. What the container only inherited from
its image is left to the image of the copy. Pure: reads the engine's inspect documents.
"""

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Final

from opsconsole.dataclass import dataclass

Document = Mapping[str, Any]

_INHERITED: Final = ("Entrypoint", "WorkingDir", "User", "StopSignal", "Healthcheck", "Shell")
_SHORT_ID: Final = 12
_SHARED_NETWORKS: Final = frozenset({"host", "none"})


@dataclass(frozen=True, slots=True)
class Copy:
    """The body of ``POST /containers/create``, and the networks to connect to before the start."""

    body: dict[str, Any]
    networks: dict[str, dict[str, Any]] = field(default_factory=dict)


def copy_of(container: Document, image: Document, onto: str) -> Copy:
    """``container`` again, from the image ``onto``.

    ``container`` is its inspect document, ``image`` that of the image it was created from.
    """
    first, others = _networks(container)
    body = {
        **_config(container, image.get("Config") or {}),
        "Image": onto,
        "HostConfig": _host_config(container),
    }
    if first:
        body["NetworkingConfig"] = {"EndpointsConfig": first}
    return Copy(body, others)


def published(container: Document) -> dict[str, list[dict[str, str]]]:
    """The ports of a running container as they are published, also those the engine chose."""
    declared = container["HostConfig"].get("PortBindings") or {}
    actual = (container.get("NetworkSettings") or {}).get("Ports") or {}
    names = [*declared, *(name for name in actual if name not in declared and actual[name])]
    return {name: _pinned(declared.get(name), actual.get(name)) for name in names}


def fixed_ports(container: Document) -> tuple[str, ...]:
    """The host's ports that the container was created with."""
    bindings = (container["HostConfig"].get("PortBindings") or {}).values()
    ports = (binding.get("HostPort") for each in bindings for binding in each or ())
    return tuple(port for port in ports if port and port != "0")


def fixed_addresses(container: Document) -> tuple[str, ...]:
    """The addresses that the container was created with in its networks."""
    networks = (container.get("NetworkSettings") or {}).get("Networks") or {}
    given = (endpoint.get("IPAMConfig") or {} for endpoint in networks.values())
    return tuple(
        address
        for config in given
        for key in ("IPv4Address", "IPv6Address")
        if (address := config.get(key))
    )


def _config(container: Document, inherited: Document) -> dict[str, Any]:
    config = dict(container["Config"])
    if config.get("Hostname") == container["Id"][:_SHORT_ID]:
        del config["Hostname"]
    own_entrypoint = _differs(config, inherited, "Entrypoint")
    for key in _INHERITED:
        if key in config and not _differs(config, inherited, key):
            del config[key]
    if not own_entrypoint and not _differs(config, inherited, "Cmd"):
        config.pop("Cmd", None)
    config["Env"] = _without(config.get("Env") or [], inherited.get("Env") or [])
    labels, image_labels = config.get("Labels") or {}, inherited.get("Labels") or {}
    config["Labels"] = {
        key: value for key, value in labels.items() if image_labels.get(key) != value
    }
    for key in ("ExposedPorts", "Volumes"):
        own, taken = config.get(key) or {}, inherited.get(key) or {}
        config[key] = {name: value for name, value in own.items() if name not in taken}
    config.pop("OnBuild", None)
    return config


def _differs(config: Document, inherited: Document, key: str) -> bool:
    return (config.get(key) or None) != (inherited.get(key) or None)


def _without(items: list[str], taken: list[str]) -> list[str]:
    return [item for item in items if item not in taken]


def _host_config(container: Document) -> dict[str, Any]:
    host = dict(container["HostConfig"])
    host.pop("ContainerIDFile", None)
    host["PortBindings"] = published(container)
    host["Links"] = [_link(link) for link in host.get("Links") or ()] or None
    volumes = {
        mount["Destination"]: mount
        for mount in container.get("Mounts") or ()
        if mount.get("Type") == "volume" and mount.get("Name")
    }
    mounts = [_named(mount, volumes) for mount in host.get("Mounts") or ()]
    binds = list(host.get("Binds") or ())
    mounted = {_destination(bind) for bind in binds} | {mount["Target"] for mount in mounts}
    binds += [
        f"{mount['Name']}:{destination}{'' if mount.get('RW', True) else ':ro'}"
        for destination, mount in volumes.items()
        if destination not in mounted
    ]
    host["Binds"], host["Mounts"] = binds or None, mounts or None
    return host


def _link(link: str) -> str:
    """``/db:/web/store`` as the engine reports it is ``db:store`` as it is given."""
    other, _, alias = link.partition(":")
    return f"{other.lstrip('/')}:{alias.rpartition('/')[2]}"


def _named(mount: Document, volumes: Document) -> dict[str, Any]:
    """A mount with the name of the volume that the engine made for it."""
    made = volumes.get(mount["Target"])
    if mount.get("Type") == "volume" and not mount.get("Source") and made:
        return {**mount, "Source": made["Name"]}
    return dict(mount)


def _destination(bind: str) -> str:
    """The path inside of ``source:path[:options]``."""
    return bind.split(":")[1] if ":" in bind else bind


def _pinned(
    declared: list[dict[str, str]] | None, actual: list[dict[str, str]] | None
) -> list[dict[str, str]]:
    """Bindings with the port that the engine chose where it was left to it."""
    chosen = next((binding["HostPort"] for binding in actual or ()), "")
    return [
        {**binding, "HostPort": binding["HostPort"]}
        if binding.get("HostPort") not in {None, "", "0"}
        else {**binding, "HostPort": chosen}
        for binding in declared or [{"HostIp": "", "HostPort": ""}]
    ]


def _networks(container: Document) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The network that the container is created in, and the others."""
    mode = container["HostConfig"].get("NetworkMode") or "default"
    if mode in _SHARED_NETWORKS or mode.startswith("container:"):
        return {}, {}
    networks = (container.get("NetworkSettings") or {}).get("Networks") or {}
    endpoints = {name: _endpoint(endpoint, container["Id"]) for name, endpoint in networks.items()}
    main = "bridge" if mode == "default" else mode
    # A container may have been created in another network than its mode says, or left that one.
    first = next(
        (name for name, each in networks.items() if main in (name, each.get("NetworkID"))),
        next(iter(networks), ""),
    )
    others = {name: endpoint for name, endpoint in endpoints.items() if name != first}
    return ({first: endpoints[first]} if first else {}), others


def _endpoint(endpoint: Document, container: str) -> dict[str, Any]:
    """What an endpoint was created with; what the engine chose for it is left out."""
    aliases = [alias for alias in endpoint.get("Aliases") or () if alias != container[:_SHORT_ID]]
    given = {
        "IPAMConfig": endpoint.get("IPAMConfig"),
        "Links": endpoint.get("Links"),
        "DriverOpts": endpoint.get("DriverOpts"),
        "Aliases": aliases,
        "GwPriority": endpoint.get("GwPriority"),
    }
    return {key: value for key, value in given.items() if value}


def of_its_own(copy: Copy, container: Document) -> Copy:
    """``copy`` for a container beside the first: what only one can have is left to the engine.

    Volumes without a name of one's own, ports that the engine chose and hardware addresses.
    """
    declared = container["HostConfig"]
    given = {key: declared.get(key) for key in ("Binds", "Mounts", "PortBindings")}
    body = {**copy.body, "HostConfig": {**copy.body["HostConfig"], **given}}
    body.pop("MacAddress", None)
    return Copy(body, copy.networks)
