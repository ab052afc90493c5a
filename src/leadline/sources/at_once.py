"""Works on several layers at a time."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


def at_once(work: Callable[[Asked], Answer], asked: Iterable[Asked]) -> Iterator[Answer]:
    """``map`` with two at a time, in their order."""
    from concurrent.futures import ThreadPoolExecutor  # slow to import, and a second scan asks for nothing

    with ThreadPoolExecutor(2) as threads:
        yield from threads.map(work, asked)
