"""The pods of this node from the API of the cluster: all that are there, and each that comes or changes."""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Struct

from leadline.errors import ClusterError
from leadline.scans.observing.naming import Pods, pod_names
from leadline.sources.cluster.connection import async_client

LARGEST_EVENT = 8 << 20
"""Bytes; no object that etcd stores is as large."""
STREAM_S = 300
"""After this the server ends a watch by itself."""
SILENCE_S = STREAM_S + 30.0


class _Event(Struct):
    type: str
    object: dict[str, Any]


_DECODER = msgspec.json.Decoder(_Event)


class NodePods:
    def __init__(self, node: str, environ: Mapping[str, str]) -> None:
        """With the account of this pod, else as kubectl would. Raises: ``ClusterError``."""
        self._http = async_client(environ=environ)
        # Version 0: the server begins with every pod that is there, from its cache.
        where = quote(f"spec.nodeName={node}")
        self._path = f"/api/v1/pods?watch=1&resourceVersion=0&timeoutSeconds={STREAM_S}&fieldSelector={where}"

    async def follow(self, take: Callable[[Pods], None]) -> None:
        """Gives every pod to ``take`` until the server ends the stream.

        Raises: ``ClusterError`` where it refuses, or where the stream breaks off.
        """
        try:
            async with self._http.stream("GET", self._path, timeout=SILENCE_S) as answer:
                if answer.status_code != 200:
                    raise ClusterError(f"the pods of this node cannot be watched: HTTP {answer.status_code}")
                async for line in _lines(answer.aiter_bytes()):
                    take(_pods(line))
        except ClusterError:
            raise
        except Exception as error:  # of the HTTP client, which only sources know
            raise ClusterError(f"the pods of this node cannot be watched: {type(error).__name__}") from error

    async def close(self) -> None:
        await self._http.aclose()


def _pods(line: bytes) -> Pods:
    event = _DECODER.decode(line)
    if event.type == "ERROR":
        raise ClusterError(f"the pods of this node cannot be watched: {event.object.get('message')}")
    return pod_names([event.object])


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    waiting = bytearray()
    async for chunk in chunks:
        waiting += chunk
        *lines, rest = waiting.split(b"\n") if b"\n" in chunk else (waiting,)
        for line in lines:
            if line:
                yield bytes(line)
        waiting = rest
        if len(waiting) > LARGEST_EVENT:
            raise ClusterError("the pods of this node cannot be watched: too large an answer")
