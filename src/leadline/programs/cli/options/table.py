"""The table of options: one row for each thing that a user may ask of a command.

A row is a field of ``Request``. Its name, type, default and text, its flag, its variable, its key in ``leadline.toml`` with what
becomes of it in a file that comes with the code, the schema, the reference page and the value in a request derive from it.
"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeVar, get_args

from msgspec import Struct

from leadline.model.unread import Unread
from leadline.programs.cli.options.option import GRADES, UNMATCHED, VIEWS, F, Flag, Key, Option, Texts
from leadline.scans.options import ChartRendering

FILE_NAME = "leadline.toml"
_SCANS = ("scan", "image scan")


class Configured(Struct, frozen=True):
    """What configuration says beside the options."""

    added_frameworks: Texts = ()
    """Whose scores are shown as well, where every control judges."""
    charts: tuple[ChartRendering, ...] = ()
    left_out: tuple[Unread, ...] = ()
    """What was written and not taken."""
    changed: Texts = ()
    """Files of settings that are not as they were at the revision of ``--since``, and count as they were."""
    filled: Mapping[str, Texts] = {}
    """Fields that it filled, and where each value is written."""

    def gates(self) -> Iterator[str]:
        """``--severity-threshold is of leadline.toml:1``, for each gate that no flag closed."""
        for field in ("severity_threshold", "compliance_threshold", "fail_on"):
            if origins := self.filled.get(field):
                yield f"--{field.replace('_', '-')} is of {' and '.join(origins)}"


Form = Literal["everything", "framework", "control", "workload"]


class Request(Struct, frozen=True, kw_only=True):
    """What a command line and configuration ask for together.

    A field that is called as one of ``PostureOptions``, ``ChartOptions``, ``ImageOptions``, ``Gates`` or ``Page`` is passed to it.
    """

    targets: Texts = ()
    """Paths, globs, ``-``; empty for the cluster. Of images: their names."""
    form: Form = "everything"
    names: Texts = ()
    """Of the frameworks, the controls or the workload asked for."""
    configured: Configured = Configured()
    severity_threshold: Annotated[
        str,
        Flag("Exit 1 on a finding at or above it.", "SEVERITY"),
        Key("adds", '"high"', commands=_SCANS, choices=GRADES),
    ] = ""
    compliance_threshold: Annotated[
        float | None,
        Flag("Exit 1 on a score below it.", "PER_CENT"),
        Key("adds", "80", text="Exit 1 on a score below it, 0 to 100.", commands=("scan",)),
    ] = None
    fail_on: Annotated[
        Texts,
        Flag(
            "Exit 1 on such a finding, or when something could not be read.", "SEVERITY|unread", commas=True
        ),
        Key(
            "adds",
            '["unread"]',
            text="Exit 1 when something could not be read, or packages of an image not be matched.",
            commands=_SCANS,
            choices=("unread", UNMATCHED),
        ),
    ] = ()
    frameworks: Annotated[
        Texts,
        Key(
            "adds",
            '["nsa", "mitre"]',
            text="Judge by the controls of these alone. From a file that comes with the code: show their scores as well.",
            commands=("scan",),
        ),
    ] = ()
    no_waivers_from_target: Annotated[
        bool,
        Flag(
            "Pass over annotations, comments, SecurityExceptions and ignore files that come with the target."
        ),
        Key("adds", "true"),
    ] = False
    exclude_paths: Annotated[
        Texts,
        Flag("Leave files out, as .gitignore writes it.", "PATTERN", "--exclude-path"),
        Key(
            "left out by name",
            '["legacy/"]',
            "exclude-path",
            text="Leave files out, as .gitignore writes it, from each target down.",
        ),
    ] = ()
    format: Annotated[
        Texts,
        Flag("pretty, html, markdown, json, sarif, junit …", "NAME", "-f --format", commas=True),
        Key(
            "at a terminal",
            '["pretty"]',
            text="Formats of the report; name=file only in a file of yours.",
            commands=("scan",),
        ),
    ] = ()
    by: Annotated[
        str,
        Flag(f"What the terminal counts findings by: {', '.join(VIEWS)}.", "VIEW"),
        Key("at a terminal", '"object"', text="What the terminal counts findings by.", choices=VIEWS),
    ] = ""
    min_severity: Annotated[
        str,
        Flag("Show nothing below it; gates see all.", "SEVERITY"),
        Key("at a terminal", '"medium"', choices=GRADES),
    ] = "unknown"
    verbose: Annotated[
        bool,
        Flag("Every finding with its lines and its fix.", words="-v --verbose"),
        Key("at a terminal", "true", commands=("scan", "fix", "image scan")),
    ] = False
    exclude_controls: Annotated[
        Texts,
        Flag("Leave controls out.", "IDS", commas=True),
        Key("would hide findings", '["C-0026"]', text="Leave controls out, by id or title."),
    ] = ()
    include_namespaces: Annotated[
        Texts,
        Flag("Only these namespaces.", "NAMES", "-n --include-namespaces --namespace", commas=True),
        Key("would hide findings", '["shop"]'),
    ] = ()
    exclude_namespaces: Annotated[
        Texts,
        Flag("All namespaces but these.", "NAMES", "-e --exclude-namespaces", commas=True),
        Key("would hide findings", '["kube-system"]'),
    ] = ()
    waivers: Annotated[
        Texts,
        Flag(
            "Which findings are accepted: waivers, or exceptions as JSON.", "FILE", "--exceptions --waivers"
        ),
        Key("would hide findings", '["waivers.yaml"]', kind="files"),
    ] = ()
    baseline: Annotated[
        str,
        Flag("What that report or baseline knows fails no gate.", "FILE"),
        Key("would hide findings", '"leadline-baseline.json"', kind="file"),
    ] = ""
    vex: Annotated[
        Texts,
        Flag("Statements of what is not affected. May be repeated.", "FILE"),
        Key("would hide findings", '["vex.json"]', kind="files", text="Statements of what is not affected."),
    ] = ()
    only_fixable: Annotated[
        bool,
        Flag(
            "Leave vulnerabilities without a fix out.", words="--only-fixable --ignore-unfixed --only-fixed"
        ),
        Key("would hide findings", "true"),
    ] = False
    severities: Annotated[
        Texts, Flag("Leave all others out: HIGH,CRITICAL.", "NAMES", "--severity", commas=True)
    ] = ()
    scanners: Annotated[
        Texts, Flag("vuln,secret, or vuln to search nothing for credentials.", "NAMES", commas=True)
    ] = ()
    deny_licences: Annotated[
        Texts,
        Flag(
            "Exit 1 on packages under such a licence: GPL-3.0-only,AGPL-*.",
            "SPDX",
            "--deny-licence --deny-license",
            commas=True,
        ),
        Key("adds", '["AGPL-*"]', "deny-licence", text="Exit 1 on packages under such a licence."),
    ] = ()
    exit_code: Annotated[int, Flag("Exit with it where anything is found.", "NUMBER")] = 0
    settings_file: Annotated[
        str,
        Flag("Settings of controls: JSON, YAML or TOML.", "FILE", "--controls-config"),
        Key("would change verdicts", '"settings.toml"', "controls-config", "file"),
    ] = ""
    framework_files: Annotated[
        Texts,
        Flag("Your own framework, TOML.", "FILE", "--framework-file"),
        Key(
            "would change verdicts", '["ours.toml"]', "framework-file", "files", "Your own frameworks, TOML."
        ),
    ] = ()
    assume_complete: Annotated[
        bool,
        Flag("Take what is read for all there is, as in a whole cluster."),
        Key("would change verdicts", "true"),
    ] = False
    kube_version: Annotated[
        str,
        Flag("The Kubernetes version charts are rendered for.", "VERSION"),
        Key("would change verdicts", '"1.33"'),
    ] = ""
    api_versions: Annotated[
        Texts,
        Flag("API versions that charts may count on.", "GROUP/VERSION"),
        Key("would change verdicts", '["monitoring.coreos.com/v1"]'),
    ] = ()
    values: Annotated[
        Texts,
        Flag("Values for Helm charts; later files win.", "FILE"),
        Key(
            "would change verdicts",
            '["values.yaml"]',
            kind="files",
            text="Values for every chart; [[chart]] is for one.",
        ),
    ] = ()
    db: Annotated[
        str,
        Flag("The vulnerability database; else the usual one.", "FILE"),
        Key(
            "would change verdicts",
            '"vulnerabilities.db"',
            kind="file",
            commands=("image scan", "image diff"),
        ),
    ] = ""
    oldest_database_days: Annotated[
        int | None,
        Flag("Refuse an older database.", "DAYS", "--max-db-age"),
        Key("would change verdicts", "7", "max-db-age", text="Refuse an older database, in days."),
    ] = None
    db_source: Annotated[
        str,
        Flag(
            "Fetch the database there, and again each day: grype, feeds, https://…, oci://…, or off.",
            "SOURCE",
        ),
        Key("would reach elsewhere", '"grype"', commands=("image scan", "image diff")),
    ] = ""
    db_key: Annotated[
        str,
        Flag("Public keys of who publishes it (Ed25519, PEM).", "FILE"),
        Key("would reach elsewhere", '"publisher.pem"', kind="file", commands=("image scan", "image diff")),
    ] = ""
    fetch_db: Annotated[
        bool, Flag("Fetch a vulnerability database first where there is none, or an old one.")
    ] = False
    offline: Annotated[
        bool,
        Flag("Fetch no vulnerability database, and ask for none."),
        Key("would change verdicts", "true", commands=("image scan", "image diff")),
    ] = False
    host_facts: Annotated[
        Texts,
        Flag(
            "What 'leadline host facts' wrote of a node; may be repeated. Judged alone where no path and no context is named.",
            "FILE",
        ),
    ] = ()
    cloud_facts: Annotated[
        Texts,
        Flag(
            "What the cloud's command line prints of the cluster; may be repeated. See 'leadline explain C-0227'.",
            "FILE",
        ),
    ] = ()
    image_results: Annotated[
        Texts,
        Flag(
            "What 'leadline scan image -f json' wrote of images that the workloads run, for C-0083 to C-0085; may be repeated.",
            "FILE",
            "--images",
        ),
    ] = ()
    trust_policy: Annotated[
        str,
        Flag("Who may sign which images; their registries are asked.", "FILE"),
        Key("would change verdicts", '"policy.yaml"', kind="file"),
    ] = ""
    trusted_root: Annotated[
        str,
        Flag("CAs and logs behind identities, as sigstore writes them.", "FILE"),
        Key("would change verdicts", '"root.json"', kind="file"),
    ] = ""
    own_controls: Annotated[
        Texts,
        Flag("Your own controls, Python and Rego; they are run.", "FOLDER", "--controls"),
        Key("would run code", '["controls/"]', "controls", "files"),
    ] = ()
    store: Annotated[
        str,
        Flag("Write the results into the cluster, as objects of its API, or into a file.", "kube|FILE"),
        Key("would write", '"kube"', kind="place", commands=_SCANS),
    ] = ""
    store_namespace: Annotated[
        str,
        Flag("Where results about objects without a namespace go.", "NAME"),
        Key("would write", '"leadline"', commands=_SCANS),
    ] = "leadline"
    kube_context: Annotated[
        str,
        Flag("The context of the kubeconfig.", "NAME", "--context --kube-context"),
        Key("would reach elsewhere", '"staging"'),
    ] = ""
    kubeconfig: Annotated[
        str, Flag("Another kubeconfig.", "FILE"), Key("would reach elsewhere", '"kubeconfig"', kind="file")
    ] = ""
    mirror: Annotated[
        Texts,
        Flag("Ask HOST before REGISTRY. May be repeated.", "REGISTRY=HOST", commas=True),
        Key(
            "would reach elsewhere",
            '["docker.io=mirror.example"]',
            text="Ask HOST before REGISTRY: REGISTRY=HOST.",
        ),
    ] = ()
    ca_file: Annotated[
        str,
        Flag("Certificates to trust, PEM.", "FILE"),
        Key(
            "would reach elsewhere", '"ca.pem"', kind="file", text="Certificates of registries to trust, PEM."
        ),
    ] = ""
    output: Annotated[
        str, Flag("Write there; folders are made, several formats add suffixes.", "FILE", "-o --output")
    ] = ""
    coverage: Annotated[
        bool, Flag("Why each control that judged nothing did not.", words="--verbose-coverage")
    ] = False
    quiet: Annotated[bool, Flag("Suppress everything on stderr except errors.", words="-q --quiet")] = False
    no_color: Annotated[bool, Flag("No colour; NO_COLOR does the same.")] = False
    debug: Annotated[bool, Flag("Tracebacks and a log on stderr.")] = False
    allow_empty: Annotated[bool, Flag("Exit 0 without any object, as in a hook for changed files.")] = False
    set: Annotated[Texts, Flag("A value for Helm charts.", "KEY=VALUE")] = ()
    set_string: Annotated[Texts, Flag("A value that is text.", "KEY=VALUE")] = ()
    with_tests: Annotated[
        bool, Flag("Judge what charts run for helm test alone as well.", words="--helm-tests")
    ] = False
    from_store: Annotated[
        str, Flag("Show the results that are stored there, and scan nothing.", "kube|FILE")
    ] = ""
    since: Annotated[str, Flag("What was there at that git revision fails no gate.", "REVISION")] = ""
    accept_from_change: Annotated[
        bool,
        Flag(
            "With --since: approve what the change itself accepts and leaves out; else it waits, and counts."
        ),
    ] = False
    fix: Annotated[bool, Flag("Edit the files so that findings go away, as leadline fix does.")] = False
    yes: Annotated[bool, Flag("With --fix: write without asking.")] = False
    risky: Annotated[
        bool, Flag("With --fix: make edits that may stop what runs as well; each is listed with its reason.")
    ] = False
    redact: Annotated[
        str, Flag("Pseudonyms for every name in reports; FILE, yours alone, turns them back.", "FILE")
    ] = ""
    encrypt: Annotated[
        Texts,
        Flag(
            "Only who holds the private key can read reports: age1…, ssh-…, or a file of public keys.", "KEY"
        ),
    ] = ()
    submit: Annotated[
        str,
        Flag("Send the report to a provider; LEADLINE_SUBMIT_TOKEN holds the token.", "https://HOST/SOURCE"),
    ] = ""
    submit_dry_run: Annotated[
        str, Flag("With --submit: write into FOLDER what would be sent, and send nothing.", "FOLDER")
    ] = ""
    submit_account: Annotated[
        str,
        Flag("With --submit https://HOST: to a provider of Kubescape's CLI, as that account.", "UUID"),
    ] = ""
    submit_ca: Annotated[str, Flag("With --submit: certificates to trust, PEM.", "FILE")] = ""
    watch: Annotated[bool, Flag("Go on, and show what appears and what goes, until Ctrl-C.")] = False
    from_manifests: Annotated[
        Texts,
        Flag("Scan every image that files, folders, charts and kustomizations run. May be repeated.", "PATH"),
    ] = ()
    from_cluster: Annotated[bool, Flag("Scan every image that the cluster runs, each once.")] = False
    with_digests: Annotated[
        bool, Flag("In documents: checksums of the files that packages were found in.", words="--digests")
    ] = False
    platform: Annotated[str, Flag("Which image of several, such as linux/arm64.", "OS/ARCH")] = ""
    username: Annotated[str, Flag("For the registry; else Docker's settings.", "NAME", "-u --username")] = ""
    password_stdin: Annotated[bool, Flag("Read the password from standard input.")] = False
    accept_any_certificate: Annotated[
        bool, Flag("Accept any certificate of the registry, or none at all.", words="--insecure")
    ] = False
    no_cache: Annotated[bool, Flag("Read every layer again and cache nothing.")] = False
    loaded: Annotated[
        str,
        Flag(
            "What a container of IMAGE loaded: paths, a recorded profile, or an SBOM of that. It comes first.",
            "FILE",
        ),
    ] = ""
    config: Annotated[str, Flag("Take leadline.toml from there.", "FILE")] = ""
    no_config: Annotated[bool, Flag("Read no leadline.toml.")] = False
    trust_config: Annotated[bool, Flag("Take a leadline.toml that comes with the code in full.")] = False


def _table() -> Iterator[Option]:
    # ``structs.fields`` resolves the types of all of them first.
    for field, default in zip(Request.__struct_fields__, Request.__struct_defaults__, strict=True):
        hint = Request.__annotations__[field]
        marks = getattr(hint, "__metadata__", ())
        if marks:
            kinds = [one for one in get_args(hint.__origin__) if one is not type(None)]
            kind = kinds[0] if len(kinds) == 1 else hint.__origin__
            by_type = {type(mark): mark for mark in marks}
            yield Option(field, kind, default, by_type.get(Flag), by_type.get(Key))


OPTIONS: Mapping[str, Option] = MappingProxyType({one.field: one for one in _table()})
"""By field."""
KEYS: Mapping[str, Option] = MappingProxyType({one.name: one for one in OPTIONS.values() if one.key})
"""Those of ``leadline.toml``, by name, in the order of the documentation."""
CLUSTER = ("kube_context", "kubeconfig")
NAMESPACES = ("include_namespaces", "exclude_namespaces")
CONTROLS = ("exclude_controls", "settings_file", "own_controls", "framework_files")
CHARTS = ("values", "set", "set_string", "kube_version", "api_versions", "with_tests")
WAIVERS = ("waivers", "no_waivers_from_target")
DATABASE = ("db", "fetch_db", "offline", "db_source", "db_key")
TRUST = ("trust_policy", "trusted_root")
CONFIG = ("config", "no_config", "trust_config")
SECTIONS: Mapping[str, Texts] = MappingProxyType(
    {
        "Output": (
            *("format", "output", "verbose", "coverage", "quiet", "min_severity", "by", "watch"),
            *("store", "store_namespace", "redact", "encrypt", "no_color", "debug"),
        ),
        "Gates": ("severity_threshold", "compliance_threshold", "fail_on", "allow_empty"),
        "What is new": ("baseline", "since", "accept_from_change"),
        "Accepted findings": WAIVERS,
        "What is read": (
            *(
                "exclude_paths",
                *NAMESPACES,
                *CLUSTER,
                "from_store",
                "host_facts",
                "cloud_facts",
                "assume_complete",
            ),
        ),
        "Charts": CHARTS,
        "Controls": (*CONTROLS, *TRUST),
        "Fixing": ("fix", "yes", "risky"),
        "Configuration": CONFIG,
    }
)
"""Of the help of a command with many flags, in this order; what is in none of them comes last."""
FIXING = (
    *("verbose", "quiet"),
    *("severity_threshold", "compliance_threshold", "fail_on", "allow_empty", "min_severity"),
    *("baseline", "since", "accept_from_change", "risky"),
    *(*NAMESPACES, "exclude_paths", "assume_complete", *CONTROLS, *CHARTS, *TRUST, *WAIVERS),
    *("no_color", "debug"),
)
"""What ``fix`` and ``scan --fix`` honour. Everything else that a scan takes is refused with ``--fix``."""


def takes(*fields: str, **worded: Flag) -> Callable[[F], F]:
    """The flags of ``fields``, in the order in which help shows them; ``worded`` says some otherwise for one command."""

    def decorate(function: F) -> F:
        for field in reversed(fields):
            function = OPTIONS[field].click_option(worded.get(field))(function)
        return function

    return decorate


S = TypeVar("S", bound=Struct)


def passed(kind: type[S], request: Request, **more: Any) -> S:
    """``kind`` with the values of the fields that ``request`` has too, and ``more``."""
    ours = Request.__struct_fields__
    return kind(**{name: getattr(request, name) for name in kind.__struct_fields__ if name in ours} | more)


CHART = "chart"
CHART_KEYS: Mapping[str, str] = MappingProxyType(
    {
        "path": "The folder of the chart, or its archive, relative to the folder of this file.",
        "values": "Files that one rendering takes; later ones win. Empty for the chart's own values alone.",
    }
)


def schema() -> dict[str, Any]:
    """The JSON Schema of ``leadline.toml``, for editors."""
    texts = {"type": "array", "items": {"type": "string"}}
    chart = {
        "type": "object",
        "description": "One rendering of a chart. Several entries with one path are renderings apart.",
        "properties": {
            name: {"type": "string", "description": doc} if name == "path" else {**texts, "description": doc}
            for name, doc in CHART_KEYS.items()
        },
        "required": ["path"],
        "additionalProperties": False,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": FILE_NAME,
        "type": "object",
        "properties": {
            **{name: option.schema() for name, option in KEYS.items()},
            CHART: {"type": "array", "items": chart},
        },
        "additionalProperties": False,
    }


def example() -> Iterator[str]:
    """The lines of a file to begin with: every key, turned off."""
    yield "# What a scan is asked for where no flag says otherwise. leadline config shows what is in force."
    yield "# In a file that comes with the code that is scanned, keys marked with * are not taken."
    for name, option in KEYS.items():
        yield ""
        yield f"# {'' if option.counts_inside else '* '}{option.text}"
        yield f"# {name} = {option.example}"
    yield from ("", "# One rendering of a chart; an entry for each.", f"# [[{CHART}]]")
    yield from ('# path = "charts/shop"', '# values = ["charts/shop/values-prod.yaml"]')
