"""Whatever address of a page someone asks who may see one namespace: no name from another is in the answer."""

import asyncio
import json
from collections import Counter
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from leadline.api.protocol import Content, Put
from leadline.api.selection import Key
from leadline.model.alert import Alert
from leadline.model.container import Container
from leadline.scans.options import PostureOptions
from leadline.scans.pages.page import Ask
from leadline.scans.pages.reading import read_folder
from leadline.scans.pages.site import PAGES
from leadline.scans.pages.twins import page_csv, page_json
from leadline.scans.pages.world import Known, World
from leadline.scans.stored.alerts import store_alerts
from memory_store import MemoryStore

KINDS = {kind.name: kind for kind in PAGES}
MINE, OTHER = "mine", "vault-9b1c"
"""The second, and what is in it, has names that nothing else has."""
_MOST = 30
"""Addresses of a kind that are asked."""
WORKLOAD = """
apiVersion: v1
kind: ServiceAccount
metadata: {name: NS-account, namespace: NS}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: NS-role, namespace: NS}
rules: [{apiGroups: [""], resources: [secrets, pods], verbs: ["*"]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: NS-binding, namespace: NS}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: NS-role}
subjects: [{kind: ServiceAccount, name: NS-account, namespace: NS}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: NS-admin}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: NS-account, namespace: NS}]
---
apiVersion: v1
kind: Service
metadata: {name: NS-service, namespace: NS}
spec: {type: LoadBalancer, selector: {app: NS}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: NS-web, namespace: NS, annotations: {leadline.dev/accept: C-0016, leadline.dev/accept-reason: NS-why}}
spec:
  selector: {matchLabels: {app: NS}}
  template:
    metadata: {labels: {app: NS}}
    spec:
      serviceAccountName: NS-account
      containers: [{name: NS-container, image: "registry.example/NS:1", securityContext: {privileged: true}, env: [{name: PASSWORD, value: NS-s3cr3t-x}]}]
"""


def suggestion(namespace: str) -> Put:
    workload = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "namespace": namespace,
        "name": f"{namespace}-web",
    }
    settings = [
        {
            "container": f"{namespace}-container",
            "path": "securityContext.readOnlyRootFilesystem",
            "value": True,
        }
    ]
    body = orjson.dumps(
        {"spec": {"workload": workload, "settings": settings}, "status": {"state": "rehearsed"}}
    )
    name = f"deployment-{namespace}-web"
    return Put(
        Key("suggestions", namespace, name),
        Content(orjson.dumps({"name": name, "namespace": namespace}), body=body),
    )


def alert(namespace: str) -> Alert:
    container = Container(
        f"{namespace}-c1", f"{namespace}-container", f"registry.example/{namespace}:1", namespace=namespace,
        workload_kind="Deployment", workload=f"{namespace}-web",
    )  # fmt: skip
    return Alert(
        id=namespace, rule="R1001", title="Drifted", severity="high", message=f"{namespace}-x ran", container=container,
        program=f"/{namespace}", pid=1, first_s=1.9e9, last_s=1.9e9, withheld=3,
    )  # fmt: skip


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Known:
    folder = tmp_path_factory.mktemp("two")
    for namespace in (MINE, OTHER):
        (folder / f"{namespace}.yaml").write_text(WORKLOAD.replace("NS", namespace))
    store = MemoryStore()

    async def fill() -> None:
        await store_alerts(store, map(alert, (MINE, OTHER)))
        for namespace in (MINE, OTHER):
            await store.put(suggestion(namespace))

    asyncio.run(fill())
    return replace(read_folder([str(folder)], PostureOptions()), store=store)


def answered(name: str, query: tuple[tuple[str, str], ...], world: World) -> str:
    """The page as JSON and as CSV; empty where it is not there."""

    async def all_of() -> str:
        ask = Ask({key: (value,) for key, value in query})
        try:
            page = await KINDS[name].build(world, ask)
        except LookupError:
            return ""
        return json.dumps(json.loads(page_json(page, world))) + "".join(
            [piece.decode() async for piece in page_csv(KINDS[name], world, ask)]
        )

    return asyncio.run(all_of())


def links_in(value: Any) -> list[tuple[str, tuple[tuple[str, str], ...]]]:
    if isinstance(value, dict):
        own = (
            [(value["page"], tuple(map(tuple, value["query"])))] if {"page", "query"} <= value.keys() else []
        )
        return own + [one for part in value.values() for one in links_in(part)]
    return [one for part in value for one in links_in(part)] if isinstance(value, list) else []


def test_alerts_that_were_withheld_are_counted_of_what_one_may_see(known: Known) -> None:
    said = "more alerts came too fast, and were withheld"
    assert f"At least 6 {said}" in answered("alerts", (), World(known))
    assert f"At least 3 {said}" in answered("alerts", (), World(known, frozenset({MINE})))
    id = f"R1001/{MINE}/{MINE}-web/{MINE}-container//{MINE}"
    assert f"At least 3 {said}" in answered("alert", (("id", id),), World(known))


def test_no_address_shows_what_is_in_a_namespace_that_one_may_not_see(known: Known) -> None:
    waiting: list[tuple[str, tuple[tuple[str, str], ...]]] = [
        (kind.name, ()) for kind in PAGES if kind.in_menu
    ]
    all_seen, mine = World(known), World(known, frozenset({MINE}))
    asked: Counter[str] = Counter()
    known_addresses = set(waiting)
    shown = 0
    while waiting:
        name, query = waiting.pop()
        asked[name] += 1
        text = answered(name, query, all_seen)
        shown += OTHER in text
        leaked = answered(name, query, mine)
        if not any(OTHER in value for _, value in query):
            assert OTHER not in leaked, (name, query)
        else:
            assert OTHER not in leaked.replace(dict(query).get("namespace", "\0"), ""), (name, query)
        if text:
            for link in links_in(json.loads(text[: text.rindex("}") + 1])):
                if link not in known_addresses and asked[link[0]] < _MOST:
                    known_addresses.add(link)
                    waiting.append(link)
    assert shown > 30
    assert {"finding", "workload", "alert", "suggestion", "namespace", "control"} <= asked.keys()
