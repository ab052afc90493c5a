"""A posture report without names: of objects, namespaces, files, hosts, images, and whatever else is the user's."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import structs

from leadline.kube.field_path import format_path, parse_path
from leadline.model.control import Missing, Review, Set, Violation
from leadline.model.finding import Finding, Place, Skip
from leadline.model.report import PostureReport
from leadline.model.resource import Origin, Resource
from leadline.model.resource_id import object_id
from leadline.model.unread import Unread
from leadline.model.waiver import Waiver, WaiverUse
from leadline.outputs.pseudonyms.bodies import (
    api_version_of,
    body_of,
    is_built_in,
    is_constant,
    key_of,
    value_of,
)
from leadline.outputs.pseudonyms.names import Names, words_of

_WHY: Mapping[str, str] = {
    "forbidden": "no permission to read it",
    "malformed": "it is not what it should be",
    "too large": "it is beyond a limit",
    "unsupported": "it is in a form that is not understood",
    "not rendered": "its chart or kustomization could not be rendered",
    "missing": "it is named and not there",
    "left out": "it was left out by choice",
    "unreachable": "it did not answer",
    "incomplete": "it was read in part",
    "fault": "a control failed on it",
}
"""For the reason, since the sentence itself may quote what was read."""

_OURS = ("settings", "manual", "not built", "no facts")
"""Reasons that speak of a control alone, never of what was scanned."""


def pseudonymous(report: PostureReport, names: Names) -> PostureReport:
    """``report``, which has to be sealed, with pseudonyms for every name. Source lines and settings are left out."""
    return _Masked(report, names).report()


class _Masked:
    def __init__(self, report: PostureReport, names: Names) -> None:
        self._report = report
        self._names = names
        # Namespaces and names first: a text that is both is then called by the first.
        for resource in report.resources:
            names.of(resource.namespace, "namespace")
        for resource in report.resources:
            if is_built_in(resource.group, resource.kind):
                names.of(resource.name, resource.kind.lower())
        self._resources = tuple(map(self._resource, report.resources))
        self._ids = {a.id: b.id for a, b in zip(report.resources, self._resources, strict=True)}

    def report(self) -> PostureReport:
        one = self._report
        return structs.replace(
            one,
            target=structs.replace(
                one.target, name=self._target(), root="", branch="", commit="", committed_at=""
            ),
            resources=self._resources,
            findings=tuple(map(self._finding, one.findings)),
            waived=tuple(structs.replace(row, finding=self._finding(row.finding)) for row in one.waived),
            waived_in_frameworks=tuple(
                structs.replace(row, resource=self._id(row.resource)) for row in one.waived_in_frameworks
            ),
            waivers=tuple(map(self._waiver, one.waivers)),
            skips=self._skips(one.skips),
            unread=tuple(self._unread(one.unread)),
            left_out=tuple(self._unread(one.left_out)),
            joined=tuple(tuple(map(self._id, parts)) for parts in one.joined),
            gave_up={self._id(id): self._skips(skips) for id, skips in one.gave_up.items()},
            passed_by={
                self._id(id): tuple((control, tuple(map(self._id, others))) for control, others in rows)
                for id, rows in one.passed_by.items()
            },
            starts={self._id(id): self._place(place) for id, place in one.starts.items()},
            baseline=one.baseline
            and structs.replace(one.baseline, name=self._names.of(one.baseline.name, "baseline")),
            settings={},
        )

    def _target(self) -> str:
        if self._report.target.kind in ("file", "directory"):
            return " ".join(map(self._names.path, self._report.target.name.split(" ")))
        return self._names.of(self._report.target.name, self._report.target.kind)

    def _resource(self, resource: Resource) -> Resource:
        origin, names = resource.origin, self._names
        is_known = is_built_in(resource.group, resource.kind) or origin.kind == "derived"
        name = names.of(resource.name, "name" if not is_known else resource.kind.lower() or "name")
        masked = Origin(
            kind=origin.kind,
            path=names.path(origin.path) if origin.kind != "derived" else names.of(resource.id, "subject"),
            document=origin.document,
            inside=origin.inside,
            root=names.path(origin.root),
            rendered_from=names.path(origin.rendered_from),
            values=tuple(map(names.path, origin.values)),
            cluster=names.of(origin.cluster, "cluster"),
            is_random=origin.is_random,
        )
        return Resource(
            api_version_of(resource.api_version, names, is_known=is_known),
            resource.kind if is_known else names.of(resource.kind, "kind"),
            names.of(resource.namespace, "namespace"),
            name,
            body_of(resource.body, names, is_known=is_known),
            masked,
            # Ids of objects follow from all this, but for the number of one that is there twice.
            "" if "#" not in resource.id else names.of(resource.id, "object"),
        )

    def _id(self, id: str) -> str:
        if id in self._ids:
            return self._ids[id]
        names = self._names
        version, *rest = id.rsplit("/", 3)
        if len(rest) != 3:
            return names.of(id, "object")
        namespace, kind, name = rest
        is_known = is_built_in(version.rpartition("/")[0].strip("/"), kind)
        version = version if is_known else names.path(version)
        return object_id(
            version.removeprefix("/"),
            names.of(namespace, "namespace"),
            kind if is_known else names.of(kind, "kind"),
            names.of(name, kind.lower() if is_known else "name"),
        )

    def _finding(self, finding: Finding) -> Finding:
        return Finding(
            finding.control,
            self._id(finding.resource),
            self._violation(finding.violation),
            tuple(map(self._id, finding.related)),
            finding.place and self._place(finding.place),
        )

    def _violation(self, violation: Violation) -> Violation:
        if isinstance(violation, Missing):
            return Missing(self._names.sentence(violation.what))
        on = self._id(violation.on) if violation.on else ""
        path = self._path(violation.path)
        if isinstance(violation, Set):
            key = str(parse_path(violation.path)[-1]) if violation.path else ""
            return Set(path, self._value(violation.value, key), on)
        if isinstance(violation, Review):
            return Review(path, on, self._names.sentence(violation.advice))
        return type(violation)(path, on)

    def _value(self, value: Any, key: str) -> Any:
        """A flag keeps its name, which is a program's: ``--audit-log-path=value-k3f9a2x7qq``."""
        if (
            isinstance(value, str)
            and value.startswith("--")
            and "=" in value
            and value.partition("=")[0] in _FLAGS
        ):
            flag, _, rest = value.partition("=")
            return f"{flag}={rest if is_constant(rest) else self._names.of(rest, 'value')}"
        return value_of(value, key, self._names)

    def _path(self, path: str) -> str:
        above = ""
        steps: list[str | int] = []
        for step in parse_path(path):
            if isinstance(step, int):
                steps.append(step)
            else:
                steps.append(key_of(step, above, self._names))
                above = step
        return format_path(steps)

    def _place(self, place: Place) -> Place:
        by = self._names.of(place.steered_by, "key")
        return Place(self._names.path(place.path), place.line, place.column, place.exact, by)

    def _skips(self, skips: Iterable[Skip]) -> tuple[Skip, ...]:
        return tuple(
            skip if skip.kind in _OURS else structs.replace(skip, why=self._names.sentence(skip.why))
            for skip in skips
        )

    def _unread(self, parts: Iterable[Unread]) -> Iterator[Unread]:
        for part in parts:
            where = self._ids.get(part.where) or self._names.path(part.where)
            why = self._names.sentence(_WHY.get(part.reason, part.reason))
            yield Unread(where, why, part.reason, part.line, part.column)

    def _waiver(self, use: WaiverUse) -> WaiverUse:
        waiver = use.waiver
        hidden = Waiver(
            name=self._names.of(waiver.name, "waiver"),
            matches=(),
            reason=self._names.of(waiver.reason, "reason"),
            owner=self._names.of(waiver.owner, "owner"),
            ticket=self._names.of(waiver.ticket, "ticket"),
            expires=waiver.expires,
            kind=waiver.kind,
            source=self._names.path(waiver.source),
            is_from_target=waiver.is_from_target,
        )
        return structs.replace(use, waiver=hidden)


_FLAGS = words_of(
    """
    --anonymous-auth --audit-log-maxage --audit-log-maxbackup --audit-log-maxsize --audit-log-path --authorization-mode --bind-address
    --client-cert-auth --enable-admission-plugins --peer-client-cert-auth --profiling --rotate-certificates --service-account-lookup
    --tls-cipher-suites --tls-min-version --use-service-account-credentials
    """
)
