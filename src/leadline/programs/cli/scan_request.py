"""What a command line asks of ``leadline scan``."""

import os
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

from msgspec import Struct

from leadline.errors import UsageError
from leadline.model.control import SEVERITIES
from leadline.programs.cli.configuration.configured import Configured
from leadline.programs.cli.terminal import say_plainly
from leadline.scans.gates import Gates
from leadline.scans.options import ChartOptions, PostureOptions, Say
from leadline.scans.posture.reading import STDIN
from leadline.sources.yaml.parser import LIMITS

GRADES = tuple(severity for severity in SEVERITIES if severity != "unknown")
Form = Literal["everything", "framework", "control", "workload"]
_LISTS = ("format", "fail_on", "include_namespaces", "exclude_namespaces", "exclude_controls")
FORMS: tuple[Form, ...] = ("framework", "control", "workload")


class ScanRequest(Struct, frozen=True):
    """Field names are those of the flags."""

    targets: tuple[str, ...] = ()
    """Paths, globs, ``-``; empty for the cluster."""
    form: Form = "everything"
    names: tuple[str, ...] = ()
    """Of the frameworks, the controls or the workload asked for."""
    format: tuple[str, ...] = ()
    output: str = ""
    verbose: bool = False
    verbose_coverage: bool = False
    quiet: bool = False
    no_color: bool = False
    compliance_threshold: float | None = None
    severity_threshold: str = ""
    fail_on: tuple[str, ...] = ()
    allow_empty: bool = False
    """Whether there may be not objects at all."""
    min_severity: str = "unknown"
    by: str = ""
    """What the terminal counts findings by; empty for the overview of a cluster and the controls of files."""
    include_namespaces: tuple[str, ...] = ()
    exclude_namespaces: tuple[str, ...] = ()
    exclude_path: tuple[str, ...] = ()
    assume_complete: bool = False
    exclude_controls: tuple[str, ...] = ()
    controls_config: str = ""
    controls: tuple[str, ...] = ()
    framework_file: tuple[str, ...] = ()
    host_facts: tuple[str, ...] = ()
    cloud_facts: tuple[str, ...] = ()
    kube_context: str = ""
    kubeconfig: str = ""
    values: tuple[str, ...] = ()
    set: tuple[str, ...] = ()
    set_string: tuple[str, ...] = ()
    kube_version: str = ""
    api_versions: tuple[str, ...] = ()
    helm_tests: bool = False
    store: str = ""
    """Where results go: ``kube``, or a file."""
    from_store: str = ""
    """Where results come from, instead of a scan."""
    store_namespace: str = "leadline"
    watch: bool = False
    redact: str = ""
    """The file of names."""
    encrypt: tuple[str, ...] = ()
    exceptions: tuple[str, ...] = ()
    no_waivers_from_target: bool = False
    trust_policy: str = ""
    trusted_root: str = ""
    baseline: str = ""
    """A file of an earlier scan: what it knows fails no gate and is not listed."""
    since: str = ""
    """A revision of the repository in its place."""
    configured: Configured = Configured()
    debug: bool = False

    @property
    def added_frameworks(self) -> tuple[str, ...]:
        """Whose scores are counted besides, where every control judges."""
        return self.configured.added_frameworks if self.form == "everything" else ()


def split_words(words: tuple[str, ...]) -> tuple[Form, tuple[str, ...], tuple[str, ...]]:
    """``framework nsa,mitre deploy/`` as form, names and targets. A folder named ``framework`` is ``./framework``.

    Raises: ``UsageError`` where the name is left out.
    """
    form = next((f for f in FORMS if words[:1] == (f,)), None)
    if form is None:
        return "everything", (), words
    if len(words) < 2:
        example = {"framework": "nsa", "control": "C-0057", "workload": "shop/Deployment/web"}[form]
        raise UsageError(
            f"scan {form} needs a name", hint=f"for example: leadline scan {form} {example} deploy/"
        )
    return form, split_commas(words[1:2]), words[2:]


def _chosen(words: tuple[str, ...], configured: Configured) -> tuple[Form, tuple[str, ...], tuple[str, ...]]:
    """What ``split_words`` says, or the frameworks of the configuration where the words choose nothing."""
    form, names, targets = split_words(words)
    if form == "everything" and configured.frameworks:
        return "framework", configured.frameworks, targets
    return form, names, targets


def split_commas(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(part.strip() for value in values for part in value.split(",") if part.strip())


def request_of(words: tuple[str, ...], flags: dict[str, Any]) -> ScanRequest:
    """The request that a command line makes; ``flags`` by the names of the fields.

    Raises: ``UsageError`` for words or values that make no sense.
    """
    form, names, targets = _chosen(words, flags.get("configured", Configured()))
    for name in _LISTS:
        flags[name] = split_commas(flags.get(name, ()))
    for name in ("severity_threshold", "min_severity"):
        flags[name] = flags[name].strip().lower()
    flags["fail_on"] = tuple(word.lower() for word in flags["fail_on"])
    grades = [word for word in (flags["severity_threshold"], *flags["fail_on"]) if word in GRADES]
    if grades and flags["severity_threshold"] in ("", *GRADES):
        # The strictest counts: GRADES begins with the worst.
        flags["severity_threshold"] = max(grades, key=GRADES.index)
    request = ScanRequest(targets, form, names, **flags)
    if request.severity_threshold and request.severity_threshold not in GRADES:
        raise UsageError(_one_of("--severity-threshold", GRADES, request.severity_threshold))
    if request.min_severity not in SEVERITIES:
        raise UsageError(_one_of("--min-severity", GRADES, request.min_severity))
    for name in request.fail_on:
        if name != "unread" and name not in GRADES:
            raise UsageError(_one_of("--fail-on", ("unread", *GRADES), name))
    threshold = request.compliance_threshold
    if threshold is not None and not 0 <= threshold <= 100:
        raise UsageError(f"--compliance-threshold must be between 0 and 100 (got {threshold:g})")
    _check_store(request)
    if request.baseline and request.since:
        raise UsageError("--baseline and --since both say what is known", hint="choose one")
    if (request.baseline or request.since) and request.watch:
        raise UsageError("--watch compares with its own beginning", hint="leave --baseline and --since away")
    if request.since and not targets:
        raise UsageError("--since compares files", hint="name a folder in a git repository")
    if "" in targets:
        raise UsageError("a path is empty", hint="is a variable of the shell unset?")
    if "-" in targets and len(targets) > 1:
        raise UsageError(
            "'-' reads standard input and stands alone", hint="name files in a scan of their own"
        )
    return request


_NO_REPORT: Mapping[str, Any] = MappingProxyType(
    {"format": (), "fail_on": (), "severity_threshold": "", "min_severity": "unknown"}
)


def request_without_report(words: tuple[str, ...], flags: Mapping[str, Any]) -> ScanRequest:
    """As ``request_of``, for commands that look at the same targets and have no flags of reports and gates."""
    return request_of(words, {**_NO_REPORT, **flags})


def _check_store(request: ScanRequest) -> None:
    if not request.from_store:
        return
    if request.targets or request.store or request.watch:
        raise UsageError(
            "--from-store shows results of earlier scans", hint="leave targets, --store and --watch away"
        )


def options_of(request: ScanRequest, say: Say, *, with_scores: bool) -> PostureOptions:
    """What the request, standard input and the environment say together."""
    return PostureOptions(
        frameworks=request.names if request.form == "framework" else (),
        controls=request.names if request.form == "control" else (),
        added_frameworks=request.added_frameworks,
        exclude_controls=request.exclude_controls,
        workload=request.names[0] if request.form == "workload" else "",
        include_namespaces=request.include_namespaces,
        exclude_namespaces=request.exclude_namespaces,
        exclude_paths=request.exclude_path,
        assume_complete=request.assume_complete,
        left_out=request.configured.left_out,
        settings_file=request.controls_config,
        own_controls=request.controls,
        framework_files=request.framework_file,
        with_scores=with_scores,
        waivers=request.exceptions,
        use_target_waivers=not request.no_waivers_from_target,
        trust_policy=request.trust_policy,
        trusted_root=request.trusted_root,
        charts=ChartOptions(
            values=request.values,
            renderings=request.configured.charts,
            set=request.set,
            set_string=request.set_string,
            kube_version=request.kube_version,
            api_versions=request.api_versions,
            with_tests=request.helm_tests,
        ),
        host_facts=request.host_facts,
        cloud_facts=request.cloud_facts,
        kube_context=request.kube_context,
        kubeconfig=request.kubeconfig,
        standard_input=_standard_input(request.targets),
        environ=os.environ,
        say=say,
        note=say_plainly,
    )


def gates_of(request: ScanRequest) -> Gates:
    """The gates that the flags close."""
    return Gates(
        severity_threshold=request.severity_threshold,
        compliance_threshold=request.compliance_threshold,
        fail_on_unread="unread" in request.fail_on,
    )


def _standard_input(targets: tuple[str, ...]) -> bytes:
    if STDIN not in targets:
        return b""

    return sys.stdin.buffer.read(LIMITS.size_bytes + 1)


def _one_of(flag: str, names: tuple[str, ...], got: str) -> str:
    return f"{flag} must be one of {', '.join(reversed(names))} (got {got})"
