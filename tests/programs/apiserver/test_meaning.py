"""Orders that mean nothing are refused when they are written."""

import asyncio
from typing import Any

import pytest
from asgi import MERGE, TABLE, Client

OURS = "/apis/leadline.dev/v1alpha1"


def order(kind: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "leadline.dev/v1alpha1", "kind": kind, "metadata": {"name": "one"}, "spec": spec}


@pytest.mark.parametrize(
    ("plural", "whole", "field"),
    [
        ("scanruns", order("ScanRun", subject="postur"), "spec.subject"),
        ("scanschedules", order("ScanSchedule", schedule="every day"), "spec.schedule"),
        ("scanschedules", order("ScanSchedule"), "spec.schedule"),
        ("scanschedules", order("ScanSchedule", schedule="0 0 3 * * *"), "spec.schedule"),
        ("scanschedules", order("ScanSchedule", schedule="0 3 31 2 *"), "spec.schedule"),
        ("scanschedules", order("ScanSchedule", schedule="0 3 * * *", timeZone="Mars"), "spec.timeZone"),
        ("scanschedules", order("ScanSchedule", schedule="0 3 * * *", subject="all"), "spec.subject"),
    ],
)
def test_what_means_nothing_is_refused_with_the_field(plural: str, whole: dict[str, Any], field: str):
    async def scenario() -> None:
        client = Client()
        answer = await client.ask("POST", f"{OURS}/{plural}", whole)
        assert answer.code == 422
        assert f"is invalid: {field}: " in answer.json["message"]
        assert (await client.ask("GET", f"{OURS}/{plural}/one")).code == 404

    asyncio.run(scenario())


@pytest.mark.parametrize("phase", ["", "Running", "Failed", "Succeeded"])
def test_a_run_without_results_shows_no_numbers_of_findings(phase: str):
    async def scenario() -> None:
        client = Client()
        status = {"phase": phase, "coverage": {"objects": 0, "unread": 2}, "findings": {"critical": 0}}
        run = {**order("ScanRun"), "status": status}
        assert (await client.ask("POST", f"{OURS}/scanruns", run)).code == 201
        table = (await client.ask("GET", f"{OURS}/scanruns", headers={"accept": TABLE})).json
        titles = [column["name"] for column in table["columnDefinitions"]]
        row = dict(zip(titles, table["rows"][0]["cells"], strict=True))
        assert row["Unread"] == (2 if phase in ("Failed", "Succeeded") else None)
        assert row["Critical"] == (0 if phase == "Succeeded" else None)

    asyncio.run(scenario())


def test_one_of_before_can_have_its_status_written():
    async def scenario() -> None:
        client = Client()
        good = order("ScanSchedule", schedule="0 3 * * *", subject="images")
        assert (await client.ask("POST", f"{OURS}/scanschedules", good)).code == 201
        path = f"{OURS}/scanschedules/one"
        for patch, code in (
            ({"spec": {"schedule": "nonsense"}}, 422),
            ({"status": {"message": "suspended"}}, 200),
            ({"spec": {"suspend": True}}, 200),
        ):
            answer = await client.ask("PATCH", path, patch, headers={"content-type": MERGE})
            assert answer.code == code, answer.content

    asyncio.run(scenario())
