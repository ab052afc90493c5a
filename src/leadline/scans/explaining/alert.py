"""What an alert of a rule means, and what to do about it."""

from collections.abc import Iterator

from leadline.model.alert import Alert
from leadline.outputs.text.plain import count
from leadline.scans.rehearsing.rehearsal import container_title
from leadline.scans.rehearsing.written import moment


def explained_alert(alert: Alert) -> Iterator[str]:
    """What was seen, where, how often, what else speaks for it, what is at stake, and what to do first."""
    yield f"{alert.title}: {alert.message}."
    yield f"Rule {alert.rule}, {alert.severity}, in {container_title(alert.container)}."
    first, last = moment(alert.first_s), moment(alert.last_s)
    often = "once" if alert.count == 1 else count(alert.count, "time or more", "times or more")
    yield f"It was seen {often}, {f'at {first}' if first == last else f'from {first} to {last}'}."
    if alert.others:
        yield f"Also: {'; '.join(alert.others)}."
    if len(alert.chain) > 1:
        yield f"The process was started by {', which was started by '.join(one.path or one.program or 'a process of before' for one in alert.chain[1:])}."
    if any(one.is_upper for one in alert.chain[:1]):
        yield "Its program is not in the image: something wrote it while the container ran."
    if alert.vulnerabilities:
        yield f"Vulnerabilities in what runs there that would explain it: {', '.join(alert.vulnerabilities)}."
    if alert.stake:
        yield f"At stake: {alert.stake} ({alert.stake_score:.1f} of 100)."
    if alert.mitre:
        yield f"MITRE ATT&CK: {', '.join(alert.mitre)}."
    if alert.accepted:
        why = f": {alert.accepted.reason}" if alert.accepted.reason else ""
        yield f"It is accepted by {alert.accepted.waiver}{why}."
    elif alert.first:
        yield f"Do first: {'; then '.join(alert.first)}."
