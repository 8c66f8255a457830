"""Tell whether the workers of an engine may run on other machines, and whether those see a folder of this one."""

from __future__ import annotations

import ipaddress
import itertools
import re
import socket
from collections.abc import Sequence
from pathlib import Path

MOUNTS = Path("/proc/self/mounts")
DISKS = frozenset(
    [
        "aufs",
        "apfs",
        "bcachefs",
        "btrfs",
        "devtmpfs",
        "exfat",
        "ext2",
        "ext3",
        "ext4",
        "f2fs",
        "fuseblk",
        "hfs",
        "hfsplus",
        "iso9660",
        "jfs",
        "msdos",
        "nilfs2",
        "ntfs",
        "ntfs3",
        "overlay",
        "ramfs",
        "reiserfs",
        "rootfs",
        "squashfs",
        "tmpfs",
        "ubifs",
        "udf",
        "ufs",
        "vfat",
        "xfs",
        "zfs",
    ]
)
"""Types of file systems that one machine alone has. All others, such as nfs4, cifs, ceph and lustre, are taken for those of a server."""
ADDRESSES = ("spark_master", "spark_master_url", "spark_rest_url", "job_endpoint", "flink_master")
"""Options that hold the address of an engine."""
NO_HOST = re.compile(r"(\[?(local|auto|collection)(\[[^]]*\])?\]?|local-cluster\[.*\]|embed)$", re.IGNORECASE)
"""Addresses that mean this machine: Spark's `local[4]`, Flink's `[local]`, Beam's `embed`."""


def elsewhere(runner: str, options: Sequence[str]) -> str | None:
    """Return where the workers of an engine may run, in words; `None` where all run on this machine.

    >>> elsewhere("SparkRunner", ["--spark_master", "yarn"]), elsewhere("SparkRunner", ["--spark_master=local[2]"])
    ('yarn', None)
    """
    if runner == "DataflowRunner":
        return "Google's machines"
    default = "LOOPBACK" if runner in {"PortableRunner", "PrismRunner"} else ""
    if (value_of(options, "environment_type") or default) == "LOOPBACK":  # workers are threads of this process, wherever the engine is
        return None
    pool = value_of(options, "environment_config") if value_of(options, "environment_type") == "EXTERNAL" else None
    addresses = (*(value_of(options, name) for name in ADDRESSES), pool)
    return next((address for address in addresses if address and not is_here(address)), None)


def value_of(options: Sequence[str], name: str) -> str | None:
    """Return the last value that an option of Beam is given, as `--name=value` or `--name value`; `None` where it is not given.

    >>> value_of(["--region=a", "--region", "b"], "region"), value_of(["--region"], "region")
    ('b', None)
    """
    value = None
    for option, after in itertools.zip_longest(options, options[1:]):
        given, is_set, inline = option.partition("=")
        if given == f"--{name}":
            value = inline if is_set else after
    return value


def is_here(address: str) -> bool:
    """Return whether the address of an engine is of this machine; one that names a cluster manager, such as `yarn`, is not.

    >>> is_here("spark://localhost:7077"), is_here("127.0.0.1:8099"), is_here("k8s://https://10.1.2.3:443")
    (True, True, False)
    """
    if NO_HOST.match(address):
        return True
    if address.startswith("k8s://"):  # workers are pods, wherever the server of the cluster is
        return False
    hosts = re.sub(r"^(\w+://)+", "", address).partition("/")[0].split(",")  # Spark takes several masters with commas
    return all(_is_own(re.sub(r":\d+$", "", host).strip("[]")) for host in hosts)


def _is_own(host: str) -> bool:
    if not host or host == "yarn":
        return False
    if host.lower() in {"localhost", socket.gethostname().lower(), socket.getfqdn().lower()}:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback or host in _own_addresses()
    except ValueError:  # a name
        return False


def _own_addresses() -> set[str]:
    try:
        return {str(entry[4][0]) for entry in socket.getaddrinfo(socket.gethostname(), None)}
    except OSError:
        return set()


def is_shared(path: Path, mounts: str | None = None) -> bool:
    """Return whether a folder of this machine is on the file system of a server, which other machines can mount at the same path.

    Args:
        mounts: the mounts as Linux lists them; by default those of now. Without a list, as on macOS, no folder is taken for shared.
    """
    if mounts is None:
        mounts = MOUNTS.read_text(errors="replace") if MOUNTS.exists() else ""
    path, best = path.resolve(), (Path("/"), "rootfs")
    for line in mounts.splitlines():
        _, where, kind, *_ = line.split(" ")
        mount = Path(re.sub(r"\\(\d{3})", lambda match: chr(int(match[1], 8)), where))  # spaces are \040
        if path.is_relative_to(mount) and len(mount.parts) >= len(best[0].parts):  # the last mount covers earlier ones
            best = mount, kind
    return best[1] not in DISKS
