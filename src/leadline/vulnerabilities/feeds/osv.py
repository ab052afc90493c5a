"""Records in the schema of OSV of publishers without a feed file of their own.

One JSON file per record, as in the ``all.zip`` of each ecosystem (https://google.github.io/osv.dev/data), in
lines of JSON, or as the YAML that PyPA's database keeps (https://github.com/pypa/advisory-database).
"""

import re

import orjson

from leadline.packages.documents import read_yaml
from leadline.packages.file import File
from leadline.vulnerabilities.feed import Document, Facts, feed
from leadline.vulnerabilities.feed_formats.osv import publisher, read_osv, read_record

_YAML = re.compile(rb"^id: *['\"]?[A-Z]+-[A-Za-z0-9:-]+['\"]? *$", re.MULTILINE)


def _is_osv(document: Document) -> bool:
    if document.name.endswith((".yaml", ".yml")):
        return _YAML.search(document.head) is not None
    return publisher(document) == "osv"


@feed("osv", "OSV", recognises=_is_osv, licence="CC-BY-4.0, CC0-1.0 and others, by ecosystem")
def osv(document: Document) -> Facts:
    if not document.name.endswith((".yaml", ".yml")):
        yield from read_osv(document)
        return
    value = read_yaml(File(document.path, document.data))
    yield from read_record(orjson.dumps(value))
