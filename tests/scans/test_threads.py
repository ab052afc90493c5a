"""Scans run side by side in one process, and leave it as they found it."""

import asyncio
import gc
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import leadline
from image_archives import docker_archive, layer
from leadline.model.image_report import ImageReport
from leadline.model.report import PostureReport
from leadline.sbom.image import Limits
from leadline.sbom.layers.memory_budget import MemoryBudget

SHOP = Path(__file__).parents[2] / "examples" / "shop"
STATUS = "Package: {}\nStatus: install ok installed\nVersion: 1.0\nArchitecture: all\n"


def posture(report: PostureReport) -> object:
    return report.findings, report.judged, report.unread, report.skips


def contents(report: ImageReport) -> object:
    return report.sbom.packages, report.sbom.files, report.sbom.unread, report.findings


def images(folder: Path, number: int) -> list[str]:
    """Archives of two layers each; every one holds other packages."""
    for i in range(number):
        files = {
            "var/lib/dpkg/status": STATUS.format(f"package-{i}").encode(),
            "etc/os-release": b"ID=debian\n",
        }
        more = {f"srv/node_modules/m{n}/package.json": b'{"name": "m", "version": "1"}' for n in range(50)}
        docker_archive(folder / f"{i}.tar", [layer(files), layer(more)])
    return [str(folder / f"{i}.tar") for i in range(number)]


def process_state() -> object:
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    own = (gc.isenabled(), sys.getswitchinterval(), sys.getrecursionlimit(), Path.cwd(), dict(os.environ))
    return handlers, own


def test_scans_in_several_threads_say_what_they_say_alone(tmp_path: Path):
    targets = [[str(SHOP)], [str(SHOP / "web.yaml")], [str(SHOP / "legacy")], [str(SHOP / "api.yaml")]]
    archives = images(tmp_path, 4)
    alone = [posture(leadline.scan(target)) for target in targets]
    alone += [contents(leadline.scan_image(name)) for name in archives]
    before = process_state()
    with ThreadPoolExecutor(8) as pool:
        reports = [pool.submit(leadline.scan, target) for target in targets]
        found = [pool.submit(leadline.scan_image, name) for name in archives]
        together = [posture(one.result()) for one in reports] + [contents(one.result()) for one in found]
    assert together == alone
    assert process_state() == before


def test_threads_share_a_cache_of_layers(tmp_path: Path):
    archives = images(tmp_path, 1) * 6
    options = leadline.ImageOptions(cache_folder=str(tmp_path / "cache"))
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda name: contents(leadline.scan_image(name, options)), archives))
    assert found == [contents(leadline.scan_image(archives[0]))] * 6


def test_asyncio_waits_for_scans_in_threads(tmp_path: Path):
    name = images(tmp_path, 1)[0]

    async def both() -> tuple[PostureReport, ImageReport]:
        return await asyncio.gather(
            asyncio.to_thread(leadline.scan, [str(SHOP)]), asyncio.to_thread(leadline.scan_image, name)
        )

    report, image = asyncio.run(both())
    assert report.objects_judged > 20
    assert [one.name for one in image.sbom.packages if one.type == "deb"] == ["package-0"]


def test_a_budget_that_threads_share_counts_every_byte():
    budget, limits = MemoryBudget(), Limits(kept_file_bytes=1, all_kept_bytes=20_000)
    start = threading.Barrier(4)

    def reserve() -> int:
        start.wait()
        return sum(budget.reserve_file(limits, 1) for _ in range(10_000))

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            given = sum(one.result() for one in [pool.submit(reserve) for _ in range(4)])
    finally:
        sys.setswitchinterval(before)
    assert given == 20_000
