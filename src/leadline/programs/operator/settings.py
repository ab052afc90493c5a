"""What the operator is started with: from a file, the environment (``LEADLINE_*``) and flags, of which the last win.

A setting is one field here. Its flag is ``--full-scan``, its variable ``LEADLINE_FULL_SCAN``, its key in a file
``fullScan``; lists are written with commas in the first two.
"""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import click
import msgspec
from msgspec import Meta, Struct

from leadline.errors import UsageError
from leadline.programs.operator.image_jobs import ImageSettings
from leadline.sources.yaml.parser import Limits, parse_documents

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
PREFIX = "LEADLINE_"
CONFIG = "LEADLINE_OPERATOR_CONFIG"
"""Names the file of settings; ``LEADLINE_CONFIG`` names that of commands, which is another."""
KUBE = "kube"
IMAGES = "images_"
_LIMITS = Limits(size_bytes=1 << 20, documents=1, nodes=10_000, alias_nodes=100, depth=20)
Texts = tuple[str, ...]


class Settings(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Times are in seconds."""

    store: Annotated[
        str, Meta(description="Where results are kept: kube, or the path of a file for tests.")
    ] = KUBE
    namespace: Annotated[
        str,
        Meta(description="Namespace of the Lease, and of results about objects that have none; our own."),
    ] = ""
    kubeconfig: Annotated[str, Meta(description="Outside of a pod: the kubeconfig.")] = ""
    kube_context: Annotated[str, Meta(description="Outside of a pod: the context.")] = ""
    cluster_name: Annotated[str, Meta(description="What results call the cluster.")] = ""
    include_namespaces: Annotated[Texts, Meta(description="Only these are scanned.")] = ()
    exclude_namespaces: Annotated[Texts, Meta(description="These are not scanned; coverage says so.")] = ()
    exclude_controls: Annotated[Texts, Meta(description="Ids of controls that are not asked.")] = ()
    read_secrets: Annotated[
        bool,
        Meta(description="Whether Secrets are read, for the controls that look at them; values are dropped."),
    ] = False
    posture: Annotated[bool, Meta(description="Whether objects are judged.")] = True
    waivers: Annotated[Texts, Meta(description="Files of accepted findings.")] = ()
    use_target_waivers: Annotated[
        bool, Meta(description="Whether annotations and SecurityException objects are honoured.")
    ] = True
    controls_config: Annotated[str, Meta(description="File with settings of controls.")] = ""
    full_scan: Annotated[
        str, Meta(description="When all is read and judged anew: five fields of cron in UTC, or empty.")
    ] = "17 2 * * *"
    lease: Annotated[
        str, Meta(description="Name of the Lease that replicas agree by; empty for a single one without.")
    ] = "leadline-operator"
    lease_duration_s: Annotated[
        float, Meta(description="For so long others wait for a leader that is not heard of.")
    ] = 15.0
    lease_renew_s: Annotated[float, Meta(description="So often the leader says that it leads.")] = 3.0
    identity: Annotated[str, Meta(description="Name of this replica; its host's by default.")] = ""
    alive_file: Annotated[
        str, Meta(description="File that is touched while the program works, for a probe; empty for none.")
    ] = ""
    writes_per_s: Annotated[float, Meta(description="Results that are written in a second at most.")] = 200.0
    log_json: Annotated[bool, Meta(description="Whether log lines are JSON.")] = False
    images: ImageSettings = ImageSettings()


def settings_of(file: str, environ: Mapping[str, str], flags: Mapping[str, Any]) -> Settings:
    """``flags`` by the names of the fields; those that were not given are ``None``.

    Raises: ``UsageError`` for what is unknown or has no meaning.
    """
    given: dict[str, Any] = _of_file(file) if file else {}
    for name, kind in _fields().items():
        written = environ.get(f"{PREFIX}{name.upper()}")
        if written is not None:
            _set(given, name, _value(written, kind, f"{PREFIX}{name.upper()}"))
        if flags.get(name) is not None:
            _set(given, name, flags[name])
    try:
        settings = msgspec.convert(given, Settings)
    except msgspec.ValidationError as error:
        raise UsageError(f"settings: {str(error).replace('`$.', '`')}") from error
    if settings.lease and settings.lease_renew_s * 2 > settings.lease_duration_s:
        raise UsageError("leaseRenewS must be at most half of leaseDurationS")
    return settings


def home_of(settings: Settings) -> str:
    """The namespace that we are in."""
    if settings.namespace:
        return settings.namespace
    try:
        return (ACCOUNT / "namespace").read_text("utf-8").strip() or "leadline"
    except OSError:
        return "leadline"


def flags_of_settings() -> list[click.Option]:
    """A flag for each setting."""
    options = []
    for name, kind in _fields().items():
        flag = f"--{name.replace('_', '-')}"
        shown = f"{_description(name)} [{PREFIX}{name.upper()}]"
        if kind is bool:
            options.append(click.Option([f"{flag}/--no-{flag[2:]}"], default=None, help=shown))
        elif kind is Texts:
            options.append(click.Option([flag], callback=_split, metavar="A,B", help=shown))
        else:
            options.append(click.Option([flag], type=kind, default=None, help=shown))
    return options


def _split(context: click.Context, option: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    del context, option
    return None if value is None else _texts(value)


def _texts(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _fields() -> dict[str, Any]:
    """The type of each field by its name; those of images as ``images_…``. Tables stand in files alone."""
    own = {name: kind for name, kind in get_type_hints(Settings).items() if kind is not ImageSettings}
    images = {f"{IMAGES}{name}": kind for name, kind in get_type_hints(ImageSettings).items()}
    return {name: kind for name, kind in (own | images).items() if kind in (str, bool, int, float, Texts)}


def _set(given: dict[str, Any], name: str, value: Any) -> None:
    key = _key(name)
    if name.startswith(IMAGES):
        images = given.get("images")
        given["images"] = {**(images if isinstance(images, dict) else {}), key: value}
    else:
        given[key] = value


def _place(name: str) -> tuple[type[Struct], str]:
    """The table that a field stands in, and its name there."""
    if name.startswith(IMAGES):
        return ImageSettings, name.removeprefix(IMAGES)
    return Settings, name


def _key(name: str) -> str:
    """As it is written in a file."""
    table, own = _place(name)
    field = next(one for one in msgspec.structs.fields(table) if one.name == own)
    return field.encode_name


def _description(name: str) -> str:
    table, own = _place(name)
    hint = get_type_hints(table, include_extras=True)[own]
    meta: Sequence[Any] = getattr(hint, "__metadata__", ())
    return next((str(one.description) for one in meta if isinstance(one, Meta)), "")


def _value(written: str, kind: Any, where: str) -> Any:
    if kind is Texts:
        return _texts(written)
    if kind is str:
        return written
    try:
        return msgspec.convert(written.strip().lower(), kind, strict=False)
    except msgspec.ValidationError as error:
        raise UsageError(f"{where} is no {'number' if kind is not bool else 'true or false'}") from error


def _of_file(file: str) -> dict[str, Any]:
    try:
        content = Path(file).read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {file}: {(error.strerror or str(error)).lower()}") from error
    documents = parse_documents(content, _LIMITS)
    if not documents:
        return {}
    document = documents[0]
    if document.problem is not None:
        raise UsageError(f"{file}:{document.problem.line}: {document.problem.why}")
    if not isinstance(document.body, dict):
        raise UsageError(f"{file} holds no settings", hint="write for example fullScan: 0 3 * * *")
    known = [field.encode_name for field in msgspec.structs.fields(Settings)]
    for key in document.body:
        if key not in known:
            near = get_close_matches(str(key), known, n=1)
            raise UsageError(
                f"{file}: unknown setting {key}", hint=f"did you mean {near[0]}?" if near else ""
            )
    return document.body
