"""Which proxy a probe goes through: the configured one, or the environment's where asked for.

Invariant: the environment is not read unless the configuration says so.
"""

import urllib.request

import httpx

from opsconsole.config.http import HttpConfig


def proxy_for(http: HttpConfig, target: httpx.URL) -> httpx.URL | None:
    """The proxy for ``target``, or None; the environment's ``NO_PROXY`` is kept to."""
    if http.proxy_url is not None:
        return httpx.URL(http.proxy_url)
    if not http.proxy_from_environment or urllib.request.proxy_bypass(target.host):
        return None
    found = urllib.request.getproxies().get(target.scheme)
    return httpx.URL(found) if found else None
