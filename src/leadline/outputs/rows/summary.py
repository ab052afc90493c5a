"""The sentences and numbers that every surface says alike: counts, scores, what was not seen, the verdict."""

from collections import Counter
from collections.abc import Iterable

from leadline.model.control import SEVERITIES, Framework
from leadline.model.report import PostureReport
from leadline.model.unread import Unread
from leadline.outputs.text.plain import count, plain


def controls_that_judged(report: PostureReport) -> int:
    return sum(1 for row in report.by_control if row.judged)


def per_cent(score: float | None) -> str:
    """Whole per cent; 100 only where nothing failed; ``-`` where nothing was judged."""
    if score is None:
        return "-"
    return f"{100 if score >= 100 else min(99, int(score + 0.5))} %"


def target_name(report: PostureReport) -> str:
    """What was scanned, as people call it."""
    target = report.target
    if target.kind == "stdin":
        return "standard input"
    if target.kind == "cluster":
        version = f" ({plain(target.server_version)})" if target.server_version else ""
        return f"cluster {plain(target.name)}{version}"
    at = f" at {plain(target.commit[:12])}" if target.commit else ""
    return plain(target.name, 4096) + at


def scanned(report: PostureReport) -> str:
    """``437 objects in 40 files, 36 judged by 206 controls in 0.3 s; 69 HelmReleases not rendered``."""
    where = f" in {count(report.files, 'file')}" if report.files else ""
    if report.target.kind == "cluster":
        where = f" in {count(len({r.namespace for r in report.resources if r.namespace}), 'namespace')}"
    rendered = [
        count(n, word)
        for n, word in ((report.charts, "chart"), (report.kustomizations, "kustomization"))
        if n
    ]
    where += f" ({' and '.join(rendered)} rendered)" if rendered else ""
    judges = count(controls_that_judged(report), "control")
    judged = report.objects_judged
    some = f"{judged:,} " if judged < report.objects else ""
    hidden = _not_rendered(report)
    beside = f"; {hidden} not rendered" if hidden else ""
    took = f"{report.seconds:.1f} s" if report.seconds >= 0.1 else f"{max(report.seconds, 0.01):.2f} s"
    return f"{count(report.objects, 'object')}{where}, {some}judged by {judges} in {took}{beside}"


def _not_rendered(report: PostureReport) -> str:
    """``69 HelmReleases, 2 charts and 1 file``; empty where nothing is missing."""
    kinds = Counter(plain(part.kind) or "file" for part in report.unread if part.reason == "not rendered")
    parts = [count(number, kind) for kind, number in kinds.most_common()]
    return " and ".join((", ".join(parts[:-1]), parts[-1])) if len(parts) > 1 else "".join(parts)


def severity_counts(report: PostureReport) -> str:
    """``1 critical, 3 high``; severities without findings are left out."""
    counts = report.severities()
    return ", ".join(f"{counts[s]:,} {s}" for s in SEVERITIES if counts[s])


def closing(report: PostureReport, gate: str = "") -> str:
    """The last line: the gate's verdict, else what was found and what was not seen."""
    if gate and report.baseline is None:
        return gate
    total = sum(report.new.severities().values())
    unread = [f"{len(report.unread):,} not read"] if report.unread else []
    open_ = [f"{report.objects_undecided:,} undecided"] if report.undecided else []
    if report.baseline is not None:
        known = sum(report.severities().values()) - total
        worst = f": {severity_counts(report.new)}" if total else ""
        use = report.baseline
        more = [f"{use.gone:,} gone"] if use.gone else []
        more += [f"{use.unseen:,} not seen again"] if use.unseen else []
        rest = [gate] if gate else [*unread, *open_]
        return "; ".join((f"{total:,} new{worst}, {known:,} known", *more, *rest))
    if total:
        return "; ".join((f"{asked_of_people(report)}: {severity_counts(report)}", *unread, *open_))
    judges = f"{count(report.objects, 'object')}, {count(controls_that_judged(report), 'control')}"
    return f"no findings: {', '.join((judges, *(unread or ['all input read']), *open_))}"


def asked_of_people(report: PostureReport) -> str:
    """``155 edits and 8 decisions for 219 findings``: what a person does, then what controls say of objects."""
    found = report.numbers
    done = [count(found.edits, "edit")] if found.edits else []
    done += [count(found.decisions, "decision")] if found.decisions else []
    return f"{' and '.join(done)} for {count(found.findings, 'finding')}"


def scores(report: PostureReport) -> list[tuple[str, str]]:
    """Name and score of each framework, then of all controls, with how much each speaks of:
    ``62 % of 24 judged; 28 in all, 2 not built, 2 by a person``.
    """
    rows = [
        (
            f"{plain(f.name)} {plain(f.version)}" if f.version and f.version not in f.name else plain(f.name),
            _score(report, f),
        )
        for f in report.frameworks
    ]
    return [*rows, ("all controls", _score(report, None))]


def _score(report: PostureReport, framework: Framework | None) -> str:
    listed = None if framework is None else set(framework.control_ids)
    report = report.seen_by(framework)
    rows = [row for row in report.by_control if listed is None or row.control.id in listed]
    judged = sum(1 for row in rows if row.judged)
    not_built = sum(1 for row in rows if not row.control.is_built)
    by_person = sum(1 for row in rows if row.control.manual)
    parts = [f"{len(rows) if listed is None else len(listed):,} in all"]
    parts += [f"{not_built:,} not built"] if not_built else []
    parts += [f"{by_person:,} by a person"] if by_person else []
    kinds = Counter(row.skip.kind for row in rows if not row.judged and row.skip)
    parts += [f"{kinds['not applicable']:,} not applicable"] if kinds["not applicable"] else []
    parts += [f"{kinds['no facts']:,} without facts of nodes or clouds"] if kinds["no facts"] else []
    return f"{per_cent(report.compliance(framework))} of {judged:,} judged; {', '.join(parts)}"


def denied_rules(unread: Iterable[Unread]) -> list[str]:
    """The RBAC rules that are missing, one per API group and namespace, as YAML writes them in one line."""
    plurals: dict[tuple[str, str], list[str]] = {}
    for part in unread:
        if part.rule is not None:
            plurals.setdefault((part.rule.namespace, part.rule.group), []).append(plain(part.rule.plural))
    return [
        _rule(group, names) + (f" in namespace {plain(namespace)}" if namespace else "")
        for (namespace, group), names in sorted(plurals.items())
    ]


def _rule(group: str, plurals: Iterable[str]) -> str:
    quoted = plain(group) or '""'
    return f"{{apiGroups: [{quoted}], resources: [{', '.join(plurals)}], verbs: [list]}}"


def blocked_by_access(report: PostureReport) -> int:
    """Controls that judged nothing because what they look at was not read."""
    return sum(1 for row in report.by_control if not row.judged and row.skip and row.skip.kind == "not read")


def not_judged(report: PostureReport) -> Iterable[tuple[str, str]]:
    """The id and the reason of each control that judged nothing, in the order of ids."""
    for row in sorted(report.by_control, key=lambda r: r.control.id):
        if row.judged:
            continue
        reason = row.skip.why if row.skip else "no object of the kinds that it judges"
        yield row.control.id, reason
