"""What may be wanted of a scan. Programs fill these from their flags, settings and environment; nothing below reads those."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from leadline.model.unread import Unread
from leadline.model.waiver import Waiver
from leadline.sources.registry.options import Credential, PullSecret

if TYPE_CHECKING:
    from leadline.outputs.redaction.values import SecretValues
    from leadline.scans.waivers.before_change import BeforeChange
    from leadline.sources.rendering.plan.kept import KeptRenders

Say = Callable[[str], None]
"""Takes a line for a watching user."""


def silent(text: str) -> None:
    """Shows nothing."""
    del text


def _refuse_single_texts(options: Struct) -> None:
    """Raises: ``TypeError`` for a text where several are wanted: it would be taken letter by letter."""
    for name, default in zip(options.__struct_fields__, options.__struct_defaults__, strict=True):
        value = getattr(options, name)
        if isinstance(default, tuple) and isinstance(value, str):
            raise TypeError(f'{name} takes several: ("{value}",)')


class ChartRendering(Struct, frozen=True):
    """One rendering that is asked of a chart; it is judged apart from the others."""

    chart: str
    """Its folder or archive: absolute, or relative to the top of the repository that is fetched."""
    values: tuple[str, ...] = ()
    """Files, likewise; later ones win. Empty for the chart's own values alone."""
    adds: bool = False
    """Whether the chart is rendered with its own values alone as well."""


class ChartOptions(Struct, frozen=True, kw_only=True):
    """What Helm charts are rendered with, as ``helm template`` takes it."""

    values: tuple[str, ...] = ()
    """Files; later ones win."""
    renderings: tuple[ChartRendering, ...] = ()
    """For some charts, one rendering for each; ``values`` and ``set`` go before what is there."""
    set: tuple[str, ...] = ()
    """``KEY=VALUE``."""
    set_string: tuple[str, ...] = ()
    kube_version: str = ""
    with_tests: bool = False
    """Whether hooks that run for ``helm test`` alone are judged."""
    api_versions: tuple[str, ...] = ()


class PostureOptions(Struct, frozen=True, kw_only=True):
    """How objects are scanned. Without a choice of controls all of them run."""

    frameworks: tuple[str, ...] = ()
    """Names of those whose controls run; ``all`` is every framework and every control."""
    added_frameworks: tuple[str, ...] = ()
    """Names of those whose scores are counted as well, where every control runs."""
    controls: tuple[str, ...] = ()
    """Ids or titles of those that run."""
    exclude_controls: tuple[str, ...] = ()
    workload: str = ""
    """The one object that verdicts are wanted of: ``[namespace/]Kind/name``."""
    include_namespaces: tuple[str, ...] = ()
    exclude_namespaces: tuple[str, ...] = ()
    exclude_paths: tuple[str, ...] = ()
    """As ``.gitignore`` writes them."""
    assume_complete: bool = False
    """Whether what is read is all there is, as in a whole cluster: then what is not there is missing."""
    settings_file: str = ""
    """Settings of controls: JSON, YAML or TOML."""
    own_controls: tuple[str, ...] = ()
    """Folders or files of Python and Rego; the Python in them is run."""
    framework_files: tuple[str, ...] = ()
    """The user's own frameworks, TOML."""
    waivers: tuple[str, ...] = ()
    """Files that say which findings are accepted: ours, or the ecosystem's exceptions."""
    given_waivers: tuple[Waiver, ...] = ()
    """The same, read already."""
    left_out: tuple[Unread, ...] = ()
    """What the caller passed over by choice, which the report is to name."""
    use_target_waivers: bool = True
    """Whether waivers and ignore files that come with the target count."""
    trust_policy: str = ""
    """A file that says who may sign which images; registries are asked for signatures where there is one."""
    trusted_root: str = ""
    """A file with the CAs and logs behind identities; empty for sigstore's public ones."""
    with_fronts: bool = False
    """Whether a cluster is also asked for what asks for a login in front of pods: policies of gateways and meshes."""
    with_scores: bool = True
    """Whether the headline frameworks are counted where no framework was chosen."""
    before_change: "BeforeChange | None" = None
    """What was accepted before the change that is scanned: what the change accepts itself then waits for approval."""
    charts: ChartOptions = ChartOptions()
    renders: bool = True
    """Whether charts and kustomizations are rendered, which starts programs on untrusted input."""
    host_facts: tuple[str, ...] = ()
    """Files that ``leadline host facts`` wrote; they are judged with the target, or alone where there is none."""
    cloud_facts: tuple[str, ...] = ()
    """Files with what a cloud says of the cluster, as its command line prints it."""
    image_results: tuple[str, ...] = ()
    """Files that ``leadline scan image -f json`` wrote, of the images that workloads of the target run."""
    kube_context: str = ""
    kubeconfig: str = ""
    standard_input: bytes = b""
    """What the target ``-`` holds."""
    environ: Mapping[str, str] = {}
    """Where programs (``PATH``), the kubeconfig and the user's home are looked for."""
    say: Say = silent
    """Is given what is being done, again and again; only the last line matters."""
    note: Say = silent
    """Is given what a program that signs in to a cluster says to its user, as it came: nothing in it is to be trusted."""
    secrets: "SecretValues | None" = None
    """Is given every secret that one scan finds, so that its caller can keep them out of messages of its own."""

    observe: Callable[[str, Mapping[str, Any]], None] | None = None
    """Is shown each object as it was read, by ``Kind`` or ``Kind.group``: also those of a cluster that are judged at their owner."""
    kept_renders: "KeptRenders | None" = None
    """Is given what is rendered, for who scans the same files again."""

    def __post_init__(self) -> None:
        _refuse_single_texts(self)


class ImageOptions(Struct, frozen=True, kw_only=True):
    """How an image is opened, catalogued and scanned."""

    platform: str = ""
    """``os/architecture[/variant]``; empty means Linux on this machine's architecture."""
    with_digests: bool = False
    """Whether the checksums of the files are wanted in which packages are found."""
    with_archive_sums: bool = True
    """Whether packages of Java have the checksums of their archives, which documents alone state."""
    with_credentials: bool = True
    """Whether files and the configuration are searched for credentials."""
    created: str = ""
    """The moment that the SBOM bears, RFC 3339 in UTC."""
    today: str = ""
    """The day that distributions are held against, ``2027-01-31``; empty for the present one."""
    credential: Credential | None = None
    """For the registry; goes before those of Docker's and Podman's files."""
    pull_secrets: tuple[PullSecret, ...] = ()
    """Of the pods that run the image; they go before the files of Docker and Podman."""
    longest_wait_s: float = 60.0
    """For a registry that is busy, each time; 0 takes its first answer."""
    most_stored_bytes: int | None = None
    """An image whose layers are larger as they are stored is refused."""
    mirrors: Mapping[str, tuple[str, ...]] = {}
    """Registry to the hosts that are asked before it."""
    is_named_by_others: bool = False
    """Whether a manifest or a pod names the image: no host that answers this machine alone is then asked for it, but for
    those that ``mirrors`` names."""
    ca_file: str = ""
    """PEM; empty means the system's CAs."""
    accept_any_certificate: bool = False
    database: str = ""
    """The vulnerability database; empty where there is none, and vulnerabilities are then not matched."""
    oldest_database_days: int | None = None
    """A database whose newest feed is older is refused."""
    vex: tuple[str, ...] = ()
    """Files with statements about what is not affected: OpenVEX, CSAF, CycloneDX."""
    loaded: str = ""
    """A file that says what a container of the image loaded: paths, a recorded profile, an SBOM of that."""
    only_fixable: bool = False
    """Whether vulnerabilities without a fix are left out."""
    deny_licences: tuple[str, ...] = ()
    """Licences that no package may come under, SPDX ids with ``*``; each that does is a finding."""
    severities: tuple[str, ...] = ()
    """Those alone that are wanted, of vulnerabilities and other findings; empty for all."""
    waivers: tuple[str, ...] = ()
    """Files that say which findings are accepted: ours, or the ecosystem's exceptions."""
    trust_policy: str = ""
    """A file that says who may sign which images; the registry is asked for signatures where there is one."""
    trusted_root: str = ""
    """A file with the CAs and logs behind identities; empty for sigstore's public ones."""
    cache_folder: str = ""
    """Where what is found in layers is kept between scans; empty for nowhere."""
    checked_folder: str = ""
    """Where it is kept that a database is whole, where that is not ``cache_folder``."""
    standard_input: Callable[[int], bytes] | None = None
    """Reads up to so many bytes of the SBOM that the reference ``-`` represents."""
    environ: Mapping[str, str] = {}
    """Where proxies, sockets and the files of Docker and Podman are looked for."""
    say: Say = silent
    """Is given what is being done, again and again; only the last line matters."""
    note: Say = silent
    """Is given what belongs in a log."""
    warn: Say = silent
    """Is given what its user has to know, whether anyone watches or not."""

    def __post_init__(self) -> None:
        _refuse_single_texts(self)
