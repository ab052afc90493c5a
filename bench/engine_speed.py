"""All controls over many objects in memory, and after one change: ``python bench/engine_speed.py [objects [followed]]``.

Prints the time of the loop beside a reference loop of plain function calls run in the same process, so that the
ratio can be compared between machines, and the peak memory. Then what one changed object costs among ``followed``
others (20,000), in CPU milliseconds: when only its own verdicts change, when some others have to be judged again,
and when most have to.
"""

import copy
import gc
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

from manifests import objects

from leadline.model.resource import Resource, resource_of
from leadline.posture.catalogue import load_controls
from leadline.posture.engine import Judge
from leadline.posture.follow import Followed
from leadline.posture.inventory import Facts
from leadline.posture.worlds import Worlds

ROUNDS = 10


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


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def full(count: int, judge: Judge, unit: float) -> None:
    before = peak_mib()
    resources = [resource_of(body) for body in objects(count)]
    loaded = peak_mib()
    started = time.process_time()
    judgement = judge.everything(Worlds(resources))
    seconds = time.process_time() - started
    verdicts = sum(len(ids) for ids in judgement.judged)
    print(
        f"{count:,} objects, {len(judge.controls)} controls, {verdicts:,} verdicts, {len(judgement.findings):,} findings"
    )
    print(
        f"{seconds:.1f} CPU seconds; {seconds / unit:.1f} times a million plain calls ({unit:.2f} s); {verdicts / seconds / 1e6:.2f} million verdicts a second"
    )
    print(f"memory: {before:.0f} MiB bare, {loaded:.0f} with the objects, {peak_mib():.0f} at the peak")


def changed(old: Resource, edit: Callable[[dict[str, Any], int], None], number: int) -> Resource:
    body = copy.deepcopy(old.body)
    edit(body, number)
    return resource_of(body, old.origin)


def new_image(body: dict[str, Any], number: int) -> None:
    body["spec"]["template"]["spec"]["containers"][0]["image"] = f"registry.example/web:1.{number}"


def of_a_tier(body: dict[str, Any], number: int) -> None:
    body["spec"]["podSelector"] = {
        "matchLabels": {"tier": "front", "n": str(number)} if number % 2 else {"tier": "front"}
    }


def to_all_accounts(body: dict[str, Any], number: int) -> None:
    body["metadata"]["labels"]["n"] = str(number)
    body["subjects"] = [{"kind": "Group", "name": "system:serviceaccounts"}]


def following(count: int, judge: Judge, unit: float) -> None:
    worlds = Worlds(map(resource_of, objects(count)), judge.facts)
    started = time.process_time()
    followed = Followed(judge, worlds)
    print(
        f"following {count:,} objects: {time.process_time() - started:.1f} CPU seconds to begin, {peak_mib():.0f} MiB"
    )
    by_kind: dict[str, list[Resource]] = {}
    for one in worlds.resources:
        by_kind.setdefault(one.kind, []).append(one)
    one_change("one image changed", followed, by_kind["Deployment"], new_image, unit)
    one_change("a policy for a tier", followed, by_kind["NetworkPolicy"][:1] * ROUNDS, of_a_tier, unit)
    one_change(
        "a role for all accounts", followed, by_kind["RoleBinding"][:1] * ROUNDS, to_all_accounts, unit
    )


def one_change(
    what: str,
    followed: Followed,
    among: Iterable[Resource],
    edit: Callable[[dict[str, Any], int], None],
    unit: float,
) -> None:
    times: list[float] = []
    touched: list[int] = []
    for number, old in zip(range(ROUNDS), among, strict=False):
        new = changed(old, edit, number)
        started = time.process_time()
        difference = followed.change((old.id,), (new,))
        times.append(1000 * (time.process_time() - started))
        touched.append(difference.judged_again - 1)
    median, others = statistics.median(times), statistics.median(touched)
    each = f", {median / others:.3f} ms for each" if others else ""
    print(
        f"{what}: {median:.2f} ms (at most {max(times):.2f}) with {others:.0f} others judged again{each}; {median / unit / 1000:.4f} units"
    )


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    gc.disable()
    controls = [control for control in load_controls() if control.check]
    unit = calls(1_000_000)
    if count:
        full(count, Judge(controls), unit)
    following(
        int(sys.argv[2]) if len(sys.argv) > 2 else 20_000, Judge(controls, facts=Facts(is_whole=True)), unit
    )


if __name__ == "__main__":
    main()
