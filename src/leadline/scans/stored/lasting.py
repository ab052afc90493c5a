"""Writes that pass over namespaces which are being deleted: what is about them goes with them."""

from collections.abc import Iterable

from leadline.api.protocol import EndingError, Put, Store


async def put_lasting(store: Store, puts: Iterable[Put]) -> int:
    """How many were written. Raises: ``StoreError``, also where something has been written meanwhile."""
    left = list(puts)
    while left:
        try:
            return len(await store.put_all(left))
        except EndingError as error:
            left = [put for put in left if put.key.namespace != error.namespace]
    return 0
