"""Stores the results of a scan in the cluster, for ``leadline scan --store kube``."""

import asyncio
import os

from leadline.model.report import PostureReport
from leadline.outputs.store.remote import RemoteStore
from leadline.programs.cli.scan_request import ScanRequest
from leadline.scans.store_posture import Stored, StoreOptions, store_posture
from leadline.sources.cluster.connection import async_client


def store_report(request: ScanRequest, report: PostureReport) -> Stored:
    """What was written, and what was collected after a scan of everything.

    Raises: ``StoreError``, ``ClusterError``.
    """
    return asyncio.run(_store(request, report))


def is_full(request: ScanRequest) -> bool:
    """Whether the scan looked at the whole cluster with every control: only then what it has not seen is gone."""
    narrowed = (
        request.targets,
        request.include_namespaces,
        request.exclude_namespaces,
        request.exclude_controls,
    )
    return request.form == "everything" and not any(narrowed)


async def _store(request: ScanRequest, report: PostureReport) -> Stored:
    store = RemoteStore(async_client(request.kube_context, request.kubeconfig, environ=os.environ))
    try:
        options = StoreOptions(home=request.store_namespace, is_full=is_full(request))
        return await store_posture(store, report, options)
    finally:
        await store.close()
