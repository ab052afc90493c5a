"""Stored results to export: scans of small manifests, and reports of images that were never pulled."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from leadline.api.protocol import Readable
from leadline.model.image_report import ImageReport
from leadline.model.package import ImageIdentity, Package, Sbom
from leadline.model.report import PostureReport
from leadline.model.vulnerability import DatabaseState, Exploited, Match
from leadline.posture.catalogue import load_controls
from leadline.programs.exporter.results import Results
from leadline.programs.serving.following import Follower, Patience
from leadline.scans.options import PostureOptions
from leadline.scans.posture.frameworks import load_frameworks
from leadline.scans.posture.posture_scan import posture_scan

PACKAGE = Package(type="npm", name="left-pad", version="1.0.0")
DATABASE_DATE = "2026-11-20"
PATIENCE = Patience(beat_s=0.05, answer_s=30, silence_s=60, again_s=0.01, longest_s=0.01)
LONGEST_S = 60


def deployment(name: str, namespace: str = "shop", *, privileged: bool = True) -> str:
    return f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      containers:
      - {{name: main, image: "nginx:1.27", securityContext: {{privileged: {str(privileged).lower()}}}}}
---
"""


def scan(folder: Path, *manifests: str) -> PostureReport:
    file = folder / "all.yaml"
    file.write_text("".join(manifests))
    return posture_scan([str(file)], PostureOptions())


def image(
    name: str, *found: tuple[str, str], exploited: tuple[str, ...] = (), matched: bool = True
) -> ImageReport:
    """``found`` are ids with severities; those of even number have a fix."""
    matches = tuple(
        Match(
            id,
            PACKAGE,
            severity=severity,
            fixed_in=("2.0.0",) if number % 2 == 0 else (),
            exploited=Exploited(id) if id in exploited else None,
        )
        for number, (id, severity) in enumerate(found)
    )
    identity = ImageIdentity(f"{name}:1", id=f"sha256:{name}".ljust(71, "0"))
    database = DatabaseState(DATABASE_DATE, ()) if matched else None
    return ImageReport(Sbom(identity, (PACKAGE,)), (), vulnerabilities=matches, database=database)


def new_results() -> Results:
    return Results(load_frameworks(load_controls()))


@asynccontextmanager
async def followed(
    opened: Callable[[], Readable], patience: Patience = PATIENCE
) -> AsyncIterator[tuple[Results, Follower]]:
    """Read once, and kept current from then on."""
    results = new_results()
    follower = Follower(results, opened, patience)
    running = asyncio.ensure_future(follower.run())
    try:
        await until(follower, lambda: follower.is_up)
        yield results, follower
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def until(follower: Follower, holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(LONGEST_S):
        while True:
            changed = follower.changed
            if holds():
                return
            await changed.wait()


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(scenario())
