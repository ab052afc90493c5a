"""Every answer equals SubjectAccessReview and ``kubectl auth can-i --list`` of a real API server."""

from collections.abc import Iterator

import pytest
from access_truth import SPACES, AccessServer, Asked, RbacSet, is_allowed
from control_plane import ControlPlane
from running import running

from leadline.scans.access.answers import rights_of
from leadline.scans.access.target import AccessTarget

pytestmark = pytest.mark.slow

FEW, MANY, SLICE, AT_ONCE = 20, 1_000, 100, 20
"""Sets of roles and bindings: in every run, at night, in one test of the night, and in the server at a time."""


@pytest.fixture(scope="module")
def server() -> Iterator[AccessServer]:
    with running(ControlPlane) as plane:
        server = AccessServer(plane)
        yield server
        server.close()


def rights(target: AccessTarget, asked: Asked, namespace: str) -> set[tuple[str, str, str]]:
    """As ``AccessServer.listed``."""
    found = set()
    for one in rights_of(target, asked.subject, asked.groups, (namespace,)).found:
        for what in (*one.resources, *(f"url {url}" for url in one.urls)):
            found |= {(what, name, verb) for name in one.names or ("",) for verb in one.verbs}
    return found


def pages_of_role_bindings(target: AccessTarget, asked: Asked, namespace: str) -> set[tuple[str, str, str]]:
    """``can-i --list`` names them as well, yet SubjectAccessReview refuses them: a RoleBinding gives no page."""
    (world,) = target.worlds
    return {
        (f"url {url}", "", verb)
        for _, grant in world.held_by(asked.subject, asked.groups)
        for rule in grant.rules.all
        if grant.reaches == namespace
        for url in rule.get("nonResourceURLs", ())
        for verb in rule["verbs"]
    }


def test_the_answer_is_that_of_the_server(server: AccessServer) -> None:
    compare(server, range(FEW))


@pytest.mark.nightly("access")
@pytest.mark.parametrize("first", range(0, MANY, SLICE))
def test_the_answer_is_that_of_the_server_over_many_sets(server: AccessServer, first: int) -> None:
    compare(server, range(first, first + SLICE))


def compare(server: AccessServer, numbers: range) -> None:
    wrong: list[str] = []
    allowed = total = listed = 0
    for start in numbers[::AT_ONCE]:
        sets = [RbacSet(number) for number in range(start, min(start + AT_ONCE, numbers.stop))]
        server.put([one for each in sets for one in each.objects])
        server.wait_until_seen(start)
        target = server.read()
        assert target.unread == ()
        asked = [one for each in sets for one in each.asked]
        truth = server.reviews(asked)
        for one, is_so in zip(asked, truth, strict=True):
            if is_allowed(target, one) is not is_so:
                wrong.append(f"the server says {is_so}: {one}")
        for each in sets:
            one = next(one for one in each.asked if one.subject.name != "system:anonymous")
            space = each.random.choice(SPACES)
            theirs, ours = server.listed(one, space), rights(target, one, space)
            if ours | pages_of_role_bindings(target, one, space) != theirs:
                wrong.append(f"can-i --list of {one.subject} in {space}: {ours - theirs}, {theirs - ours}")
            listed += len(ours)
        allowed += sum(truth)
        total += len(truth)
        server.clear()
    assert wrong == []
    assert total // 8 < allowed < total * 7 // 8  # neither answer is the rule
    assert listed > len(numbers)
    print(f"{len(numbers)} sets, {total} reviews, {allowed} allowed, {listed} rights listed")
