"""Ways from outside to a workload's pods."""

from typing import Any

import pytest

from leadline.model.resource import Resource, resource_of
from leadline.posture.checks.exposure import (
    backend_services,
    gateway_exposures,
    ingress_exposures,
    is_internal,
    is_open,
    route_services,
    service_exposures,
)
from leadline.posture.inventory import Inventory

GATEWAY = "gateway.networking.k8s.io/v1"
WEB = {"app": "web"}
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "shop", "labels": WEB},
    "spec": {"containers": [{"name": "c"}]},
}


def made(
    version: str, kind: str, name: str, spec: Any, namespace: str = "shop", **annotations: str
) -> Resource:
    metadata = {"name": name, "namespace": namespace, "annotations": annotations}
    return resource_of({"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec})


def service(name: str = "web", annotations: dict[str, str] | None = None, **spec: Any) -> Resource:
    return made("v1", "Service", name, {"selector": WEB, **spec}, **(annotations or {}))


@pytest.mark.parametrize(
    ("spec", "opens"),
    [
        ({}, False),
        ({"type": "ClusterIP"}, False),
        ({"type": "NodePort"}, True),
        ({"type": "LoadBalancer"}, True),
        ({"externalIPs": ["203.0.113.9"]}, True),
        ({"externalIPs": []}, False),
        ({"externalIPs": "203.0.113.9"}, False),
        ({"type": "ExternalName"}, False),
    ],
)
def test_a_service_opens_by_type_or_outer_address(spec, opens):
    assert is_open(service(**spec)) is opens


@pytest.mark.parametrize(
    ("annotation", "value", "stays_inside"),
    [
        ("service.beta.kubernetes.io/aws-load-balancer-internal", "true", True),
        ("service.beta.kubernetes.io/aws-load-balancer-internal", "false", False),
        ("service.beta.kubernetes.io/aws-load-balancer-scheme", "internal", True),
        ("service.beta.kubernetes.io/aws-load-balancer-scheme", "internet-facing", False),
        ("service.beta.kubernetes.io/azure-load-balancer-internal", "True", True),
        ("networking.gke.io/load-balancer-type", "Internal", True),
        ("cloud.google.com/load-balancer-type", "External", False),
        ("other.io/internal", "true", False),
    ],
)
def test_a_load_balancer_may_stay_inside_by_an_annotation_of_the_cloud(annotation, value, stays_inside):
    found = service(annotations={annotation: value}, type="LoadBalancer")
    assert (is_internal(found), is_open(found)) == (stays_inside, not stays_inside)
    assert is_open(service(annotations={annotation: value}, type="NodePort")), "a node port has no balancer"


def test_an_open_service_is_a_way_to_the_pods_that_it_selects():
    resources = [
        resource_of(POD),
        service("door", type="NodePort"),
        service("window", externalIPs=["203.0.113.9"]),
        service("wall"),
        made("v1", "Service", "elsewhere", {"selector": WEB, "type": "NodePort"}, "bank"),
        made("v1", "Service", "others", {"selector": {"app": "db"}, "type": "NodePort"}),
    ]
    inventory = Inventory(resources)
    ways = list(service_exposures(inventory.workloads[0], inventory))
    assert [(way.through.name, way.path) for way in ways] == [
        ("door", "spec.type"),
        ("window", "spec.externalIPs"),
    ]


INGRESS = {
    "defaultBackend": {"service": {"name": "rest"}},
    "rules": [
        {
            "http": {
                "paths": [
                    {"path": "/", "backend": {"service": {"name": "web"}}},
                    {"backend": {"resource": {}}},
                ]
            }
        },
        {"host": "alone"},
        {"http": {"paths": [{"backend": {"serviceName": "old", "servicePort": 80}}]}},
    ],
}


def test_an_ingress_names_services_in_both_of_its_forms():
    ingress = made("networking.k8s.io/v1", "Ingress", "in", INGRESS)
    assert list(backend_services(ingress)) == [
        ("spec.defaultBackend.service.name", "rest"),
        ("spec.rules[0].http.paths[0].backend.service.name", "web"),
        ("spec.rules[2].http.paths[0].backend.serviceName", "old"),
    ]
    old = made("extensions/v1beta1", "Ingress", "in", {"backend": {"serviceName": "web"}})
    assert list(backend_services(old)) == [("spec.backend.serviceName", "web")]


@pytest.mark.parametrize(
    "spec", [None, [], {"rules": 3}, {"rules": [None, {"http": []}]}, {"defaultBackend": "web"}]
)
def test_a_misshapen_ingress_or_route_leads_nowhere(spec):
    assert list(backend_services(made("networking.k8s.io/v1", "Ingress", "in", spec))) == []
    assert list(route_services(made(GATEWAY, "HTTPRoute", "r", spec))) == []


@pytest.mark.parametrize("version", ["networking.k8s.io/v1", "extensions/v1beta1"])
def test_an_ingress_is_a_way_through_a_service_that_is_not_open_itself(version):
    ingress = made(version, "Ingress", "in", INGRESS)
    inventory = Inventory([resource_of(POD), service("web"), ingress])
    (way,) = ingress_exposures(inventory.workloads[0], inventory)
    assert (way.through, way.path) == (ingress, "spec.rules[0].http.paths[0].backend.service.name")
    assert way.service is not None
    assert way.service.name == "web"
    opened = Inventory([resource_of(POD), service("web", type="NodePort"), ingress])
    assert list(ingress_exposures(opened.workloads[0], opened)) == []


def test_an_ingress_of_another_namespace_leads_to_other_services():
    ingress = made("networking.k8s.io/v1", "Ingress", "in", INGRESS, "bank")
    inventory = Inventory([resource_of(POD), service("web"), ingress])
    assert list(ingress_exposures(inventory.workloads[0], inventory)) == []


@pytest.mark.parametrize(
    ("backend", "found"),
    [
        ({"name": "web"}, ("shop", "web")),
        ({"name": "web", "namespace": "bank"}, ("bank", "web")),
        ({"name": "web", "kind": "Service", "group": ""}, ("shop", "web")),
        ({"name": "web", "kind": "Bucket"}, None),
        ({"name": "web", "group": "other.io"}, None),
    ],
)
def test_a_route_names_services_of_its_own_or_another_namespace(backend, found):
    route = made(GATEWAY, "HTTPRoute", "r", {"rules": [{"backendRefs": [backend]}]})
    wanted = [] if found is None else [("spec.rules[0].backendRefs[0].name", *found)]
    assert list(route_services(route)) == wanted


@pytest.mark.parametrize("kind", ["HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute", "UDPRoute"])
def test_every_kind_of_route_is_a_way(kind):
    route = made(
        GATEWAY, kind, "r", {"rules": [{"backendRefs": [{"name": "web", "namespace": "shop"}]}]}, "edge"
    )
    inventory = Inventory([resource_of(POD), service("web"), route])
    (way,) = gateway_exposures(inventory.workloads[0], inventory)
    assert (way.through, way.path) == (route, "spec.rules[0].backendRefs[0].name")
