"""Programs and libraries that no package database lists, known by the version their own text gives.

One row per program in ``PROGRAMS``. A file is looked at only where its name is a row's; a name without a
version in the file reports nothing, as a name proves little. Whether a distribution package owns the file
is for the walk to say.
"""

import re
from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from leadline.model.package import Package
from leadline.packages.file import File
from leadline.packages.late_pattern import late_pattern
from leadline.sbom.cataloguer import Packages, cataloguer

Choice = Literal["first", "only"]

NUMBER = rb"(\d{1,3}\.\d{1,3}\.\d{1,3})"
REST = rb"\.\d{1,3}\.\d{1,3}"
GO_REST = rb"\.\d{1,3}\.\d{1,3}(?:-(?:alpha|beta|rc|ea)\.?\d{1,3})?"
ENTERPRISE = rb"(?:\+ent(?:[.\w]{1,20})?)?"
LONGEST_LEAD = 8


class Sign(Struct, frozen=True):
    """Where a version is: the first group of ``pattern``, in which ``SERIES`` is that of the file's name."""

    pattern: bytes
    """Begins with plain characters, so that the search runs at the speed of a substring's."""
    choice: Choice = "first"
    """``only``: a loose pattern, believed where all its matches say the same."""
    lead: bytes = b""
    """Matches what is between the zero byte before and ``pattern``; its first group belongs to the version."""


class Program(Struct, frozen=True):
    name: str
    files: str
    """Regular expression for the whole base name; a first group is the series (``3.11``)."""
    signs: tuple[Sign, ...]
    """Tried in order."""
    cpe: str
    """Vendor and product, ``f5:nginx``."""


def _row(name: str, files: str, cpe: str, *signs: bytes | Sign) -> Program:
    return Program(name, files, tuple(sign if isinstance(sign, Sign) else Sign(sign) for sign in signs), cpe)


def _text(
    major: bytes = rb"\d{1,3}", rest: bytes = REST, after: bytes = b"", choice: Choice = "only"
) -> Sign:
    """A version that is a text of its own, a zero byte before and behind, as ``-X main.version=…`` of Go leaves it.

    Most bytes of a large program are zero and few are dots: the search begins at the first dot.
    """
    return Sign(b"(" + rest + b")" + after + rb"\x00", choice, lead=b"v?(" + major + b")")


MYSQL_FILES = r"mysqld?|mysql(?:admin|dump|check)"
PHP_FILES = r"php[\d.]*|php-(?:fpm|cgi)[\d.]*|(?:lib|mod_)php[\d.]*\.so"
PYTHON_FILES = r"python(\d\.\d{1,2})|libpython(\d\.\d{1,2})\w{0,3}\.so[.\d]*"
REDIS_PROGRAM = r"(?:server|sentinel|check-aof|check-rdb|cli|benchmark)"
OPENSSL = (
    rb"OpenSSL (\d\.\d{1,2}\.\d{1,2}(?:[a-z]{1,2})?(?:-(?:alpha|beta|rc|pre)\d{1,2})?)"
    rb" +(?:FIPS )?\d{1,2} [A-Z][a-z]{2} 20\d\d"
)
POSTGRES = (
    rb"PostgreSQL (\d{1,2}(?:\.\d{1,3}){1,2}|\d{1,2}(?:devel|(?:beta|rc)\d{1,2}))(?: \([^)\x00]{1,80}\))? on "
)
REDIS_BUILD = Sign(rb"(\.\d{1,2}\.\d{1,3})[a-zA-Z][\w.-]{0,64}-\d{10,19}", lead=rb"(\d{1,2})")
RUBY = rb"ruby (\d\.\d{1,2}\.\d{1,2}(?:(?:preview|rc)\d)?)(?:p\d{1,4})? \(\d{4}-"

PROGRAMS = (
    _row("bash", r"r?bash", "gnu:bash", rb"@\(#\)Bash version " + NUMBER),
    _row("bind", r"named", "isc:bind", rb"BIND (9\.\d{1,3}\.\d{1,3})"),
    _row("busybox", r"busybox[\w.-]*", "busybox:busybox", rb"BusyBox v" + NUMBER),
    _row(
        "consul",
        r"consul",
        "hashicorp:consul",
        rb"CONSUL_VERSION: " + NUMBER,
        _text(rest=GO_REST, after=ENTERPRISE),
    ),
    _row(
        "curl",
        r"curl|libcurl(?:-gnutls|-nss)?\.so[.\d]*",
        "haxx:curl",
        rb"libcurl/" + NUMBER,
        rb"\x00curl/" + NUMBER,
    ),
    _row("dnsmasq", r"dnsmasq", "thekelleys:dnsmasq", rb"\x00dnsmasq-(\d\.\d{1,3}(?:\.\d{1,3})?)\x00"),
    _row(
        "erlang",
        r"beam(?:\.smp)?|erlexec",
        "erlang:erlang\\/otp",
        rb"/otp_src_(\d{1,3}(?:\.\d{1,3}){1,3})(?:-rc\d)?/",
    ),
    _row("exim", r"exim4?", "exim:exim", _text(rb"4", rb"\.\d{2,3}(?:\.\d{1,2})?")),
    _row("expat", r"libexpat\.so[.\d]*", "libexpat_project:libexpat", rb"expat_" + NUMBER),
    _row("go", r"go", "golang:go", rb"go(1\.\d{1,3}(?:\.\d{1,3}|(?:beta|rc)\d{1,2})?)\x00"),
    _row("gzip", r"gzip", "gnu:gzip", _text(rb"1", rb"\.\d{1,2}")),
    _row("haproxy", r"haproxy", "haproxy:haproxy", _text(after=rb"(?:-[\w.+~-]{1,40})?")),
    _row("httpd", r"httpd|apache2", "apache:http_server", rb"Apache/" + NUMBER),
    _row(
        "jq",
        r"jq",
        "jqlang:jq",
        rb"\x00jq-(\d\.\d{1,2}(?:\.\d{1,2})?)\x00",
        _text(rb"1", rb"\.\d{1,2}(?:\.\d{1,2})?"),
    ),
    _row("lighttpd", r"lighttpd", "lighttpd:lighttpd", rb"lighttpd/" + NUMBER),
    _row(
        "mariadb",
        rf"mariadbd?|mariadb-\w+|{MYSQL_FILES}",
        "mariadb:mariadb",
        Sign(rb"(\.\d{1,3}\.\d{1,3})-MariaDB", lead=rb"(\d{1,3})"),
    ),
    _row("memcached", r"memcached", "memcached:memcached", rb"memcached " + NUMBER),
    _row("mosquitto", r"mosquitto", "eclipse:mosquitto", _text()),
    _row("mysql", MYSQL_FILES, "oracle:mysql", rb"/mysql-" + NUMBER),
    _row("nginx", r"nginx(?:-debug)?", "f5:nginx", rb"nginx version: nginx/" + NUMBER),
    _row("node", r"node|nodejs|libnode\.so[.\d]*", "nodejs:node.js", rb"node\.js/v" + NUMBER),
    _row(
        "openjdk",
        r"java",
        "oracle:openjdk",
        rb"openjdk\x00+java\x00+\d{1,3}\.\d{1,3}\x00+([\w.+-]{1,60})\x00",
    ),
    _row("openjdk", r"libjvm\.so", "oracle:openjdk", rb" JRE \(([\d.]{1,20}[\w.+-]{0,60})\)"),
    _row(
        "openresty", r"nginx", "openresty:openresty", rb"nginx version: openresty/(\d{1,2}(?:\.\d{1,3}){3})"
    ),
    _row("openssl", r"openssl|libcrypto(?:-\w+)?\.so[.\w]*", "openssl:openssl", OPENSSL),
    _row("perl", r"perl[.\d]*|libperl\.so[.\d]*", "perl:perl", _text(rb"5", rb"\.\d{1,2}\.\d{1,2}")),
    _row(
        "php",
        PHP_FILES,
        "php:php",
        rb"X-Powered-By: PHP/(\d{1,2}\.\d{1,2}\.\d{1,3}(?:(?:alpha|beta|RC)\d{1,2})?)",
    ),
    _row("postgresql", r"postgres", "postgresql:postgresql", POSTGRES),
    _row(
        "proftpd",
        r"proftpd",
        "proftpd:proftpd",
        rb"ProFTPD Version (\d\.\d{1,2}\.\d{1,2}(?:[a-z]|rc\d{1,2})?)",
    ),
    _row("pypy", r"pypy[\d.]*|libpypy[\d.]*-c\.so", "pypy:pypy", rb"\[PyPy " + NUMBER),
    _row("python", PYTHON_FILES, "python:python", rb"\x00(SERIES\.\d{1,3}(?:(?:a|b|rc)\d{1,2})?\+?)\x00"),
    _row("redis", rf"redis-{REDIS_PROGRAM}", "redis:redis", REDIS_BUILD, _text(rb"[2-9]", choice="first")),
    _row("ruby", r"ruby[\d.]*|libruby[\w.-]*\.so[.\d]*", "ruby-lang:ruby", RUBY),
    _row(
        "rust", r"rustc|librustc_driver-\w+\.so|libstd-\w+\.so", "rust-lang:rust", rb"rustc version " + NUMBER
    ),
    _row("sqlite", r"sqlite3|libsqlite3\.so[.\d]*", "sqlite:sqlite", _text(rb"3", rb"\.\d{1,2}\.\d{1,2}")),
    _row("squid", r"squid", "squid-cache:squid", rb"\x00squid/(\d{1,2}\.\d{1,2}(?:\.\d{1,2})?)\x00"),
    _row("traefik", r"traefik", "traefik:traefik", _text(rest=GO_REST)),
    _row("util-linux", r"getopt", "kernel:util-linux", rb"util-linux (\d\.\d{1,3}(?:\.\d{1,2})?)\x00"),
    _row(
        "valkey",
        rf"valkey-{REDIS_PROGRAM}",
        "lfprojects:valkey",
        REDIS_BUILD,
        _text(rb"[7-9]", choice="first"),
    ),
    _row(
        "varnish", r"varnishd", "varnish_cache_project:varnish_cache", rb"varnish-" + NUMBER + rb" revision"
    ),
    _row("vault", r"vault", "hashicorp:vault", _text(rest=GO_REST, after=ENTERPRISE)),
    _row(
        "xz",
        r"xz|liblzma\.so[.\d]*",
        "tukaani:xz",
        rb"XZ Utils\) " + NUMBER,
        _text(rb"5", rb"\.\d{1,2}\.\d{1,2}(?:alpha|beta)?"),
    ),
    _row("zlib", r"libz\.so[.\d]*", "zlib:zlib", rb" deflate (1(?:\.\d{1,2}){2,4}) Copyright"),
    _row("zstd", r"zstd|libzstd\.so[.\d]*", "facebook:zstandard", rb"\x00v(1\.\d{1,2}\.\d{1,2})\x00"),
)
"""In the order of trial: MariaDB before MySQL, whose programs' names it took over."""

_NAMES = "|".join(f"(?:{program.files})" for program in PROGRAMS)
_KNOWN = late_pattern(_NAMES)


@cataloguer("binaries", executables=True, programs=_NAMES, version=2)
def binaries(program: File) -> Packages:
    if not _KNOWN.fullmatch(program.name):
        return
    for row in PROGRAMS:
        match = re.fullmatch(row.files, program.name)
        version = _version(row, _series(match), program.data) if match else ""
        if version:
            vendor, _, product = row.cpe.partition(":")
            escaped = re.sub(r"([^\w.-])", r"\\\1", version)
            yield Package(
                type="generic",
                name=row.name,
                version=version,
                found_in=(program.path,),
                cpes=(f"cpe:2.3:a:{vendor}:{product}:{escaped}:*:*:*:*:*:*:*",),
            )
            return


def _series(match: re.Match[str]) -> str:
    return next(filter(None, match.groups()), "")


def _version(program: Program, series: str, content: bytes) -> str:
    for sign in program.signs:
        found: set[bytes] = set()
        for version in _matches(sign, series, content):
            found.add(version)
            if sign.choice == "first" or len(found) > 1:
                break
        if len(found) == 1:
            return found.pop().decode("ascii", "replace")
    return ""


def _matches(sign: Sign, series: str, content: bytes) -> Iterator[bytes]:
    for match in re.finditer(sign.pattern.replace(b"SERIES", re.escape(series).encode()), content):
        if not sign.lead:
            yield match[1]
            continue
        before = content[max(0, match.start() - LONGEST_LEAD) : match.start()]
        _, zero, text = before.rpartition(b"\0")
        lead = re.fullmatch(sign.lead, text) if zero else None
        if lead:
            yield lead[1] + match[1]
