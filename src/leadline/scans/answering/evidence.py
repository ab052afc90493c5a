"""What a person gave an assistant to look at, read once and kept until it is asked for again."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct, structs

from leadline.api.protocol import Store
from leadline.errors import SourceError, UsageError
from leadline.model.control import Control
from leadline.model.finding import Finding
from leadline.model.report import PostureReport
from leadline.model.risk import ImageFacts, WorkloadRisk
from leadline.outputs.documents.sealing import sealed
from leadline.outputs.pseudonyms.names import Names, read_names, write_names
from leadline.outputs.pseudonyms.report import pseudonymous
from leadline.outputs.redaction.values import SecretValues
from leadline.posture.catalogue import load_controls
from leadline.posture.risk.ranking import workload_risks
from leadline.scans.access.target import AccessTarget, open_access
from leadline.scans.answering.quoting import Quoting
from leadline.scans.library import ShownFinding, in_order, shown_findings
from leadline.scans.options import PostureOptions
from leadline.scans.posture.posture_scan import open_posture_scan
from leadline.scans.stored.image_facts import image_facts
from leadline.scans.stored.only_read import KUBE, only_read
from leadline.scans.stored.stored_posture import stored_posture

T = TypeVar("T")


class Given(Struct, frozen=True):
    """Everything that is ever read; no question can name another file, cluster or credential."""

    roots: tuple[str, ...] = ()
    """Files and folders."""
    store: str = ""
    """A file of results, or ``kube``; empty for none."""
    kubeconfig: str = ""
    """For ``kube``."""
    profiles: tuple[str, ...] = ()
    """Files that the agent wrote."""
    audit_logs: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    """JSON reports about images."""
    own_controls: tuple[str, ...] = ()
    """Programs: they are loaded only with ``is_trusted``."""
    waivers: tuple[str, ...] = ()
    is_trusted: bool = False
    """Whether programs may be started on what is in the roots: charts and kustomizations are rendered."""
    names_file: str = ""
    """The file that turns pseudonyms back; empty where names are shown."""


class Evidence:
    """Answers come from one reading, so that they agree with each other; ``read_anew`` makes the next.

    Used from one thread at a time.
    """

    def __init__(self, given: Given, environ: Mapping[str, str]) -> None:
        """Raises: ``UsageError`` where nothing is given, or two things that exclude each other; ``StoreError``."""
        if bool(given.roots) == bool(given.store):
            raise UsageError("name files and folders, or a store: one of these")
        store = () if given.store in ("", KUBE) else (given.store,)
        # The person who starts the program learns of a wrong name, not the assistant that asks later.
        for file in (*given.roots, *store, *given.profiles, *given.audit_logs, *given.images, *given.waivers):
            if not Path(file).exists():
                raise SourceError(f"no such file or folder: {file}")
        self.given = given
        self._environ = environ
        self._secrets = SecretValues()
        self._names = read_names(given.names_file, may_be_new=True) if given.names_file else None
        self._kept_names = 0
        self._is_asked = False
        """Whether the cluster said that the account may only read results."""
        self.quoting = Quoting(self._secrets, self._names)
        self.of_report = Quoting(self._secrets)
        """For texts of ``report``, which has pseudonyms already where these are asked for."""
        self.ours: Mapping[str, Control] = {one.id: one.facts for one in load_controls()}
        """The controls whose texts come with this program, by id; a store may name others, and call them anything."""
        self._report: PostureReport | None = None
        self._findings: Sequence[tuple[Finding, ShownFinding]] | None = None
        self.at = ""
        """When it was read, RFC 3339 in UTC."""

    @property
    def options(self) -> PostureOptions:
        given = self.given
        return PostureOptions(
            environ=self._environ,
            secrets=self._secrets,
            renders=given.is_trusted,
            own_controls=given.own_controls if given.is_trusted else (),
            waivers=given.waivers,
        )

    @property
    def report(self) -> PostureReport:
        """Sealed and ranked; with pseudonyms where these are asked for.

        Raises: ``SourceError``, ``StoreError``, ``UsageError``.
        """
        if self._report is None:
            given = self.given
            self._report = self._masked(self._stored()) if given.store else self.scanned(given.roots)
            self.at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return self._report

    def keep_names(self) -> None:
        """Writes pseudonyms that are new, before anyone sees one. Raises: ``StoreError``."""
        if self._names is not None and len(self._names.texts) != self._kept_names:
            write_names(self.given.names_file, self._names)
            self._kept_names = len(self._names.texts)

    @property
    def findings(self) -> Sequence[tuple[Finding, ShownFinding]]:
        """Those of ``report``, the most urgent first."""
        report = self.report
        if self._findings is None:
            found = in_order(report)
            self._findings = list(zip(found, shown_findings(report, found), strict=True))
        return self._findings

    def options_for(self, controls: tuple[str, ...]) -> PostureOptions:
        """With these controls alone; all for none."""
        return structs.replace(self.options, controls=controls)

    def read_anew(self) -> None:
        """The next question is answered by another reading."""
        self._report = self._findings = None

    def access(self) -> AbstractContextManager[AccessTarget]:
        """Raises: ``SourceError`` where only results are given: roles are not stored."""
        if not self.given.roots:
            raise SourceError(
                "roles and bindings are not among stored results", hint="start with a folder of manifests"
            )
        return open_access(self.given.roots, self.options, with_accounts=True)

    def of_store(self, work: Callable[[Store], Coroutine[Any, Any, T]]) -> T:
        """What ``work`` makes of the store. Raises: ``SourceError`` where there is none, ``StoreError``."""
        if not self.given.store:
            raise SourceError("no store is given")

        async def read() -> T:
            given = self.given
            opened = only_read(given.store, given.kubeconfig, self._environ, asks=not self._is_asked)
            async with opened as store:
                self._is_asked = True
                return await work(store)

        return asyncio.run(read())

    def _stored(self) -> PostureReport:
        return self.of_store(lambda store: stored_posture(store, self.options))

    def scanned(self, targets: Sequence[str]) -> PostureReport:
        """As ``report``, of other targets. Raises: likewise."""
        with open_posture_scan(targets, structs.replace(self.options, with_fronts=True)) as scan:
            if scan.why_no_verdict and not scan.report.resources:
                raise SourceError(scan.why_no_verdict)
            report = sealed(scan.report, scan.places)
        facts: dict[str, ImageFacts] = {}
        for file in self.given.images:
            facts |= image_facts(file, report.resources).facts
        return self._masked(structs.replace(report, risks=workload_risks(report, facts)))

    def _masked(self, report: PostureReport) -> PostureReport:
        return report if self._names is None else _masked(report, self._names)


def _masked(report: PostureReport, names: Names) -> PostureReport:
    """The ranks are those of the report as it was read; of them only the words change."""
    masked = pseudonymous(report, names)
    ids = {old.id: new.id for old, new in zip(report.resources, masked.resources, strict=True)}
    risks = tuple(_masked_risk(one, ids, names.sentence) for one in report.risks or ())
    return structs.replace(masked, risks=risks)


def _masked_risk(risk: WorkloadRisk, ids: Mapping[str, str], sentence: Callable[[str], str]) -> WorkloadRisk:
    path = tuple(
        structs.replace(
            step,
            text=sentence(step.text),
            object=ids.get(step.object, ""),
            details=tuple(map(sentence, step.details)),
        )
        for step in risk.path
    )
    id = ids.get(risk.resource) or sentence(risk.resource)
    return structs.replace(risk, resource=id, sentence=sentence(risk.sentence), path=path)


def named(rows: Sequence[T], title: Callable[[T], str], asked: str) -> list[T]:
    """The rows whose title is ``asked``, or contains it between slashes: ``shop``, ``web``, ``shop/Deployment/web``."""
    if not asked:
        return list(rows)
    exact = [row for row in rows if title(row) == asked]
    return exact or [row for row in rows if f"/{asked}/" in f"/{title(row)}/"]
