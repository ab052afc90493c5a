"""How often the cluster is asked whether somebody may do something, and that nobody may more than it says."""

import asyncio
from typing import Any

import pytest

from leadline.programs.serving.cluster.access import Asked, User
from leadline.programs.serving.cluster.cluster_access import ClusterAccess, FrontProxy
from leadline.programs.serving.cluster.refusal import Refusal

HOME = "leadline"
OPERATOR = User(f"system:serviceaccount:{HOME}:operator", ("system:serviceaccounts",))
PROXY = FrontProxy("", (), ("x-remote-user",), ("x-remote-group",), ())


class Reviews:
    """A cluster that lets ``allowed`` (user, namespace) do everything; an empty namespace is all of them."""

    def __init__(self, *allowed: tuple[User, str]) -> None:
        self.asked: list[tuple[str, str]] = []
        self._allowed = {(user.name, namespace) for user, namespace in allowed}

    async def post(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        spec = body["spec"]
        one = (spec["user"], spec["resourceAttributes"].get("namespace", ""))
        self.asked.append(one)
        return 201, {"status": {"allowed": bool(self._allowed & {one, (one[0], "")})}}


def namespaces_of(reviews: Reviews, user: User, *namespaces: str, home: str = HOME) -> set[str]:
    """Those in which ``user`` may create scans."""
    access = ClusterAccess(reviews, PROXY, home)  # type: ignore[arg-type]

    async def may(namespace: str) -> bool:
        try:
            await access.check(
                user, Asked("create", "", "leadline.dev", "v1alpha1", "scanruns", namespace), "one"
            )
        except Refusal:
            return False
        return True

    async def all_of_them() -> set[str]:
        return {one for one in namespaces if await may(one)}

    return asyncio.run(all_of_them())


def test_our_own_account_with_rights_everywhere_is_asked_about_once():
    reviews = Reviews((OPERATOR, ""))
    assert namespaces_of(reviews, OPERATOR, "a", "b", "c") == {"a", "b", "c"}
    assert reviews.asked == [(OPERATOR.name, "")]


def test_our_own_account_with_rights_in_one_namespace_has_no_others():
    reviews = Reviews((OPERATOR, "a"))
    assert namespaces_of(reviews, OPERATOR, "a", "b") == {"a"}


@pytest.mark.parametrize(
    "user",
    [
        User("anna"),
        User(f"system:serviceaccount:{HOME}-2:operator"),
        User(f"system:serviceaccount:other:{HOME}:operator"),
    ],
)
def test_others_are_asked_about_in_each_namespace(user: User):
    reviews = Reviews((user, "a"), (user, "b"))
    assert namespaces_of(reviews, user, "a", "b", "c") == {"a", "b"}
    assert (user.name, "") not in reviews.asked


def test_without_a_namespace_of_our_own_no_account_is_ours():
    nobody = User("system:serviceaccount::operator")
    reviews = Reviews((nobody, "a"))
    assert namespaces_of(reviews, nobody, "a", "b", home="") == {"a"}
    assert (nobody.name, "") not in reviews.asked
