"""What the exporter is started with: from a file, the environment (``LEADLINE_EXPORTER_*``) and flags, the last wins."""

from typing import Annotated

from msgspec import Meta, Struct

from leadline.programs.serving.settings_table import SettingsTable

KUBE = "kube"
PREFIX = "LEADLINE_EXPORTER_"
CONFIG = f"{PREFIX}CONFIG"
MOST_SERIES = 5_000
"""Of one metric."""


class Settings(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    store: Annotated[
        str,
        Meta(description="Where the results are: kube, or a file, which other commands may go on writing."),
    ] = KUBE
    kube_context: Annotated[str, Meta(description="Context of the kubeconfig; a pod needs none.")] = ""
    kubeconfig: Annotated[str, Meta(description="File; a pod needs none.")] = ""
    host: Annotated[str, Meta(description="Where Prometheus asks.")] = "::"
    port: Annotated[int, Meta(ge=0, le=65_535, description="Of /metrics, HTTP.")] = 8080
    cluster_name: Annotated[
        str,
        Meta(description="Value of the label cluster of every series and alert; empty for no such label."),
    ] = ""
    max_series: Annotated[
        int,
        Meta(
            ge=1,
            description="Of one metric; the worst are kept, and leadline_series_left_out says how many are not.",
        ),
    ] = MOST_SERIES
    zeros: Annotated[
        bool,
        Meta(
            description="Whether workloads with nothing wrong have series too, as other exporters have; a scrape is several times larger then."
        ),
    ] = False
    store_file: Annotated[
        str,
        Meta(
            description="File of the server behind the store kube, to say how large it is; it is not opened."
        ),
    ] = ""
    alerts: Annotated[str, Meta(description="File of thresholds and receivers: alerts are sent as well.")] = (
        ""
    )
    alerts_state: Annotated[
        str, Meta(description="File, to be kept over restarts, that remembers which alerts were sent.")
    ] = ""


TABLE = SettingsTable(Settings, PREFIX, "maxSeries: 20000")
