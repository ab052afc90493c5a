"""Our own requests to kube-apiserver, with the rights of our service account."""

import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
import orjson
from msgspec import Struct

from leadline.programs.serving.cluster import refusal
from leadline.sources.cluster.sign_in import trust_in

Body = dict[str, Any]
_TIMEOUT_S = 10.0
_TOKEN_KEPT_S = 30.0
"""Tokens of pods are renewed in their file long before they expire."""
_MAX_LINE_BYTES = 16 * 2**20


class KubeSettings(Struct, frozen=True):
    server: str
    ca_file: Path
    token_file: Path


class KubeApi:
    def __init__(self, settings: KubeSettings) -> None:
        """Raises: ``ClusterError`` where there is no CA."""
        self._token_file = settings.token_file
        self._token = ""
        self._read_at = -_TOKEN_KEPT_S
        tls = trust_in("--kube-ca", str(settings.ca_file))
        # A whole address is taken apart once for each request, a path three times.
        self._address = settings.server.rstrip("/")
        self._http = httpx2.AsyncClient(verify=tls, timeout=_TIMEOUT_S, trust_env=False)

    async def close(self) -> None:
        await self._http.aclose()

    async def get(self, path: str) -> tuple[int, Body]:
        return await self._ask("GET", path, None)

    async def post(self, path: str, body: Mapping[str, Any]) -> tuple[int, Body]:
        return await self._ask("POST", path, orjson.dumps(body))

    async def patch(self, path: str, body: Mapping[str, Any]) -> tuple[int, Body]:
        """A merge patch."""
        return await self._ask("PATCH", path, orjson.dumps(body), "application/merge-patch+json")

    async def apply(self, path: str, content: Body) -> tuple[int, Body]:
        """Server-side, as ``leadline-apiserver``. Raises: ``Refusal`` where it does not answer."""
        where = f"{path}?fieldManager=leadline-apiserver"
        return await self._ask("PATCH", where, orjson.dumps(content), "application/apply-patch+yaml")

    async def delete(self, path: str) -> tuple[int, Body]:
        return await self._ask("DELETE", path, None)

    async def watch(self, path: str, query: Mapping[str, str]) -> AsyncIterator[Body]:
        """The events of a watch, until it ends or the connection does. Raises: ``Refusal``."""
        try:
            timeout = httpx2.Timeout(_TIMEOUT_S, read=None)
            stream = self._http.stream(
                "GET",
                f"{self._address}{path}",
                params=dict(query),
                headers=self._headers(),
                timeout=timeout,
            )
            async with stream as response:
                if response.status_code != 200:
                    raise refusal.unavailable(f"kube-apiserver: HTTP {response.status_code}")
                async for line in response.aiter_lines():
                    if line.strip() and len(line) <= _MAX_LINE_BYTES:
                        yield orjson.loads(line)
        except (httpx2.HTTPError, orjson.JSONDecodeError, OSError) as error:
            raise refusal.unavailable(f"kube-apiserver: {error or type(error).__name__}") from error

    async def _ask(
        self, method: str, path: str, content: bytes | None, form: str = "application/json"
    ) -> tuple[int, Body]:
        """Raises: ``Refusal`` where it does not answer, or not with JSON."""
        try:
            headers = {**self._headers(), "Content-Type": form}
            response = await self._http.request(
                method, f"{self._address}{path}", content=content, headers=headers
            )
            if response.status_code >= 500 or response.status_code == 429:
                raise refusal.unavailable(f"kube-apiserver: HTTP {response.status_code}")
            body = {} if _is_text(response) else orjson.loads(response.content)
        except (httpx2.HTTPError, orjson.JSONDecodeError, OSError) as error:
            raise refusal.unavailable(f"kube-apiserver: {error or type(error).__name__}") from error
        return response.status_code, body if isinstance(body, dict) else {}

    def _headers(self) -> dict[str, str]:
        now = time.monotonic()
        if now - self._read_at >= _TOKEN_KEPT_S:
            try:
                self._token = self._token_file.read_text("ascii").strip()
            except (OSError, UnicodeDecodeError) as error:
                why = str(getattr(error, "strerror", "") or "it is not a token").lower()
                raise refusal.unavailable(f"cannot read the token in {self._token_file}: {why}") from error
            self._read_at = now
        return {
            "Authorization": f"Bearer {self._token}",
            "Content-Type": "application/json",
            "Accept": "application/json",
            "User-Agent": "leadline",
        }


def _is_text(response: httpx2.Response) -> bool:
    """A path of a group that is not served is answered in plain text."""
    return response.status_code == 404 and not response.headers.get("content-type", "").startswith(
        "application/json"
    )
