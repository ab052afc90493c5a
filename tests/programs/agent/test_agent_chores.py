"""What runs beside the reading of events."""

import asyncio

import pytest

from leadline.programs.agent.loop import lasting


def test_a_part_that_ends_by_a_fault_is_said_and_costs_no_other(caplog: pytest.LogCaptureFixture):
    done: list[str] = []

    async def fails() -> None:
        raise ImportError("libstdc++.so.6: cannot open shared object file")

    async def works() -> None:
        done.append("works")

    async def both() -> None:
        await asyncio.gather(lasting("following rules", fails()), lasting("storing", works()))

    asyncio.run(both())
    assert done == ["works"]
    (record,) = caplog.records
    assert record.message == "following rules has ended by a fault of this program"
    assert "libstdc++" in caplog.text
