import pytest
from hypothesis import given
from hypothesis import strategies as st
from memory_tree import MemoryTree, read

from leadline.sbom.cataloguers.binaries import PROGRAMS, binaries

ELF = b"\x7fELF\x02\x01\x01" + bytes(9)

TEXTS = [
    ("bin/bash", b"@(#)Bash version 5.2.15(1) release GNU", "bash", "5.2.15"),
    ("usr/sbin/named", b"named version: BIND 9.18.49-1-Debian <>", "bind", "9.18.49"),
    ("bin/busybox", b"BusyBox v1.36.1 (2023-11-07 18:53:09 UTC)", "busybox", "1.36.1"),
    ("bin/busybox.nosuid", b"BusyBox v1.35.0 (Debian 1:1.35.0-4)", "busybox", "1.35.0"),
    ("bin/consul", b"CONSUL_VERSION: 1.15.2", "consul", "1.15.2"),
    ("usr/lib/libcurl.so.4.8.0", b"libcurl/7.88.1", "curl", "7.88.1"),
    ("usr/bin/curl", b"#include <curl/curl.h>\0curl/7.88.1\0", "curl", "7.88.1"),
    ("usr/sbin/dnsmasq", b"dnsmasq-2.90", "dnsmasq", "2.90"),
    ("usr/lib/erlang/erts/bin/beam.smp", b"/usr/src/otp_src_25.3.2.8/erts/", "erlang", "25.3.2.8"),
    ("usr/sbin/exim4", b"4.0.0\0" + b"4.96", "exim", "4.96"),
    ("usr/lib/libexpat.so.1.8.10", b"expat_2.5.0", "expat", "2.5.0"),
    ("usr/local/go/bin/go", b"go1.21.4", "go", "1.21.4"),
    ("bin/gzip", b"1.12\0" + b"1.2.3", "gzip", "1.12"),
    ("usr/sbin/haproxy", b"2.6.12-1+deb12u4\0\0" + b"2.6.12-1+deb12u4", "haproxy", "2.6.12"),
    ("usr/local/apache2/bin/httpd", b"Apache/2.4.58 (Unix)", "httpd", "2.4.58"),
    ("usr/bin/jq", b"jq-1.7.1", "jq", "1.7.1"),
    ("usr/sbin/lighttpd", b"lighttpd/1.4.69 (ssl)", "lighttpd", "1.4.69"),
    ("usr/sbin/mariadbd", b"10.11.6-MariaDB", "mariadb", "10.11.6"),
    ("usr/sbin/mysqld", b"/mysql-10.5.0/\0" + b"10.5.23-MariaDB", "mariadb", "10.5.23"),
    ("usr/sbin/mysqld", b"/export/home/src/mysql-8.0.35/sql/mysqld.cc", "mysql", "8.0.35"),
    ("usr/bin/memcached", b"memcached 1.6.22", "memcached", "1.6.22"),
    ("usr/sbin/mosquitto", b"2.0.18", "mosquitto", "2.0.18"),
    ("usr/sbin/nginx", b"nginx version: nginx/1.25.3", "nginx", "1.25.3"),
    ("usr/local/openresty/nginx/sbin/nginx", b"nginx version: openresty/1.21.4.3", "openresty", "1.21.4.3"),
    ("usr/local/bin/node", b"https://nodejs.org\0node.js/v20.9.0", "node", "20.9.0"),
    (
        "opt/jdk/bin/java",
        b"openjdk\0java\0" + b"0.0\0" + b"17.0.9+9-Debian-1",
        "openjdk",
        "17.0.9+9-Debian-1",
    ),
    (
        "opt/jdk/lib/server/libjvm.so",
        b"VM (21+35) for linux-amd64 JRE (21+35-LTS), built",
        "openjdk",
        "21+35-LTS",
    ),
    ("usr/bin/openssl", b"OpenSSL 1.1.1k  FIPS 25 Mar 2021", "openssl", "1.1.1k"),
    ("usr/lib/libcrypto.so.3", b"OpenSSL 3.0.2 15 Mar 2022", "openssl", "3.0.2"),
    ("usr/bin/perl5.36.0", b"v5.36.0", "perl", "5.36.0"),
    ("usr/local/bin/php", b"X-Powered-By: PHP/8.3.0RC6", "php", "8.3.0RC6"),
    ("usr/lib/apache2/modules/libphp8.2.so", b"X-Powered-By: PHP/8.2.12", "php", "8.2.12"),
    (
        "usr/lib/postgresql/16/bin/postgres",
        b"before upgrading to PostgreSQL 9.1.\0PostgreSQL 16.1 (Debian 16.1-1) on x86_64",
        "postgresql",
        "16.1",
    ),
    ("usr/sbin/proftpd", b"ProFTPD Version 1.3.8b", "proftpd", "1.3.8b"),
    ("usr/lib/libpypy3.9-c.so", b"3.9.16 [PyPy 7.3.11 with GCC 12.2.0]", "pypy", "7.3.11"),
    ("usr/local/bin/python3.12", b"3.11.9\0" + b"3.12.0rc3+", "python", "3.12.0rc3+"),
    ("usr/local/lib/libpython3.7m.so.1.0", b"3.7.17", "python", "3.7.17"),
    ("usr/local/bin/redis-server", b"7.2.3buildkitsandbox-1698864613000000000", "redis", "7.2.3"),
    ("usr/bin/redis-check-rdb", b"7.0.15\0" + b"2.6.0", "redis", "7.0.15"),
    ("usr/local/lib/libruby.so.3.2.2", b"ruby 3.2.2 (2023-03-30 revision e51014f9c0)", "ruby", "3.2.2"),
    ("usr/bin/ruby2.7", b"ruby 2.7.4p191 (2021-07-07 revision a21a3b7d23)", "ruby", "2.7.4"),
    ("root/.rustup/bin/rustc", b"rustc version 1.74.0 (79e9716c9 2023-11-13)", "rust", "1.74.0"),
    ("usr/lib/libsqlite3.so.0.8.6", b"3.40.1", "sqlite", "3.40.1"),
    ("usr/sbin/squid", b"squid/5.7", "squid", "5.7"),
    ("usr/local/bin/traefik", b"3.0.0-rc1", "traefik", "3.0.0-rc1"),
    ("bin/getopt", b"getopt from util-linux 2.38.1", "util-linux", "2.38.1"),
    ("usr/local/bin/valkey-server", b"8.0.1buildkitsandbox-1698864613000000000", "valkey", "8.0.1"),
    ("usr/sbin/varnishd", b"varnish-7.1.1 revision 7cee1c58", "varnish", "7.1.1"),
    ("bin/vault", b"1.15.2", "vault", "1.15.2"),
    ("bin/vault", b"1.16.0+ent.hsm", "vault", "1.16.0"),
    ("usr/bin/xz", b"xz (XZ Utils) 5.6.1", "xz", "5.6.1"),
    ("usr/lib/libz.so.1.2.13", b" deflate 1.2.13 Copyright 1995-2022 J. G.", "zlib", "1.2.13"),
    ("usr/bin/zstd", b"1.2.13\0v1.5.5", "zstd", "1.5.5"),
]


def found(path: str, content: bytes) -> list[tuple[str, str]]:
    packages, stops = read(binaries, MemoryTree({path: content}), path)
    assert stops == ""
    return [(package.name, package.version) for package in packages]


@pytest.mark.parametrize(("path", "text", "name", "version"), TEXTS)
def test_program_is_known_by_its_text(path: str, text: bytes, name: str, version: str) -> None:
    content = ELF + b"\0" + text + b"\0" + bytes(20)
    assert found(path, content) == [(name, version)]


def test_every_row_has_a_case() -> None:
    assert {row.name for row in PROGRAMS} == {name for _, _, name, _ in TEXTS}


def test_package_has_a_cpe_with_its_version_escaped() -> None:
    path = "opt/jdk/bin/java"
    tree = MemoryTree({path: ELF + b"openjdk\0java\0" + b"0.0\0" + b"17.0.9+9\0"})
    (package,) = read(binaries, tree, path)[0]
    assert (package.type, package.found_in, package.cpes) == (
        "generic",
        (path,),
        (r"cpe:2.3:a:oracle:openjdk:17.0.9\+9:*:*:*:*:*:*:*",),
    )


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("usr/bin/mynginx", b"nginx version: nginx/1.25.3"),
        ("usr/sbin/nginx", b"no version at all"),
        ("usr/local/bin/traefik", b"3.0.0\0" + b"2.1.0"),
        ("usr/bin/python3.12", b"3.11.9"),
        ("usr/bin/postgres", b"before upgrading to PostgreSQL 9.1."),
    ],
)
def test_name_without_a_clear_version_reports_nothing(path: str, text: bytes) -> None:
    assert found(path, ELF + b"\0" + text + b"\0") == []


@given(st.sampled_from(sorted({path for path, *_ in TEXTS})), st.binary(max_size=300))
def test_any_content_is_read_without_fault(path: str, content: bytes) -> None:
    assert len(found(path, content)) <= 1
