"""The frameworks of the Pod Security Standards fail exactly the pods that the API server refuses by them."""

import http.client
import json
import random
import ssl
from collections import Counter
from collections.abc import Iterator

import pytest
from control_plane import ControlPlane
from generated_pods import Body, pod

from leadline.model.resource import resource_of
from leadline.posture.catalogue import controls_of, find_frameworks, load_controls
from leadline.posture.engine import judge
from leadline.posture.inventory import Facts
from leadline.scans.posture.frameworks import load_frameworks

pytestmark = pytest.mark.slow

PODS = 2500
FEWEST_JUDGED = 2000
LEVELS = ("baseline", "restricted")


class Admission:
    """Asks an API server for the admission of pods, which it then forgets."""

    def __init__(self, plane: ControlPlane) -> None:
        plane.admin()
        tls = ssl.create_default_context(cafile=plane.authority_file)
        tls.load_cert_chain(plane.folder / "user-admin.crt", plane.folder / "user-admin.key")
        self._connection = http.client.HTTPSConnection("127.0.0.1", plane.port, context=tls, timeout=60)
        for level in LEVELS:
            labels = {"pod-security.kubernetes.io/enforce": level}
            self._post("/api/v1/namespaces", {"metadata": {"name": level, "labels": labels}})
            self._post(f"/api/v1/namespaces/{level}/serviceaccounts", {"metadata": {"name": "default"}})

    def refuses(self, body: Body, level: str) -> bool | None:
        """Whether Pod Security refuses the pod; ``None`` where something else does."""
        status, answer = self._post(f"/api/v1/namespaces/{level}/pods?dryRun=All", body)
        if status == 201:
            return False
        return True if "violates PodSecurity" in str(answer.get("message")) else None

    def close(self) -> None:
        self._connection.close()

    def _post(self, path: str, body: Body) -> tuple[int, Body]:
        self._connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        content: Body = json.loads(answer.read())
        return answer.status, content


@pytest.fixture(scope="module")
def admission(api_server: ControlPlane) -> Iterator[Admission]:
    admission = Admission(api_server)
    yield admission
    admission.close()


@pytest.mark.parametrize("level", LEVELS)
def test_a_framework_fails_what_the_server_refuses(admission: Admission, level: str):
    controls = load_controls()
    asked = controls_of(find_frameworks([f"pss-{level}"], load_frameworks(controls, "pss-*")), controls)
    chance = random.Random(20261125)
    judged: Counter[bool | None] = Counter()
    differing = []
    for number in range(PODS):
        body = pod(chance, number)
        refused = admission.refuses(body, level)
        judged[refused] += 1
        found = {f.control for f in judge([resource_of(body)], asked, facts=Facts(is_whole=True)).findings}
        if refused is not None and refused != bool(found):
            differing.append((refused, sorted(found), body["spec"]))
    assert differing == []
    assert judged[True] + judged[False] >= FEWEST_JUDGED, judged
    assert min(judged[True], judged[False]) > FEWEST_JUDGED // 10, judged
