"""Send requests to the API of Freesound: with the token of the user, within the budgets, and with answers of bounded size."""

from __future__ import annotations

import json
import os
import tempfile
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import urllib3

from pipeline.records import Reason, Recording, Rejected
from sources.metadata.freesound_request import TOKEN
from transforms.fetching.addresses import host_of, http_address
from transforms.fetching.freesound.freesound_api import HOW, OAUTH_TOKEN, FreesoundSettings
from transforms.fetching.limits.budgets import Budgets
from transforms.fetching.web.http import HttpClient, HttpSettings

MAX_JSON = 32 << 20  # bytes; a page of 150 sounds has about 300 KB


class FreesoundClient:
    """Gets records and audio of sounds; safe to share between threads.

    A token that the API does not accept is a fault of ours: no sound is rejected for good, and no further request is made with it.
    """

    def __init__(self, settings: FreesoundSettings, http: HttpSettings, budgets: Budgets):
        self.settings = settings
        self._budgets = budgets
        self._records = HttpClient(replace(http, max_bytes=MAX_JSON, respect_robots_tag=False), budgets)
        self._originals = HttpClient(http, budgets)
        self._previews = HttpClient(http, budgets)
        self._lock = threading.Lock()
        self._refused: set[str] = set()

    def record(self, path: str, **query: str | int) -> dict[str, Any]:
        """Return the JSON object that the API has at a path.

        Raises:
            Rejected: `postponed` where the token is missing or not accepted, `server_error` where the answer is no JSON object, and the
                reasons of `HttpClient.download`.
        """
        url = f"{self.settings.api.rstrip('/')}/{path}" + (f"?{urlencode(query)}" if query else "")
        with tempfile.TemporaryDirectory() as work:
            recording = self._with_token(self._records, TOKEN, "Token", url, Path(work))
            try:
                answer = json.loads(recording.path.read_bytes())
            except (ValueError, RecursionError) as error:
                raise Rejected(Reason.SERVER_ERROR, "the API of Freesound sent no JSON", recording.provenance) from error
        if not isinstance(answer, dict):
            raise Rejected(Reason.SERVER_ERROR, "the API of Freesound sent no JSON object", recording.provenance)
        return answer

    def preview(self, url: str, work: Path) -> Recording:
        """Download a preview, which needs no token. Raises as `HttpClient.download`."""
        return _as_variant(self._previews.download(url, work), "preview")

    def original(self, sound: str, work: Path) -> Recording:
        """Download the file that the uploader gave to Freesound. Raises as `record`."""
        url = f"{self.settings.api.rstrip('/')}/sounds/{sound}/download/"
        return _as_variant(self._with_token(self._originals, OAUTH_TOKEN, "Bearer", url, work), "original")

    def _with_token(self, client: HttpClient, name: str, scheme: str, url: str, work: Path) -> Recording:
        """Download with a token of the environment, which is read anew: a user may renew it while a build waits."""
        token = os.environ.get(name, "").strip()
        if not token:
            raise Rejected(Reason.POSTPONED, f"{name} is not in the environment: {HOW[name]}")
        if not (token.isascii() and token.isprintable()):
            raise Rejected(Reason.POSTPONED, f"{name} in the environment has characters that no token has")
        with self._lock:
            if token in self._refused:
                raise _not_accepted(name)
            _sign(client, self.settings.api, f"{scheme} {token}")
        try:
            return client.download(url, work)
        except Rejected as rejected:
            if rejected.reason != Reason.FORBIDDEN or "HTTP 401" not in rejected.detail:
                raise
            with self._lock:
                self._refused.add(token)
            self._budgets.refused(host_of(url))
            raise _not_accepted(name) from rejected


def _not_accepted(name: str) -> Rejected:
    return Rejected(Reason.POSTPONED, f"Freesound does not accept {name} (HTTP 401), or it has expired: {HOW[name]}")


def _as_variant(recording: Recording, variant: str) -> Recording:
    return replace(recording, provenance=replace(recording.provenance, variant=variant))


def _sign(client: HttpClient, api: str, authorization: str) -> None:
    """Let a client send a token to the API, and to no host that the API redirects to."""
    if isinstance(client.manager, _SigningManager):
        client.manager.authorization = authorization
        return
    pools, headers = client.manager.pool_classes_by_scheme, client.manager.headers
    client.manager = _SigningManager(api, authorization, num_pools=4, maxsize=16, headers=headers)
    client.manager.pool_classes_by_scheme = pools


class _SigningManager(urllib3.PoolManager):
    def __init__(self, api: str, authorization: str, **options: Any):
        super().__init__(**options)
        self.authorization = authorization
        self._origin = urlsplit(http_address(api))[:2]  # as it is in the addresses that are requested

    def urlopen(self, method: str, url: str, redirect: bool = True, **options: Any) -> urllib3.BaseHTTPResponse:  # type: ignore[override]
        if urlsplit(url)[:2] == self._origin:
            options["headers"] = {**(options.get("headers") or self.headers), "Authorization": self.authorization}
        return super().urlopen(method, url, redirect, **options)
