"""The limits that docs/security.md names are those of the code."""

import re
from pathlib import Path

from leadline.outputs.alerts.posting import LONGEST_S, TIMEOUT_S
from leadline.outputs.allowance import MOST_CHARACTERS, MOST_DRAWN
from leadline.outputs.formats.sarif import MOST_RESULTS
from leadline.outputs.text import plain
from leadline.programs.cli.options import file as configuration
from leadline.programs.exporter.alert_conditions import MOST_OF_A_RULE
from leadline.programs.exporter.metrics import MOST_SERIES
from leadline.programs.operator.dispatch import MOST_CPU_S
from leadline.sbom.documents.json import MOST_VALUES
from leadline.sbom.documents.reader import LARGEST_BYTES
from leadline.sbom.identity.config import LARGEST_CONFIG
from leadline.sbom.image import Limits as ImageLimits
from leadline.sbom.secrets.scan import LARGEST_SECRET_FILE
from leadline.scans.access.differences import LARGEST_BYTES as LARGEST_STATE
from leadline.sources import boundary
from leadline.sources.audit.log import AuditLimits
from leadline.sources.child_process import Limits
from leadline.sources.cluster.connection import MAX_ANSWER_BYTES
from leadline.sources.cluster.exec_plugin import SIGN_IN_TIMEOUT_S
from leadline.sources.cluster.plugin_process import MOST_ANSWER_BYTES, MOST_SAID_BYTES
from leadline.sources.git.checkout import LIMITS as GIT
from leadline.sources.manifests import files, ignore_files
from leadline.sources.oci.layer import LARGEST_LAYER, LARGEST_RATIO
from leadline.sources.oci.manifest import LARGEST_MANIFEST
from leadline.sources.registry.http import MOST_REDIRECTS
from leadline.sources.rego.engine import LIMITS as REGO
from leadline.sources.rendering.plan import kustomization
from leadline.sources.rendering.plan.result import RenderOptions
from leadline.sources.yaml import flow_colons
from leadline.sources.yaml.parser import LIMITS as YAML

RENDER = RenderOptions()
IMAGE = ImageLimits()
AUDIT = AuditLimits()


def size(number: int) -> str:
    for unit, shift in (("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if number >= 1 << shift:
            return f"{number >> shift} {unit}"
    return str(number)


EXPECTED = {
    "one file": f"{size(YAML.size_bytes)}, {YAML.documents:,} documents, {YAML.nodes:,} values of a document, "
    f"{YAML.alias_nodes:,} of them repeated by aliases, {YAML.depth} levels",
    "one scan": f"{files._FILES_LIMIT:,} files, folders {files._DEPTH_LIMIT} levels deep",
    "an ignore file, a kustomization": size(max(ignore_files.LARGEST_BYTES, kustomization._SIZE_BYTES)),
    "a `leadline.toml`": f"{size(configuration.LARGEST_BYTES)}, lines of {size(configuration.LONGEST_LINE)}",
    "files looked through for links that lead out, below one chart": f"{boundary._ENTRIES:,}",
    "colons before brackets (`[a:]`) in one document": f"as many as {size(flow_colons._SCANNED_BYTES)} of passes over its text find",
    "rendering one chart or kustomization": f"{Limits().timeout_s:g} s, {size(Limits().memory_bytes)}, "
    f"{size(Limits().output_bytes)} of text",
    "renderers at a time": str(RENDER.workers),
    "rendering all of one scan": f"{RENDER.total_s:g} s, {size(RENDER.total_bytes)} of text",
    "a git repository": f"{GIT.timeout_s:g} s, {size(GIT.memory_bytes)} of memory, files of {size(GIT.file_bytes)}",
    "users' Rego": f"{REGO.timeout_s:g} s and {size(REGO.memory_bytes)} a rule, {size(REGO.output_bytes)} of what it reports",
    "what a kubeconfig's plugin answers": f"{SIGN_IN_TIMEOUT_S} s, {size(MOST_ANSWER_BYTES)}; "
    f"{size(MOST_SAID_BYTES)} of what it says to its user",
    "an answer of a cluster": size(MAX_ANSWER_BYTES),
    "an image's manifest, its configuration": f"{size(max(LARGEST_MANIFEST, LARGEST_CONFIG))} each",
    "a layer of an image": f"{size(LARGEST_LAYER)} unpacked, {LARGEST_RATIO} times its packed size",
    "a file of an image that is looked into": f"{size(IMAGE.file_bytes)}; of those that are kept in memory "
    f"{size(IMAGE.kept_file_bytes)} each, {size(IMAGE.all_kept_bytes)} together",
    "packages and entries of an image": f"{IMAGE.packages:,} packages, {IMAGE.all_entries:,} entries",
    "a file searched for credentials in an image": size(LARGEST_SECRET_FILE),
    "an SBOM document": f"{size(LARGEST_BYTES)}, {MOST_VALUES:,} values",
    "audit logs of an API server": f"{size(AUDIT.line_bytes)} a line, {size(AUDIT.total_bytes)} unpacked, "
    f"{AUDIT.requests:,} sorts of requests",
    "a saved state of access": size(LARGEST_STATE),
    "a line of a file that is shown": f"{plain._LONGEST_LINE:,} characters",
    "source lines and excerpts of a report": f"{size(MOST_DRAWN)} of text",
    "in JSON: results of controls that passed, failures, their paths; in lines: findings": f"{size(MOST_CHARACTERS)} of text each",
    "SARIF results": f"{MOST_RESULTS:,}",
    "redirects of a registry": str(MOST_REDIRECTS),
    "one process that scans images in a cluster": f"{MOST_CPU_S:g} s of a processor",
    "series of one metric": f"{MOST_SERIES:,}",
    "alerts of one rule": str(MOST_OF_A_RULE),
    "a request to a receiver of alerts": f"{TIMEOUT_S:g} s without a byte, {LONGEST_S:g} s in all",
}


def test_the_table_holds_the_limits_of_the_code() -> None:
    text = Path("docs/security.md").read_text()
    section = text[text.index("## Limits") : text.index("## What was tried")]
    rows = dict(re.findall(r"^\| (.+?) \| (.+) \|$", section, re.MULTILINE))
    rows.pop("what")
    assert rows == EXPECTED
