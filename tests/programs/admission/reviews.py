"""Reviews as the API server sends them, and a reviewer over all controls."""

import copy
import json
from datetime import UTC, datetime
from functools import cache
from typing import Any

from leadline.model.control import BuiltControl
from leadline.posture.catalogue import load_controls
from leadline.programs.admission.reviewer import Decision, Known, Reviewer
from leadline.programs.admission.settings import Settings
from leadline.programs.admission.wire import read_review
from leadline.scans.posture.one_object import AloneJudge
from leadline.scans.posture.settings import shipped_settings

NOW = datetime(2027, 1, 31, 12, tzinfo=UTC)
Body = dict[str, Any]


@cache
def controls() -> tuple[BuiltControl, ...]:
    return load_controls()


@cache
def judge() -> AloneJudge:
    return AloneJudge(controls(), shipped_settings(controls()))


def reviewer(denying: frozenset[str] = frozenset(), home: str = "leadline", **settings: Any) -> Reviewer:
    return Reviewer(Settings(**settings), judge(), denying, home)


def review(new: Body | None, old: Body | None = None, **request: Any) -> bytes:
    """``request`` as the wire has it: ``namespace``, ``operation``, ``userInfo`` …"""
    about = new or old or {}
    group, _, version = str(about.get("apiVersion", "v1")).rpartition("/")
    whole = {
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
        "kind": {"group": group, "version": version, "kind": about.get("kind", "Pod")},
        "namespace": "shop",
        "operation": "UPDATE" if old is not None else "CREATE",
        "userInfo": {"username": "someone", "groups": ["system:authenticated"]},
        "object": new,
        "oldObject": old,
        "dryRun": False,
        **request,
    }
    return json.dumps(
        {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": whole}
    ).encode()


def decided(by: Reviewer, content: bytes, known: Known = Known()) -> Decision:  # noqa: B008 frozen
    return by.decide(read_review(content), known, NOW)


def container(name: str = "web", **more: Any) -> Body:
    """One with nothing high or critical about it."""
    return {"name": name, "image": "registry.example/shop/web:1.2.3", **more}


def pod(*containers: Body, **spec: Any) -> Body:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"containers": list(containers or (container(),)), **spec},
    }


def deployment(*containers: Body, replicas: int = 1, **spec: Any) -> Body:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": pod(*containers, **spec)["spec"]},
        },
    }


def with_metadata(body: Body, **metadata: Any) -> Body:
    changed = copy.deepcopy(body)
    changed["metadata"] |= metadata
    return changed


PRIVILEGED = {"securityContext": {"privileged": True}}
