"""What the webhook is started with: from a file, the environment (``LEADLINE_ADMISSION_*``) and flags, the last wins."""

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta, Struct

from leadline.errors import UsageError
from leadline.model.control import SEVERITIES
from leadline.programs.serving.settings_table import SettingsTable, Texts, choice

PREFIX = "LEADLINE_ADMISSION_"
CONFIG = f"{PREFIX}CONFIG"
NONE = "none"
INTRODUCED, ALL = "introduced", "all"
IGNORE, FAIL = "Ignore", "Fail"


class Settings(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Times are in seconds."""

    enforce: Annotated[bool, Meta(description="Whether anything is denied; without it all is warned of.")] = (
        False
    )
    warn_severity: Annotated[
        str,
        choice("Findings of this severity and above are warned of; none for no warning.", *SEVERITIES, NONE),
    ] = "high"
    deny_severity: Annotated[
        str,
        choice(
            "With enforce: findings of this severity and above deny; none where only the lists below do.",
            *SEVERITIES,
            NONE,
        ),
    ] = "critical"
    deny_controls: Annotated[
        Texts, Meta(description="Ids of controls that deny whatever their severity.")
    ] = ()
    deny_frameworks: Annotated[Texts, Meta(description="Frameworks whose controls deny.")] = ()
    updates: Annotated[
        str,
        choice(
            "Of an update: introduced leaves alone what was wrong before, all takes it as new.",
            INTRODUCED,
            ALL,
        ),
    ] = INTRODUCED
    exclude_namespaces: Annotated[Texts, Meta(description="What is written there is not judged.")] = (
        "kube-system",
        "kube-public",
        "kube-node-lease",
    )
    exclude_controls: Annotated[Texts, Meta(description="Ids of controls that are not asked.")] = ()
    trusted_controllers: Annotated[
        Texts,
        Meta(
            description="Users whose owned pods are judged at the owner, besides those of Kubernetes itself."
        ),
    ] = ()
    use_target_waivers: Annotated[
        bool, Meta(description="Whether annotations and SecurityException objects are honoured.")
    ] = True
    annotations_lift_denials: Annotated[
        bool, Meta(description="Whether an object may accept, by its own annotations, what would deny it.")
    ] = False
    rehearse: Annotated[
        bool,
        Meta(
            description="Whether new policies and workloads are held against what agents recorded: what would be blocked is warned of."
        ),
    ] = False
    waivers: Annotated[Texts, Meta(description="Files of accepted findings.")] = ()
    controls_config: Annotated[str, Meta(description="File with settings of controls.")] = ""
    own_controls: Annotated[
        Texts, Meta(description="Folders with controls of your own, Python or Rego.")
    ] = ()
    sessions: Annotated[
        bool,
        Meta(
            description="Store an alert of each exec, attach and port-forward that /sessions is asked about."
        ),
    ] = False
    failure_policy: Annotated[
        str,
        choice("With enforce, for what could not be judged: Ignore allows it, Fail denies it.", IGNORE, FAIL),
    ] = IGNORE
    guarded_failure_policy: Annotated[
        str,
        Meta(
            description="The same for workloads and RBAC, which are let through unjudged only where it says so."
        ),
    ] = FAIL
    most_warnings: Annotated[int, Meta(ge=1, le=50, description="Lines of one answer.")] = 10
    timeout_s: Annotated[float, Meta(gt=0, description="So long one review may wait and be judged.")] = 3.0
    drain_s: Annotated[
        float, Meta(ge=0, description="So long it answers on when it is asked to end, until no one asks it.")
    ] = 3.0
    largest_body_mib: Annotated[
        int, Meta(ge=1, le=64, description="Of a review; larger ones are refused.")
    ] = 8
    cluster_name: Annotated[str, Meta(description="What waivers call the cluster.")] = ""
    namespace: Annotated[str, Meta(description="Our own, which is not judged.")] = ""
    kubeconfig: Annotated[str, Meta(description="Outside of a pod: the kubeconfig.")] = ""
    kube_context: Annotated[str, Meta(description="Outside of a pod: the context.")] = ""
    host: Annotated[str, Meta(description="Where reviews are taken.")] = "::"
    port: Annotated[int, Meta(description="Of reviews, HTTPS.")] = 8443
    metrics_port: Annotated[int, Meta(description="Of /metrics, HTTP; 0 for none.")] = 8080
    certificate: Annotated[str, Meta(description="File: our own certificate.")] = ""
    key: Annotated[str, Meta(description="File: its key.")] = ""
    own_certificate_for: Annotated[
        str, Meta(description="In place of both: make and renew one for this host.")
    ] = ""
    webhook: Annotated[
        str,
        Meta(
            description="Name of the ValidatingWebhookConfiguration that is kept trusting our own certificate."
        ),
    ] = ""


TABLE = SettingsTable(Settings, PREFIX, "enforce: true")


def settings_of(file: str, environ: Mapping[str, str], flags: Mapping[str, Any]) -> Settings:
    """``flags`` by the names of the fields; those that were not given are ``None``.

    Raises: ``UsageError`` for what is unknown or has no meaning.
    """
    settings = TABLE.read(file, environ, flags)
    denies = settings.deny_severity != NONE or settings.deny_controls or settings.deny_frameworks
    if settings.enforce and not denies:
        raise UsageError(
            "enforce: nothing would be denied", hint="set denySeverity, denyControls or denyFrameworks"
        )
    if bool(settings.own_certificate_for) == bool(settings.certificate and settings.key):
        raise UsageError("give certificate and key, or ownCertificateFor")
    return settings
