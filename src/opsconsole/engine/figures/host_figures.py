"""Figures of the host that a service is on, by the names that objectives and rules use.

Invariant: pure; None where the host was not seen recently or does not say. Shares are fractions of
the whole, sizes bytes. Of several disks the one that is worst off counts.
"""

from collections.abc import Callable, Mapping
from typing import Final

from opsconsole.model.running.hosts import Host, HostView


def of_host(seen: HostView | None, name: str, now: float, *, share: bool) -> float | None:
    """The figure called ``name``, as a ``share`` where a threshold is one."""
    if seen is None or seen.stale(now):
        return None
    return HOST_FIGURES[name](seen.host, share)


def _disk(host: Host, share: bool) -> float | None:
    return max(
        (each.share if share else float(each.used) for each in host.disks if each.total),
        default=None,
    )


def _disk_free(host: Host, share: bool) -> float | None:
    return min(
        (
            1 - each.share if share else float(each.total - each.used)
            for each in host.disks
            if each.total
        ),
        default=None,
    )


def _of_total(used: int, total: int, share: bool) -> float | None:
    if not total:
        return None
    return used / total if share else float(used)


HOST_FIGURES: Final[Mapping[str, Callable[[Host, bool], float | None]]] = {
    "disk": _disk,
    "disk_free": _disk_free,
    "host_cpu": lambda host, _share: host.cpu,
    "host_memory": lambda host, share: _of_total(host.memory_used, host.memory_total, share),
    "host_swap": lambda host, share: _of_total(host.swap_used, host.swap_total, share),
    "host_load": lambda host, _share: host.load[0],
}
