"""``leadline unregister``: takes our APIServices away before the server goes; the chart runs it before it is uninstalled."""

import asyncio
from pathlib import Path

import click

from leadline.programs.serving.cluster.kube_api import KubeSettings
from leadline.programs.serving.cluster.registration import Leavings, unregister
from leadline.programs.serving.log import log_to_stderr
from leadline.programs.serving.pod import ACCOUNT, kube_address


@click.command("unregister")
@click.option(
    "--timeout", "seconds", default=30.0, show_default=True, help="Seconds to wait until they are gone."
)
@click.option("--kube", default="", help="Address of kube-apiserver; the cluster that we run in by default.")
@click.option(
    "--kube-ca", default=ACCOUNT / "ca.crt", type=click.Path(path_type=Path), help="CA of kube-apiserver."
)
@click.option(
    "--token-file",
    default=ACCOUNT / "token",
    type=click.Path(path_type=Path),
    help="Our service account's token.",
)
@click.option(
    "--webhook",
    default="",
    help="ValidatingWebhookConfiguration to be deleted as well, so that nothing waits for a webhook that is gone.",
)
@click.option(
    "--binding",
    default="",
    help="ClusterRoleBinding to be deleted first: by it the server would create them again.",
)
@click.option(
    "--lease", default="", metavar="NAMESPACE/NAME", help="Lease of the operator to be deleted as well."
)
@click.option(
    "--lease-binding",
    default="",
    help="RoleBinding in the same namespace to be deleted before it: by it the operator would make the Lease again.",
)
def command(seconds: float, kube: str, kube_ca: Path, token_file: Path, **left: str) -> None:
    """Delete the APIServices of leadline apiserver, and wait until the cluster serves nothing of it any more."""
    for path in (kube_ca, token_file):
        if not path.is_file():
            raise click.UsageError(f"{path} is not there; outside a pod give --kube, --kube-ca, --token-file")
    log_to_stderr()
    settings = KubeSettings(kube or kube_address(), kube_ca, token_file)
    if left["lease"] and not all(left["lease"].partition("/")):
        raise click.UsageError("give --lease as NAMESPACE/NAME")
    asyncio.run(unregister(settings, seconds, Leavings(**left)))
