"""What a live cluster is asked for follows from the kinds that controls name, so they have to name them all."""

from contextlib import suppress

import pytest
from control_fixtures import fixtures_of

from leadline.model.control import NotJudged
from leadline.model.resource import Origin, resource_of
from leadline.posture.catalogue import load_controls
from leadline.posture.index import EVERY_KIND, WORKLOADS
from leadline.posture.inventory import Inventory
from leadline.posture.required_kinds import kinds_needed
from leadline.posture.subject import Container, Namespace, Workload, workloads_of

RUNNING = frozenset(
    {
        *("Pod", "ReplicationController", "CronJob.batch", "Job.batch"),
        *(f"{kind}.apps" for kind in ("DaemonSet", "Deployment", "ReplicaSet", "StatefulSet")),
    }
)
"""The kinds that ``workloads`` stands for."""
JOINING = [control for control in load_controls() if control.joins]


@pytest.mark.parametrize("control", JOINING, ids=lambda control: control.id)
def test_a_join_names_every_kind_that_it_asks_for(control):
    for fixture in fixtures_of(control):
        resources = [resource_of(d, Origin(document=i)) for i, d in enumerate(fixture.documents)]
        inventory = Inventory(resources)
        read = set()
        for subject in subjects(control, resources, inventory):
            if control.applies is None or control.applies(subject):
                inventory.trace(read)
                with suppress(NotJudged):
                    list(control.check(subject, inventory))
        asked = inventory.kinds_behind(read) - {EVERY_KIND}
        assert asked <= known(control), fixture.path.name


def subjects(control, resources, inventory):
    if control.kinds:
        return resources
    if control.subject is Namespace:
        return [Namespace(r) for r in resources if r.kind == "Namespace"]
    if control.subject is Workload:
        return [w for r in resources for w in workloads_of(r)]
    if control.subject is Container:
        return [c for r in resources for w in workloads_of(r) for c in w.containers]
    return inventory.grants if control.subject.__name__ == "Grant" else []


def known(control):
    """What a cluster is asked for, the kinds that run pods among it."""
    kinds = kinds_needed([control])
    return kinds | (RUNNING if WORKLOADS in kinds else frozenset())
