"""The same addresses are public on every version of Python."""

from __future__ import annotations

import functools
import ipaddress
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from transforms.fetching.web import public_addresses
from transforms.fetching.web.public_addresses import is_public

PUBLIC = [
    "93.184.215.14",
    "8.8.8.8",
    "1.1.1.1",
    "223.255.255.255",
    "2606:4700::6810:84e5",
    "2001:4860:4860::8888",
    "2a00:1450:4001::1",
    "64:ff9b::93.184.215.14",  # NAT64
    "2002:5db8:d70e::1",  # 6to4 of 93.184.215.14
]
NOT_PUBLIC = [
    *("0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "192.0.0.1", "192.0.0.9", "192.0.0.170"),
    *("192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1"),
    *("239.255.255.250", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::127.0.0.1", "::93.184.215.14", "100::1", "100:0:0:1::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1"),
    *("fe80::1%eth0", "fec0::1", "ff02::1", "ff0e::1", "64:ff9b:1::1", "64:ff9b:1::93.184.215.14"),
    *("2001:db8::1", "3fff::1", "3fff:fff:ffff::1", "2001:1::1", "2001:2::1", "2001:3::1", "2001:20::1", "2001:1ff:ffff::1"),
    *("::ffff:127.0.0.1", "::ffff:93.184.215.14", "::ffff:0:127.0.0.1"),  # IPv4-mapped and IPv4-translated
    *("64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b::224.0.0.1"),  # NAT64
    *("2002:7f00:1::", "2002:a00:1::1", "2002:a9fe:a9fe::1", "2002:e000:1::1"),  # 6to4 of 127.0.0.1, 10.0.0.1, …
    *("2001:0:5db8:d70e::1", "2001:0:7f00:1::f5ff:fffe"),  # Teredo
]
EXPECTED = dict.fromkeys(PUBLIC, True) | dict.fromkeys(NOT_PUBLIC, False)
OLDEST = (3, 11)


@pytest.mark.parametrize(("address", "public"), EXPECTED.items())
def test_an_address_is_public_or_not(address, public):
    assert is_public(address) is public


@pytest.mark.parametrize("block", [*public_addresses.NOT_PUBLIC_V4, *public_addresses.NOT_PUBLIC_V6])
def test_a_block_that_is_not_public_ends_where_the_registry_says(block):
    """The addresses beside the block are public, except where another block begins."""
    assert not is_public(str(block[0]))
    assert not is_public(str(block[-1]))
    beside = {"0.0.0.0/8": [1], "224.0.0.0/4": [-1], "240.0.0.0/4": [], "2001::/23": [-1, 1]}.get(str(block), [-1, 1])
    for step in beside:
        address = block[0] - 1 if step < 0 else block[-1] + 1
        assert is_public(str(address)), address


@pytest.mark.parametrize("address", ["1fff:ffff::1", "4000::1"])
def test_beside_the_unicast_block_nothing_is_public(address):
    assert is_public("2000::1") and is_public("3ffe:ffff::1")
    assert not is_public(address)


@pytest.mark.parametrize("text", ["", "example.org", "1.2.3", "1.2.3.4.5", "010.0.0.1", "2606:4700::g"])
def test_a_text_that_is_not_an_address_is_an_error(text):
    with pytest.raises(ValueError):
        is_public(text)


def test_no_address_is_public_that_python_calls_loopback_link_local_or_multicast():
    """What never changed between the versions of `ipaddress` holds here too."""
    for text in PUBLIC:
        address = ipaddress.ip_address(text)
        assert not (address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified)


@functools.cache
def interpreters() -> dict[str, Path]:
    """Return the interpreters on this machine that this project supports, by version; one at least: the one that runs this."""
    candidates = [Path(name) for n in range(OLDEST[1], 30) if (name := shutil.which(f"python{OLDEST[0]}.{n}"))]
    candidates += sorted(Path.home().glob(".pyenv/versions/*/bin/python"))
    by_version = {sys.version.split()[0]: Path(sys.executable)}
    for path in candidates:
        done = subprocess.run([path, "-I", "-c", "import sys; print(sys.version.split()[0])"], capture_output=True, text=True)
        version = done.stdout.strip()
        if done.returncode == 0 and tuple(map(int, version.split(".")[:2])) >= OLDEST:
            by_version.setdefault(version, path)
    return by_version


@pytest.mark.parametrize("version", interpreters())
def test_every_version_of_python_gives_the_same_answers(version):
    code = "import json, runpy, sys; f = runpy.run_path(sys.argv[1])['is_public']; print(json.dumps([f(a) for a in sys.argv[2:]]))"
    command = [interpreters()[version], "-I", "-c", code, public_addresses.__file__, *EXPECTED]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert dict(zip(EXPECTED, json.loads(done.stdout), strict=True)) == EXPECTED
