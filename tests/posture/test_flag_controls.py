"""What holds for every control over the flags of the control plane, whatever the flags are."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadline.kube.field_path import with_value
from leadline.model.control import Set, is_placeholder
from leadline.model.resource import resource_of
from leadline.posture.catalogue import load_controls
from leadline.posture.control_plane import PROCESSES
from leadline.posture.engine import judge

CONTROLS = [c for c in load_controls() if c.check and c.subject in PROCESSES]
VALUES = st.sampled_from(
    ["", "true", "false", "0", "-1", "29", "1000", "127.0.0.1", "0.0.0.0", "5m", "10h", "/x"]
)
LISTS = st.lists(
    st.sampled_from(
        [
            "Node",
            "RBAC",
            "AlwaysAllow",
            "AlwaysAdmit",
            "NodeRestriction",
            "PodSecurity",
            "ServiceAccount",
            "NamespaceLifecycle",
            "TLS_RSA_WITH_RC4_128_SHA",
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
            "RotateKubeletServerCertificate=false",
        ]
    ),
    max_size=3,
).map(",".join)


def flags_of(control):
    """The flags that a control's file speaks of."""
    return sorted(set(re.findall(r"--([a-z0-9-]+[a-z0-9])", control.doc)) | {"v"})


def pod(program, words, image="x:v1.34.0"):
    container = {"name": "c", "image": image, "command": [program, *words]}
    metadata = {"name": f"{program}-n1", "namespace": "kube-system"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}}


def words_of(names):
    joined = st.builds("--{}={}".format, names, VALUES | LISTS)
    return st.lists(joined | names.map("--{}".format) | VALUES, max_size=6)


def findings(body, control):
    judgement = judge([resource_of(body)], [control])
    assert not judgement.unread
    return judgement.findings


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.id)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_its_edits_cure_any_command_line(control, data):
    names = st.sampled_from(flags_of(control))
    body = pod(control.subject.program, data.draw(words_of(names)))
    edits = [finding.violation for finding in findings(body, control)]
    for edit in edits:
        if isinstance(edit, Set):
            body = with_value(body, edit.path, edit.value)
    if all(isinstance(edit, Set) and not is_placeholder(edit.value) for edit in edits):
        assert findings(body, control) == ()
