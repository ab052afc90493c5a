"""Asks the kubelet of this node for the settings that it has, at its own port and with the right ``nodes/configz`` alone.

``nodes/proxy`` would do as well and is never used: it is also the right to run commands in every pod of the node. Since
Kubernetes 1.33 a kubelet knows the smaller right (pkg/kubelet/server/auth.go).
"""

import http.client
import ssl
from collections.abc import Iterator
from typing import Any

from leadline.errors import SourceError
from leadline.kube.kubelet_settings import flags_in
from leadline.sources.host.commands import processes
from leadline.sources.host.distributions import distribution_of
from leadline.sources.host.node import read_configz
from leadline.sources.host.root_tree import RootTree

PORT = 10250
_WAIT_S = 10
_MOST_BYTES = 4 << 20
_FOLDER = "/var/lib/kubelet/pki"
_NAMES = ("kubelet-server-current.pem", "kubelet.crt")
"""What the kubelet shows at its port: signed by the cluster, or by itself."""
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


def ask_kubelet(root: str, address: str, token: str) -> dict[str, Any]:
    """What the kubelet at ``address`` (``10.0.0.7``, ``10.0.0.7:10250``, ``fd00::7``) answers to ``/configz``.

    It has to show the certificate that is stored below ``root``.

    Raises: ``SourceError``, with the right that is missing where it refuses.
    """
    certificates = _certificates(root)
    tls = ssl.create_default_context(cadata=certificates)
    # It is this node's own certificate that is trusted, whatever name it bears.
    tls.check_hostname = False
    tls.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    host, colon, port = address.rpartition(":")
    named = (host, int(port)) if colon and ":" not in host and port.isdecimal() else (address, PORT)
    connection = http.client.HTTPSConnection(*named, timeout=_WAIT_S, context=tls)
    try:
        connection.request("GET", "/configz", headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        content = answer.read(_MOST_BYTES + 1)
    except (OSError, http.client.HTTPException) as error:
        raise SourceError(
            f"the kubelet at {address} does not answer: {error or type(error).__name__}"
        ) from error
    finally:
        connection.close()
    if answer.status in (401, 403):
        raise SourceError(
            f"the kubelet at {address} refuses /configz (HTTP {answer.status})",
            hint="allow get on nodes/configz; kubelets before 1.33 know no such right",
        )
    if answer.status != 200 or len(content) > _MOST_BYTES:
        raise SourceError(f"the kubelet at {address} answers /configz with HTTP {answer.status}")
    return read_configz(content)


def _certificates(root: str) -> str:
    """All that are there: any of them is this node's own."""
    tree = RootTree(root)
    found: list[str] = []
    looked = tuple(dict.fromkeys(_places(tree)))
    try:
        for path in looked:
            try:
                text = (tree.read(path) or b"").decode("ascii", "replace")
            except OSError as error:
                why = (error.strerror or str(error)).lower()
                raise SourceError(f"cannot read {path}: {why}", hint="run it as root") from error
            found += [_BEGIN + part.partition(_END)[0] + _END for part in text.split(_BEGIN)[1:]]
    finally:
        tree.close()
    if not found:
        raise SourceError("the kubelet's certificate was not found", hint=f"tried {', '.join(looked)}")
    return "\n".join(found) + "\n"


def _places(tree: RootTree) -> Iterator[str]:
    """As its flags say, and as its distribution has it."""
    try:
        flags = flags_in(processes(tree).get("kubelet", ()))
    except OSError:
        flags = {}
    yield from (path for path in flags.get("tls-cert-file", ()) if path.startswith("/"))
    folders = (path for path in flags.get("cert-dir", ()) if path.startswith("/"))
    for folder in (*folders, _FOLDER):
        yield from (f"{folder.rstrip('/')}/{name}" for name in _NAMES)
    yield from distribution_of(tree).certificates
