"""A container listens to whole packets.

Passwords that pass by unencrypted are read so, and answers of DNS and ARP are forged.

First:
- Look at the program: `tcpdump` by a person, or something that no one started.
- Drop CAP_NET_RAW: no application needs it.
- Use TLS within the cluster.

False positives: ping and DHCP clients, network plug-ins, monitoring of traffic.

See: https://attack.mitre.org/techniques/T1040/
"""

from leadline.model.event import RawSocketMade
from leadline.runtime.rule import Actor, Baseline, rule

_KNOWN = frozenset(
    {
        "dhclient",
        "dhcpcd",
        "udhcpc",
        "keepalived",
        "metallb",
        "speaker",
        "arping",
        "calico-node",
        "cilium-agent",
    }
)


@rule(
    "RL018",
    "Container listens to whole packets",
    score=5,
    needs=("raw_socket",),
    mitre=("TA0006", "T1040"),
    falco=("Packet socket created in container",),
)
def packet_socket(event: RawSocketMade, actor: Actor, known: Baseline | None) -> str | None:
    if (
        event.family != "packet"
        or actor.is_known_as(_KNOWN)
        or (known is not None and "NET_RAW" in known.capabilities)
    ):
        return None
    return f"{actor.tool} opened a socket for whole packets"
