"""All controls over many objects in memory: ``python bench/engine_speed.py [objects]``.

Prints the time of the loop beside a reference loop of plain function calls run in the same process, so that the
ratio can be compared between machines, and the peak memory.
"""

import gc
import resource
import sys
import time

from manifests import objects

from leadline.model.resource import resource_of
from leadline.posture.catalogue import load_controls
from leadline.posture.engine import judge


def calls(number: int) -> float:
    """Seconds that ``number`` calls of a generator over a small dictionary take: the unit."""

    def check(body: dict[str, object]):
        if body.get("privileged") is True:
            yield "privileged"

    body: dict[str, object] = {"image": "web"}
    started = time.process_time()
    for _ in range(number):
        for _ in check(body):
            pass
    return time.process_time() - started


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    gc.disable()
    controls = [control for control in load_controls() if control.check]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    resources = [resource_of(body) for body in objects(count)]
    loaded = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    unit = calls(1_000_000)
    started = time.process_time()
    judgement = judge(resources, controls)
    seconds = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    verdicts = sum(len(ids) for ids in judgement.judged)
    print(
        f"{count:,} objects, {len(controls)} controls, {verdicts:,} verdicts, {len(judgement.findings):,} findings"
    )
    print(
        f"{seconds:.1f} CPU seconds; {seconds / unit:.1f} times a million plain calls ({unit:.2f} s); {verdicts / seconds / 1e6:.2f} million verdicts a second"
    )
    print(f"memory: {before:.0f} MiB bare, {loaded:.0f} with the objects, {peak:.0f} at the peak")


if __name__ == "__main__":
    main()
