"""What the rules of the agent take for one event: recorded ones, and the usual ones of a container, put to all rules that are on.

python bench/rules.py        microseconds per event, the least of five rounds; without a profile and with one
"""

import json
import lzma
import time
from pathlib import Path

from leadline.model.container import Container
from leadline.model.event import FIRST_PROCESS, Connected, Event, Executed, Opened, Resolved
from leadline.model.profile import COMPLETE, ExecutedProgram, Profile
from leadline.runtime.baseline import Baseline
from leadline.runtime.catalogue import all_rules
from leadline.runtime.detecting import Detector
from leadline.sources.ebpf.btf import ObjectTypes
from leadline.sources.ebpf.event_source import RecordReader
from leadline.sources.ebpf.loading import read_object

RECORDS = Path(__file__).parents[1] / "tests" / "sources" / "ebpf" / "recorded_records.json.xz"
POD = Container("c1", name="main", namespace="shop", mounts=("/data", "/cache"))
HEAD = (5, 1, 7, 10, 1, 0, "app", 0)
USUAL: dict[str, Event] = {
    "exec": Executed(*HEAD, path="/usr/bin/true", arguments=("true",)),
    "exec of a probe": Executed(
        *HEAD, path="/bin/sh", arguments=("sh", "-c", "test -f /tmp/healthy && exit 0")
    ),
    "open to read": Opened(*HEAD, path="/app/static/logo.png"),
    "open of a library": Opened(*HEAD, path="/usr/lib/x86_64-linux-gnu/libc.so.6", open_flags=0o2000000),
    "open to write": Opened(*HEAD, path="/var/cache/app/42", open_flags=0o1101),
    "connect": Connected(*HEAD, "connects", "10.0.0.7", 5432, 0, "TCP"),
    "name": Resolved(*HEAD[:7], 128, name="db.shop.svc.cluster.local", type="A", peer="10.96.0.10"),
}
MIX = {"open to read": 1000, "connect": 10, "exec": 10, "name": 2}
"""The published mix of events per second."""


def cost(events: list[Event], *, has_profile: bool, times: int) -> float:
    """Microseconds for one event."""
    detector = Detector(rule for rule in all_rules() if rule.is_on)
    if has_profile:
        known = Profile(POD, COMPLETE, (), executed=(ExecutedProgram("/app", ("app",)),))
        detector.baselines[POD.id] = Baseline(known)
    detector.see(Executed(1, 1, 7, 1, 0, 0, "app", FIRST_PROCESS, path="/app"), POD, "/app")
    best = float("inf")
    for _ in range(5):
        began = time.process_time()
        for _ in range(times):
            for event in events:
                detector.see(event, POD, "/app")
        best = min(best, (time.process_time() - began) / times / len(events))
    return best * 1e6


def main() -> None:
    began = time.perf_counter()
    rules = all_rules()
    print(f"{len(rules)} rules loaded in {(time.perf_counter() - began) * 1e3:.0f} ms")
    found: dict[str, float] = {}
    for name, event in USUAL.items():
        without, found[name] = (cost([event], has_profile=one, times=5000) for one in (False, True))
        print(f"{name:20} {without:5.2f} µs  {found[name]:5.2f} µs with a profile")
    mean = sum(found[name] * number for name, number in MIX.items()) / sum(MIX.values())
    print(f"{'the published mix':20} {mean:5.2f} µs an event")
    reader = RecordReader(ObjectTypes(read_object("x86_64")))
    raw = (bytes.fromhex(one) for one in json.loads(lzma.decompress(RECORDS.read_bytes())))
    events = [event for event in map(reader.event, raw) if event is not None]
    print(
        f"{'every probe':20} {cost(events, has_profile=True, times=20):5.2f} µs an event, {len(events)} events"
    )


if __name__ == "__main__":
    main()
