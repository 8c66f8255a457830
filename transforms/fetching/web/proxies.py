"""Reach hosts through the proxy that `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` name, without weakening the check of addresses.

A proxy that is given a name looks it up by itself, and connects to whatever it finds, inside its network too. So it is asked for a tunnel
to an address that was looked up and checked here, over http as over https.
"""

from __future__ import annotations

import base64
import http.client
import socket
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

PORT = 80  # of a proxy whose address names none


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy that speaks HTTP. `fault` says why it cannot be used, for users."""

    host: str
    port: int = PORT
    authorization: str | None = field(default=None, repr=False)
    fault: str | None = None

    @classmethod
    def parse(cls, text: str) -> Proxy:
        """Return the proxy of an address as the environment has it.

        >>> Proxy.parse("http://me:secret@proxy.example.org:3128/")
        Proxy(host='proxy.example.org', port=3128, fault=None)
        """
        try:
            parts = urlsplit(text if "://" in text else f"http://{text}")
            host, port = parts.hostname or "", parts.port or PORT
        except ValueError:
            return cls("", fault="its address is not valid")
        if parts.scheme != "http" or not host:
            return cls(host, port, fault=f"{parts.scheme[:20]}:// proxies are not supported, only http://")
        if parts.username is None:
            return cls(host, port)
        secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        return cls(host, port, f"Basic {base64.b64encode(secret.encode()).decode()}")

    def tunnel(self, address: str, port: int, timeout: float | None) -> socket.socket:
        """Return a connection to an address through this proxy.

        Raises:
            OSError: the proxy cannot be reached, refuses, or answers something else.
        """
        target = f"[{address}]" if ":" in address else address
        headers = {"Host": f"{target}:{port}", **({"Proxy-Authorization": self.authorization} if self.authorization else {})}
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        connection.set_tunnel(target, port, headers)
        try:
            connection.connect()
        except http.client.HTTPException as error:
            connection.close()
            raise OSError("it does not answer as a proxy") from error
        except OSError:
            connection.close()
            raise
        return connection.sock


def proxy_for(scheme: str, host: str, port: int) -> Proxy | None:
    """Return the proxy that the environment names for a host; `None` for a direct connection."""
    proxies = getproxies_environment()
    text = proxies.get(scheme)
    if not text or proxy_bypass_environment(f"{host}:{port}", proxies):
        return None
    return Proxy.parse(text)
