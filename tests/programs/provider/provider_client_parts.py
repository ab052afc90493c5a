"""A client of the application, without a socket."""

import asyncio
import json
import uuid
from typing import Any

from tests.programs.provider.provider_parts import Provider

from leadline.api.provider.wire import encoded
from leadline.programs.provider.app import App
from leadline.programs.provider.questions import Questions
from leadline.programs.provider.routes import Parts


class Client:
    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        parts = Parts(
            provider.place.tables, provider.ingest, Questions(provider.place.tables, provider.clock)
        )
        self.app = App(parts)

    def __call__(
        self, method: str, path: str, token: str = "", body: bytes = b"", **headers: str
    ) -> tuple[int, Any, dict[str, str]]:
        return asyncio.run(self._asked(method, path, token, body, headers))

    async def _asked(self, method: str, path: str, token: str, body: bytes, headers: dict[str, str]):
        path, _, query = path.partition("?")
        given = {"authorization": f"Bearer {token}"} if token else {}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        }
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        heads = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        content = sent[1]["body"]
        return sent[0]["status"], json.loads(content) if content else None, heads

    def post(self, content: Any, token: str = "", path: str = "/v1/sources/shop/report", **headers: str):
        usual = {"content_type": "application/json", "idempotency_key": str(uuid.uuid4())} | headers
        body = content if isinstance(content, bytes) else encoded(content)
        return self("POST", path, token or self.provider.token, body, **usual)
