"""What an object that is about to be written would block of what was recorded, and nothing that others allow."""

from typing import Any

import yaml
from msgspec.structs import replace

from leadline.model.container import Container
from leadline.model.profile import OpenedFile, Peer, Profile, Use
from leadline.model.resource import Resource, resource_of
from leadline.scans.rehearsing.one_change import Recorded, broken_by, recorded_of

WEB = Container(
    "c1", "web", namespace="shop", workload_kind="Deployment", workload="web", labels=(("app", "web"),)
)
PROFILE = Profile(
    WEB, "complete", (),
    opened=(OpenedFile("/var/cache/web/page", ("O_WRONLY", "O_CREAT"), Use(("/usr/bin/web",), 1777630000.0, 1777630000.0, 1)),),
    peers=(Peer("connects", "203.0.113.7", 443, "TCP", use=Use(("/usr/bin/web",), 1777630000.0, 1777630000.0, 2)),),
)  # fmt: skip
POLICY = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed, namespace: shop}
spec: {podSelector: {matchLabels: {app: web}}, policyTypes: [Egress], egress: []}
"""
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: web, securityContext: {readOnlyRootFilesystem: true}}
"""


def thing(text: str, **spec: Any) -> Resource:
    body = yaml.safe_load(text)
    body["spec"] |= spec
    return resource_of(body)


def recorded(*objects: Resource) -> Recorded:
    return recorded_of((PROFILE,), objects)


def test_a_policy_that_cuts_a_recorded_connection_is_told_with_when_how_often_and_by_whom():
    (broken,) = broken_by(thing(POLICY), None, recorded())
    assert str(broken) == (
        "shop/Deployment/web, container web connects to 203.0.113.7:443/TCP (by /usr/bin/web, 2 times or more, "
        "2026-05-01T10:06:40Z): no rule of shop/NetworkPolicy/closed lets it through"
    )


def test_what_another_policy_lets_through_is_not_broken():
    opened = thing(POLICY, egress=[{}])
    opened = replace(opened, name="open", id=opened.id.replace("closed", "open"))
    opened.body["metadata"]["name"] = "open"
    assert broken_by(thing(POLICY), None, recorded(opened)) == ()


def test_a_read_only_root_that_a_written_file_needs_is_told_where_it_is_new():
    writable = thing(DEPLOYMENT)
    writable.body["spec"]["template"]["spec"]["containers"][0]["securityContext"] = {}
    (broken,) = broken_by(thing(DEPLOYMENT), writable, recorded())
    assert broken.outcome.what == "writes /var/cache/web/page"
    assert broken_by(thing(DEPLOYMENT), thing(DEPLOYMENT), recorded()) == ()
    assert broken_by(writable, None, recorded()) == ()


def test_other_kinds_and_namespaces_break_nothing():
    assert (
        broken_by(
            resource_of(
                {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "shop"}}
            ),
            None,
            recorded(),
        )
        == ()
    )
    elsewhere = yaml.safe_load(POLICY)
    elsewhere["metadata"]["namespace"] = "other"
    assert broken_by(resource_of(elsewhere), None, recorded()) == ()
