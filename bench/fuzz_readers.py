"""Damages files of every format for as long as one likes: a reader answers, or refuses by an error that it names.

``python bench/fuzz_readers.py [--seconds-each N] [--seed S] [--only WORD]``

A reader fails where it raises something else, or takes longer than ``SLOW_S``. Each failure is written into the current folder
as ``fuzz-READER-NUMBER``, and the exit code is 1.
"""

import argparse
import gzip
import json
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import zstandard

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests"), str(ROOT / "tests" / "sbom" / "cataloguers")]

from memory_tree import MemoryTree, read  # noqa: E402
from test_ecosystems_hostile import CATALOGUERS, OF_LANGUAGES, asked_for, files_of  # noqa: E402

from feed_samples import FEEDS, every_document  # noqa: E402
from leadline.errors import LeadlineError  # noqa: E402
from leadline.model.resource import Origin  # noqa: E402
from leadline.packages.file import File, Unreadable  # noqa: E402
from leadline.sbom.documents.reader import read_sbom_document  # noqa: E402
from leadline.sbom.layers.tar import normalised  # noqa: E402
from leadline.sbom.listed_sums import _of_apk, _of_chisel, _of_dpkg, _of_mtree  # noqa: E402
from leadline.sbom.parsers.executable import Executable  # noqa: E402
from leadline.sbom.parsers.unlisted import unlisted_program  # noqa: E402
from leadline.sbom.secrets.content import tokens_in  # noqa: E402
from leadline.sources.manifests.reader import read_text  # noqa: E402
from leadline.sources.oci.manifest import read_manifest  # noqa: E402
from leadline.sources.rendering.helm.undecided import doubts  # noqa: E402
from leadline.sources.vulnerability_db.grype import read_latest  # noqa: E402
from leadline.sources.vulnerability_db.index import read_index  # noqa: E402
from leadline.sources.waivers.other_scanners import OF_OTHERS, read_other  # noqa: E402
from leadline.sources.waivers.reader import waivers_in  # noqa: E402
from leadline.vulnerabilities.feed import Document  # noqa: E402
from leadline.vulnerabilities.vex_documents import read_vex  # noqa: E402
from sbom.test_cyclonedx_xml import as_xml  # noqa: E402
from sources.manifest_shapes import Shapes  # noqa: E402

SLOW_S = 5.0
STUCK_S = 30
_LONGEST = 1 << 20
_MOST_OF_ONE = 5
Read = Callable[[bytes], object]
_TOKENS = (
    b"\0", b"\xff", b"\xff\xff\xff\xff", b"\x80", b"\x7f\xff\xff\xff", b"-1", b"0", b"1e999", b"9" * 400, b"null", b"true", b"[", b"]",
    b"{", b"}", b'"', b"'", b"\\", b"\\u0000", b"\\ud800", b"\n", b"\r\n", b"\t", b"<", b">", b"</", b"<!DOCTYPE x>", b"<![CDATA[",
    b"&amp;", b"&#0;", b"../../../../etc/passwd", b"/", b"//", b"*", b"&a ", b"*a", b"<<: *a", b"{{", b"}}", b"{{ end }}", b"{{ if now }}",
    b"%", b"%s", b"#", b": ", b"- ", b"---\n", b"\xe2\x80\xa8", b"\xc2\x85", b"\xef\xbb\xbf", b"PK\x05\x06", b"PK\x01\x02", b"A" * 5000,
)  # fmt: skip


class Stuck(BaseException):
    """Raised within a reader: engines of regular expressions look for signals as well."""


def _stop(*_: object) -> None:
    raise Stuck


def mutated(samples: list[bytes], chance: random.Random) -> bytes:
    """One of ``samples`` with one to six changes: bits, words, cuts, repeats and pieces of another."""
    content = bytearray(chance.choice(samples))
    for _ in range(chance.choice((1, 1, 2, 3, 6))):
        start = chance.randrange(len(content) + 1)
        end = min(len(content), start + chance.choice((0, 1, 2, 4, 8, 60, 2_000)))
        match chance.randrange(6):
            case 0:
                content[start:end] = bytes(chance.randrange(256) for _ in range(end - start))
            case 1:
                content[start:start] = chance.choice(_TOKENS)
            case 2:
                content[start:end] = chance.choice(_TOKENS)
            case 3:
                content[start:end] = content[start:end] * chance.choice((0, 2, 3, 50))
            case 4:
                other = chance.choice(samples)
                begin = chance.randrange(len(other) + 1)
                content[start:end] = other[begin : begin + chance.choice((4, 60, 2_000))]
            case _:
                del content[start : start + chance.choice((1, len(content)))]
    return bytes(content[:_LONGEST])


def _cataloguers() -> Iterator[tuple[str, list[bytes], Read]]:
    for name in OF_LANGUAGES:
        files = files_of(name)
        for path in asked_for(name)[:3]:

            def one(content: bytes, name: str = name, path: str = path) -> object:
                return read(CATALOGUERS[name], MemoryTree({**files_of(name), path: content}), path)

            yield f"package-{name}", [files[path]], one
    folder = ROOT / "tests" / "sbom" / "cataloguers" / "rpm"
    for name in ("rpmdb.sqlite", "Packages.db", "Packages"):
        path = f"var/lib/rpm/{name}"
        yield (
            "package-rpm",
            [(folder / name).read_bytes()],
            lambda content, path=path: read(CATALOGUERS["rpm"], MemoryTree({path: content}), path),
        )
    apk = b"C:Q1pJ\nP:musl\nV:1.2.5-r0\nA:x86_64\nF:lib\nR:ld.so\na:0:0:755\nZ:Q1QhSz2nwQ8JR8IZUdRTX0+6mP0kw=\n\n"
    path = "lib/apk/db/installed"
    yield "package-apk", [apk], lambda content: read(CATALOGUERS["apk"], MemoryTree({path: content}), path)
    yield "sums-apk", [apk], lambda content: list(_of_apk(File("x", content)))
    dpkg = b"d41d8cd98f00b204e9800998ecf8427e  usr/bin/a\n"
    yield "sums-dpkg", [dpkg], lambda content: list(_of_dpkg(File("x", content)))
    mtree = b"#mtree\n./usr/bin/a\\040b mode=644 sha256digest=" + b"0f" * 32 + b"\n"
    yield "sums-pacman", [mtree], lambda content: list(_of_mtree(gzip.compress(content, 1)))
    yield "sums-pacman-packed", [gzip.compress(mtree)], lambda content: list(_of_mtree(content))
    wall = (
        b'{"jsonwall":"1.0","count":2}\n{"kind":"path","path":"/usr/bin/a","sha256":"aa","slices":["a_b"]}\n'
    )
    packed = zstandard.ZstdCompressor().compress
    yield "sums-chisel", [wall], lambda content: list(_of_chisel(File("x", packed(content))))
    yield "sums-chisel-packed", [packed(wall)], lambda content: list(_of_chisel(File("x", content)))


def _feeds() -> Iterator[tuple[str, list[bytes], Read]]:
    samples: dict[str, list[Document]] = {}
    for feed, document in every_document():
        samples.setdefault(feed, []).append(document)
    for feed, documents in samples.items():
        path = documents[0].path
        yield (
            f"feed-{feed}",
            [one.data for one in documents],
            lambda content, feed=feed, path=path: list(FEEDS[feed].read(Document(path, content))),
        )


def _others() -> Iterator[tuple[str, list[bytes], Read]]:
    goldens = ROOT / "tests" / "outputs" / "formats" / "goldens" / "sbom"
    documents = [file.read_bytes() for file in sorted(goldens.iterdir()) if file.suffix == ".json"]
    yield "sbom-documents", documents, lambda content: read_sbom_document(content, "x", "")
    of_xml = [as_xml(json.loads((goldens / "sbom.cdx.json").read_bytes()))]
    yield "sbom-xml", of_xml, lambda content: read_sbom_document(content, "x", "")
    yield "vex", VEX, lambda content: read_vex("x", content)
    shapes = Shapes(1)
    made = [content for _, (_, content) in zip(range(400), shapes, strict=False)]
    yield "manifests", made, lambda content: read_text(content, Origin(path="x.yaml"))
    yield "waivers", WAIVERS, lambda content: waivers_in(content, "x")
    for name in OF_OTHERS:
        yield f"others{name}", WAIVERS, lambda content, name=name: read_other(name, name, content)
    yield "credentials", CREDENTIALS, lambda content: list(tokens_in("srv/config.yaml", content))
    yield "templates", TEMPLATES, lambda content: doubts({"t.yaml": content.decode("utf-8", "replace")})
    yield "oci-manifest", MANIFESTS, lambda content: read_manifest(content, "x")
    yield "db-index", MANIFESTS, lambda content: read_index(content, "x")
    yield "db-latest", MANIFESTS, lambda content: read_latest(content, "x")
    elf = [one for name in OF_LANGUAGES for path, one in files_of(name).items() if one[:4] == b"\x7fELF"]
    yield "executables", elf, lambda content: (unlisted_program(content), Executable(content))
    yield "paths", [b"a/../b", b"./x/y"], lambda content: normalised(content.decode("latin-1"))
    yield "licence-texts", [b"Name: a\n"], lambda content: File("x", content).text


VEX = [
    b'{"@context":"https://openvex.dev/ns/v0.2.0","@id":"x","author":"a","timestamp":"2026-01-01T00:00:00Z","version":1,"statements":'
    b'[{"vulnerability":{"name":"CVE-2026-1"},"products":[{"@id":"pkg:deb/debian/bash@1"}],"status":"not_affected",'
    b'"justification":"component_not_present"}]}',
    b'{"bomFormat":"CycloneDX","specVersion":"1.6","vulnerabilities":[{"id":"CVE-2026-1","analysis":{"state":"not_affected"},'
    b'"affects":[{"ref":"pkg:deb/debian/bash@1"}]}]}',
    b'{"document":{"category":"csaf_vex","csaf_version":"2.0","title":"t","tracking":{"id":"x"}},"product_tree":{"full_product_names":'
    b'[{"product_id":"p","name":"bash"}]},"vulnerabilities":[{"cve":"CVE-2026-1","product_status":{"known_not_affected":["p"]}}]}',
]
WAIVERS = [
    b"- reason: a\n  controls: [C-0057]\n  kinds: [Pod]\n  names: [web]\n  expires: 2027-01-01\n",
    b"apiVersion: kubescape.io/v1\nkind: SecurityException\nmetadata: {name: a}\nspec:\n  reason: x\n  posture:\n  - {controlID: C-0057}\n"
    b"  match: {resources: [{kind: Pod, name: a}]}\n",
    b'[{"name":"a","policyType":"postureExceptionPolicy","actions":["alertOnly"],"resources":[{"designatorType":"Attributes",'
    b'"attributes":{"kind":"Pod"}}],"posturePolicies":[{"controlID":"C-0057"}]}]',
    b"CVE-2026-1 exp:2027-01-01\n# x\nAVD-KSV-0001\n",
    b"vulnerabilities:\n- id: CVE-2026-1\n  paths: [a/**]\n  expired_at: 2027-01-01\n",
    b"skip-check:\n- CKV_K8S_1\nframework: kubernetes\n",
    b"ignore:\n- vulnerability: CVE-2026-1\n  package: {name: a}\n",
    b"checks:\n  exclude: [privileged-container]\n",
]
CREDENTIALS = [
    b'password: "hunter2-3f9Kq"\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY\n',
    b"https://ann:s3cr3t-q8Zk@db.shop.internal/x\n-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n",
    b'{"type": "service_account", "private_key": "-----BEGIN PRIVATE KEY-----\\nMII\\n", "client_email": "a@b.c"}',
]
TEMPLATES = [
    b'{{- if .Release.IsUpgrade }}\nkind: Pod\n{{- else if eq (now | date "2006") "2027" }}\nkind: Pod\n{{- end }}\n',
    b'{{ define "x" }}privileged: true{{ end }}{{ range $i := lookup "v1" "Pod" "" "" }}{{ include "x" . }}{{ end }}',
    b'{{ tpl (.Files.Get "x.yaml") . }}\n{{ $a := randNumeric 3 }}{{ with $a }}image: {{ . }}{{ end }}',
]
MANIFESTS = [
    b'{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":'
    b'"application/vnd.oci.image.config.v1+json","digest":"sha256:aa","size":2},"layers":[{"mediaType":'
    b'"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:bb","size":3}],"annotations":{"a":"b"}}',
    b'{"schemaVersion":2,"manifests":[{"mediaType":"x","digest":"sha256:aa","size":2,"platform":{"architecture":"amd64","os":"linux"}}]}',
    b'{"schemaVersion":"v6.1.0","built":"2026-01-01T00:00:00Z","path":"x.tar.zst","checksum":"sha256:aa","status":"active"}',
    b'{"format":1,"serial":1,"built":"2026-01-01T00:00:00Z","expires":"2026-02-01T00:00:00Z","files":[{"name":"a","size":1,"sha256":"aa"}]}',
]


def main() -> int:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--seconds-each", type=float, default=120)
    options.add_argument("--seed", type=int, default=0, help="0: another each time")
    options.add_argument("--only", default="", help="readers whose name holds this")
    chosen = options.parse_args()
    signal.signal(signal.SIGALRM, _stop)
    seed = chosen.seed or random.SystemRandom().randrange(1 << 32)
    chance = random.Random(seed)
    failures = tried = 0
    for name, samples, reader in [*_others(), *_cataloguers(), *_feeds()]:
        if chosen.only not in name or not samples:
            continue
        ends = time.monotonic() + chosen.seconds_each
        count = refused = of_reader = 0
        slowest = 0.0
        while (now := time.monotonic()) < ends:
            content = mutated(samples, chance)
            count += 1
            signal.alarm(STUCK_S)
            why = ""
            try:
                reader(content)
            except (LeadlineError, Unreadable):
                refused += 1
            except Stuck:
                why = f"not done after {STUCK_S} s"
            except Exception as error:
                why = f"{type(error).__name__}: {str(error)[:200]}"
            finally:
                signal.alarm(0)
            took = time.monotonic() - now
            slowest = max(slowest, took)
            if took > SLOW_S:
                why = why or f"took {took:.1f} s"
            if why:
                failures += 1
                of_reader += 1
                Path(f"fuzz-{name}-{failures}").write_bytes(content)
                print(f"  {name}: {why}", flush=True)
                if of_reader >= _MOST_OF_ONE:
                    break
        tried += count
        print(f"{name:28} {count:9,} tried {refused:9,} refused, slowest {slowest:6.3f} s", flush=True)
    print(f"{tried:,} files, seed {seed}, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
