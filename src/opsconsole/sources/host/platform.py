"""Recognising where the console runs, and what it may use there.

Invariant: a platform is named where a sign of it is there, never from a guess; without one
the answer is ''. Neither the sign nor its value is shown, for some are secrets.

The signs are those that the guide of Oatie lists, as each platform documents them for its own
workloads. Limits are those of the control group (``cgroup-v1``, ``cgroup-v2.txt``).
"""

from collections.abc import Callable, Mapping
from typing import Final

from opsconsole.dataclass import dataclass

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
    """The platform, such as ``Heroku``; '' when none is recognised.

    Where several are recognised all are named, the outermost service first and what it runs
    on after it: ``AWS, Kubernetes``.
    """
    return ", ".join(each.name for each in _PLATFORMS if _is_it(each, environ, exists))


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


def _is_it(platform: _Platform, environ: Mapping[str, str], exists: Callable[[str], bool]) -> bool:
    """Whether one of the platform's signs is there."""
    return (
        any(environ.get(name, "").strip().lower() not in _FALSE for name in platform.flags)
        or any(environ.get(name, "").strip() for name in platform.variables)
        or any(exists(path) for path in platform.files)
    )


def _share(quota: str | None = None, period: str | None = None) -> float | None:
    """Cores that a quota of microseconds in each period allows; None without a quota."""
    allowed, each = _number(quota), _number(period)
    return allowed / each if allowed and each else None


def _number(text: str | None) -> int | None:
    word = (text or "").strip()[:20]
    return int(word) if word.isdecimal() else None
