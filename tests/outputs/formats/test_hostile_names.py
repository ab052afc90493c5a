"""Whatever a stranger calls an object, no format lets it reach the terminal as more than text."""

import io
import json

import msgspec
import pytest

from leadline.model.control import Missing, Review, Set
from leadline.model.finding import Finding
from leadline.model.report import PostureReport, Target
from leadline.model.resource import Origin, resource_of
from leadline.model.unread import Unread
from leadline.outputs.format_registry import find_format, formats_for
from leadline.outputs.redaction.report import Redaction
from leadline.outputs.redaction.values import SecretValues
from leadline.outputs.rows.place import ShownPlaces
from outputs.sample_report import CONTROLS, REPORT, page

HOSTILE = "a\x1b[2J\x1b]0;title\x07\u202eb\u2028c\r\nd\x9be [bold red]f[/]"
STEERING = ("\x1b", "\x07", "\x9b", "\r", "\u202e", "\u2028")


def hostile_report(name: str = HOSTILE) -> PostureReport:
    body = {"apiVersion": "v1", "kind": name, "metadata": {"name": name, "namespace": name}}
    resource = resource_of(body, Origin(path=f"{name}.yaml", root=name))
    live = resource_of(body)
    controls = (msgspec.structs.replace(CONTROLS[0], id="H-1", title=name, doc=name, category=name),)
    findings = tuple(
        Finding("H-1", r.id, violation)
        for r in (resource, live)
        for violation in (Review(name), Set(name, name), Missing(name))
    )
    return msgspec.structs.replace(
        REPORT,
        target=Target("directory", name, name),
        controls=controls,
        findings=findings,
        resources=(resource, live),
        judged=(("H-1",), ("H-1",)),
        skips=(),
        unread=(Unread(name, name, "malformed", 1, 1, name),),
        frameworks=(msgspec.structs.replace(REPORT.frameworks[0], name=name),),
        settings={},
    )


class _Files:
    def __init__(self, name: str = HOSTILE) -> None:
        self._name = name

    def find(self, resource, path):
        from leadline.model.finding import Place

        return Place(self._name, 2, 3) if resource.origin.kind == "file" else None

    def lines(self, resource, first, last):
        return [self._name] * (last - first + 1)


def hostile_places(report: PostureReport, name: str = HOSTILE) -> ShownPlaces:
    """Places and lines of files that hold ``name``, as formats get them."""
    return Redaction(SecretValues()).places(_Files(name), report.resources, report)


@pytest.mark.parametrize("name", sorted(formats_for(PostureReport)))
@pytest.mark.parametrize("verbose", [False, True])
def test_nothing_steers_the_terminal(name: str, verbose: bool):
    out = io.StringIO()
    report = hostile_report()
    places = hostile_places(report)
    find_format(name, PostureReport).write(report, out, page(places=places, verbose=verbose))
    text = out.getvalue()
    if name in ("json", "sarif"):
        json.loads(text)
        assert [c for c in STEERING if c in text] == []
    else:
        assert [c for c in STEERING if c in text] == []
        assert "[bold red]f[/]" in text
