"""Runs every scenario and keeps what the kernel says: as root, ``python tests/runtime/rules/record.py [RULE…]``."""

import json
import lzma
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from scenarios import PREAMBLE, SCENARIOS

from leadline.model.event import FIRST_PROCESS, Event, Executed
from leadline.runtime.catalogue import all_rules
from leadline.sources.ebpf.event_source import EventSource
from leadline.sources.ebpf.loading import LoadSettings

KEPT = Path(__file__).parent / "recorded.json.xz"


def recorded(source: EventSource, script: str, kind: type[Event]) -> list[str]:
    """What the rule asks about, and every execution."""
    source.read()
    command = [
        "unshare",
        "-mnpf",
        "--mount-proc",
        "bash",
        "-c",
        f"{PREAMBLE}\n{script}" if script else "true",
    ]
    subprocess.run(command, check=False, timeout=60, stdin=subprocess.DEVNULL)
    source.probes.drain()
    raw = source._arrived.copy()
    firsts = [event for event in source.read() if isinstance(event, Executed) and event.flags & FIRST_PROCESS]
    own = {event.ns_id for event in firsts}
    events = ((one, source.reader.event(one)) for one in raw if int.from_bytes(one[8:16], "little") in own)
    return [one.hex() for one, event in events if isinstance(event, (Executed, kind))]


def main() -> None:
    wanted = sys.argv[1:] or list(SCENARIOS)
    kept = json.loads(lzma.decompress(KEPT.read_bytes())) if KEPT.exists() else {}
    kinds = {rule.id: rule.event for rule in all_rules()}
    source = EventSource(LoadSettings())
    for rule in wanted:
        fires, silent = (recorded(source, script, kinds[rule]) for script in SCENARIOS[rule])
        kept[rule] = {"fires": fires, "silent": silent}
        print(rule, len(fires), len(silent))
    source.close()
    KEPT.write_bytes(lzma.compress(json.dumps(dict(sorted(kept.items()))).encode(), preset=9))


if __name__ == "__main__":
    main()
