"""What an alert of a rule means; what to do first is its own list."""

from collections.abc import Iterator

from msgspec import UNSET

from leadline.api.kinds.alerts import RaisedAlert
from leadline.outputs.text.plain import count


def explained_alert(alert: RaisedAlert) -> Iterator[str]:
    """What was seen, where, how often, what else speaks for it, what is at stake, and who accepts it."""
    yield f"{alert.title}: {alert.message}."
    yield f"Rule {alert.rule}, {alert.severity}, in {place_of(alert)}."
    first, last = alert.first_seen, alert.last_seen
    often = "once" if alert.count == 1 else count(alert.count, "time or more", "times or more")
    yield f"It was seen {often}, {f'at {first}' if first == last else f'from {first} to {last}'}."
    if alert.withheld:
        more = count(alert.withheld, "more alert of this rule", "more alerts of this rule")
        yield f"{more} in the container came too fast, and {'was' if alert.withheld == 1 else 'were'} withheld."
    if alert.others:
        yield f"Also: {'; '.join(alert.others)}."
    chain = alert.chain or ()
    if len(chain) > 1:
        started = ", which was started by ".join(one.path or "a process of before" for one in chain[1:])
        yield f"The process was started by {started}."
    if chain and chain[0].is_upper:
        yield "Its program is not in the image: something wrote it while the container ran."
    if alert.vulnerabilities:
        yield f"Vulnerabilities in what runs there that would explain it: {', '.join(alert.vulnerabilities)}."
    if alert.stake is not UNSET and alert.stake:
        score = f" ({alert.stake_score:.1f} of 100)" if alert.stake_score is not UNSET else ""
        yield f"At stake: {alert.stake}{score}."
    if alert.mitre:
        yield f"MITRE ATT&CK: {', '.join(alert.mitre)}."
    if alert.accepted is not UNSET:
        why = f": {alert.accepted.reason}" if alert.accepted.reason else ""
        yield f"It is accepted by {alert.accepted.waiver}{why}."


def place_of(alert: RaisedAlert) -> str:
    """``shop/Deployment/web (main)``, or the name or id of a container without a workload."""
    one = alert.container
    if one.workload:
        return f"{one.namespace}/{one.workload_kind}/{one.workload}" + (f" ({one.name})" if one.name else "")
    return "/".join(filter(None, (one.namespace, one.pod, one.name or one.id)))
