"""Sums of files that were not summed as their layer went by: large ones among applications, large programs without their code, and
those made for dpkg where others list files as well.

They are made where a package lists the file. MD5, SHA-1 and SHA-256 of all jars of an application take as long as all else that is
asked of them.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from msgspec.structs import replace

from leadline.model.package import DISTRIBUTION_TYPES, Package
from leadline.model.unread import Unread
from leadline.sbom.layers.symlinks import Place, Read, second_reading, source_of
from leadline.sbom.layers.tar import EntryReader, TarEntry
from leadline.sbom.layers.tree import MergedTree
from leadline.sbom.layers.unpacked import Standing
from leadline.sbom.listed_sums import owners_by_file
from leadline.sbom.parsers.content_sums import ContentSums, are_for_dpkg, may_be_listed, may_be_summed_late


def add_late_sums(tree: MergedTree, layers: Read, packages: Iterable[Package]) -> Iterator[Unread]:
    """Gives the files of ``tree`` that one of ``packages`` lists their sums, and reports what could not be read for it."""
    packages = tuple(packages)
    are_lists_of_dpkg = all(_is_of_dpkg(one) for one in packages if one.files)
    partly = [one for one in tree.standing() if not are_lists_of_dpkg and are_for_dpkg(one.facts.sums)]
    unsummed = partly + [one for one in tree.standing() if _has_no_sums(one)]
    if not unsummed:
        return
    owners = owners_by_file(packages, DISTRIBUTION_TYPES)
    wanted: dict[int, dict[Place, list[Standing]]] = {}
    for one in unsummed:
        # A link may be what is listed of those summed for dpkg, which are seldom any.
        if one.facts.sums or one.path in owners or one.path.removeprefix("usr/") in owners:
            found = source_of(tree, layers, tree.resolve(one.path) or one.path)
            if found is not None:
                wanted.setdefault(found.layer, {}).setdefault((found.path, found.turn), []).append(one)
    for number, files in wanted.items():
        sums: dict[Place, bytes] = {}
        why = second_reading(layers[number][0], files, partial(_sum, sums))
        if why is not None:
            yield why
            continue
        tree.add(
            Standing(one.path, one.layer, replace(one.facts, sums=made))
            for place, made in sums.items()
            for one in files[place]
        )


def _is_of_dpkg(package: Package) -> bool:
    """Whether the list of ``package`` has the sums of dpkg's, or is none of a distribution."""
    if package.type == "deb":
        return not package.found_in or not package.found_in[0].endswith(".wall")
    return package.type not in DISTRIBUTION_TYPES


def _has_no_sums(one: Standing) -> bool:
    facts = one.facts
    if facts.sums or facts.content is not None:
        return False
    if facts.packages:
        return may_be_listed(one.path)
    # A large program without a list costs a second reading at each scan, and names no package.
    return bool(facts.unlisted) and may_be_summed_late(one.path)


def _sum(sums: dict[Place, bytes], places: Sequence[Place], entry: TarEntry, entries: EntryReader) -> None:
    made = ContentSums()
    for piece in entries.pieces():
        made.add(piece)
    sums.update(dict.fromkeys(places, made.digest()))
