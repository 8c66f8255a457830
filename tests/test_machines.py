"""An engine's address decides whether its workers may run on other machines, the type of a mount whether these see a folder."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from pipeline.engines.machines import elsewhere, is_here, is_shared

MOUNTS = """\
/dev/vda / ext4 rw 0 0
tmpfs /tmp tmpfs rw 0 0
nas:/export /mnt/nas nfs4 rw 0 0
//nas/share /mnt/my\\040share cifs rw 0 0
host0 /mnt/cluster lustre rw 0 0
bucket /mnt/bucket fuse.s3fs rw 0 0
/dev/vdb /mnt/nas/scratch xfs rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "shared"),
    [
        ("/home/me/set", False),
        ("/tmp/set", False),
        ("/mnt/nas/set", True),
        ("/mnt/nas2", False),
        ("/mnt/my share/a/b", True),
        ("/mnt/cluster", True),
        ("/mnt/bucket/set", True),
        ("/mnt/nas/scratch/set", False),
        ("/mnt/nas/../../home/set", False),
    ],
)
def test_a_folder_is_shared_if_the_innermost_mount_is_that_of_a_server(path: str, shared: bool) -> None:
    assert is_shared(Path(path), MOUNTS) is shared


def test_without_a_list_of_mounts_no_folder_is_taken_for_shared(tmp_path: Path) -> None:
    assert not is_shared(tmp_path, "")
    assert not is_shared(tmp_path)  # by the mounts of this machine


def test_a_later_mount_at_the_same_place_hides_the_earlier_one() -> None:
    assert is_shared(Path("/data/x"), "/dev/a /data ext4 rw 0 0\nnas:/x /data nfs rw 0 0\n")


@pytest.mark.parametrize(
    ("address", "here"),
    [
        ("local", True),
        ("local[*]", True),
        ("local[2,3]", True),
        ("local-cluster[2,1,1024]", True),
        ("[local]", True),
        ("[auto]", True),
        ("embed", True),
        ("localhost:8099", True),
        ("127.0.0.1:8099", True),
        ("[::1]:8099", True),
        ("http://127.0.0.2:6066", True),
        (f"spark://{socket.gethostname()}:7077", True),
        ("yarn", False),
        ("k8s://https://127.0.0.1:443", False),
        ("spark://host:7077", False),
        ("spark://localhost:7077,host2:7077", False),
        ("10.255.0.1:8081", False),
        ("localhost.example.org:1", False),
    ],
)
def test_an_address_is_of_this_machine_or_not(address: str, here: bool) -> None:
    assert is_here(address) is here


@pytest.mark.parametrize(
    ("runner", "options", "where"),
    [
        ("local", ["--direct_num_workers=2"], None),
        ("DataflowRunner", [], "Google's machines"),
        ("SparkRunner", [], None),
        ("SparkRunner", ["--spark_master", "spark://a:7077"], "spark://a:7077"),
        ("SparkRunner", ["--spark_rest_url=http://a:6066", "--spark_master_url=local"], "http://a:6066"),
        ("FlinkRunner", ["--flink_master=a:8081"], "a:8081"),
        ("PortableRunner", ["--job_endpoint=a:8099"], None),
        ("PortableRunner", ["--job_endpoint=a:8099", "--environment_type=DOCKER"], "a:8099"),
        ("FlinkRunner", ["--job_endpoint=a:8099"], "a:8099"),
        ("PortableRunner", ["--job_endpoint=a:8099", "--environment_type=LOOPBACK"], None),
        ("PortableRunner", ["--job_endpoint=localhost:8099", "--environment_type=EXTERNAL", "--environment_config=a:50000"], "a:50000"),
        ("PortableRunner", ["--job_endpoint=localhost:8099", "--environment_type=PROCESS", f"--environment_config={json.dumps({})}"], None),
        ("PortableRunner", ["--environment_type=DOCKER", "--job_endpoint=a:1", "--job_endpoint=localhost:1"], None),
    ],
)
def test_workers_are_elsewhere_where_an_option_says_so(runner: str, options: list[str], where: str | None) -> None:
    assert elsewhere(runner, options) == where
