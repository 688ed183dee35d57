"""A fleet of real containers and servers to be broken beside a console on a terminal."""

import json
import ssl
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from opsconsole.demo import busybox
from opsconsole.demo.docker_engine import Engine
from opsconsole.demo.processes import answers_http, free_port
from tests.patience import until
from tests.servers.engines import host_port

if TYPE_CHECKING:
    from docker.models.containers import Container

INTERVAL: Final = "1s"
PAGE: Final = {"path": "/", "expect": {"contains": "version"}}
QUICK: Final = {"min_healthy": "1s", "deadline": "60s"}

SERVE: Final = r"""
mkdir -p /www/cgi-bin
cat > /www/cgi-bin/health <<'END'
#!/bin/sh
code="200 OK"; body='{"status":"ok"}'
PART
printf 'HTTP/1.0 %s\r\nContent-Type: application/json\r\nContent-Length: %s\r\n\r\n%s' \
  "$code" "${#body}" "$body"
END
chmod 755 /www/cgi-bin/health; trap 'exit 0' TERM; httpd -f -p 8080 -h /www & wait
"""
BROKEN: Final = """code="500 Internal Server Error"; body='{"error":"no table orders"}'"""
# What is in /dev/shm is gone after a restart.
SLOW: Final = "[ -e /dev/shm/hurt ] && sleep 0.4"
BY_TURNS: Final = f"""if [ -e /dev/shm/hurt ]; then
  if [ -e /tmp/turn ]; then rm /tmp/turn; else touch /tmp/turn; {BROKEN}; fi; fi"""
WRITES: Final = """
if ! dd if=/dev/zero of=/dev/shm/probe bs=1M count=2 2> /dev/null; then
  code="503 Service Unavailable"
  body='{"status":"DOWN","components":{"disk":{"status":"DOWN","message":"no space left"}}}'
fi
rm -f /dev/shm/probe
"""
LEAK: Final = """
httpd -p 8080 -h /www; sleep 0.5
exec awk 'BEGIN { while (1) kept[n++] = sprintf("%1999999s", "") }'
"""
FLOOD: Final = """
httpd -p 8080 -h /www
while [ ! -e /dev/shm/hurt ]; do sleep 0.1; done
n=0; while [ $n -lt 20000 ]; do n=$((n+1)); echo "INFO request $n took 3 ms"
  [ $n = 9000 ] && echo "ERROR payment refused: card 4711"; done
sleep 1000
"""


class Fleet:
    """Services that are well, by name, and the ways in which each is broken."""

    def __init__(self, docker: Engine, folder: Path) -> None:
        self.docker = docker
        self.folder = folder
        self.services: dict[str, dict[str, Any]] = {}

    def image(self, tag: str, command: str) -> str:
        """An image whose own command it is; where it is run stays open."""
        self.docker.client().api.import_image_from_data(
            busybox.archive(2),
            repository=self.docker.repository,
            tag=tag,
            changes=["CMD " + json.dumps(["sh", "-c", command]), "ENV PATH=/bin", "EXPOSE 8080"],
        )
        return f"{self.docker.repository}:{tag}"

    def answering(self, tag: str, part: str = "") -> str:
        """An image that answers at ``/cgi-bin/health`` as a part of a script says."""
        return self.image(tag, SERVE.replace("PART", part))

    def serve(self, name: str, copies: int = 1, *, image: str = "", **more: Any) -> None:
        """A service of containers; one of an ``image`` is asked for its health."""
        called = [f"{name}-{number}" for number in range(1, copies + 1)] if copies > 1 else [name]
        instances = []
        for each in called:
            port = free_port()
            self.docker.run(each, image=image or None, ports={8080: port})
            until(lambda port=port: answers_http(port))  # type: ignore[misc]
            instances.append({"url": f"http://127.0.0.1:{port}", "container": each})
        health = more.pop("health", {"path": "/cgi-bin/health"} if image else PAGE)
        restart = {"docker": {"containers": called}, **QUICK}
        actions = {"restart": restart, **more.pop("actions", {})}
        self.declare(name, instances=instances, health=health, actions=actions, **more)

    def declare(self, name: str, **more: Any) -> None:
        """A service as the configuration has it."""
        self.services[name] = {"interval": INTERVAL, **more}

    def container(self, name: str) -> "Container":
        """A container by its name."""
        return self.docker.client().containers.get(name)

    def hurt(self, name: str) -> None:
        """Let what answers by a script answer otherwise, until the restart."""
        self.container(name).exec_run("touch /dev/shm/hurt")

    def replace(self, name: str, image: str, **more: Any) -> None:
        """Make a container again, of another image, at its old address."""
        old = self.container(name)
        port = host_port(old)
        old.remove(force=True)
        self.docker.run(name, image=image, ports={8080: port}, **more)

    def write(self, **more: Any) -> Path:
        """The configuration of all that was declared."""
        path = self.folder / "opsconsole.yaml"
        document = {
            "state_dir": str(self.folder / "state"),
            "environment": {"name": "staging", "danger": "none"},
            "host": {"enabled": False},
            "docker": {"host": self.docker.url, "interval": INTERVAL},
            "services": self.services,
            **more,
        }
        path.write_text(yaml.safe_dump(document))
        path.chmod(0o600)
        return path


def issued(days: float) -> bytes:
    """Key and certificate of localhost, its own authority, that ends in so many days."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + signed.public_bytes(pem)


class _Well(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b'{"status": "ok"}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class TlsServer:
    """Always well, over TLS; ``shows`` another certificate to whoever connects from then on."""

    def __init__(self, folder: Path, days: float) -> None:
        self._file = folder / "server.pem"
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.shows(days)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Well)
        self._server.socket = self._context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://localhost:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def shows(self, days: float) -> None:
        """Have a certificate that ends in so many days."""
        self._file.write_bytes(issued(days))
        self._file.chmod(0o600)
        self._context.load_cert_chain(self._file)

    def stop(self) -> None:
        """End it."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
