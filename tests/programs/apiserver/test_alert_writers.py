"""What one node saw no other node changes or takes away."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from asgi import MERGE, Client, Everybody, run

from leadline.programs.apiserver.exchange import Exchange
from leadline.programs.serving.cluster.access import User

PATH = "/apis/leadline.dev/v1alpha1/namespaces/shop/runtimealerts"


class Agents(Everybody):
    """``node`` is where the one who asks next runs; empty for a person."""

    node = "n1"

    async def user_of(self, exchange: Exchange) -> User:
        extra = {"authentication.kubernetes.io/node-name": [self.node]} if self.node else {}
        return User("system:serviceaccount:leadline:leadline-node", (), orjson.dumps(extra).decode())


def alert(name: str, node: str, days: int = 0) -> dict[str, Any]:
    last = (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    spec = {"rule": "R1001", "severity": "critical", "message": "x ran", "lastSeen": last, "node": node}
    metadata = {"name": name, "namespace": "shop"}
    return {"apiVersion": "leadline.dev/v1alpha1", "kind": "RuntimeAlert", "metadata": metadata, "spec": spec}


def test_an_agent_writes_alerts_of_its_own_node_alone():
    access = Agents()

    async def scenario(client: Client) -> None:
        assert (await client.ask("POST", PATH, alert("forged", "n2"))).code == 403
        assert (await client.ask("POST", PATH, alert("none", ""))).code == 403
        assert (await client.ask("POST", PATH, alert("one", "n1"))).code == 201
        access.node = "n2"
        harmless = {"spec": {"message": "nothing", "node": "n2"}}
        changed = await client.ask("PATCH", f"{PATH}/one", harmless, headers={"content-type": MERGE})
        assert changed.code == 403
        assert "this alert is of the node n1" in changed.json["message"]
        assert (await client.ask("DELETE", f"{PATH}/one")).code == 403
        assert (await client.ask("DELETE", PATH)).code == 403
        assert (await client.ask("GET", f"{PATH}/one")).json["spec"]["message"] == "x ran"
        access.node = "n1"
        assert (await client.ask("DELETE", f"{PATH}/one")).code == 200

    run(scenario, lambda: Client(access))


def test_an_agent_adds_to_what_another_node_saw_and_takes_nothing_away():
    access = Agents()

    async def scenario(client: Client) -> None:
        first = alert("one", "n1")
        first["spec"] |= {"count": 3}
        assert (await client.ask("POST", PATH, first)).code == 201
        access.node = "n2"

        async def changed(**spec: object) -> int:
            sent = {"spec": {"node": "n2", **spec}}
            return (await client.ask("PATCH", f"{PATH}/one", sent, headers={"content-type": MERGE})).code

        assert await changed(count=2) == 403
        assert await changed(lastSeen="2020-01-01T00:00:00Z") == 403
        assert await changed(severity="low") == 403
        assert await changed(accepted={"waiver": "mine"}) == 403
        assert await changed(message=None) == 403
        assert await changed(count=4, others=["y ran"]) == 200

    run(scenario, lambda: Client(access))


def test_a_person_deletes_any_and_an_agent_what_is_over():
    access = Agents()

    async def scenario(client: Client) -> None:
        for name, days in (("old", 31), ("new", 29)):
            assert (await client.ask("POST", PATH, alert(name, "n1", days))).code == 201
        access.node = "n2"
        assert (await client.ask("DELETE", f"{PATH}/old")).code == 200
        assert (await client.ask("DELETE", f"{PATH}/new")).code == 403
        access.node = ""
        assert (await client.ask("DELETE", f"{PATH}/new")).code == 200

    run(scenario, lambda: Client(access))
