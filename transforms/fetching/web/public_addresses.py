"""Tell public IP addresses from all others, by the registries of IANA and not by the version of Python.

`ipaddress.is_global` changes with Python's version; this module gives equal answers on all of them. It imports only `ipaddress`.
Sources: the IANA IPv4 and IPv6 special-purpose address registries (RFC 6890, kept up to date by IANA), the IPv6 address
space registry (RFC 4291), and RFC 5771 for multicast.
"""

from __future__ import annotations

import ipaddress

NOT_PUBLIC_V4 = tuple(
    ipaddress.IPv4Network(block)
    for block in (
        "0.0.0.0/8",  # this network, RFC 791
        "10.0.0.0/8",  # private use, RFC 1918
        "100.64.0.0/10",  # shared by the customers of a provider, RFC 6598
        "127.0.0.0/8",  # loopback, RFC 1122
        "169.254.0.0/16",  # link-local, RFC 3927; clouds answer metadata here
        "172.16.0.0/12",  # private use, RFC 1918
        "192.0.0.0/24",  # protocol assignments, RFC 6890; its anycast addresses are answered by the nearest router, which is ours
        "192.0.2.0/24",  # documentation, RFC 5737
        "192.88.99.0/24",  # relays from IPv6 to IPv4, retired by RFC 7526; the nearest router answers
        "192.168.0.0/16",  # private use, RFC 1918
        "198.18.0.0/15",  # benchmarks, RFC 2544
        "198.51.100.0/24",  # documentation, RFC 5737
        "203.0.113.0/24",  # documentation, RFC 5737
        "224.0.0.0/4",  # multicast, RFC 5771
        "240.0.0.0/4",  # reserved, RFC 1112; with the broadcast address
    )
)
UNICAST_V6 = ipaddress.IPv6Network("2000::/3")
"""The only block of IPv6 that has public addresses of single hosts (RFC 4291). Loopback, link-local, private, IPv4-mapped
(`::ffff:0:0/96`), local NAT64 (`64:ff9b:1::/48`) and multicast addresses are outside it."""
NOT_PUBLIC_V6 = tuple(
    ipaddress.IPv6Network(block)
    for block in (
        "2001::/23",  # protocol assignments, RFC 2928; with Teredo (2001::/32, RFC 4380), whose IPv4 address is that of any host
        "2001:db8::/32",  # documentation, RFC 3849
        "3fff::/20",  # documentation, RFC 9637
    )
)
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
SIX_TO_FOUR = ipaddress.IPv6Network("2002::/16")  # RFC 3056: the 32 bits after the first 16 are an IPv4 address


def is_public(text: str) -> bool:
    """Return whether an IP address is that of a single host on the public internet.

    An IPv4 address inside an IPv6 address is judged by its own registry: those of NAT64 and of 6to4. IPv4-mapped and Teredo
    addresses are never public, whatever they hold: no server on the internet has one.

    Raises:
        ValueError: `text` is not an IP address.

    >>> is_public("93.184.215.14"), is_public("64:ff9b::93.184.215.14"), is_public("2606:4700::6810:84e5")
    (True, True, True)
    >>> is_public("10.0.0.1"), is_public("64:ff9b::10.0.0.1"), is_public("fe80::1%eth0")
    (False, False, False)
    """
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv4Address):
        return _is_public_v4(address)
    if address in NAT64:
        return _is_public_v4(_ipv4_at(address, 0))
    if address in SIX_TO_FOUR:
        return _is_public_v4(_ipv4_at(address, 80))
    return address in UNICAST_V6 and not any(address in block for block in NOT_PUBLIC_V6)


def is_loopback(text: str) -> bool:
    """Return whether a text is the IP address of this machine itself.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("10.0.0.1"), is_loopback("example.org")
    (True, True, False, False)
    """
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:  # a name
        return False


def _is_public_v4(address: ipaddress.IPv4Address) -> bool:
    return not any(address in block for block in NOT_PUBLIC_V4)


def _ipv4_at(address: ipaddress.IPv6Address, shift: int) -> ipaddress.IPv4Address:
    """Return the IPv4 address that is written `shift` bits from the right."""
    return ipaddress.IPv4Address(int(address) >> shift & 0xFFFFFFFF)
