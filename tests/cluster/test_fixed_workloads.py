"""Programs that people run still answer after all edits that are called safe."""

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from package_image import package_image
from whole_cluster import WholeCluster

from leadline.scans.fixing.fix_scan import fix_scan
from leadline.scans.fixing.working_copy import write_back
from leadline.scans.options import PostureOptions

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.nightly("fixes")]

IMAGE = "localhost/packages:1"
SPACE = "fixed"
NODE = "require('http').createServer((q, r) => r.end('node ' + q.url)).listen(3000)"
POSTGRES = (
    "install -d -o postgres /data/db && run='setpriv --reuid=100 --regid=100 --clear-groups' && "
    "bin=/usr/lib/postgresql/15/bin && $run $bin/initdb -D /data/db -A trust && echo 'host all all all trust' >> /data/db/pg_hba.conf && "
    "exec $run $bin/postgres -D /data/db -c listen_addresses='*' -c unix_socket_directories=/tmp -c jit=off"
)
TOMCAT = (
    "mkdir -p /tmp/t/conf /tmp/t/logs /tmp/t/temp /tmp/t/webapps/ROOT && cp -rL /usr/share/tomcat10/etc/. /tmp/t/conf/ && "
    "echo tomcat-answers > /tmp/t/webapps/ROOT/a.txt && export CATALINA_BASE=/tmp/t CATALINA_HOME=/usr/share/tomcat10 "
    "JAVA_HOME=/usr/lib/jvm/java-17-openjdk-amd64 && exec /bin/sh /usr/share/tomcat10/bin/catalina.sh run"
)
NGINX = (
    "mkdir -p /var/log/nginx /var/lib/nginx && echo 'events {} http { server { listen 80; location / { return 200 nginx; } } }'"
    " > /tmp/n.conf && exec nginx -c /tmp/n.conf -g 'daemon off;'"
)
HAPROXY = (
    "printf 'defaults\\n mode http\\n timeout client 5s\\n timeout server 5s\\n timeout connect 5s\\n"
    "frontend f\\n bind :8081\\n http-request return status 200 content-type text/plain string haproxy\\n' > /tmp/h.cfg && "
    "exec haproxy -db -f /tmp/h.cfg"
)


def http(path: str) -> bytes:
    return f"GET {path} HTTP/1.0\r\nHost: a\r\n\r\n".encode()


SERVICES: dict[str, tuple[str, int, bytes, bytes]] = {
    "nginx": (NGINX, 80, http("/"), b"nginx"),
    "redis": ("exec redis-server --bind 0.0.0.0 --protected-mode no --dir /tmp", 6379, b"PING\r\n", b"+PONG"),
    # A start packet without a database: PostgreSQL answers that it trusts the user, or why it does not.
    "postgres": (
        POSTGRES,
        5432,
        b"\x00\x00\x00\x17\x00\x03\x00\x00user\x00postgres\x00\x00",
        b"R\x00\x00\x00\x08\x00\x00\x00\x00",
    ),
    "memcached": ("exec memcached -u nobody -l 0.0.0.0", 11211, b"version\r\n", b"VERSION"),
    "haproxy": (HAPROXY, 8081, http("/"), b"haproxy"),
    "tomcat": (TOMCAT, 8080, http("/a.txt"), b"tomcat-answers"),
    "node": (f'exec node -e "{NODE}"', 3000, http("/x"), b"node /x"),
}
"""Command, port, what is sent, and what the answer holds."""


def pod(command: str, **fields: Any) -> dict[str, Any]:
    container = {"name": "main", "image": IMAGE, "command": ["/bin/sh", "-ec", command]}
    return {"terminationGracePeriodSeconds": 1, "containers": [container], **fields}


def manifests() -> Iterator[dict[str, Any]]:
    for name, (command, port, _, _) in SERVICES.items():
        spec = pod(command)
        spec["containers"][0]["ports"] = [{"containerPort": port}]
        labels = {"app": name}
        template = {"metadata": {"labels": labels}, "spec": spec}
        body = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
        yield named("apps/v1", "Deployment", name, body)
    job = {
        "template": {"spec": pod("date && setpriv --reuid=65534 id", restartPolicy="Never")},
        "backoffLimit": 0,
    }
    yield named("batch/v1", "CronJob", "cron", {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": job}})


def named(api: str, kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": SPACE}, "spec": spec}


def answers(address: str, port: int, sent: bytes, wanted: bytes) -> bool:
    try:
        with socket.create_connection((address, port), timeout=5) as connection:
            connection.sendall(sent)
            connection.settimeout(5)
            got = b""
            while wanted not in got and (part := connection.recv(4096)):
                got += part
            return wanted in got
    except OSError:
        return False


def all_answer(cluster: WholeCluster, until: Callable[..., None]) -> None:
    for name, (_, port, sent, wanted) in SERVICES.items():
        cluster.kubectl("rollout", "status", "-n", SPACE, f"deployment/{name}", "--timeout=100s")

        def answered(name: str = name, port: int = port, sent: bytes = sent, wanted: bytes = wanted) -> bool:
            address = cluster.kubectl(
                *("get", "pods", "-n", SPACE, "-l", f"app={name}", "--field-selector=status.phase=Running"),
                *("-o", "jsonpath={.items[*].status.podIP}"),
            ).split()
            return any(answers(one, port, sent, wanted) for one in address)

        until(answered, seconds=180)


def a_run_of_the_cron_job_completes(cluster: WholeCluster, name: str) -> None:
    cluster.kubectl("create", "job", "-n", SPACE, "--from=cronjob/cron", name)
    cluster.kubectl("wait", "-n", SPACE, f"job/{name}", "--for=condition=complete", "--timeout=100s")


def test_eight_programs_answer_after_all_safe_edits(whole_cluster: WholeCluster, tmp_path: Path) -> None:
    whole_cluster.import_image(package_image(IMAGE, tmp_path))
    whole_cluster.namespace(SPACE)
    file = tmp_path / "manifests" / "all.yaml"
    file.parent.mkdir()
    file.write_text(yaml.safe_dump_all(manifests()))
    whole_cluster.kubectl("apply", "-f", str(file))
    all_answer(whole_cluster, whole_cluster.until)
    a_run_of_the_cron_job_completes(whole_cluster, "before")

    result = fix_scan([str(file.parent)], PostureOptions(environ=os.environ))
    assert {edit.risk for edit in result.made} == {""}
    edited = {result.objects[edit.on].name for edit in result.made}
    assert edited == {*SERVICES, "cron"}
    assert result.risky
    write_back(result.files)

    whole_cluster.kubectl("apply", "-f", str(file))
    all_answer(whole_cluster, whole_cluster.until)
    a_run_of_the_cron_job_completes(whole_cluster, "after")
