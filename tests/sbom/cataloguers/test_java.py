"""Archives are built here; what real builds of Maven and Gradle write into them stands in the cases."""

import io
import json
import struct
import zipfile
import zlib

import pytest
from memory_tree import MemoryTree, read

from leadline.model.package import STATED, Package
from leadline.packages.file import Unreadable
from leadline.sbom.cataloguers import java
from leadline.sbom.parsers import zip as zip_reader
from leadline.sbom.parsers.jar import manifest_attributes, split_file_name, stated_version
from leadline.sbom.stated import joined

LOG4J = "META-INF/maven/org.apache.logging.log4j/log4j-core/"


def jar(entries: dict[str, bytes | str], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compression) as archive:
        for name, part in entries.items():
            archive.writestr(name, part)
    return content.getvalue()


def properties(group: str, artifact: str, version: str) -> dict[str, bytes | str]:
    text = f"#Created by Maven\r\ngroupId={group}\r\nartifactId = {artifact}\r\nversion={version}\r\n"
    return {f"META-INF/maven/{group}/{artifact}/pom.properties": text}


def catalogued(path: str, content: bytes) -> tuple[list[Package], str]:
    return read(java.java, MemoryTree({path: content}), path)


def names(packages: list[Package]) -> list[str]:
    return [f"{one.namespace}:{one.name}:{one.version}" for one in packages]


def found_in(path: str, entries: dict[str, bytes | str]) -> list[str]:
    packages, complaint = catalogued(path, jar(entries))
    assert complaint == ""
    return names(packages)


def test_coordinates_of_maven_win_over_all_else() -> None:
    entries = {
        **properties("org.apache.logging.log4j", "log4j-core", "2.14.1"),
        "META-INF/MANIFEST.MF": "Implementation-Version: 9\nBundle-SymbolicName: other.name\n",
    }
    assert found_in("opt/log4j-core-2.14.1.jar", entries) == ["org.apache.logging.log4j:log4j-core:2.14.1"]
    assert found_in("opt/renamed.jar", entries) == ["org.apache.logging.log4j:log4j-core:2.14.1"]


@pytest.mark.parametrize(
    ("file", "bundle", "expected"),
    [
        ("io.projectreactor.reactor-core-3.4.0", "io.projectreactor.reactor-core", "io.projectreactor:reactor-core:3.4.0"),
        ("com.h2database.h2-2.1.214", "com.h2database", "com.h2database:h2:2.1.214"),
        ("org.scala-lang.scala-library-2.13.6", "org.scala-lang.scala-library", "org.scala-lang:scala-library:2.13.6"),
        ("org.xerial.snappy.snappy-java-1.1.8", "org.xerial.snappy.snappy-java", "org.xerial.snappy:snappy-java:1.1.8"),
        ("org.eclipse.osgi-3.16", "org.eclipse.osgi", "org.eclipse.platform:org.eclipse.osgi:3.16"),
        ("json-path-2.6.0", "", "com.jayway.jsonpath:json-path:2.6.0"),
        ("antlr-2.7.7", "", "antlr:antlr:2.7.7"),
    ],
)  # fmt: skip
def test_archives_as_sbt_names_them_and_without_a_group(file: str, bundle: str, expected: str) -> None:
    manifest = (
        f"Manifest-Version: 1.0\nBundle-SymbolicName: {bundle}\n" if bundle else "Manifest-Version: 1.0\n"
    )
    assert found_in(f"opt/docker/lib/{file}.jar", {"META-INF/MANIFEST.MF": manifest}) == [expected]


@pytest.mark.parametrize(
    ("stated", "version"),
    [
        ("8.8.0 b10659f0fc18b58b90929cfdadde94544d202c4a - noble - 2021-01-21 10:58:12", "8.8.0"),
        ("1.4.10-release-411 (1.4.10)", "1.4.10"),
        ("2.13.6.v20210513-103542-VFINAL-19f9d2b", "2.13.6"),
        ("9.4.43.v20210629", "9.4.43.v20210629"),
        ("1.0-SNAPSHOT", "1.0-SNAPSHOT"),
        ("unspecified", ""),
    ],
)
def test_what_builds_write_behind_a_stated_version_is_left_out(stated: str, version: str) -> None:
    assert stated_version(stated) == version


def test_archive_that_leaves_only_coordinates_of_what_it_shades_is_told_as_well() -> None:
    entries = {
        **properties("cglib", "cglib", "3.2.12"),
        "META-INF/MANIFEST.MF": (
            "Bundle-Name: guice\nBundle-SymbolicName: com.google.inject\nBundle-Version: 4.2.3\n"
        ),
    }
    expected = ["com.google.inject:guice:4.2.3", "cglib:cglib:3.2.12"]
    assert found_in("opt/guice.jar", entries) == expected
    assert found_in("opt/lib/main/com.google.inject.guice-4.2.3.jar", entries) == expected
    both = {**entries, **properties("com.google.inject", "guice", "4.2.3")}
    assert found_in("opt/lib/main/com.google.inject.guice-4.2.3.jar", both) == expected


def test_all_that_the_manifest_and_the_pom_tell_is_kept() -> None:
    pom = "<project><licenses><license><name>Apache 2</name></license></licenses></project>"
    manifest = (
        "Bundle-Description: Logs what \r\n is to be logged\r\nBundle-Vendor: Ann\r\n"
        "Bundle-DocURL: https://log4j.example\r\n"
    )
    entries = {
        **properties("org.apache.logging.log4j", "log4j-core", "2.14.1"),
        LOG4J + "pom.xml": pom,
        "META-INF/MANIFEST.MF": manifest,
    }
    packages, _ = catalogued("opt/log4j-core-2.14.1.jar", jar(entries))
    (package,) = packages
    assert (package.licenses, package.supplier, package.home, package.description, package.found_in) == (
        ("Apache-2.0",),
        "Ann",
        "https://log4j.example",
        "Logs what is to be logged",
        ("opt/log4j-core-2.14.1.jar",),
    )
    assert [digest.algorithm for digest in package.digests] == ["sha1"]


BSD = "Redistribution and use in source and binary forms, with or without modification, are permitted"


@pytest.mark.parametrize(
    ("entries", "licenses"),
    [
        ({"META-INF/LICENSE": "Apache License\n Version 2.0, January 2004\n"}, ("Apache-2.0",)),
        ({"META-INF/license.txt": f"{BSD}\nLicensed under the Apache License, Version 2.0"}, ("Apache-2.0", "BSD-2-Clause")),
        ({"LICENSE.md": "Our own words.", "META-INF/LICENSE": BSD}, ("BSD-2-Clause",)),
        ({"META-INF/LICENSE": "Our own words."}, ()),
        ({"META-INF/MANIFEST.MF": "Bundle-License: http://www.apache.org/licenses/LICENSE-2.0.txt\n", "META-INF/LICENSE": BSD}, ("Apache-2.0",)),
        ({"META-INF/MANIFEST.MF": 'Bundle-License: Apache-2.0;link="https://a,b",EPL-2.0;link="x"\n'}, ("Apache-2.0 OR EPL-2.0",)),
        ({"META-INF/MANIFEST.MF": "Bundle-License: Apache License, Version 2.0\n"}, ("Apache-2.0",)),
        ({"META-INF/MANIFEST.MF": 'Bundle-License: "Apache License, Version 2.0";link="x"\n'}, ("Apache-2.0",)),
        ({"META-INF/MANIFEST.MF": "Bundle-License: My words, in 2 parts\n"}, ("My words, in 2 parts",)),
        ({"META-INF/MANIFEST.MF": "Bundle-License: <<EXTERNAL>>\n", "META-INF/LICENSE": BSD}, ("BSD-2-Clause",)),
    ],
)  # fmt: skip
def test_licences_are_those_of_the_bundle_else_those_of_its_text(
    entries: dict[str, str], licenses: tuple[str, ...]
) -> None:
    packages, complaints = catalogued("opt/a-1.jar", jar(entries))
    assert (packages[0].licenses, complaints) == (licenses, "")


def test_of_the_licences_of_a_pom_a_user_chooses_one() -> None:
    pom = (
        "<project><licenses><license><name>EPL</name><url>https://www.eclipse.org/legal/epl-2.0</url></license>"
        "<license><name>GPL2 w/ CPE</name></license><license><name>GPL2 w/ CPE</name></license></licenses></project>"
    )
    entries = {**properties("a", "a", "1"), "META-INF/maven/a/a/pom.xml": pom}
    packages, _ = catalogued("opt/a-1.jar", jar(entries))
    assert packages[0].licenses == ("EPL-2.0 OR GPL-2.0-only WITH Classpath-exception-2.0",)


def test_artifacts_shaded_into_an_archive_follow_it() -> None:
    entries = {
        **properties("com.example", "shop", "1.0"),
        **properties("org.apache.logging.log4j", "log4j-core", "2.14.1"),
        **properties("org.apache.logging.log4j", "log4j-api", "2.14.1"),
    }
    assert found_in("opt/shop-1.0-all.jar", entries) == [
        "com.example:shop:1.0",
        "org.apache.logging.log4j:log4j-api:2.14.1",
        "org.apache.logging.log4j:log4j-core:2.14.1",
    ]


def test_pom_stands_in_for_missing_properties_and_takes_group_and_version_of_its_parent() -> None:
    pom = (
        "<project><parent><groupId>com.example</groupId><version>3.1</version></parent>"
        "<artifactId>shop</artifactId></project>"
    )
    assert found_in("opt/shop.jar", {"META-INF/maven/com.example/shop/pom.xml": pom}) == [
        "com.example:shop:3.1"
    ]


def test_archive_within_an_archive_is_found_in_both() -> None:
    inner = jar(properties("org.apache.logging.log4j", "log4j-core", "2.14.1"))
    middle = jar({"lib/log4j-core-2.14.1.jar": inner}, zipfile.ZIP_STORED)
    outer = jar({"WEB-INF/lib/middle-2.0.jar": middle})
    packages, complaint = catalogued("srv/shop-1.0.war", outer)
    assert complaint == ""
    assert [(one.name, one.version, one.found_in) for one in packages] == [
        ("shop", "1.0", ("srv/shop-1.0.war",)),
        ("middle", "2.0", ("srv/shop-1.0.war", "srv/shop-1.0.war:WEB-INF/lib/middle-2.0.jar")),
        (
            "log4j-core",
            "2.14.1",
            (
                "srv/shop-1.0.war",
                "srv/shop-1.0.war:WEB-INF/lib/middle-2.0.jar:lib/log4j-core-2.14.1.jar",
            ),
        ),
    ]


@pytest.mark.parametrize(
    ("path", "manifest", "expected"),
    [
        ("spring-core-5.3.1.jar", "Automatic-Module-Name: spring.core", "org.springframework:spring-core:5.3.1"),
        ("spring-boot-2.5.0.jar", "", "org.springframework.boot:spring-boot:2.5.0"),
        ("kafka_2.13-2.8.0.jar", "", "org.apache.kafka:kafka_2.13:2.8.0"),
        ("org.mongodb.bson-4.4.0.jar", "Bundle-Name: bson\nBundle-SymbolicName: org.mongodb.bson", "org.mongodb:bson:4.4.0"),
        ("org.reactivestreams.reactive-streams-1.0.3.jar", "Bundle-Name: reactive-streams\nBundle-SymbolicName: org.reactivestreams.reactive-streams", "org.reactivestreams:reactive-streams:1.0.3"),
        ("org.unbescape-1.1.jar", "Bundle-Name: unbescape\nBundle-SymbolicName: org.unbescape", "org.unbescape:org.unbescape:1.1"),
        ("guava-30.0-jre.jar", "Bundle-SymbolicName: com.google.guava", "com.google.guava:guava:30.0-jre"),
        ("poi-3.15.jar", "Implementation-Vendor-Id: org.apache.poi", "org.apache.poi:poi:3.15"),
        ("xmlbeans-3.1.0.jar", "Implementation-Title: org.apache.xmlbeans", "org.apache.xmlbeans:xmlbeans:3.1.0"),
        ("c3p0-0.9.5.2.jar", "Extension-Name: com.mchange.v2.c3p0\nImplementation-Vendor-Id: com.mchange",
         "com.mchange:c3p0:0.9.5.2"),
        ("thing-1.jar", "Implementation-Vendor-Id: org.apache\nBundle-SymbolicName: org.apache.thing", "org.apache.thing:thing:1"),
        ("jsoup-1.9.jar", "Bundle-SymbolicName: org.jsoup", "org.jsoup:jsoup:1.9"),
        ("thing-1.jar", "Automatic-Module-Name: made.thing", ":thing:1"),
        ("thing-1.jar", "Implementation-Title: org.a.thing.Main", "org.a:thing:1"),
        ("org.eclipse.sisu.inject-0.3.jar", "Bundle-SymbolicName: org.eclipse.sisu.inject;singleton:=true",
         "org.eclipse.sisu:org.eclipse.sisu.inject:0.3"),
        ("bcpg-jdk15on-1.60.jar", "Bundle-SymbolicName: bcpg", "org.bouncycastle:bcpg-jdk15on:1.60"),
        ("commons-codec-1.3.jar", "Extension-Name: org.apache.commons.codec", "commons-codec:commons-codec:1.3"),
        ("log4j-1.2-1.2.17.jar", "Implementation-Version: 1.2.17", "log4j:log4j:1.2.17"),
        ("guice-servlet-4.2.jar", "Bundle-SymbolicName: com.google.inject.servlet",
         "com.google.inject.extensions:guice-servlet:4.2"),
        ("com.squareup.okio.okio-jvm-3.2.0.jar", "", "com.squareup.okio:okio-jvm:3.2.0"),
        ("junit.junit-4.12.jar", "", "junit:junit:4.12"),
        ("org.freemarker.freemarker-2.3.31.jar", "Bundle-SymbolicName: org.freemarker.freemarker", "org.freemarker:freemarker:2.3.31"),
        ("net.sf.made.made-1.jar", "", "net.sf.made:made:1"),
        ("org.made.made.org.made.made-1.jar", "", "org.made.made:org.made.made:1"),
        ("org.eclipse.sisu.org.eclipse.sisu.plexus-0.3.0.M1.jar", "Bundle-SymbolicName: org.eclipse.sisu.plexus",
         "org.eclipse.sisu:org.eclipse.sisu.plexus:0.3.0.M1"),
        ("com.typesafe.scala-logging.scala-logging_2.13-3.9.4.jar", "Bundle-SymbolicName: com.typesafe.scala-logging",
         "com.typesafe.scala-logging:scala-logging_2.13:3.9.4"),
        ("org.scala-lang.modules.scala-java8-compat_2.12-1.0.0.jar", "", "org.scala-lang.modules:scala-java8-compat_2.12:1.0.0"),
        ("com.chuusai.shapeless_2.13-2.3.10.jar", "Bundle-SymbolicName: com.chuusai.shapeless", "com.chuusai:shapeless_2.13:2.3.10"),
        ("org.typelevel.cats-core_3-2.9.0.jar", "", "org.typelevel:cats-core_3:2.9.0"),
        ("javax.inject.javax.inject-1.jar", "", "javax.inject:javax.inject:1"),
        ("lib/main/antlr.antlr-2.7.7.jar", "", "antlr:antlr:2.7.7"),
        ("lib/boot/org.eclipse.sisu.org.eclipse.sisu.inject-0.3.jar", "Bundle-SymbolicName: org.eclipse.sisu.inject",
         "org.eclipse.sisu:org.eclipse.sisu.inject:0.3"),
        ("lib/main/org.mongodb.mongo-java-driver-3.1.jar", "Bundle-SymbolicName: org.mongodb.mongo-java-driver",
         "org.mongodb:mongo-java-driver:3.1"),
        ("org.osgi.core-6.0.0.jar", "Bundle-SymbolicName: osgi.core", ":org.osgi.core:6.0.0"),
        ("a.b.c-api-1.jar", "Bundle-SymbolicName: a.b.c-api;singleton:=true", "a.b:a.b.c-api:1"),
        ("jackson-mapper-asl-1.9.13.jar", "Implementation-Title: Data mapper", "org.codehaus.jackson:jackson-mapper-asl:1.9.13"),
        ("jackson-jaxrs-1.9.13.jar", "", "org.codehaus.jackson:jackson-jaxrs:1.9.13"),
        ("jackson-jaxrs-base-2.9.0.jar", "", "com.fasterxml.jackson.jaxrs:jackson-jaxrs-base:2.9.0"),
        ("gson-2.8.6.jar", "Bundle-SymbolicName: com.google.gson", "com.google.code.gson:gson:2.8.6"),
        ("groovy-3.0.9.jar", "", "org.codehaus.groovy:groovy:3.0.9"),
        ("groovy-4.0.15.jar", "", "org.apache.groovy:groovy:4.0.15"),
        ("junit-jupiter-api-5.8.0.jar", "", "org.junit.jupiter:junit-jupiter-api:5.8.0"),
        ("freemarker-2.3.28.jar", "Bundle-SymbolicName: org.freemarker.freemarker", "org.freemarker:freemarker:2.3.28"),
        ("scala-library.jar", "Bundle-SymbolicName: org.scala-lang.scala-library\nBundle-Version: 2.13.5",
         "org.scala-lang:scala-library:2.13.5"),
        ("rank-eval-client-7.12.0.jar", "Implementation-Title: org.elasticsearch.plugin#rank-eval-client;7.12.0",
         "org.elasticsearch.plugin:rank-eval-client:7.12.0"),
        ("commons-io-2.5.jar", "Implementation-Vendor-Id: commons-io", "commons-io:commons-io:2.5"),
        ("ant.jar", "Created-By: 1\n\nName: org/apache/tools/ant/\nImplementation-Version: 1.10.13",
         "org.apache.ant:ant:1.10.13"),
        ("dom-1.jar", "Implementation-Vendor-Id: dom", "dom:dom:1"),
    ],
)  # fmt: skip
def test_archive_without_coordinates_is_named_by_its_file_and_manifest(
    path: str, manifest: str, expected: str
) -> None:
    assert found_in(f"opt/{path}", {"META-INF/MANIFEST.MF": manifest}) == [expected]


@pytest.mark.parametrize("version", ["${project.version}", "@VERSION@", "unspecified", "noversion", ""])
def test_archive_whose_version_nothing_says_is_no_package_and_named(version: str) -> None:
    entries = {"META-INF/MANIFEST.MF": f"Implementation-Version: {version}", "A.class": ""}
    assert catalogued("opt/noversion.jar", jar(entries)) == (
        [],
        "holds classes, and nothing that says of which version",
    )
    assert found_in("opt/a.jar", {**entries, **properties("a", "b", "1")}) == ["a:b:1"]
    assert found_in("opt/a.war", {**entries, "lib/b-2.jar": jar({"B.class": ""})}) == [":b:2"]
    assert catalogued("opt/a.jar", jar(properties("a", "a", version)))[0] == []


@pytest.mark.parametrize(
    ("name", "artifact", "version"),
    [
        ("log4j-core-2.14.1.jar", "log4j-core", "2.14.1"),
        ("log4j-1.2-api-2.17.jar", "log4j-1.2-api", "2.17"),
        ("guava-18.0-rc-2.jar", "guava", "18.0-rc-2"),
        ("thing-1.0-beta-2.jar", "thing", "1.0-beta-2"),
        ("netty-4.1.50.Final.jar", "netty", "4.1.50.Final"),
        ("shop-1.0-SNAPSHOT-sources.jar", "shop", "1.0-SNAPSHOT"),
        ("org.eclipse.osgi_3.16.100.jar", "org.eclipse.osgi", "3.16.100"),
        ("jetty-v9.jar", "jetty", "v9"),
        ("lucene-core-4.10.x.jar", "lucene-core", ""),
        ("javafx-base-17-linux.jar", "javafx-base", "17"),
        ("netty-tcnative-2.0.30.Final-osx-x86_64.jar", "netty-tcnative", "2.0.30.Final"),
        ("plain.jar", "plain", ""),
        ("jar", "jar", ""),
    ],
)
def test_file_name_is_split_before_the_version(name: str, artifact: str, version: str) -> None:
    assert split_file_name(name) == (artifact, version)


def test_manifest_lines_are_joined_and_later_sections_only_fill_gaps() -> None:
    text = "A: one\r\n two\r\nImplementation-Version: 1\r\n\r\nName: x\r\nImplementation-Version: 2\r\nSHA-256-Digest: y\r\n"
    assert manifest_attributes(text) == {"A": "onetwo", "Implementation-Version": "1"}


def test_archives_nested_too_deeply_are_named_and_the_outer_ones_kept() -> None:
    content = jar({"x": ""})
    for _ in range(50):
        content = jar({"in-1.0.jar": content}, zipfile.ZIP_STORED)
    packages, complaint = catalogued("opt/out-1.0.jar", content)
    assert names(packages) == [":out:1.0", *[":in:1.0"] * java.NESTED_DEPTH]
    assert complaint == f"in-1.0.jar lies more than {java.NESTED_DEPTH} archives deep"


def test_bomb_within_an_archive_is_refused_and_its_neighbour_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java, "NESTED_BYTES", 1 << 20)
    good = jar(properties("a.b", "good", "1"))
    content = jar({"bomb.jar": bytes(2 << 20), "good.jar": good})
    packages, complaint = catalogued("opt/out-1.0.jar", content)
    assert names(packages) == [":out:1.0", "a.b:good:1"]
    assert complaint == "opt/out-1.0.jar: bomb.jar inflates to more than is allowed"


def test_all_that_one_file_inflates_to_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(java, "INFLATED_BYTES", 3000)
    part = jar({"x": bytes(range(256)) * 4}, zipfile.ZIP_STORED)
    packages, complaint = catalogued("opt/out-1.0.jar", jar({f"in{i}-1.jar": part for i in range(5)}))
    assert names(packages) == [":out:1.0", ":in0:1", ":in1:1"]
    assert complaint.count("inflates to more than is allowed") == 3


def test_pom_with_a_document_type_is_refused_and_the_rest_kept() -> None:
    pom = '<!DOCTYPE p [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><project><artifactId>&b;</artifactId></project>'
    entries = {"META-INF/maven/x/y/pom.xml": pom, **properties("a.b", "good", "1")}
    packages, complaint = catalogued("opt/good-1.jar", jar(entries))
    assert names(packages) == ["a.b:good:1"]
    assert complaint == "opt/good-1.jar: declares a document type, which may hold entities"


def test_archive_behind_a_shell_script_is_read() -> None:
    content = b"#!/bin/sh\nexec java -jar $0\n" + jar(properties("a.b", "shop", "1"))
    packages, complaint = catalogued("opt/shop.jar", content)
    assert (names(packages), complaint) == (["a.b:shop:1"], "")


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\x05\x06" + bytes(18)[:10], b"<html>"])
def test_what_is_no_archive_is_unreadable(content: bytes) -> None:
    packages, complaint = catalogued("opt/x.jar", content)
    assert packages == []
    assert complaint in ("not a ZIP file", "cut short")


def test_count_of_entries_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zip_reader, "ENTRIES", 3)
    assert catalogued("opt/x.jar", jar({str(i): "" for i in range(4)}))[1] == "holds more than 3 files"


def test_archive_that_counts_fewer_files_than_it_lists_hides_none() -> None:
    content = bytearray(jar({"x": "", **properties("a.b", "hidden", "1")}))
    end = content.rfind(b"PK\x05\x06")
    content[end + 8 : end + 12] = b"\1\0\1\0"
    packages, complaint = catalogued("opt/shop.jar", bytes(content))
    assert (names(packages), complaint) == (["a.b:hidden:1"], "lists 2 files where it counts 1")


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_file_that_breaks_off_is_told(compression: int) -> None:
    content = bytearray(jar({"META-INF/MANIFEST.MF": "Implementation-Version: 9\n"}, compression))
    directory = content.find(b"PK\x01\x02")
    packed = 5 if compression == zipfile.ZIP_DEFLATED else 10_000
    content[directory + 20 : directory + 24] = packed.to_bytes(4, "little")
    assert catalogued("opt/shop.jar", bytes(content))[1] == "META-INF/MANIFEST.MF is cut short"


def test_manifest_that_cannot_be_read_costs_only_what_it_says() -> None:
    inner = jar(properties("a.b", "inner", "2"))
    entries = {"META-INF/MANIFEST.MF": "A: b\n", **properties("a.b", "shop", "1"), "lib/inner.jar": inner}
    content = bytearray(jar(entries))
    content[content.find(b"PK\x01\x02") + 8] |= 1
    packages, complaint = catalogued("opt/shop.jar", bytes(content))
    assert names(packages) == ["a.b:shop:1", "a.b:inner:2"]
    assert complaint == "META-INF/MANIFEST.MF is encrypted"


@pytest.mark.slow
def test_archive_with_more_entries_than_sixteen_bits_count_is_read() -> None:
    entries: dict[str, bytes | str] = {f"a/{number}.class": "" for number in range(66_000)}
    content = jar({**entries, **properties("a.b", "last", "1")}, zipfile.ZIP_STORED)
    packages, complaint = catalogued("opt/last-1.jar", content)
    assert (names(packages), complaint) == (["a.b:last:1"], "")


def listed(name: str, method: int, packed: int, offset: int, extra: bytes = b"") -> bytes:
    """A row of the list of files."""
    sizes = (packed, packed, len(name), len(extra), 0, 0, 0, 0, offset)
    return struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, method, 0, 0, 0, *sizes) + name.encode() + extra


def closed(content: bytes, rows: list[bytes]) -> bytes:
    """``content`` and the list of its files."""
    size = sum(map(len, rows))
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, len(rows), len(rows), size, len(content), 0)
    return content + b"".join(rows) + end


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_files_that_lie_over_one_another_are_read_a_few_times_at_most(method: int) -> None:
    body = b"\xff" * 100_000
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, method, 0, 0, 0, len(body), len(body), 0, 0)
    row = listed("x.jar", method, len(body), 0)
    row = row[:16] + struct.pack("<L", zlib.crc32(body)) + row[20:]
    _, unread = catalogued("a.jar", closed(local + body, [row] * 1000))
    assert unread.count("x.jar") == 3
    assert "and 997 more" in unread
    reader = zip_reader.ZipReader(closed(local + body, [listed("x.jar", method, len(body), 0)] * 1000))
    whys = []
    for one in reader.entries():
        try:
            reader.read(one, 1 << 20, zip_reader.Budget(1 << 30))
        except Unreadable as error:
            whys.append(str(error))
    assert whys.count("x.jar lies over others") > 990


def test_numbers_that_no_file_can_have_are_told_and_no_fault() -> None:
    wide = struct.pack("<HHQQQ", 1, 24, *[2**64 - 1] * 3)
    row = listed("x.jar", 0, 0xFFFFFFFF, 0xFFFFFFFF, wide)
    assert "x.jar lies outside the file" in catalogued("a.jar", closed(b"", [row]))[1]


def test_giant_name_is_told_in_part() -> None:
    unread = catalogued("a.jar", closed(b"", [listed("n" * 60_000 + ".jar", 0, 0, 0)]))[1]
    assert len(unread) < 300


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_entry_without_its_checksum_is_read_as_loaders_do_and_named(compression: int) -> None:
    inner = jar(properties("com.example", "inner", "2.0"))
    content = jar({**properties("com.example", "outer", "1.0"), "lib/inner-2.0.jar": inner}, compression)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        crc = struct.pack("<L", archive.getinfo("lib/inner-2.0.jar").CRC)
    packages, unread = catalogued("outer-1.0.jar", content.replace(crc, b"demo"))
    assert names(packages) == ["com.example:outer:1.0", "com.example:inner:2.0"]
    assert unread == "lib/inner-2.0.jar does not have its checksum"


def component(name: str, version: str, group: str) -> dict[str, str]:
    purl = f"pkg:maven/{group}/{name}@{version}"
    return {"type": "library", "group": group, "name": name, "version": version, "purl": purl}


def test_a_document_that_a_build_packed_adds_what_it_states() -> None:
    parts = [component("log4j-core", "2.14.1", "org.apache.logging.log4j"), component("gone", "1", "org.a")]
    document = json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": parts})
    entries = {
        **properties("org.shop", "app", "1"),
        "META-INF/sbom/application.cdx.json": document,
        "META-INF/sbom/notes.txt": "no document",
        "BOOT-INF/lib/log4j-core-2.14.1.jar": jar(
            properties("org.apache.logging.log4j", "log4j-core", "2.14.1")
        ),
    }
    packages, complaint = catalogued("app.jar", jar(entries))
    assert complaint == ""
    assert names([one for one in packages if one.found_by != STATED]) == [
        "org.shop:app:1",
        "org.apache.logging.log4j:log4j-core:2.14.1",
    ]
    assert names([one for one in packages if one.found_by == STATED]) == [
        "org.apache.logging.log4j:log4j-core:2.14.1",
        "org.a:gone:1",
    ]
    assert names(list(joined(packages))) == [
        "org.shop:app:1",
        "org.apache.logging.log4j:log4j-core:2.14.1",
        "org.a:gone:1",
    ]


def test_packed_documents_that_are_too_many_are_counted() -> None:
    def document(name: str) -> str:
        parts = [component(name, "1", "org.a")]
        return json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": parts})

    packed = {f"META-INF/sbom/{i:02}.json": document(f"part{i}") for i in range(java.SBOMS_READ + 3)}
    packages, complaint = catalogued("app.jar", jar({**properties("org.shop", "app", "1"), **packed}))
    assert len(packages) == 1 + java.SBOMS_READ
    assert complaint == "3 more documents in META-INF/sbom/ were not read"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("{", "the document is not valid JSON"),
        ("{}", "the document is not an SBOM"),
        ("<a/>", "the document is XML"),
    ],
)
def test_a_packed_document_that_cannot_be_read_is_named(content: str, why: str) -> None:
    entries = {**properties("org.shop", "app", "1"), "META-INF/sbom/bom.json": content}
    packages, complaint = catalogued("app.jar", jar(entries))
    assert names(packages) == ["org.shop:app:1"]
    assert complaint.startswith(f"META-INF/sbom/bom.json: {why}")
