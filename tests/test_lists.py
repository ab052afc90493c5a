"""Lists that allow and deny are where docs/decisions/lists.md says, and what is on none of them meets its default."""

import re
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.errors import LeadlineError, RegistryError, UsageError
from leadline.model.resource import Resource
from leadline.model.waiver import Waiver
from leadline.posture.catalogue import load_controls
from leadline.programs.admission.rules import GUARDED, NEVER_ASKED, WRITTEN_BY_KUBERNETES, rules_of
from leadline.sources.child_process import closed_environment
from leadline.sources.git.address import SCHEMES, git_address
from leadline.sources.oci.manifest import INDEX_TYPES, MANIFEST_TYPES, check_is_image, read_manifest
from leadline.sources.registry.http import refuse_own_services
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
    path = next(one for one in words if "/" in one)
    (file,) = [one for one in (ROOT / path, ROOT / "src/leadline" / path) if one.exists()]
    names = [one for one in words if re.fullmatch(r"_?[A-Z][A-Z0-9_]+", one)]
    text = file.read_text("utf-8") if file.is_file() else ""
    assert [name for name in names if not re.search(rf"^{name}\b", text, re.MULTILINE)] == []


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
def test_a_media_type_that_is_on_no_list_is_no_image(media_type: str):
    if media_type in INDEX_TYPES | MANIFEST_TYPES | {""}:
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
