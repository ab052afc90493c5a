"""Writes that pass over namespaces which are being deleted: what is about them goes with them."""

from collections.abc import Iterable

from leadline.api.protocol import EndingError, Put, Store


async def put_lasting(store: Store, puts: Iterable[Put], *, home: str = "") -> int:
    """How many were written; ``home`` is a namespace that others need, so that it is not passed over.

    Raises: ``StoreError``, also where something has been written meanwhile.
    """
    left = list(puts)
    while left:
        try:
            return len(await store.put_all(left))
        except EndingError as error:
            if error.namespace == home:
                raise
            left = [put for put in left if put.key.namespace != error.namespace]
    return 0
