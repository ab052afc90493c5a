"""Flags that several commands have, each written once: the same word means the same everywhere."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])
Flags = Callable[[F], F]
_LIST = "A list, with commas or repeated."


def together(*flags: Callable[[F], F]) -> Callable[[F], F]:
    """All of ``flags``, in the order in which help shows them."""

    def decorate(function: F) -> F:
        for flag in reversed(flags):
            function = flag(function)
        return function

    return decorate


cluster_flags = together(
    click.option(
        "--context",
        "--kube-context",
        "kube_context",
        default="",
        metavar="NAME",
        help="The context of the kubeconfig.",
    ),
    click.option("--kubeconfig", default="", metavar="FILE", help="Another kubeconfig."),
)
namespace_flags = together(
    click.option(
        "-n",
        "--include-namespaces",
        "--namespace",
        "include_namespaces",
        multiple=True,
        metavar="NAMES",
        help=f"Only these namespaces. {_LIST}",
    ),
    click.option(
        "-e",
        "--exclude-namespaces",
        multiple=True,
        metavar="NAMES",
        help=f"All namespaces but these. {_LIST}",
    ),
)
path_flag = click.option(
    "--exclude-path", multiple=True, metavar="PATTERN", help="Leave files out, as .gitignore writes it."
)
complete_flag = click.option(
    "--assume-complete", is_flag=True, help="Take what is read for all there is, as in a whole cluster."
)
control_flags = together(
    click.option("--exclude-controls", multiple=True, metavar="IDS", help=f"Leave controls out. {_LIST}"),
    click.option(
        "--controls-config", default="", metavar="FILE", help="Settings of controls: JSON, YAML or TOML."
    ),
    click.option(
        "--controls",
        multiple=True,
        metavar="FOLDER",
        help="Your own controls, Python and Rego; they are run.",
    ),
    click.option("--framework-file", multiple=True, metavar="FILE", help="Your own framework, TOML."),
)
chart_flags = together(
    click.option("--values", multiple=True, metavar="FILE", help="Values for Helm charts; later files win."),
    click.option("--set", multiple=True, metavar="KEY=VALUE", help="A value for Helm charts."),
    click.option("--set-string", multiple=True, metavar="KEY=VALUE", help="A value that is text."),
    click.option(
        "--kube-version",
        default="",
        metavar="VERSION",
        help="The Kubernetes version charts are rendered for.",
    ),
    click.option(
        "--api-versions",
        multiple=True,
        metavar="GROUP/VERSION",
        help="API versions that charts may count on.",
    ),
    click.option("--helm-tests", is_flag=True, help="Judge what charts run for helm test alone as well."),
)
waiver_flags = together(
    click.option(
        "--exceptions",
        "--waivers",
        "exceptions",
        multiple=True,
        metavar="FILE",
        help="Which findings are accepted: waivers, or exceptions as JSON.",
    ),
    click.option(
        "--no-waivers-from-target",
        is_flag=True,
        help="Pass over annotations, comments, SecurityExceptions and ignore files that come with the target.",
    ),
)
trust_flags = together(
    click.option(
        "--trust-policy",
        default="",
        metavar="FILE",
        help="Who may sign which images; their registries are asked.",
    ),
    click.option(
        "--trusted-root",
        default="",
        metavar="FILE",
        help="CAs and logs behind identities, as sigstore writes them.",
    ),
)
encrypt_flag = click.option(
    "--encrypt",
    multiple=True,
    metavar="KEY",
    help="Only who holds the private key can read reports: age1…, ssh-…, or a file of public keys.",
)
quiet_flag = click.option("-q", "--quiet", is_flag=True, help="Suppress everything on stderr except errors.")
debug_flag = click.option("--debug", is_flag=True, help="Tracebacks and a log on stderr.")
no_color_flag = click.option("--no-color", is_flag=True, help="No colour; NO_COLOR does the same.")
