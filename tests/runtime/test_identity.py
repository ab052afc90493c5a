"""Names of control groups as each runtime writes them."""

import pytest

from leadline.runtime.identity import Identity, identity_of

ID = "3b1c5e" + "0" * 58
UID = "0b1f0c3e-1111-2222-3333-444455556666"


@pytest.mark.parametrize(
    ("cgroup", "parent", "container", "pod"),
    [
        (ID, f"pod{UID}", ID, UID),
        (f"cri-containerd-{ID}.scope", f"kubepods-burstable-pod{UID.replace('-', '_')}.slice", ID, UID),
        (f"crio-{ID}.scope", f"kubepods-pod{UID.replace('-', '_')}.slice", ID, UID),
        (f"crio-{ID}", f"pod{UID}", ID, UID),
        (f"docker-{ID}.scope", "system.slice", ID, ""),
        (ID, "docker", ID, ""),
        (f"libpod-{ID}.scope", "machine.slice", ID, ""),
        ("container", f"libpod-{ID}.scope", ID, ""),
        (f"libpod-{ID}", "libpod_parent", ID, ""),
        ("init.scope", f"docker-{ID}.scope", ID, ""),
        ("my-first", "", "my-first", ""),
        ("my-first", "/", "my-first", ""),
    ],
)
def test_a_container_is_found(cgroup: str, parent: str, container: str, pod: str):
    assert identity_of(cgroup, parent) == Identity(container, pod)


@pytest.mark.parametrize(
    ("cgroup", "parent"),
    [
        ("", ""),
        ("ssh.service", "system.slice"),
        ("session-3.scope", "user-0.slice"),
        ("init.scope", ""),
        ("user.slice", ""),
        (f"crio-conmon-{ID}.scope", f"kubepods-pod{UID}.slice"),
        (f"pod{UID}", "kubepods"),
        (f"kubepods-burstable-pod{UID.replace('-', '_')}.slice", "kubepods-burstable.slice"),
    ],
)
def test_what_is_no_container_is_none(cgroup: str, parent: str):
    assert identity_of(cgroup, parent) is None
