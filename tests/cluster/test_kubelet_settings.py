"""A real kubelet's own settings, with the one right for them."""

from pathlib import Path

import pytest
from whole_cluster import NODE, WholeCluster

from leadline.errors import SourceError
from leadline.sources.host.configz import ask_kubelet

pytestmark = pytest.mark.slow


@pytest.mark.cluster
def test_a_kubelet_says_its_settings_to_the_right_for_them_alone(
    whole_cluster: WholeCluster, tmp_path: Path
) -> None:
    pki = tmp_path / "var/lib/kubelet/pki"
    pki.mkdir(parents=True)
    (pki / "kubelet.crt").write_text((whole_cluster.folder / "kubelet-pki" / "kubelet.crt").read_text())
    space = whole_cluster.namespace("facts")
    whole_cluster.kubectl("-n", space, "create", "serviceaccount", "reader")
    token = whole_cluster.kubectl("-n", space, "create", "token", "reader").strip()
    address = f"127.0.0.1:{whole_cluster._kubelet_port}"
    with pytest.raises(SourceError, match="refuses /configz"):
        ask_kubelet(str(tmp_path), address, token)
    whole_cluster.kubectl("create", "clusterrole", "configz", "--verb=get", "--resource=nodes/configz")
    whole_cluster.kubectl(
        "create", "clusterrolebinding", "configz", "--clusterrole=configz", f"--serviceaccount={space}:reader"
    )
    whole_cluster.until(lambda: bool(allowed(tmp_path, address, token)), seconds=30)
    settings = allowed(tmp_path, address, token)["kubeletconfig"]
    assert settings["authorization"]["mode"] == "Webhook"
    assert settings["streamingConnectionIdleTimeout"] == "4h0m0s"
    assert (
        whole_cluster.kubectl(
            "auth",
            "can-i",
            "get",
            f"nodes/{NODE}",
            "--subresource=proxy",
            f"--as=system:serviceaccount:{space}:reader",
            check=False,
        ).strip()
        == "no"
    )


def allowed(root: Path, address: str, token: str) -> dict:
    """Empty while the right is not known yet."""
    try:
        return ask_kubelet(str(root), address, token)
    except SourceError:
        return {}
