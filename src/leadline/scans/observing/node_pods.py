"""The pods of this node, as the cluster's API lists them: asked for when a container of an unknown pod starts."""

from collections.abc import Mapping
from urllib.parse import quote

import msgspec

from leadline.errors import ClusterError
from leadline.scans.observing.naming import Pods, pod_names
from leadline.sources.cluster.connection import async_client

LARGEST_ANSWER = 64 << 20
TIMEOUT_S = 10.0


class NodePods:
    def __init__(self, node: str, environ: Mapping[str, str]) -> None:
        """With the account of this pod, else as kubectl would. Raises: ``ClusterError``."""
        self._http = async_client(environ=environ)
        self._path = f"/api/v1/pods?fieldSelector={quote(f'spec.nodeName={node}')}&resourceVersion=0"

    async def read(self) -> Pods:
        """Raises: ``ClusterError`` where the API server does not answer."""
        try:
            answer = await self._http.get(self._path, timeout=TIMEOUT_S)
            if answer.status_code != 200:
                raise ClusterError(f"the pods of this node cannot be listed: HTTP {answer.status_code}")
            if len(answer.content) > LARGEST_ANSWER:
                raise ClusterError("the pods of this node cannot be listed: too large an answer")
            body = msgspec.json.decode(answer.content)
        except ClusterError:
            raise
        except Exception as error:  # of the HTTP client, which only sources know
            raise ClusterError(f"the pods of this node cannot be listed: {type(error).__name__}") from error
        return pod_names([pod for pod in body.get("items") or () if isinstance(pod, dict)])

    async def close(self) -> None:
        await self._http.aclose()
