"""Why a workload ranks where it does: sentences that follow from its numbers."""

import re

import leadline
from leadline.scans.explaining.risk import explained_risk

OPEN = """
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  containers: [{name: web, image: web:1, securityContext: {privileged: true}, ports: [{containerPort: 80}]}]
---
apiVersion: v1
kind: Service
metadata: {name: front, namespace: shop}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80}]}
"""


def test_reach_impact_and_ease_are_told_and_give_the_score(tmp_path):
    (tmp_path / "web.yaml").write_text(OPEN)
    ranking = leadline.risk(str(tmp_path))
    sentences = list(explained_risk(ranking.report, ranking.first[0]))
    assert sentences[0] == f"shop/Pod/web has {ranking.first[0].score:.1f} of 100."
    assert sentences[1].startswith("Reach 1: an attacker reaches it from the internet, by internet, then ")
    assert "privileged container" in sentences[2]
    reach, impact, ease = (float(re.search(r"[\d.]+", one)[0]) for one in sentences[1:4])
    assert abs(100 * reach * impact / 10 * (0.6 + 0.4 * ease) - ranking.first[0].score) < 0.1
    assert all(one.endswith(".") for one in sentences)


def test_every_workload_of_the_shop_is_explained():
    ranking = leadline.risk("examples/shop", top=100)
    assert ranking.first
    for one in ranking.first:
        assert len(list(explained_risk(ranking.report, one))) >= 5
