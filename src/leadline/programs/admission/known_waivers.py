"""What is accepted: the entries of files, and the cluster's own objects of it, followed as they change."""

import logging
import threading
from collections.abc import Callable, Iterable

from leadline.errors import LeadlineError
from leadline.model.resource import Resource
from leadline.model.waiver import Waiver
from leadline.programs.admission.reviewer import Known
from leadline.scans.waivers.waiving import in_namespaces, labels_of_namespaces, waivers_of_objects
from leadline.sources.cluster.connection import Cluster
from leadline.sources.cluster.watch import ClusterWatch, watch_cluster
from leadline.sources.waivers.security_exceptions import KINDS

log = logging.getLogger(__name__)
_NAMESPACE = "Namespace"
AGAIN_S = 5.0
LOOK_AGAIN_S = 60.0
"""Where the kinds are not served, or may not be listed: that may have changed."""
_NOT_YET = "they have not been read yet"


class KnownWaivers:
    """``known`` is replaced as a whole; it may be read from any thread."""

    def __init__(self, files: tuple[Waiver, ...], connect: Callable[[], Cluster] | None) -> None:
        """Without ``connect`` those of the files are all."""
        self._files = files
        self._connect = connect
        self._stopped = threading.Event()
        self._cluster: Cluster | None = None
        self.known = Known(files, _NOT_YET if connect is not None else "")
        self.is_tried = connect is None
        """Whether the cluster has been asked, be it in vain."""
        self.number = len(files)

    def start(self) -> None:
        if self._connect is not None:
            threading.Thread(target=self._run, name="waivers", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()
        if self._cluster is not None:
            self._cluster.close()

    def _run(self) -> None:
        while not self._stopped.is_set():
            wait_s = AGAIN_S
            try:
                wait_s = self._follow()
            except LeadlineError as error:
                self._give_up(str(error.args[0]))
            except Exception as error:
                # The thread must not end: what is accepted would be known as of now for ever.
                log.exception("what the cluster accepts cannot be followed")
                self._give_up(f"a fault of this program: {type(error).__name__}")
            self._stopped.wait(wait_s)

    def _follow(self) -> float:
        """Until the connection ends; returns how long to wait then. Raises: ``ClusterError``."""
        assert self._connect is not None
        self._cluster = cluster = self._connect()
        timer: threading.Timer | None = None
        try:
            watch = watch_cluster(cluster, (*KINDS, _NAMESPACE))
            unread = "; ".join(f"{one.where}: {one.why}" for one in watch.snapshot.unread)[:300]
            if unread and unread != self.known.unread:
                log.warning("what the cluster accepts is not known: %s", unread)
            if unread or not any(kind in watch.snapshot.listed for kind in KINDS):
                timer = threading.Timer(LOOK_AGAIN_S, cluster.close)
                timer.daemon = True
                timer.start()
            self._keep_up(watch, unread)
        finally:
            if timer is not None:
                timer.cancel()
            cluster.close()
        return 0.0

    def _keep_up(self, watch: ClusterWatch, unread: str) -> None:
        held = {one.id: one for one in watch.snapshot.resources}
        watch.forget_snapshot()
        self._take(held.values(), unread)
        for changes in watch.changes():
            for id in changes.removed:
                held.pop(id, None)
            held |= {one.id: one for one in changes.added}
            unread = "; ".join(f"{one.where}: {one.why}" for one in changes.unread)[:300] or unread
            self._take(held.values(), unread)

    def _take(self, resources: Iterable[Resource], unread: str) -> None:
        resources = tuple(resources)
        found, unusable = waivers_of_objects(resources)
        # Annotations of namespaces are about these alone, and come with them.
        own = tuple(one for one in found if one.kind == "security exception")
        for one in unusable:
            log.warning("%s: %s", one.where, one.why)
        self.number = len(self._files) + len(own)
        files = in_namespaces(self._files, labels_of_namespaces(resources))
        self.known = Known((*files, *own), unread)
        self.is_tried = True

    def _give_up(self, why: str) -> None:
        if why != self.known.unread:
            log.warning("what the cluster accepts is not known: %s", why)
        # What was known is kept: it is likelier to hold than nothing.
        self.known = Known(self.known.waivers, why)
        self.is_tried = True
