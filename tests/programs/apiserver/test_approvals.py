"""Who approved a suggestion is what the server saw, never what a client says."""

from typing import Any

from asgi import MERGE, Client, Everybody, run

from leadline.api.kinds.suggestions import approves
from leadline.programs.apiserver.exchange import Exchange
from leadline.programs.serving.cluster.access import User

PATH = "/apis/leadline.dev/v1alpha1/namespaces/shop/suggestions"
ONE = f"{PATH}/deployment-web"


class Several(Everybody):
    """``name`` is who asks next."""

    name = "system:serviceaccount:leadline:leadline"

    async def user_of(self, exchange: Exchange) -> User:
        return User(self.name)


def suggestion(**status: Any) -> dict[str, Any]:
    workload = {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "web"}
    setting = {"container": "web", "path": "securityContext.readOnlyRootFilesystem", "value": True}
    return {
        "apiVersion": "leadline.dev/v1alpha1",
        "kind": "Suggestion",
        "metadata": {"name": "deployment-web", "namespace": "shop"},
        "spec": {"workload": workload, "settings": [setting]},
        "status": {"state": "rehearsed", **status},
    }


async def patched(client: Client, **parts: Any) -> Any:
    return await client.ask("PATCH", ONE, parts, headers={"content-type": MERGE})


def test_a_person_approves_and_the_server_says_who():
    access = Several()

    async def scenario(client: Client) -> None:
        made = (await client.ask("POST", PATH, suggestion(approval={"by": "mallory"}))).json
        digest = made["spec"]["digest"]
        assert len(digest) == 32
        assert "approval" not in made["status"]
        by_operator = await patched(client, spec={"approve": digest})
        assert by_operator.code == 403
        assert "a person's own account" in by_operator.json["message"]
        access.name = "ann@example.com"
        approved = (await patched(client, spec={"approve": digest})).json["status"]["approval"]
        assert (approved["by"], approved["digest"]) == ("ann@example.com", digest)
        access.name = "bob@example.com"
        forged = (await patched(client, status={"approval": {"by": "eve", "digest": digest}})).json
        assert forged["status"]["approval"] == approved
        again = (await patched(client, status={"state": "approved"})).json
        assert again["status"]["approval"] == approved
        taken_back = (await patched(client, spec={"approve": None})).json
        assert "approval" not in taken_back["status"]

    run(scenario, lambda: Client(access))


def test_an_approval_is_of_what_was_there_before():
    access = Several()

    async def scenario(client: Client) -> None:
        digest = (await client.ask("POST", PATH, suggestion())).json["spec"]["digest"]
        access.name = "ann@example.com"
        other = [{"container": "web", "path": "securityContext.privileged", "value": True}]
        assert (await patched(client, spec={"approve": digest, "settings": other})).code == 403
        assert (await patched(client, spec={"approve": "0" * 12})).code == 403
        assert (await patched(client, spec={"approve": digest})).code == 200
        access.name = "system:serviceaccount:leadline:leadline"
        changed = (await patched(client, spec={"settings": other})).json
        assert changed["spec"]["digest"] != digest
        assert changed["status"]["approval"]["digest"] == digest

    run(scenario, lambda: Client(access))


def test_nobody_creates_an_approved_suggestion():
    access = Several()
    access.name = "ann@example.com"

    async def scenario(client: Client) -> None:
        made = suggestion()
        made["spec"]["approve"] = "0" * 12
        assert (await client.ask("POST", PATH, made)).code == 403

    run(scenario, lambda: Client(access))


def test_an_approval_by_twelve_digits_holds_for_what_begins_with_them():
    assert approves("ab" * 16, "ab" * 16)
    assert approves("ab" * 6, "ab" * 16)
    assert not approves("ab" * 6, "cd" * 16)
    assert not approves("ab" * 5, "ab" * 16)
    assert not approves("", "ab" * 16)
