"""Downloads over TLS, from a server on 127.0.0.1 with a certificate of its own."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import replace
from types import SimpleNamespace

import pytest

from pipeline.records import Reason
from tests.downloads import QUICK, SHA256, Names, client_of, rejection_of
from tests.loopback import Loopback


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    command = f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -keyout {key} -out {cert}"
    subprocess.run([*command.split(), "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"], check=True, capture_output=True)
    return SimpleNamespace(key=key, cert=cert)


@pytest.fixture
def tls_server(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.cert, certificate.key)
    with Loopback(tls=context) as server:
        yield server


def test_a_certificate_without_a_known_authority_is_refused(tls_server, tmp_path):
    rejected = rejection_of(tls_server.url("/good?key=hush"), tmp_path)
    assert (rejected.reason, rejected.provenance.evidence.attempts, tls_server.n_requests.total()) == (Reason.UNAVAILABLE, 1, 0)
    assert "certificate verify failed" in rejected.detail


def test_a_certificate_of_a_known_authority_is_accepted(tls_server, certificate, tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.cert))
    with client_of(QUICK) as client:
        got = client.download(tls_server.url("/good"), tmp_path)
        assert (got.provenance.sha256, got.provenance.final_url) == (SHA256, tls_server.url("/good"))


def test_a_certificate_for_another_name_is_refused(tls_server, certificate, tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.cert))
    Names(monkeypatch, **{"other.example": [["127.0.0.1"]]})
    rejected = rejection_of(tls_server.url("/good", host="other.example"), tmp_path)
    assert (rejected.reason, tls_server.n_requests.total()) == (Reason.UNAVAILABLE, 0)
    assert "other.example" in rejected.detail


@pytest.mark.parametrize("path", ["/drip", "/drip-head", "/stall"])
def test_the_total_time_holds_under_tls(tls_server, certificate, tmp_path, monkeypatch, path):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.cert))
    assert rejection_of(tls_server.url(path), tmp_path, replace(QUICK, total_timeout=0.5)).reason == Reason.TIMEOUT


def test_a_server_without_tls_behind_an_https_address_is_tried_again(loopback, tmp_path):
    rejected = rejection_of(loopback.url("/good").replace("http:", "https:"), tmp_path)
    assert (rejected.reason, rejected.provenance.evidence.attempts) == (Reason.CONNECTION, 4)
