"""The store that a user names: the cluster's (``kube``), or a file."""

from collections.abc import Mapping
from pathlib import Path

from leadline.api.protocol import Readable
from leadline.errors import SourceError
from leadline.scans.options import Say, silent

KUBE = "kube"


def open_to_read(
    where: str,
    kube_context: str = "",
    kubeconfig: str = "",
    *,
    environ: Mapping[str, str],
    said: Say = silent,
) -> Readable:
    """Each carrier brings libraries that the other does without. Raises: ``SourceError``, ``StoreError``, ``ClusterError``."""
    if where == KUBE:
        from leadline.api.carriers.remote import RemoteStore
        from leadline.sources.cluster.connection import async_client

        return RemoteStore(async_client(kube_context, kubeconfig, environ=environ, said=said))
    from leadline.api.carriers.local_reading import LocalReader

    path = Path(where)
    if not path.is_file():
        raise missing_store(path)
    return LocalReader(path)


def missing_store(
    path: Path, hint: str = "check the path; a scan that stores its results in a file makes one"
) -> SourceError:
    if path.exists():
        return SourceError(f"{path} is not a file, and so not a store", hint="check the path")
    return SourceError(f"there is no store {path}", hint=hint)
