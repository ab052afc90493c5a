"""Lists that allow and deny are where docs/decisions/lists.md says, and what is on none of them meets its default."""

import ast
import re
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from leadline.errors import LeadlineError, RegistryError, UsageError
from leadline.model.resource import Resource
from leadline.model.waiver import Waiver
from leadline.posture.catalogue import load_controls
from leadline.programs.admission.rules import GUARDED, NEVER_ASKED, WRITTEN_BY_KUBERNETES, rules_of
from leadline.sources.child_process import closed_environment
from leadline.sources.git.address import SCHEMES, git_address
from leadline.sources.oci.manifest import CONFIG_TYPES, check_is_image, read_manifest
from leadline.sources.registry.own_services import refuse_own_services
from leadline.sources.waivers.marks import annotated

ROOT = Path(__file__).parents[1]
ROWS = [
    row.split("|")[1]
    for row in (ROOT / "docs/decisions/lists.md").read_text().splitlines()
    if row.startswith("| `")
]


@pytest.mark.parametrize("row", ROWS)
def test_a_list_is_where_the_page_says(row: str):
    words = re.findall(r"`([^`]+)`", row)
    paths = [one for one in words if "/" in one]
    files = [one for path in paths for one in (ROOT / path, ROOT / "src/leadline" / path) if one.exists()]
    assert len(files) == len(paths)
    names = [one for one in words if re.fullmatch(r"_?[A-Z][A-Z0-9_]+", one)]
    text = "\n".join(file.read_text("utf-8") for file in files if file.is_file())
    assert [name for name in names if not re.search(rf"^{name}\b", text, re.MULTILINE)] == []


DECIDES = re.compile(
    r"(?:^|_)(?:ALLOWED|SAFE|HARMLESS|ACCEPTED|KNOWN|USUAL|IGNORED|SKIPPED|NEVER|REFUSED|LEFT_OUT|FILLED|INTERNAL|GUARDED|TRUSTED"
    r"|FORBIDDEN|SCHEMES|EXEMPT|EXCLUDED|HIDDEN|EVERYBODY|WRITTEN_BY_KUBERNETES)(?:_|$)"
)
"""Words in the name of a constant that decides what passes or is passed over."""
OTHERS = {
    "programs/exporter/results.py REFUSED": "why writes were refused, counted",
    "sbom/parsers/rpm_sqlite.py _ALLOWED": "operations of SQL: what is on none is refused by SQLite",
    "sbom/secrets/content.py _NOT_FILLED": "exceptions from _FILLED, which are searched",
    "scans/access/smallest.py HIDDEN_VERBS": "verbs that a star stands for",
    "scans/fixing/wanted_edits.py _SAFE_FOR_CONTROL_PLANE": "edits that are made, and judged again",
    "scans/stored/image_results.py _USUAL": "fields that are left out of what is stored where they say the usual",
    "sources/cri/runtime_socket.py USUAL_PLACES": "where a socket is looked for",
    "sources/git/checkout.py _REFUSED": "words of git in an error, to say which it is",
    "sources/manifests/files.py _FILLED_IN": "values that tools fill in",
    "sources/manifests/kubernetes_text.py _HIDDEN": "what is named as unread, never passed over",
    "sources/yaml/errors.py _NEVER_CLOSED": "words of an error",
}
"""Constants of such names that decide nothing of that sort, and what they are."""


def deciding_constants() -> set[str]:
    found = set()
    for file in (ROOT / "src/leadline").rglob("*.py"):
        for node in ast.parse(file.read_text("utf-8")).body:
            target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
            value = getattr(node, "value", None)
            is_list = isinstance(value, ast.Tuple | ast.Set | ast.List | ast.Dict) or (
                isinstance(value, ast.Call)
                and getattr(value.func, "id", "") in ("frozenset", "tuple", "MappingProxyType")
            )
            if isinstance(target, ast.Name) and is_list and DECIDES.search(target.id):
                found.add(f"{file.relative_to(ROOT / 'src/leadline')} {target.id}")
    return found


def test_a_new_list_that_decides_is_on_the_page():
    on_page = set()
    for row in ROWS:
        words = re.findall(r"`([^`]+)`", row)
        paths = [one for one in words if "/" in one]
        on_page |= {f"{path} {name}" for path in paths for name in words if "/" not in name}
    assert deciding_constants() - on_page - OTHERS.keys() == set()
    assert OTHERS.keys() - deciding_constants() == set()


HERE_ALONE = ("169.254.169.254", "169.254.170.2", "127.0.0.1", "127.255.0.9", "0.0.0.0", "100.100.100.200", "168.63.129.16", "192.0.0.192")  # fmt: skip
IPV6_ALONE = ("::1", "::", "fe80::1", "fd00:ec2::254", "fd20:ce::254", "fd00:42::42")


def ways_to_write(address: str) -> list[str]:
    number = int(IPv4Address(address))
    prefixes = {"mapped": 0xFFFF << 32, "compatible": 0, "translated": 0xFFFF << 48}
    prefixes |= {"NAT64": 0x64FF9B << 96, "local NAT64": (0x64FF9B0001 << 80)}
    made = [str(IPv6Address(prefix | number)) for prefix in prefixes.values()]
    made.append(str(IPv6Address((0x2002 << 112) | (number << 80) | 1)))
    made.append(str(IPv6Address((0x20010000 << 96) | (number ^ 0xFFFFFFFF))))
    return [address, *made]


@pytest.mark.parametrize("sender", ["", "registry.example"])
@pytest.mark.parametrize("address", HERE_ALONE)
def test_no_way_of_writing_leads_to_what_is_this_machine_s_alone(address: str, sender: str):
    for written in ways_to_write(address):
        with pytest.raises(RegistryError):
            refuse_own_services(written, "other.example", sender)


@pytest.mark.parametrize("address", IPV6_ALONE)
def test_nor_does_an_address_of_ipv6(address: str):
    for written in (address, f"{address}%eth0"):
        with pytest.raises(RegistryError):
            refuse_own_services(written, "other.example", "registry.example")


@given(st.integers(0, 2**32 - 1).map(IPv4Address))
def test_every_address_of_a_class_is_refused_and_no_other(address: IPv4Address):
    is_refused = address.is_loopback or address.is_link_local or str(address) in HERE_ALONE
    try:
        refuse_own_services(str(address), "other.example", "registry.example")
    except RegistryError:
        assert is_refused
    else:
        assert not is_refused


@given(st.from_regex(r"[a-z][a-z0-9+.-]{0,12}", fullmatch=True), st.sampled_from(["{}://h/x.git", "{}::https://h/x", "git::{}://h/x"]))  # fmt: skip
def test_a_transport_of_git_that_is_on_no_list_is_refused(scheme: str, form: str):
    text = form.format(scheme)
    if scheme in SCHEMES or scheme == "git":
        return
    with pytest.raises(UsageError):
        git_address(text)


@given(st.from_regex(r"[A-Z][A-Z0-9_]{0,20}", fullmatch=True), st.text(max_size=10))
def test_a_renderer_knows_no_variable_that_is_on_no_list(name: str, value: str):
    fixed = closed_environment({})
    kept = closed_environment({name: value})
    may_be_kept = {"PATH", "HOME", "LANG", "TMPDIR", "SYSTEMROOT", "LD_LIBRARY_PATH", *fixed}
    assert kept.keys() - fixed.keys() <= may_be_kept & {name}


@given(st.text(max_size=30))
@example("image")
@example("application/vnd.example.image.config.v1+json")
def test_a_media_type_that_is_on_no_list_is_no_image(media_type: str):
    if media_type in CONFIG_TYPES | {""}:
        return
    import orjson

    written = {"schemaVersion": 2, "mediaType": media_type, "config": {"mediaType": media_type, "digest": "sha256:aa", "size": 1}, "layers": []}  # fmt: skip
    with pytest.raises(LeadlineError):
        check_is_image(read_manifest(orjson.dumps(written), "x"), "x")


def test_admission_asks_about_every_kind_that_a_control_judges_but_the_named_ones():
    asked = {
        f"{resource}.{rule['apiGroups'][0]}".rstrip(".")
        for rule in rules_of(load_controls())
        for resource in rule["resources"]
    }
    assert "pods" in asked
    assert {"Node", "Lease.coordination.k8s.io"} <= WRITTEN_BY_KUBERNETES
    assert not any(NEVER_ASKED in one for one in asked)
    guarded, others = (
        {
            (rule["apiGroups"][0], one)
            for rule in rules_of(load_controls(), guarded=which)
            for one in rule["resources"]
        }
        for which in (True, False)
    )
    assert guarded.isdisjoint(others)
    assert {"pods", "deployments", "clusterroles", "rolebindings", "controllerrevisions"} <= {
        r for _, r in guarded
    }
    assert len(GUARDED) > 10


@given(st.from_regex(r"[a-z]{1,10}\.(?:dev|io)/[a-z-]{1,20}", fullmatch=True))
def test_an_annotation_that_is_on_no_list_accepts_nothing(name: str):
    if name in ("leadline.dev/accept", "kubescape.io/skip-controls"):
        return
    body = {"metadata": {"name": "a", "annotations": {name: "C-0057"}}}
    found: tuple[Waiver, ...] = annotated(Resource("v1", "Pod", "", "a", body))
    assert found == ()
