"""The few requests by which programs write to the cluster itself: a Lease, the status of exceptions, the CA of a webhook."""

from typing import Any

import httpx2
import orjson

from leadline.errors import ClusterError

MERGE_PATCH = "application/merge-patch+json"
Body = dict[str, Any]


class KubeError(ClusterError):
    """The server answered with an error, or not at all (status 0)."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Kube:
    """``http`` has the address and the credentials; it is closed along with this."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self._http = http

    async def get(self, path: str, *, timeout_s: float = 10.0) -> Body | None:
        """``None`` where the object is missing. Raises: ``KubeError``."""
        try:
            return await self._ask("GET", path, None, timeout_s=timeout_s)
        except KubeError as error:
            if error.status == 404:
                return None
            raise

    async def create(self, path: str, body: Body, *, timeout_s: float = 10.0) -> Body:
        """``path`` is that of the collection. Raises: ``KubeError``."""
        return await self._ask("POST", path, body, timeout_s=timeout_s)

    async def replace(self, path: str, body: Body, *, timeout_s: float = 10.0) -> Body:
        """Raises: ``KubeError``; with 409 where the object is not at the version in ``body``."""
        return await self._ask("PUT", path, body, timeout_s=timeout_s)

    async def patch(self, path: str, body: Body, *, timeout_s: float = 10.0) -> Body:
        """Merges ``body`` into the object. Raises: ``KubeError``."""
        return await self._ask("PATCH", path, body, timeout_s=timeout_s)

    async def delete(self, path: str, *, timeout_s: float = 10.0) -> None:
        """What is not there is as good as deleted. Raises: ``KubeError``."""
        try:
            await self._ask("DELETE", path, None, timeout_s=timeout_s)
        except KubeError as error:
            if error.status != 404:
                raise

    async def close(self) -> None:
        await self._http.aclose()

    async def _ask(self, method: str, path: str, body: Body | None, *, timeout_s: float) -> Body:
        sent = "application/json" if method != "PATCH" else MERGE_PATCH
        try:
            answer = await self._http.request(
                method,
                path,
                content=None if body is None else orjson.dumps(body),
                headers={"Accept": "application/json", "Content-Type": sent},
                timeout=timeout_s,
            )
        except (httpx2.HTTPError, OSError) as error:
            raise KubeError(0, f"the API server does not answer: {error or type(error).__name__}") from error
        try:
            whole = orjson.loads(answer.content)
        except orjson.JSONDecodeError:
            whole = {}
        whole = whole if isinstance(whole, dict) else {}
        if answer.status_code >= 400:
            raise KubeError(answer.status_code, str(whole.get("message") or f"HTTP {answer.status_code}"))
        return whole
