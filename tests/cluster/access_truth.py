"""RBAC by chance, put into a real API server, and what the server says about it.

The controller manager runs beside it with one controller, which writes the rules of aggregated roles.
"""

import http.client
import json
import random
import re
import ssl
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from binaries import kubernetes
from control_plane import ControlPlane
from msgspec import Struct
from processes import Program

from leadline.kube.access_question import AccessQuestion
from leadline.kube.rbac import is_aggregated, selected_by_aggregation
from leadline.kube.role_rules import OwnRules
from leadline.model.access import Subject
from leadline.scans.access.answers import who_can
from leadline.scans.access.target import AccessTarget, open_access
from leadline.scans.options import PostureOptions

GROUP = "rbac.authorization.k8s.io"
API = f"/apis/{GROUP}/v1"
SPACES = ("acc-0", "acc-1")
VERBS = (
    "get",
    "list",
    "watch",
    "create",
    "update",
    "patch",
    "delete",
    "impersonate",
    "bind",
    "escalate",
    "use",
)
GROUPS = ("", "", "apps", "batch", GROUP, "example.com")
RESOURCES = (
    "pods", "pods/log", "pods/exec", "secrets", "deployments", "deployments/scale", "jobs", "nodes", "nodes/proxy",
    "namespaces", "clusterroles", "widgets", "widgets/status", "serviceaccounts/token",
)  # fmt: skip
NAMES = ("a", "b", "c.d")
URLS = ("/metrics", "/logs/*", "/healthz", "/lo**", "*", "/api/v1")
PATHS = ("/metrics", "/logs", "/logs/x", "/healthz/ping", "/lo", "/api/v1")
PLURALS = {
    "ClusterRole": "clusterroles",
    "ClusterRoleBinding": "clusterrolebindings",
    "Role": "roles",
    "RoleBinding": "rolebindings",
}
Body = dict[str, Any]


class Asked(Struct, frozen=True):
    """One request of one user, with the groups that a sign-in gave."""

    subject: Subject
    groups: tuple[str, ...]
    question: AccessQuestion


class RbacSet:
    """Roles, bindings and requests that depend on the number alone."""

    def __init__(self, number: int) -> None:
        self.random = random.Random(number)
        self.prefix = f"s{number}"
        chance = self.random
        self.users = [f"{self.prefix}-u{i}" for i in range(2)]
        self.groups = [f"{self.prefix}-g{i}" for i in range(2)]
        self.accounts = [(chance.choice(SPACES), f"{self.prefix}-a{i}") for i in range(2)]
        self.rules: list[Body] = []
        self.objects: list[Body] = [*self._roles()]
        self.objects += [self._binding(i) for i in range(chance.randint(4, 8))]
        self.asked = [self._asked() for _ in range(40)]

    def _roles(self) -> Iterator[Body]:
        chance = self.random
        for i in range(chance.randint(1, 3)):
            labels = (
                {f"{self.prefix}-{chance.choice('xy')}": chance.choice(("1", "2"))}
                if chance.random() < 0.7
                else {}
            )
            yield self._role(
                "ClusterRole", f"c{i}", [self._rule() for _ in range(chance.randint(0, 3))], labels
            )
        for i in range(chance.randint(1, 2)):
            yield self._role(
                "Role", f"r{i}", [self._rule(with_urls=False) for _ in range(chance.randint(1, 2))]
            )
        # Where everyone is bound, a wildcard would drown what other sets ask.
        plain = {"apiGroups": [""], "resources": [f"{self.prefix}s"], "verbs": ["get"]}
        self.rules.append(plain)
        yield self._role("ClusterRole", "everyone", [plain])
        for i in range(chance.randint(0, 2)):
            # An aggregated one may take over the other, and so on.
            role = self._role(
                "ClusterRole",
                f"agg{i}",
                [],
                {f"{self.prefix}-{'xy'[i]}": "1"} if chance.random() < 0.5 else {},
            )
            role["aggregationRule"] = {
                "clusterRoleSelectors": [self._selector() for _ in range(chance.randint(1, 2))]
            }
            yield role

    def _selector(self) -> Body:
        chance = self.random
        key = f"{self.prefix}-{chance.choice('xy')}"
        if chance.random() < 0.6:
            return {"matchLabels": {key: chance.choice(("1", "2"))}}
        operator = chance.choice(("In", "Exists"))
        values = {"values": ["1", "3"]} if operator == "In" else {}
        return {"matchExpressions": [{"key": key, "operator": operator, **values}]}

    def _role(self, kind: str, name: str, rules: list[Body], labels: dict[str, str] | None = None) -> Body:
        return self._object(kind, name, {"rules": rules}, labels)

    def _object(self, kind: str, name: str, fields: Body, labels: dict[str, str] | None = None) -> Body:
        metadata: Body = {"name": f"{self.prefix}-{name}", "labels": {"access-test": "yes", **(labels or {})}}
        if kind.startswith("Role"):
            metadata["namespace"] = self.random.choice(SPACES)
        return {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": metadata, **fields}

    def _some(self, values: Sequence[str], most: int, star: float) -> list[str]:
        chance = self.random
        return (
            ["*"] if chance.random() < star else chance.sample(sorted(set(values)), chance.randint(1, most))
        )

    def _rule(self, *, with_urls: bool = True) -> Body:
        chance = self.random
        rule: Body = {"verbs": self._some(VERBS, 3, 0.1)}
        if with_urls and chance.random() < 0.2:
            rule["nonResourceURLs"] = chance.sample(URLS, chance.randint(1, 2))
        else:
            rule["apiGroups"] = self._some(GROUPS, 2, 0.15)
            rule["resources"] = self._some((*RESOURCES, "*/scale", "*/log", "pods/*"), 3, 0.1)
            if chance.random() < 0.3:
                rule["resourceNames"] = chance.sample(NAMES, chance.randint(1, 2))
        self.rules.append(rule)
        return rule

    def _binding(self, number: int) -> Body:
        chance = self.random
        roles = [one["metadata"] for one in self.objects if one["kind"] == "Role"]
        cluster = [one["metadata"]["name"] for one in self.objects if one["kind"] == "ClusterRole"]
        is_everyone = number == 0
        kind = chance.choice(("RoleBinding", "RoleBinding", "ClusterRoleBinding"))
        subjects = (
            [self._everyone()] if is_everyone else [self._subject(kind) for _ in range(chance.randint(1, 3))]
        )
        binding = self._object(kind, f"b{number}", {"subjects": subjects})
        role = ("ClusterRole", f"{self.prefix}-everyone" if is_everyone else chance.choice(cluster))
        if not is_everyone and kind == "RoleBinding" and chance.random() < 0.5:
            own = [one["name"] for one in roles if one["namespace"] == binding["metadata"]["namespace"]]
            role = ("Role", chance.choice([*own, f"{self.prefix}-gone"]))
        elif not is_everyone and chance.random() < 0.1:
            role = ("ClusterRole", f"{self.prefix}-gone")
        binding["roleRef"] = {"apiGroup": GROUP, "kind": role[0], "name": role[1]}
        return binding

    def _everyone(self) -> Body:
        names = (
            "system:serviceaccounts",
            "system:serviceaccounts:acc-0",
            "system:authenticated",
            "system:unauthenticated",
        )
        return {"kind": "Group", "apiGroup": GROUP, "name": self.random.choice(names)}

    def _subject(self, kind: str) -> Body:
        chance = self.random
        space, account = chance.choice(self.accounts)
        return chance.choice(
            [
                {"kind": "User", "apiGroup": GROUP, "name": chance.choice(self.users)},
                {"kind": "Group", "apiGroup": GROUP, "name": chance.choice(self.groups)},
                {"kind": "ServiceAccount", "name": account, "namespace": space},
                {"kind": "User", "apiGroup": GROUP, "name": f"system:serviceaccount:{space}:{account}"},
                {
                    "kind": "ServiceAccount",
                    "name": account,
                    **({} if kind == "RoleBinding" else {"namespace": space}),
                },
            ]
        )

    def _asked(self) -> Asked:
        chance = self.random
        binding = chance.choice([one for one in self.objects if one["kind"].endswith("Binding")])
        subject, groups = self._someone(
            chance.choice(binding["subjects"]), binding["metadata"].get("namespace")
        )
        role = [one["rules"] for one in self.objects if one["metadata"]["name"] == binding["roleRef"]["name"]]
        near = (
            chance.random() < 0.8
        )  # most requests are near a rule that is bound; chance alone would seldom be allowed
        rule = chance.choice((role and role[0] if near else None) or self.rules)

        def of(key: str, values: Sequence[str]) -> str:
            written = [one for one in rule.get(key, ()) if one != "*"]
            return (
                chance.choice(written)
                if near and written and chance.random() < 0.9
                else chance.choice(values)
            )

        verb = of("verbs", VERBS)
        if rule.get("nonResourceURLs"):
            return Asked(subject, groups, AccessQuestion(verb, path=chance.choice(PATHS)))
        name = of("resourceNames", ("", *NAMES)) if chance.random() < 0.7 else ""
        bound = binding["metadata"].get("namespace", "")
        space = bound if near and bound else chance.choice((*SPACES, ""))
        resource = of("resources", RESOURCES).replace("*/", "widgets/").replace("/*", "/log")
        return Asked(subject, groups, AccessQuestion(verb, resource, of("apiGroups", GROUPS), space, name))

    def _someone(self, named: Body, space: str | None) -> tuple[Subject, tuple[str, ...]]:
        """A subject that a binding names, a user in the group that it names, or another."""
        chance, name = self.random, named["name"]
        if chance.random() < 0.2:
            return Subject("User", "", chance.choice((*self.users, "system:anonymous"))), ()
        if named["kind"] == "ServiceAccount":
            return Subject("ServiceAccount", named.get("namespace", space), name), ()
        if name.startswith("system:serviceaccount:"):
            return Subject("ServiceAccount", *name.split(":")[2:]), ()
        if name.startswith("system:serviceaccounts"):
            return Subject("ServiceAccount", *chance.choice(self.accounts)), ()
        if named["kind"] == "User":
            return Subject("User", "", name), tuple(chance.sample(self.groups, chance.randint(0, 2)))
        user = "system:anonymous" if name == "system:unauthenticated" else chance.choice(self.users)
        return Subject("User", "", user), (name,) if name in self.groups else ()


def groups_at_sign_in(asked: Asked) -> list[str]:
    if asked.subject.name == "system:anonymous":
        return ["system:unauthenticated"]
    own = (
        ["system:serviceaccounts", f"system:serviceaccounts:{asked.subject.namespace}"]
        if asked.subject.kind == "ServiceAccount"
        else []
    )
    return [*asked.groups, *own, "system:authenticated"]


def user_name(subject: Subject) -> str:
    if subject.kind == "ServiceAccount":
        return f"system:serviceaccount:{subject.namespace}:{subject.name}"
    return subject.name


class AccessServer:
    """The API server of a test, over four connections that stay open."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        self.kubeconfig = plane.admin()
        tls = ssl.create_default_context(cafile=plane.authority_file)
        tls.load_cert_chain(plane.folder / "user-admin.crt", plane.folder / "user-admin.key")
        self._free = [
            http.client.HTTPSConnection(plane.host, plane.port, context=tls, timeout=60) for _ in range(4)
        ]
        self._pool = ThreadPoolExecutor(4)
        program = kubernetes(("kube-controller-manager",)) / "kube-controller-manager"
        flags = [
            "--controllers=clusterrole-aggregation-controller",
            "--leader-elect=false",
            "--secure-port=0",
        ]
        self._controllers = Program(
            plane.folder, "aggregation", [str(program), f"--kubeconfig={self.kubeconfig}", *flags]
        )
        for name in SPACES:
            self._post("/api/v1/namespaces", {"metadata": {"name": name}})

    def close(self) -> None:
        self._controllers.stop()
        self._pool.shutdown()
        for connection in self._free:
            connection.close()

    def put(self, objects: Iterable[Body]) -> None:
        for kind in PLURALS:  # roles before their bindings, so that the order of one kind is that of the list
            list(self._pool.map(self._create, [one for one in objects if one["kind"] == kind]))

    def wait_until_seen(self, number: int) -> None:
        """Until the authoriser knows what was written: it follows each kind by itself, in the order of writing."""
        rule = {"apiGroups": [f"seen-{number}"], "resources": ["markers"], "verbs": ["get"]}
        for whole, kind in (("Cluster", "ClusterRole"), ("", "Role")):
            name = {"name": f"marker-{number}", "labels": {"access-test": "yes"}}
            if not whole:
                name["namespace"] = "acc-0"
            self._create({"kind": f"{whole}Role", "metadata": name, "rules": [rule]})
            subject = {"kind": "User", "apiGroup": GROUP, "name": f"marker-{number}-{kind}"}
            reference = {"apiGroup": GROUP, "kind": kind, "name": f"marker-{number}"}
            self._create(
                {"kind": f"{whole}RoleBinding", "metadata": name, "roleRef": reference, "subjects": [subject]}
            )
            question = AccessQuestion("get", "markers", f"seen-{number}", "acc-0", "")
            asked = Asked(Subject("User", "", f"marker-{number}-{kind}"), (), question)
            self.plane.until(lambda asked=asked: self.review(asked))

    def read(self) -> AccessTarget:
        """The cluster through the reader of the product, once the controller has written all aggregated rules."""
        options = PostureOptions(kubeconfig=self.kubeconfig, environ={})
        last: list[AccessTarget] = []

        def is_settled() -> bool:
            with open_access((), options) as target:
                last[:] = [target]
            (world,) = target.worlds
            return all(
                OwnRules(role).rule_keys
                == frozenset().union(*(one.rule_keys for one in plain_sources(world, role)))
                for role in world.inventory.of(f"ClusterRole.{GROUP}")
                if is_aggregated(role) and role.name.startswith("s")
            )

        self.plane.until(is_settled)
        return last[0]

    def review(self, asked: Asked) -> bool:
        question = asked.question
        spec: Body = {"user": user_name(asked.subject), "groups": groups_at_sign_in(asked)}
        if question.path:
            spec["nonResourceAttributes"] = {"path": question.path, "verb": question.verb}
        else:
            resource, _, subresource = question.resource.partition("/")
            spec["resourceAttributes"] = {
                "verb": question.verb,
                "group": question.group,
                "resource": resource,
                "subresource": subresource,
                "namespace": question.namespace,
                "name": question.name,
            }
        answer = self._post("/apis/authorization.k8s.io/v1/subjectaccessreviews", {"spec": spec})
        return bool(answer["status"]["allowed"])

    def reviews(self, asked: Sequence[Asked]) -> list[bool]:
        return list(self._pool.map(self.review, asked))

    def listed(self, asked: Asked, namespace: str) -> set[tuple[str, str, str]]:
        """What ``kubectl auth can-i --list`` prints: resource or ``url URL``, name, verb."""
        groups = [f"--as-group={group}" for group in groups_at_sign_in(asked)]
        words = [
            "auth",
            "can-i",
            "--list",
            "--no-headers",
            "-n",
            namespace,
            f"--as={user_name(asked.subject)}",
        ]
        found = set()
        for line in self.plane.kubectl(*words, *groups).splitlines():
            match = re.fullmatch(r"(\S*)\s+\[(.*?)\]\s+\[(.*?)\]\s+\[(.*?)\]\s*", line)
            assert match, line
            resource, urls, names, verbs = match.groups()
            for what in [resource] if resource else [f"url {url}" for url in urls.split()]:
                found |= {(what, name, verb) for name in names.split() or [""] for verb in verbs.split()}
        return found

    def clear(self) -> None:
        for kind, plural in PLURALS.items():
            for base in (
                [f"{API}/namespaces/{space}" for space in SPACES] if kind.startswith("Role") else [API]
            ):
                self._request("DELETE", f"{base}/{plural}?labelSelector=access-test", None)

    def _create(self, body: Body) -> None:
        space = body["metadata"].get("namespace")
        base = f"{API}/namespaces/{space}" if space else API
        self._post(f"{base}/{PLURALS[body['kind']]}", {"apiVersion": f"{GROUP}/v1", **body})

    def _post(self, path: str, body: Body) -> Body:
        return self._request("POST", path, body)

    def _request(self, method: str, path: str, body: Body | None) -> Body:
        connection = self._free.pop()
        try:
            content = json.dumps(body) if body is not None else None
            connection.request(method, path, content, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
        finally:
            self._free.append(connection)
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {text.decode()}")
        found: Body = json.loads(text)
        return found


def plain_sources(world: Any, role: Any) -> list[OwnRules]:
    """The roles that an aggregated one is written from in the end."""
    return list(selected_by_aggregation(OwnRules(role), world.inventory)[0])


def is_allowed(target: AccessTarget, asked: Asked) -> bool:
    """Whether ``who-can`` names the subject or a group of it, as a person would look it up."""
    found = {one.subject for one in who_can(target, asked.question).found}
    groups = {Subject("Group", "", name) for name in groups_at_sign_in(asked)}
    return not found.isdisjoint({asked.subject, *groups})
