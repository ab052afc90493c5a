"""A program that mines ran.

It is called like a miner, or its arguments are those of one: a pool, an algorithm, a wallet.

First:
- Stop the container, and keep a copy of the program.
- Find the way in: the chain, then exposed services and vulnerabilities of the image.
- Replace the credentials that the container had, and set limits of CPU.

False positives: hardly any.

See: https://attack.mitre.org/techniques/T1496/
"""

import re

from leadline.model.event import Executed
from leadline.runtime.names import MINERS, line_of, pool_of
from leadline.runtime.rule import Actor, rule

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
    if actor.tool in MINERS or event.program in MINERS:
        return f"{event.path} ran, which is called like a miner"
    line = actor.line
    if not _HINTS.search(line):
        return None
    if _WORDS.search(line) or any(pool_of(host) for host in _HOST.findall(line)):
        return f"{event.path} ran with the arguments of a miner: {line_of(event.arguments)}"
    return None
