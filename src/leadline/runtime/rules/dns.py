"""Names that are asked for."""

import re

from leadline.model.event import OUTGOING, Resolved
from leadline.runtime.names import DOWNLOADERS, INTERPRETERS, NETCATS, SHELLS, is_public
from leadline.runtime.rule import Actor, Baseline, rule

_LOCAL_NAMES = (".cluster.local", ".in-addr.arpa", ".ip6.arpa", ".svc", ".internal", ".local", ".lan")
_MANY_MISSING = 5
_FORWARDERS = frozenset(
    {"coredns", "dnsmasq", "unbound", "named", "node-cache", "systemd-resolve", "pdns_recursor"}
)
_RESOLVERS = _FORWARDERS | {"kube-dns", "external-dns"}
_TOOLS = ("nslookup", "dig", "host", "drill", "kdig", "getent", "resolvectl")
_LONGEST_LABEL = 40
_LONGEST = 100
_MANY_BELOW = 25
_ENCODED = re.compile(r"(?=[a-z]*\d)[a-z0-9_-]{24,}|[a-f0-9]{20,}|[a-z2-7]{32,}=*|[A-Za-z0-9+/_-]{32,}")
_TRUSTED_DOMAINS = (
    ".cluster.local",
    ".in-addr.arpa",
    ".ip6.arpa",
    ".svc",
    ".amazonaws.com",
    ".windows.net",
    ".googleapis.com",
    ".cloudfront.net",
    ".akamaiedge.net",
    ".azure.com",
)


@rule(
    "RL061",
    "DNS server of the internet asked",
    score=3,
    needs=("exec", "traffic"),
    mitre=("TA0011", "T1071.004"),
)
def foreign_resolver(event: Resolved, actor: Actor, known: Baseline | None) -> str | None:
    """A container asked a DNS server of the internet, past that of the cluster.

    What the cluster's resolver refuses or logs is passed by.

    First:
    - Look at who owns the server, and which names were asked for.
    - Deny DNS to anything but the cluster's own resolver by a NetworkPolicy.
    - Look at the program: applications ask the resolver that they are given.

    False positives: resolvers that run in pods are left out by their names; pods with `dnsPolicy: None`, which a complete profile silences.
    """
    if event.code or not event.flags & OUTGOING or not is_public(event.peer) or actor.is_known_as(_RESOLVERS):
        return None
    return (
        None
        if known is not None and known.connected(event.peer)
        else f"{actor.tool} asked {event.peer} for names"
    )


@rule(
    "RL059", "Many names that do not exist", score=4, needs=("exec", "traffic"), mitre=("TA0011", "T1568.002")
)
def names_that_are_not_there(event: Resolved, actor: Actor, known: Baseline | None) -> str | None:
    """Many names that do not exist were asked for below one domain.

    Malware makes up names by a clock, and tries them until its owner has registered one.

    First:
    - Look at who asked, and save its program.
    - Look at which name had an answer in the end, and whether a connection followed.
    - Isolate the pod by a NetworkPolicy.

    False positives: search lists of resolvers, which are left out as far as they are those of clusters.
    """
    name = event.name.rstrip(".").lower()
    if event.code != "NXDOMAIN" or name.endswith(_LOCAL_NAMES) or (known is not None and name in known.names):
        return None
    labels = name.split(".")
    if len(labels) < 3 or actor.is_known_as(_FORWARDERS):
        return None
    domain = ".".join(labels[-2:])
    is_many = actor.distinct(f"missing below {domain}", name) == _MANY_MISSING
    return (
        f"{actor.tool} asked for {_MANY_MISSING} names below {domain} that do not exist, within a minute"
        if is_many
        else None
    )


@rule(
    "RL060",
    "Text records asked by a tool",
    score=3,
    needs=("exec", "traffic"),
    tools=(*_TOOLS, *DOWNLOADERS, *NETCATS, *SHELLS, *INTERPRETERS),
    mitre=("TA0011", "T1071.004"),
)
def text_records(event: Resolved, actor: Actor, known: Baseline | None) -> str | None:
    """A tool asked DNS for text records.

    A text record holds any text: commands for malware come so where nothing but DNS gets through.

    First:
    - Ask for the record yourself, and look at whether its text makes sense.
    - Look at what ran right after.
    - Deny DNS to anything but the cluster's own resolver, and log what it is asked.

    False positives: checks of mail settings and of certificates by a person; a complete profile silences them.
    """
    name = event.name.rstrip(".").lower()
    if (
        event.type != "TXT"
        or event.code
        or not event.flags & OUTGOING
        or (known is not None and name in known.names)
    ):
        return None
    return f"{actor.tool} asked for text records of {event.name}"


@rule(
    "RL051",
    "Data carried out by DNS names",
    score=7,
    needs=("exec", "traffic"),
    mitre=("TA0010", "T1048.003"),
)
def tunnel_by_names(event: Resolved, actor: Actor, known: Baseline | None) -> str | None:
    """Many or long names below one domain were asked of DNS, as data is carried out.

    DNS passes most firewalls: each name carries a few bytes, each answer some back.

    First:
    - Look at the names: letters without sense are encoded data, and the domain's owner has it.
    - Deny DNS to anything but the cluster's own resolver, and log what it is asked.
    - Isolate the pod, and treat what it can read as known to others.

    False positives: lists that are asked by DNS (spam, reputation), content networks with long names.
    """
    name = event.name.rstrip(".").lower()
    if (
        not event.flags & OUTGOING
        or event.code
        or name.endswith(_TRUSTED_DOMAINS)
        or (known is not None and name in known.names)
    ):
        return None
    labels = name.split(".")
    domain = ".".join(labels[-2:])
    if len(labels) > 2:
        longest = max(labels[:-2], key=len)
        is_long = len(longest) >= _LONGEST_LABEL or len(name) >= _LONGEST
        if is_long or (len(longest) >= 20 and _ENCODED.fullmatch(longest)):
            return f"{actor.tool} asked for names below {domain} that look like data"
        if actor.distinct(f"names below {domain}", name) == _MANY_BELOW:
            return f"{actor.tool} asked for {_MANY_BELOW} names below {domain} within a minute"
    return None
