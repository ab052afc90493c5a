"""Image in, SBOM out: reads the layers, merges them, walks once, and remembers the result."""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import DecodeError, ValidationError, msgpack, structs

from leadline.errors import SourceError
from leadline.model.package import (
    DISTRIBUTION_TYPES,
    Account,
    FileDigests,
    ImageFile,
    ImageIdentity,
    Package,
    Sbom,
)
from leadline.model.unread import Unread
from leadline.packages.file import TEXT_VERSION
from leadline.packages.late_pattern import late_pattern
from leadline.packages.places import file_at
from leadline.sbom.cataloguer import Cataloguer
from leadline.sbom.code_fingerprint import FORM
from leadline.sbom.identity import accounts
from leadline.sbom.identity.distro import DISTRO_PATHS, distro_of_programs, read_distro
from leadline.sbom.image import Cache, Image, Layer, Options, layer_name
from leadline.sbom.layers.facts import FOLDER, LAYER_FORM, LayerFacts, path_of
from leadline.sbom.layers.file_selector import FileSelector
from leadline.sbom.layers.late_sums import add_late_sums
from leadline.sbom.layers.scan import APT, facts_of
from leadline.sbom.layers.scan_options import LayerScanOptions
from leadline.sbom.layers.symlinks import follow_links
from leadline.sbom.layers.tree import MergedTree, merge
from leadline.sbom.layers.unpacked import Standing
from leadline.sbom.licences import expressions as licences
from leadline.sbom.listed_sums import ListedSums, owners_by_file
from leadline.sbom.ownership import with_owners, with_useful_files
from leadline.sbom.package_caches import package_caches
from leadline.sbom.run_cataloguers import Reading, catalogue
from leadline.sbom.secrets import scan as secrets
from leadline.sbom.stated import joined

LARGEST_REMEMBERED = 1 << 30
MOST_UNLISTED = 1_000
_METADATA_FOLDERS = (".dist-info", ".egg-info")
_WORDPRESS = "wp-includes/version.php"
_OF_WORDPRESS = "WordPress, whose plugins and themes are not read"
_NIX = "nix/store"
_NIX_PACKAGE = late_pattern(r"[0-9a-z]{32}-[^/]*")
"""https://nix.dev/manual/nix/latest/store/store-path"""
BURIED = "hidden later but still in its layer"
KEPT_PATHS = (*DISTRO_PATHS, accounts.ACCOUNT_FILE)
"""Files that no cataloguer asks for and the SBOM itself is made from."""


def chosen_for(image: Image, cataloguers: Sequence[Cataloguer]) -> tuple[Cataloguer, ...]:
    """Those of ``cataloguers`` that make sense for ``image``: lock files say what a project wants, not what an image has."""
    return tuple(one for one in cataloguers if image.identity.kind == "directory" or not one.lock)


def contents_of(
    image: Image, cataloguers: Sequence[Cataloguer], cache: Cache | None, options: Options
) -> Sbom:
    """The part of the SBOM that depends on nothing but layers and ``cataloguers``.

    Raises:
        SourceError: no layer can be fetched.
    """
    selector = FileSelector(chosen_for(image, cataloguers), KEPT_PATHS)
    scan_options = LayerScanOptions(
        selector,
        options.limits,
        with_digests=options.with_digests,
        with_archive_sums=options.with_archive_sums,
        with_credentials=options.with_credentials,
    )
    facts = _facts(image, scan_options, cache, options)
    tree = merge(facts)
    unread = list(dict.fromkeys(one for _, layer in facts for one in layer.unread))
    unread += tree.unread
    if len(image.layers) > len(facts):
        unread.append(
            Unread("layer list", f"{len(image.layers)} layers, of which {len(facts)} were read", "too large")
        )
    layers = [(layer, found) for layer, (_, found) in zip(image.layers, facts, strict=False)]
    unread += follow_links(tree, layers, scan_options)
    tree.add(list(_linked_folders(tree)))
    tree.distro = read_distro(tree)
    reading = _read_tree(tree, scan_options)
    unread += add_late_sums(tree, layers, reading.packages)
    files = (*_notable(tree), *_buried(tree, facts), *package_caches(facts))
    owned = with_owners(joined(reading.packages), tree)
    useful = with_useful_files(owned, {file.path for file in files}, with_code=options.with_code)
    packages = tuple(sorted(useful, key=_order))
    return Sbom(
        ImageIdentity(image.identity.name, size_bytes=sum(layer.size_bytes for _, layer in facts)),
        packages,
        tree.distro if tree.distro.id else distro_of_programs(packages),
        files=files,
        unread=tuple(unread) + reading.unread,
        digests=tuple(_digests(tree, packages)),
        not_searched=(sum(one.too_large for _, one in facts), sum(one.filled for _, one in facts))
        if options.with_credentials
        else (0, 0),
        unlisted=(
            *_unlisted(tree, reading.packages, _wordpress(tree, facts)),
            *_counted([layer for _, layer in facts]),
        ),
        accounts=_accounts(tree) if all(layer.is_whole for _, layer in facts) else None,
    )


def _facts(
    image: Image, scan_options: LayerScanOptions, cache: Cache | None, options: Options
) -> list[tuple[str, LayerFacts]]:
    """Digest and content of every layer, bottom first. Raises ``SourceError`` where none can be fetched."""
    version = f"{LAYER_FORM} {_version(scan_options.selector.cataloguers)}"
    errors: list[SourceError] = []

    def read(layer: Layer) -> LayerFacts:
        is_known = layer.cache_key and not layer.missing
        name = f"layer {layer.cache_key} {layer.stamp} {layer.diff_id} {version}"
        keys = [f"{name} {kept}" for kept in options.kept_as if is_known]
        facts = next(filter(None, (_recall(cache, key) for key in keys)), None)
        if facts is not None and scan_options.budget.reserve_facts(scan_options.limits, facts):
            scan_options.distribution.has_apt |= APT in facts.entries
            return facts
        try:
            facts = facts_of(scan_options, layer)
        except SourceError as error:
            errors.append(error)
            name = layer_name(layer)
            lost = Unread(name, str(error.args[0]), "unreachable", hint=error.hint)
            return LayerFacts(unread=[lost], is_whole=False)
        if keys and facts.is_whole:
            packages = (package for one in facts.facts.values() for package in one.packages)
            _remember(cache, keys[options.place(packages)], facts)
        return facts

    layers = list(image.layers)[: options.limits.layers]
    # A layer may be several times in an image, and is read once.
    names = [
        f"{layer.cache_key} {layer.diff_id} {layer.missing}" if layer.cache_key else f"number {i}"
        for i, layer in enumerate(layers)
    ]
    once = list(dict(zip(names, range(len(layers)), strict=True)).values())
    # The largest first: with several at once nothing then waits for a large one that began last.
    order = sorted(once, key=lambda i: -layers[i].size_bytes)
    found = dict(zip(order, options.each(read, [layers[i] for i in order]), strict=True))
    if errors and len(errors) == len(order):
        raise errors[0]
    of_name = {names[i]: facts for i, facts in found.items()}
    return [(layer.diff_id, of_name[name]) for layer, name in zip(layers, names, strict=True)]


def _read_tree(tree: MergedTree, scan_options: LayerScanOptions) -> Reading:
    """What was found in single files while their layer was read, and what readers of the whole tree say now."""
    packages: list[Package] = []
    unread: list[Unread] = []
    for one in tree.standing():
        packages += [
            package if package.layer else structs.replace(package, layer=one.layer)
            for package in one.facts.packages
        ]
        unread += one.facts.unread
    cataloguers = scan_options.selector.cataloguers
    whole = catalogue(
        tree,
        [one for one in cataloguers if one.takes_tree],
        scan_options.budget.packages_left(scan_options.limits),
    )
    return Reading((*packages, *whole.packages), (*unread, *whole.unread))


def _digests(tree: MergedTree, packages: Iterable[Package]) -> Iterator[FileDigests]:
    """Those of the files in which ``packages`` were found; an archive within another counts as the outer one."""
    known = {one.path: (*one.facts.digests, one.layer) for one in tree.standing() if one.facts.digests}
    places = (place for package in packages for place in package.found_in)
    for path in sorted({file_at(place, known) for place in places} if known else ()):
        if path:
            yield FileDigests(path, *known[path])


def _accounts(tree: MergedTree) -> tuple[Account, ...] | None:
    """``None`` where the file is there and was not read, or is far too large to be one."""
    file = tree.get(accounts.ACCOUNT_FILE)
    if file is None:
        return None if tree.exists(accounts.ACCOUNT_FILE) else ()
    return accounts.accounts_in(file.data) if len(file.data) <= accounts.LARGEST else None


def _unlisted(
    tree: MergedTree, packages: Iterable[Package], others: Iterable[tuple[str, str]]
) -> Iterator[tuple[str, str]]:
    """What does not say what packages are in it, without what a package of the distribution brought."""
    rows = [(one.facts.unlisted, one.path) for one in tree.standing() if one.facts.unlisted] + [*others]
    if rows:
        owners, sums = owners_by_file(packages, DISTRIBUTION_TYPES), ListedSums(tree)
        for sort, path in sorted(rows)[:MOST_UNLISTED]:
            owner = owners.get(path) or owners.get(path.removeprefix("usr/"))
            if owner is None or not sums.confirm(owner, path):
                yield sort, path


def _wordpress(tree: MergedTree, layers: Iterable[tuple[str, LayerFacts]]) -> Iterator[tuple[str, str]]:
    paths = {path for _, layer in layers for path in layer.entries if path.endswith(_WORDPRESS)}
    return ((_OF_WORDPRESS, path) for path in paths if tree.exists(path))


def _counted(layers: Sequence[LayerFacts]) -> Iterator[tuple[str, str]]:
    """What is too much to be named one by one."""
    if classes := sum(layer.classes for layer in layers):
        yield f"Java classes outside of archives: {classes:,}", ""
    stored = {
        path
        for layer in layers
        if _NIX in layer.entries
        for path, kind in layer.entries.items()
        if kind == FOLDER and path.startswith(f"{_NIX}/") and _NIX_PACKAGE.fullmatch(path[len(_NIX) + 1 :])
    }
    if stored:
        yield f"folders in the store of Nix: {len(stored):,}", ""


def _linked_folders(tree: MergedTree) -> Iterator[Standing]:
    """Metadata of Python packages whose folder is a link: by the name of that folder they are known."""
    for link in list(tree.links()):
        if link.endswith(_METADATA_FOLDERS) and (real := tree.resolve(link)):
            for name in ("METADATA", "PKG-INFO"):
                one = tree.standing_at(f"{real}/{name}")
                if one is not None and tree.standing_at(f"{link}/{name}") is None:
                    yield Standing(f"{link}/{name}", one.layer, one.facts)


def _notable(tree: MergedTree) -> Iterable[ImageFile]:
    for one in sorted(tree.standing(), key=lambda one: one.path):
        mode = one.facts.mode
        if mode & 0o4000:
            yield ImageFile(one.path, "setuid", mode=mode, layer=one.layer)
        elif mode & 0o2000:
            yield ImageFile(one.path, "setgid", mode=mode, layer=one.layer)
        for secret in one.facts.secrets:
            yield ImageFile(one.path, "secret", secret, mode, one.layer)


def _buried(tree: MergedTree, layers: Iterable[tuple[str, LayerFacts]]) -> Iterable[ImageFile]:
    """Credentials that a later layer hid: everyone who has the image has all of its layers."""
    seen = {one.path: one for one in tree.standing() if one.facts.secrets}
    moved = {(at.layer, at.path): seen[path] for path, at in tree.moved.items() if path in seen}
    reported: set[tuple[str, str]] = set()
    for number, (digest, layer) in enumerate(layers):
        for key, facts in layer.facts.items():
            if not facts.secrets or (digest, key) in reported:
                continue
            reported.add((digest, key))
            path = path_of(key)
            # A folder may be a link in other layers; a mere change of owner copies a file as it is.
            on_top = seen.get(path) or seen.get(tree.resolve(path)) or moved.get((number, path))
            if on_top is None or not set(facts.secrets) <= set(on_top.facts.secrets):
                yield from (
                    ImageFile(path, "secret", f"{one}, {BURIED}", facts.mode, digest) for one in facts.secrets
                )


def _order(package: Package) -> tuple[str, str, str, str, tuple[str, ...]]:
    return package.type, package.namespace, package.name, package.version, package.found_in


def _version(cataloguers: Sequence[Cataloguer]) -> str:
    return f"{FORM} {TEXT_VERSION} {secrets.VERSION} {licences.VERSION} {' '.join(KEPT_PATHS)} " + " ".join(
        f"{one.name}:{one.version}" for one in cataloguers
    )


def _recall(cache: Cache | None, key: str) -> LayerFacts | None:
    content = cache.get(key) if cache is not None and key else None
    if content is None:
        return None
    import zstandard  # most images are seen for the first time, or known as a whole

    try:
        plain = zstandard.ZstdDecompressor().decompress(content, max_output_size=LARGEST_REMEMBERED)
        return msgpack.decode(plain, type=LayerFacts)
    except (zstandard.ZstdError, DecodeError, ValidationError, UnicodeDecodeError):
        return None


def _remember(cache: Cache | None, key: str, facts: LayerFacts) -> None:
    if cache is not None:
        import zstandard

        cache.put(key, zstandard.ZstdCompressor(3).compress(msgpack.encode(facts)))
