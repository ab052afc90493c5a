"""``leadline host report``: keeps the facts of a node current in its cluster, as the node part of the chart runs it."""

import asyncio
import logging
import os
import time
from datetime import UTC, datetime
from pathlib import Path

from leadline.errors import LeadlineError, SourceError
from leadline.programs.serving.kube import Kube
from leadline.scans.host.reporting import NodeRead, Reporter, read_node
from leadline.sources.cluster.connection import async_client

log = logging.getLogger(__name__)
TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"  # noqa: S105 a path
AGAIN_S = 30.0
"""After a failure."""


async def keep_reporting(what: NodeRead, *, every_s: float, look_s: float, alive_file: str) -> None:
    """Until it is cancelled. Raises: ``ClusterError`` without a cluster to write to."""
    kube = Kube(async_client(environ=os.environ))
    reporter = Reporter(kube, what.node, every_s)
    try:
        while True:
            wait_s = look_s
            try:
                owner = await kube.get(f"/api/v1/nodes/{what.node}")
                found: object = owner or {}
                for step in ("status", "nodeInfo", "kubeletVersion"):
                    found = found.get(step) if isinstance(found, dict) else None
                bodies = await asyncio.to_thread(_read, what, found if isinstance(found, str) else "")
                at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
                written = await reporter.report(bodies, owner, at=at, now_s=time.monotonic())
                if written:
                    log.info("%d of %d objects of node %s written", written, len(bodies), what.node)
            except LeadlineError as error:
                log.error("facts of node %s are not written, again in %.0f s: %s", what.node, AGAIN_S, error)
                wait_s = AGAIN_S
            if alive_file:
                Path(alive_file).write_text(str(int(time.time())))
            await asyncio.sleep(wait_s)
    finally:
        await kube.close()


def _read(what: NodeRead, version: str) -> list[dict[str, object]]:
    """The token of a pod changes while it runs."""
    token = ""
    if what.address:
        try:
            token = Path(TOKEN).read_text().strip()
        except OSError as error:
            raise SourceError(f"cannot read {TOKEN}: {(error.strerror or str(error)).lower()}") from error
    return read_node(NodeRead(what.root, what.node, what.address, token), version)
