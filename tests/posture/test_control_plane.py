"""Which Pods are part of the control plane, and how their flags are read and edited."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.kube.field_path import with_value
from leadline.model.control import Review, Set
from leadline.model.resource import resource_of
from leadline.posture.control_plane import ApiServer, Etcd, Scheduler, process_of


def pod(command, args=None, *, namespace="kube-system", image="registry.k8s.io/x:v1.34.2", env=None):
    container = {"name": "c", "image": image, "command": command}
    if args is not None:
        container["args"] = args
    if env is not None:
        container["env"] = env
    metadata = {"name": "kube-apiserver-n1", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}}


def process(body):
    return process_of(resource_of(body))


def flag(name, *words, program="kube-apiserver"):
    return process(pod([program, *words])).flag(name)


# --- which Pods


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (pod(["kube-apiserver"]), ApiServer),
        (pod(["/usr/local/bin/kube-apiserver", "--v=2"]), ApiServer),
        (pod(["kube-apiserver"], namespace=""), ApiServer),
        (pod(["kube-apiserver"], namespace="shop"), None),
        (pod(None, ["kube-apiserver", "--v=2"]), ApiServer),
        (pod(["/go-runner"], ["--log-file=/x", "--also-stdout", "/bin/kube-apiserver", "--v=2"]), ApiServer),
        (pod(["/hyperkube", "kube-scheduler"]), Scheduler),
        (pod(["etcd"], namespace="shop"), Etcd),
        (pod(["etcdctl"]), None),
        (pod(["kube-apiserver-proxy"]), None),
        (pod(["sh", "-c", "exec kube-apiserver"]), None),
        (pod(["go-runner"]), None),
        (pod(None, ["--v=2"], image="registry.k8s.io/kube-apiserver:v1.34.2"), ApiServer),
        (pod(None, ["--v=2"], image="registry.k8s.io/kube-apiserver:v1.34.2", namespace="shop"), None),
        (pod(None, ["version"], image="registry.k8s.io/kube-apiserver:v1.34.2"), None),
        (pod(None, image="reg:5000/etcd@sha256:aa"), Etcd),
        (pod(None, image="reg:5000/etcd", namespace="shop"), None),
        (pod([]), None),
        (pod(None), None),
        ({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"command": [7]}]}}, None),
        ({**pod(["kube-apiserver"]), "kind": "Deployment"}, None),
    ],
)
def test_a_pod_counts_by_the_program_that_it_starts(body, expected):
    found = process(body)
    assert (None if found is None else type(found)) is expected


def test_the_component_may_stand_beside_other_containers():
    body = pod(["kube-apiserver", "--profiling=false"])
    body["spec"]["containers"].insert(0, {"name": "log", "image": "log", "command": ["tail"]})
    assert process(body).flag("profiling").path == "spec.containers[1].command[1]"


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("registry.k8s.io/kube-apiserver:v1.34.2", (1, 34)),
        ("index.docker.io/rancher/hardened-kubernetes:v1.32.11-rke2r1", (1, 32)),
        ("reg:5000/kube-apiserver:1.24", (1, 24)),
        ("reg:5000/kube-apiserver", (0, 0)),
        ("kube-apiserver:latest", (0, 0)),
        ("kube-apiserver@sha256:1.24", (0, 0)),
        ("kube-apiserver:v1.24.3@sha256:aa", (1, 24)),
    ],
)
def test_the_release_is_told_by_the_tag(image, expected):
    assert process(pod(["kube-apiserver"], image=image)).version == expected


def test_an_unknown_release_counts_as_a_recent_one():
    assert process(pod(["kube-apiserver"], image="x")).is_at_least(1, 36)
    assert not process(pod(["kube-apiserver"], image="x:v1.9.3")).is_at_least(1, 10)


# --- reading flags


@pytest.mark.parametrize(
    ("words", "value", "path", "value_path"),
    [
        (["--x=1"], "1", 1, 1),
        (["--x", "1"], "1", 1, 2),
        (["--x", "-1"], "-1", 1, 2),
        (["--x", "-"], "-", 1, 2),
        (["--x"], "true", 1, 1),
        (["--x", "--y=2"], "true", 1, 1),
        (["-x=1"], "1", 1, 1),
        (['--x="1"'], "1", 1, 1),
        (["--x="], "", 1, 1),
        (["--x=a=b"], "a=b", 1, 1),
        (["--x=1", "--x=2"], "2", 2, 2),
        (["--y=1", "word", "--", "--x=1"], "1", 4, 4),
    ],
)
def test_a_flag_is_read_in_all_its_forms(words, value, path, value_path):
    found = flag("x", *words)
    place = "spec.containers[0].command[{}]".format
    assert (found.value, found.path, found.value_path) == (value, place(path), place(value_path))


def test_a_flag_is_not_found_inside_a_longer_one():
    assert flag("client-ca-file", "--requestheader-client-ca-file=/x", "--client-ca-files=/y") is None


def test_a_flag_in_args_has_a_path_there():
    found = process(pod(["kube-apiserver"], ["--x=1"])).flag("x")
    assert found.path == "spec.containers[0].args[0]"


def test_an_underscore_stands_for_a_hyphen_but_not_in_etcd():
    assert flag("audit-log-path", "--audit_log_path=/x").value == "/x"
    assert flag("cert-file", "--cert_file=/x", program="etcd") is None


def test_a_list_that_is_given_twice_adds_up():
    server = process(pod(["kube-apiserver", "--modes=Node, RBAC", "--modes=Webhook,"]))
    assert server.items("modes") == {"Node", "RBAC", "Webhook"}
    assert server.items("other") == frozenset()


@pytest.mark.parametrize(
    ("words", "default", "expected"),
    [
        ([], True, True),
        ([], False, False),
        (["--x"], False, True),
        (["--x=TRUE"], False, True),
        (["--x=1"], False, True),
        (["--x=false"], True, False),
        (["--x=yes"], True, False),
    ],
)
def test_a_boolean_has_its_default_where_it_is_not_given(words, default, expected):
    assert process(pod(["kube-apiserver", *words])).is_true("x", default=default) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("300s", 300),
        ("5m0s", 300),
        ("1h1.5m", 3690),
        ("90ms", 0.09),
        ("0s", 0),
        ("300", None),
        ("", None),
        ("-5s", None),
        ("5 s", None),
        ("s", None),
        ("٣s", None),
    ],
)
def test_a_duration_is_read_as_go_writes_it(value, expected):
    assert flag("x", f"--x={value}").duration_s == expected


@pytest.mark.parametrize(
    ("value", "expected"), [("30", 30), ("-1", -1), ("3x", None), ("", None), ("9" * 40, None)]
)
def test_a_number_is_whole_and_bounded(value, expected):
    assert flag("x", f"--x={value}").number == expected


def test_etcd_takes_settings_from_its_environment_where_no_flag_says_otherwise():
    env = [
        {"name": "ETCD_CLIENT_CERT_AUTH", "value": "true"},
        {"name": "ETCD_CERT_FILE", "value": "/env"},
        {"name": "ETCD_KEY_FILE", "valueFrom": {}},
    ]
    etcd = process(pod(["etcd", "--cert-file=/flag"], env=env))
    assert etcd.is_true("client-cert-auth", default=False)
    assert etcd.flag("cert-file").value == "/flag"
    assert etcd.flag("key-file") is None
    assert etcd.change(etcd.flag("client-cert-auth"), "false") == Set(
        "spec.containers[0].env[0].value", "false", on=etcd.resource.id
    )


def test_other_components_take_nothing_from_their_environment():
    env = [{"name": "ETCD_CERT_FILE", "value": "/env"}]
    assert process(pod(["kube-apiserver"], env=env)).flag("cert-file") is None


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--bind-address=127.0.0.1"], True),
        (["--bind-address=127.8.9.10"], True),
        (["--bind-address=::1"], True),
        (["--secure-port=0"], True),
        (["--bind-address=0.0.0.0"], False),
        (["--bind-address=127.0.0.1.example"], False),
        ([], False),
    ],
)
def test_a_component_listens_locally_on_a_loopback_address_or_no_port(words, expected):
    assert process(pod(["kube-scheduler", *words])).listens_locally is expected


# --- edits


def edits(found):
    return [(v.path.removeprefix("spec.containers[0]."), getattr(v, "value", None)) for v in found]


def test_missing_flags_go_behind_the_last_word_without_a_gap():
    server = process(pod(["kube-apiserver", "--b=1"]))
    assert edits(server.missing(("a", "1"), ("b", "2"), ("c", "3"))) == [
        ("command[2]", "--a=1"),
        ("command[3]", "--c=3"),
    ]


def test_missing_flags_go_into_args_where_there_are_args():
    server = process(pod(["kube-apiserver"], ["--b=1"]))
    assert edits(server.missing(("a", "1"))) == [("args[1]", "--a=1")]


def test_missing_flags_begin_the_args_of_a_container_without_words():
    etcd = process(pod(None, image="etcd"))
    assert edits(etcd.missing(("a", "1"), ("b", "2"))) == [("args[0]", "--a=1"), ("args[1]", "--b=2")]


def test_a_flag_without_a_value_counts_as_missing_and_is_filled_in():
    server = process(pod(["kube-apiserver", "--a=", "--b"]))
    assert edits(server.missing(("a", "1"), ("b", "2"))) == [("command[1]", "--a=1"), ("command[2]", "--b=2")]


def test_an_item_is_added_to_the_list_and_the_rest_is_kept():
    server = process(pod(["kube-apiserver", "--plugins", "A,B"]))
    assert edits([server.with_item("plugins", "C")]) == [("command[2]", "A,B,C")]
    assert edits([server.with_item("others", "C")]) == [("command[3]", "--others=C")]


def test_items_are_taken_out_and_an_empty_list_is_left_to_a_person():
    server = process(pod(["kube-apiserver", "--p=A,B", "--p=A", "--p=C"]))
    found = list(server.without_items("p", ("A",)))
    assert edits(found) == [("command[1]", "--p=B"), ("command[2]", None)]
    assert isinstance(found[1], Review)
    assert edits(server.without_items("p", ("A",), instead="Z")) == [
        ("command[1]", "--p=B"),
        ("command[2]", "--p=Z"),
    ]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--n=9"], [("command[1]", "--n=10")]),
        (["--n=x"], [("command[1]", "--n=10")]),
        ([], [("command[1]", "--n=10")]),
        (["--n=10"], []),
        (["--n", "11"], []),
    ],
)
def test_a_number_is_raised_to_the_minimum(words, expected):
    assert edits(process(pod(["kube-apiserver", *words])).raise_to("n", 10)) == expected


WORDS = st.lists(
    st.sampled_from(["--x=1", "--x", "1", "--y=a,b", "--y", "-1", "--", "word", "--x=", '--y="c"']),
    max_size=6,
)


@given(WORDS, WORDS, st.sampled_from(["x", "y", "z"]), st.sampled_from(["new", "true", "a,b"]))
def test_a_flag_that_was_set_holds_the_value_afterwards(command, args, name, value):
    body = pod(["kube-apiserver", *command], args)
    server = process(body)
    edit = server.set_to(name, value)
    assert process(with_value(body, edit.path, edit.value)).flag(name).value == value


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["etcd", "kube-apiserver", "--x", "--x=1", ""]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["containers", "command", "args", "env", "image", "name", "value"]), inner
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_no_pod_makes_the_reading_fail(spec):
    found = process(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "kube-system"}, "spec": spec}
    )
    assert found is None or list(found.missing(("x", "1"))) is not None
