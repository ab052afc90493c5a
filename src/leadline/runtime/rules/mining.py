"""Mining."""

import re

from leadline.model.event import Connected, Executed, Resolved
from leadline.runtime.names import MINERS, POOL_PORTS, SURE_POOL_PORTS, is_public, line_of, pool_of
from leadline.runtime.rule import Actor, Baseline, rule

_WORDS = re.compile(
    r"stratum\+?(?:tcp|ssl|tls|udp|http)?\d?:|--donate-level|--randomx|--coin[= ]|--algo[= ](?:rx/|cn/|randomx|ethash|kawpow)|"
    r"--nicehash|-o\s*\S+:(?:3333|4444|5555|7777|9999|14444|45700)\b|--cpu-max-threads-hint|mining\.subscribe"
)
_HINTS = re.compile(
    r"stratum|--donate|--randomx|--coin|--algo|--nicehash|--cpu-max|mining|[Pp]ool|:\d{4}|xmr|miner|hashvault"
)
"""One of these is in every line that is one of a miner; looked for first since it is quick."""
_HOST = re.compile(r"(?:^|[/@\s])([A-Za-z0-9.-]+\.[a-z]{2,})(?::\d+)?(?=[/\s]|$)")


@rule(
    "R1007",
    "Crypto miner launched",
    score=10,
    needs=("exec",),
    mitre=("TA0040", "T1496"),
    falco=("Detect crypto miners using the Stratum protocol", "Known Cryptominer Process Executed"),
    on_nodes=True,
)
def miner(event: Executed, actor: Actor) -> str | None:
    """A program that mines ran.

    It is called like a miner, or its arguments are those of one: a pool, an algorithm, a wallet.

    First:
    - Stop the container, and keep a copy of the program.
    - Find the way in: the chain, then exposed services and vulnerabilities of the image.
    - Replace the credentials that the container had, and set limits of CPU.

    False positives: hardly any.
    """
    if actor.tool in MINERS or event.program in MINERS:
        return f"{event.path} ran, which is called like a miner"
    line = actor.line
    if not _HINTS.search(line):
        return None
    if _WORDS.search(line) or any(pool_of(host) for host in _HOST.findall(line)):
        return f"{event.path} ran with the arguments of a miner: {line_of(event.arguments)}"
    return None


@rule(
    "R1008",
    "Crypto Mining Domain Communication",
    score=10,
    needs=("traffic",),
    mitre=("TA0011", "T1071.004"),
    falco=("Detect outbound connections to common miner pool ports",),
    on_nodes=True,
    see="https://attack.mitre.org/techniques/T1496/",
)
def mining_pool(event: Resolved, actor: Actor) -> str | None:
    """A container asked for the name of a mining pool.

    A miner has to fetch its work from a pool. It costs you computing time, and shows that someone else
    runs programs in the container.

    First:
    - Look for the miner: the process of the container with the most CPU.
    - Find the way in: the chain, then exposed services and vulnerabilities of the image.
    - Remove the pod, replace the credentials it had, and set limits of CPU.

    False positives: hardly any: filters of DNS that look names up by themselves.
    """
    return f"{actor.tool} asked for {event.name}, a mining pool" if pool_of(event.name) else None


@rule(
    "R1009",
    "Crypto Mining Related Port Communication",
    score=3,
    needs=("exec", "socket"),
    mitre=("TA0011", "T1071"),
    on_nodes=True,
    see="https://attack.mitre.org/techniques/T1496/",
)
def mining_port(event: Connected, actor: Actor, known: Baseline | None) -> str | None:
    """A container connected to a port that mining pools use.

    Miners fetch their work from pools, many of them on the same few ports, even where the pool is given
    by its address.

    First:
    - Look at the program and its arguments, and at who owns the address.
    - Look at the CPU of the container.
    - Close egress by a NetworkPolicy.

    False positives: applications that use port 3333 or 45700 for something else, outside of the cluster.
    """
    port = event.port
    if port not in POOL_PORTS or event.direction != "connects" or event.protocol != "TCP":
        return None
    if port not in SURE_POOL_PORTS and not is_public(event.address):
        return None
    if known is not None and known.connected(event.address, port):
        return None
    return f"{actor.tool} connected to {event.address} port {port}, which mining pools use"
