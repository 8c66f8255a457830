"""Read and show addresses: their scheme, their host, the form in which they are requested, and the form without secrets."""

from __future__ import annotations

import ipaddress
import re
import socket
from urllib.parse import urljoin, urlsplit

import urllib3

from pipeline.records import Reason, Rejected

SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+):")  # two characters at least: `C:` is a drive
MAX_ADDRESS = 8192  # characters; few servers take more
LAST_LABEL_NUMBER = re.compile(r"(?:^|\.)(?:\d+|0x[0-9a-f]*)$")  # of an IPv4 address, in all its ways of writing; WHATWG URL, section 3.5
MAX_HOST = 253  # characters of a name; RFC 1035, section 2.3.4
MAX_SCHEME_SHOWN = 80  # characters


def scheme_of(url: str) -> str | None:
    """Return the scheme of an address in lower case; `None` for a path.

    >>> scheme_of("HTTPS://example.org/rain.wav"), scheme_of("recordings/rain.wav"), scheme_of("C:/rain.wav")
    ('https', None, None)
    """
    scheme = SCHEME.match(url)
    return scheme[1].lower() if scheme else None


def host_of(url: str) -> str:
    """Return the host of an address as `plain_host` writes it; nothing where it has none.

    >>> host_of("https://www.YouTube.com/watch?v=x")
    'youtube.com'
    """
    try:
        return plain_host(urlsplit(url).hostname or "")
    except ValueError:  # half an IPv6 address
        return ""


def plain_host(host: str) -> str:
    """Return a host in one way of writing, so that all its addresses share its limits.

    It is in lower case, without `www.` and without the dot at the end that names may have; an international name is in ASCII (RFC 5891),
    an IP address as `ipaddress` writes it.

    >>> plain_host("www.Example.org."), plain_host("BÜCHER.example"), plain_host("127.1"), plain_host("[0:0::1]")
    ('example.org', 'xn--bcher-kva.example', '127.0.0.1', '::1')
    """
    if not host.isascii():
        try:
            host = urllib3.util.parse_url(f"//{host}").host or ""
        except urllib3.exceptions.LocationValueError:
            return host  # no host has this name
    host = host.lower().strip("[]").rstrip(".").removeprefix("www.")
    try:
        if ":" in host:
            address = ipaddress.IPv6Address(host)
            return str(address.ipv4_mapped or address)
        if host[:1].isdigit() and LAST_LABEL_NUMBER.search(host):
            return socket.inet_ntoa(socket.inet_aton(host))
    except (ValueError, OSError):  # a name that looks like one
        pass
    return host


def http_address(text: str) -> str:
    """Return an http(s) address as it will be requested: without user, password and fragment.

    Raises:
        Rejected: `unsafe_address` for other schemes, `not_found` for a text that is not an address.

    >>> http_address("HTTP://me:pw@example.org/a b.mp3#t=3")
    'http://example.org/a%20b.mp3'
    """
    if len(text) > MAX_ADDRESS:
        raise Rejected(Reason.NOT_FOUND, f"not an address: {len(text)} characters, at most {MAX_ADDRESS}")
    try:
        parts = urllib3.util.parse_url(text)
    except (urllib3.exceptions.LocationValueError, ValueError) as error:
        raise Rejected(Reason.NOT_FOUND, "not an address") from error  # without the error's text: it may hold a password
    if parts.scheme not in {"http", "https"}:
        scheme = (parts.scheme or "no")[:MAX_SCHEME_SHOWN]
        raise Rejected(Reason.UNSAFE_ADDRESS, f"leads to {scheme}: addresses; only http and https are fetched")
    if not parts.host or len(parts.host) > MAX_HOST:
        raise Rejected(Reason.NOT_FOUND, "not an address: it names no host")
    return parts._replace(auth=None, fragment=None).url


def redirected(url: str, location: str) -> str:
    """Return the address that the answer of `url` redirects to; `location` may be relative to it.

    Raises:
        Rejected: `not_found` for a location that is not an address.

    >>> redirected("https://example.org/a/rain.wav", "../b/rain.wav")
    'https://example.org/b/rain.wav'
    """
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise Rejected(Reason.NOT_FOUND, "redirected to a location that is not an address") from error


def without_secrets(text: str) -> str:
    """Return an address, or a text with addresses in it, without passwords and without the values of queries.

    >>> without_secrets("https://me:p@w@example.org/a.mp3?token=abc&n=1")
    'https://example.org/a.mp3?token=...&n=...'
    """
    text = re.sub(r"(://)[^/?#]*@", r"\1", text)
    return re.sub(r"([?&])([\w.~-]{1,40}=(?=[^=&#\s]))?[^&#\s]*", r"\1\2...", text)  # what ends in = is base64, not a name
