"""A scan on the command line loads nothing of the agent."""

import subprocess
import sys

AGENT = (
    "leadline.runtime",
    "leadline.sources.ebpf",
    "leadline.sources.cri",
    "leadline.scans.observing",
    "leadline.model.event",
)


def modules_after(code: str) -> set[str]:
    said = f"{code}; import sys; print(*sorted(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True, timeout=60)
    return set(ran.stdout.split())


def test_a_scan_loads_nothing_of_the_agent():
    loaded = modules_after(
        "from leadline.programs.cli.main import main; main(['scan', 'examples/shop', '--format', 'lines'])"
    )
    assert "leadline.posture.engine" in loaded
    assert [name for name in loaded if name.startswith(AGENT)] == []
