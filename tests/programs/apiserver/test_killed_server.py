"""A server that is killed under load: nothing that it acknowledged is lost, and watches go on without a gap."""

import asyncio

from kill_run import kill_again_and_again
from lone_server import LoneServer

KILLS = 4


def test_nothing_acknowledged_is_lost_and_watches_have_no_gap():
    server = LoneServer()
    try:
        run = asyncio.run(kill_again_and_again(server, KILLS))
    finally:
        server.stop()
        server.close()
    assert run.problems == []
    assert run.restarts == KILLS
    assert len(run.acknowledged) >= KILLS
    assert run.watches > KILLS


def test_a_server_that_is_asked_to_stop_closes_its_store():
    server = LoneServer()
    try:
        server.start()
        assert server.stop() == 0
        assert server.database.is_file()
        assert not server.database.with_name("results.db-wal").exists()
    finally:
        server.close()
