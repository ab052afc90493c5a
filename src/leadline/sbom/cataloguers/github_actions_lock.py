"""Actions and reusable workflows that a project's own workflows run on GitHub.

``uses`` names them as ``owner/repository/path@ref``; what begins with a dot lies in the project itself, and
``docker://`` names an image
(https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstepsuses).
"""

from collections.abc import Iterator

from leadline.model.package import Package
from leadline.packages.documents import entries, fields, read_yaml, whole, word
from leadline.packages.file import File
from leadline.packages.late_pattern import late_pattern
from leadline.sbom.cataloguer import Packages, cataloguer

_USES = late_pattern(r"(?P<owner>[\w.-]+)/(?P<name>[\w.-]+)(?:/(?P<path>[^@\s]+))?@(?P<ref>[^@\s]+)")


@cataloguer(
    "github-actions",
    folders=("*/.github/workflows",),
    names=("action.yml", "action.yaml"),
    lock=True,
)
def github_actions(workflow: File) -> Packages:
    if not workflow.name.endswith((".yml", ".yaml")):
        return
    for used in dict.fromkeys(_used(workflow)):
        found = _USES.fullmatch(used)
        if found and not used.startswith("."):
            yield Package(
                "github",
                found["name"],
                found["ref"],
                namespace=found["owner"],
                subpath=found["path"] or "",
                is_dev=True,
            )


def _used(workflow: File) -> Iterator[str]:
    document = whole(read_yaml(workflow))
    jobs = [fields(job) for job in fields(document.get("jobs")).values()]
    for job in jobs:
        yield word(job.get("uses"))
    for steps in (fields(document.get("runs")), *jobs):
        for step in entries(steps.get("steps")):
            yield word(fields(step).get("uses"))
