"""The SDK's transport over a unix socket, without what it leaves behind.

Invariant: a socket that could not be connected is closed. The SDK's own is left to the garbage
collector, once for every look at an engine that is away, for as long as it is away.
"""

import socket
from typing import Any

from docker.transport import UnixHTTPAdapter
from docker.transport.unixconn import UnixHTTPConnection, UnixHTTPConnectionPool


class UnixAdapter(UnixHTTPAdapter):
    """Mounted in place of the SDK's adapter."""

    def get_connection(self, url: Any, proxies: object = None) -> UnixHTTPConnectionPool:
        """The pool of connections to the socket; there is one."""
        with self.pools.lock:
            pool = self.pools.get(url)
            if pool is None:
                self.pools[url] = pool = self.pool(url)
            return pool

    def pool(self, url: Any) -> "Pool":
        """Connections to the socket."""
        return Pool(url, self.socket_path, self.timeout, maxsize=self.max_pool_size)


class Pool(UnixHTTPConnectionPool):
    """Makes them."""

    def _new_conn(self) -> Any:  # the SDK's class is not of the type that urllib3 declares
        timeout: Any = self.timeout
        return _Connection(self.base_url, self.socket_path, timeout)


class _Connection(UnixHTTPConnection):
    def connect(self) -> None:
        connecting = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connecting.settimeout(self.timeout)
            connecting.connect(self.unix_socket)
        except BaseException:
            connecting.close()
            raise
        self.sock = connecting
