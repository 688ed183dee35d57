"""Recognising where the console runs, and what it may use there.

Invariant: a platform is named with the evidence for it, never from a guess; without evidence
the answer is ''. Values of variables are not shown, for some are secrets.

The signs are those that the guide of Oatie lists, as each platform documents them for its own
workloads. Limits are those of the control group (``cgroup-v1``, ``cgroup-v2.txt``).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

_FALSE: Final = frozenset({"", "0", "false", "no", "off"})
_NO_LIMIT: Final = 1 << 60


@dataclass(frozen=True, slots=True)
class _Platform:
    """Any one of the signs is enough. ``flags`` are variables that a false word takes back."""

    name: str
    flags: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


_PLATFORMS: Final = (
    _Platform("GitHub Codespaces", flags=("CODESPACES",)),
    _Platform("Vercel", variables=("VERCEL_ENV", "VERCEL_URL")),
    _Platform("Railway", variables=("RAILWAY_ENVIRONMENT",)),
    _Platform("Heroku", variables=("DYNO", "HEROKU_APP_NAME")),
    _Platform("Azure", variables=("AZURE_RESOURCE_GROUP", "WEBSITE_SITE_NAME")),
    _Platform("AWS", variables=("AWS_LAMBDA_FUNCTION_NAME", "AWS_REGION")),
    _Platform("Google Cloud", variables=("GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT")),
    _Platform("Kubernetes", files=("/var/run/secrets/kubernetes.io",)),
    _Platform("in a container", flags=("DOCKER_CONTAINER",), files=("/.dockerenv",)),
)


def recognise(environ: Mapping[str, str], exists: Callable[[str], bool]) -> str:
    """The platform with its evidence, such as ``Heroku (DYNO)``; '' when none is recognised.

    Where several are recognised all are named, the outermost service first and what it runs
    on after it: ``AWS (AWS_REGION), Kubernetes (/var/run/secrets/kubernetes.io)``.
    """
    found = [
        f"{platform.name} ({evidence})"
        for platform in _PLATFORMS
        if (evidence := _evidence(platform, environ, exists))
    ]
    return ", ".join(found)


def describe_limits(read: Callable[[str], str | None], *, memory: int, cores: int) -> str:
    """What the control group leaves of ``memory`` bytes and ``cores``; '' when all of it.

    ``read`` gives the text of a file below ``/sys/fs/cgroup``, None where there is none.
    """
    limit = _number(read("memory.max")) or _number(read("memory/memory.limit_in_bytes"))
    share = _share(*(read("cpu.max") or "").split()[:2]) or _share(
        read("cpu/cpu.cfs_quota_us"), read("cpu/cpu.cfs_period_us")
    )
    parts = []
    if limit is not None and limit < min(memory, _NO_LIMIT):
        parts.append(f"{limit / 2**30:.1f} GiB of memory")
    if share is not None and share < cores:
        parts.append(f"{share:.1f} of {cores} cores")
    return f"limited to {' and '.join(parts)}" if parts else ""


def _evidence(
    platform: _Platform, environ: Mapping[str, str], exists: Callable[[str], bool]
) -> str:
    """The first sign of the platform that is there; '' when none is."""
    for name in platform.flags:
        if environ.get(name, "").strip().lower() not in _FALSE:
            return name
    for name in platform.variables:
        if environ.get(name, "").strip():
            return name
    return next((path for path in platform.files if exists(path)), "")


def _share(quota: str | None = None, period: str | None = None) -> float | None:
    """Cores that a quota of microseconds in each period allows; None without a quota."""
    allowed, each = _number(quota), _number(period)
    return allowed / each if allowed and each else None


def _number(text: str | None) -> int | None:
    word = (text or "").strip()[:20]
    return int(word) if word.isdecimal() else None
