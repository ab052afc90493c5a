"""sshd loaded a library that holds the back door of CVE-2024-3094.

The back door lets the owner of one secret key run commands as root before anyone has signed in.

First:
- Take the machine or container off the network.
- Replace xz 5.6.0 and 5.6.1, every key of the machine, and what was signed in with.
- Look at sign-ins since the library came.

False positives: none of liblzma 5.6.0 and 5.6.1.

See: https://nvd.nist.gov/vuln/detail/CVE-2024-3094
"""

from leadline.model.event import Mapped
from leadline.runtime.rule import Actor, rule


@rule(
    "RL053",
    "Library with a back door in sshd",
    score=9,
    needs=("exec", "map"),
    mitre=("TA0001", "T1195.002"),
    falco=("Backdoored library loaded into SSHD (CVE-2024-3094)",),
    on_nodes=True,
)
def library_in_sshd(event: Mapped, actor: Actor) -> str | None:
    if not event.path.endswith(("liblzma.so.5.6.0", "liblzma.so.5.6.1")):
        return None
    return f"{actor.tool or event.program} loaded {event.path}"
