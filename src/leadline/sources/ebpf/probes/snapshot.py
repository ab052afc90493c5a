"""What was there before the agent; see ``snapshot.bpf.c``. Its records are those of ``exec`` and ``map``."""

from leadline.sources.ebpf.probe import Probe

SNAPSHOT = Probe("snapshot", ("snapshot_processes", "snapshot_maps"), "what ran before the agent was started")
