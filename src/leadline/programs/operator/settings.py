"""What the operator is started with: from a file, the environment (``LEADLINE_*``) and flags, of which the last win.

A setting is one field here. Its flag is ``--full-scan``, its variable ``LEADLINE_FULL_SCAN``, its key in a file
``fullScan``; lists are written with commas in the first two.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta, Struct

from leadline.errors import UsageError
from leadline.programs.operator.images.jobs import ImageSettings
from leadline.programs.serving.pod import own_namespace
from leadline.programs.serving.settings_table import SettingsTable, Texts

PREFIX = "LEADLINE_"
CONFIG = "LEADLINE_OPERATOR_CONFIG"
"""Names the file of settings; ``LEADLINE_CONFIG`` names that of commands, which is another."""
KUBE = "kube"


class Settings(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Times are in seconds."""

    store: Annotated[
        str, Meta(description="Where results are kept: kube, or the path of a file for tests.")
    ] = KUBE
    namespace: Annotated[
        str,
        Meta(description="Namespace of the Lease, and of results about objects that have none; our own."),
    ] = ""
    kubeconfig: Annotated[str, Meta(description="Outside of a pod: the kubeconfig.")] = ""
    kube_context: Annotated[str, Meta(description="Outside of a pod: the context.")] = ""
    cluster_name: Annotated[str, Meta(description="What results call the cluster.")] = ""
    include_namespaces: Annotated[Texts, Meta(description="Only these are scanned.")] = ()
    exclude_namespaces: Annotated[Texts, Meta(description="These are not scanned; coverage says so.")] = ()
    exclude_controls: Annotated[Texts, Meta(description="Ids of controls that are not asked.")] = ()
    read_secrets: Annotated[
        bool,
        Meta(description="Whether Secrets are read, for the controls that look at them; values are dropped."),
    ] = False
    posture: Annotated[bool, Meta(description="Whether objects are judged.")] = True
    continuous: Annotated[
        bool,
        Meta(description="Whether they are judged again when something changes; else at full scans alone."),
    ] = True
    waivers: Annotated[Texts, Meta(description="Files of accepted findings.")] = ()
    use_target_waivers: Annotated[
        bool, Meta(description="Whether annotations and SecurityException objects are honoured.")
    ] = True
    own_controls: Annotated[
        Texts, Meta(description="Folders with controls of your own, Python or Rego.")
    ] = ()
    controls_config: Annotated[str, Meta(description="File with settings of controls.")] = ""
    full_scan: Annotated[
        str, Meta(description="When all is read and judged again: five fields of cron in UTC, or empty.")
    ] = "17 2 * * *"
    lease: Annotated[
        str, Meta(description="Name of the Lease that replicas agree by; empty for a single one without.")
    ] = "leadline-operator"
    lease_duration_s: Annotated[
        float, Meta(description="For so long others wait for a leader that is not heard of.")
    ] = 15.0
    lease_renew_s: Annotated[float, Meta(description="So often the leader says that it leads.")] = 3.0
    identity: Annotated[str, Meta(description="Name of this replica; its host's by default.")] = ""
    alive_file: Annotated[
        str, Meta(description="File that is touched while the program works, for a probe; empty for none.")
    ] = ""
    writes_per_s: Annotated[float, Meta(description="Results that are written in a second at most.")] = 200.0
    log_json: Annotated[bool, Meta(description="Whether log lines are JSON.")] = False
    behaviour: Annotated[
        bool,
        Meta(description="Whether profiles of workloads and suggestions follow from what agents record."),
    ] = True
    behaviour_every_s: Annotated[
        float, Meta(description="So often at most the cluster is read for that.")
    ] = 300.0
    images: ImageSettings = ImageSettings()


TABLE = SettingsTable(Settings, PREFIX, "fullScan: 0 3 * * *")


def settings_of(file: str, environ: Mapping[str, str], flags: Mapping[str, Any]) -> Settings:
    """``flags`` by the names of the fields; those that were not given are ``None``.

    Raises: ``UsageError`` for what is unknown or has no meaning.
    """
    settings = TABLE.read(file, environ, flags)
    if settings.lease and settings.lease_renew_s * 2 > settings.lease_duration_s:
        raise UsageError("leaseRenewS must be at most half of leaseDurationS")
    return settings


def home_of(settings: Settings) -> str:
    """The namespace that we are in."""
    return settings.namespace or own_namespace() or "leadline"
