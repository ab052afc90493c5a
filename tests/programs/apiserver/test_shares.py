"""What one user takes of the server at a time leaves the others theirs."""

import asyncio
from contextlib import ExitStack

import pytest
from asgi import SUMMARIES, Client, Everybody

from leadline.programs.apiserver.exchange import Exchange
from leadline.programs.apiserver.shares import Bounds, Shares
from leadline.programs.serving.cluster.access import User
from leadline.programs.serving.cluster.refusal import Refusal

ONE, OTHER = User("one"), User("other")
OURS = User("system:serviceaccount:leadline:leadline")
MASTER = User("admin", ("system:masters",))
BOUNDS = Bounds(watches=3, all_watches=5, writes=3, all_writes=5, body_bytes=300, all_body_bytes=500)


@pytest.mark.parametrize(("what", "amount"), [("watches", 1), ("writes", 1), ("body_bytes", 100)])
def test_a_user_takes_its_share_and_no_more(what: str, amount: int):
    shares = Shares("leadline", BOUNDS)
    with ExitStack() as held:
        for _ in range(3):
            held.enter_context(shares.take(ONE, what, amount))
        with pytest.raises(Refusal) as refused:
            held.enter_context(shares.take(ONE, what, amount))
        assert refused.value.code == 429
        for _ in range(2):
            held.enter_context(shares.take(OTHER, what, amount))
        with pytest.raises(Refusal):
            held.enter_context(shares.take(OTHER, what, amount))
        for user in (OURS, MASTER):
            for _ in range(20):
                held.enter_context(shares.take(user, what, amount))
    with ExitStack() as held:
        for _ in range(3):
            held.enter_context(shares.take(ONE, what, amount))


@pytest.mark.parametrize(
    "name", ["system:serviceaccount:leadline-2:leadline", "system:serviceaccount:shop:leadline", "leadline"]
)
def test_only_accounts_of_our_own_namespace_are_ours(name: str):
    assert not Shares("leadline").is_unbounded(User(name))
    assert not Shares("").is_unbounded(User(name))


class Named(Everybody):
    """Users call themselves as they like."""

    async def user_of(self, exchange: Exchange) -> User:
        return User(exchange.header(b"authorization") or "someone")


def test_one_user_takes_not_every_watch_there_is():
    async def watched() -> None:
        client = Client(Named())
        one = {"authorization": "one"}
        watches = [await client.watch(SUMMARIES, {}, one) for _ in range(Bounds().watches)]
        assert {watch.code for watch in watches} == {200}
        assert (await client.watch(SUMMARIES, {}, one)).code == 429
        other = await client.watch(SUMMARIES, {}, {"authorization": "other"})
        assert other.code == 200
        for watch in (*watches, other):
            watch.task.cancel()
        await asyncio.gather(*(watch.task for watch in (*watches, other)), return_exceptions=True)

    asyncio.run(watched())
