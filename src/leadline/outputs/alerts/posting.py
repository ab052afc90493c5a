"""Sends JSON to an address over HTTP. The client, with its proxies and its trust, is made by the program."""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx2
import orjson

from leadline.outputs.alerts.protocol import DeliveryError

TIMEOUT_S = 10.0
"""Without a byte."""
LONGEST_S = 20.0
"""For one request, however steadily its answer drips."""
_MOST_SHOWN = 200


class Poster:
    def __init__(self, http: httpx2.AsyncClient) -> None:
        self._http = http

    async def post(self, url: str, body: Any, headers: Mapping[str, str]) -> None:
        """Raises: ``DeliveryError``, which names the host alone: the rest of a webhook's address is a credential."""
        sent = {"Content-Type": "application/json", **headers}
        try:
            async with asyncio.timeout(LONGEST_S):
                status = await self._status(url, orjson.dumps(body), sent)
        except TimeoutError as error:
            raise DeliveryError(f"{host_of(url)} does not answer within {LONGEST_S:.0f} s") from error
        except (httpx2.HTTPError, httpx2.InvalidURL, RuntimeError) as error:
            why = str(error).replace(url, "…")[:_MOST_SHOWN] or type(error).__name__
            raise DeliveryError(f"{host_of(url)} cannot be reached: {why}") from error
        if not 200 <= status < 300:
            raise DeliveryError(f"{host_of(url)} answers HTTP {status}")

    async def _status(self, url: str, content: bytes, headers: Mapping[str, str]) -> int:
        """The body of the answer is not read: it may have no end."""
        async with self._http.stream(
            # Redirects are not followed: alerts go where the settings say, nowhere else.
            "POST",
            url,
            content=content,
            headers=headers,
            timeout=TIMEOUT_S,
            follow_redirects=False,
        ) as answer:
            return answer.status_code


class Posted:
    """A receiver that takes JSON at ``url``. That may be a credential: it is in no log."""

    repeats_s: float | None = None

    def __init__(self, url: str, poster: Poster, headers: Mapping[str, str]) -> None:
        self._url = url
        self._poster = poster
        self._headers = headers

    async def _post(self, body: Any) -> None:
        await self._poster.post(self._url, body, self._headers)


def host_of(url: str) -> str:
    try:
        parts = urlsplit(url)
        return parts.hostname or "the address"
    except ValueError:
        return "the address"
