"""Builds small images as users have them, each as an OCI layout (``image``, gzip) and as ``docker save`` writes it (``image.tar``).

    python bench/small_images.py FOLDER

``five``: one shop (Express, React, its bundles) below ``/srv``, its sources and its maps, installed once by each of npm, pnpm, Yarn 1, Yarn 4
(which keeps archives beside the application) and Bun, their caches elsewhere. ``modules``: an application with webpack and eslint, and nothing but what npm installs below
``node_modules``. ``go``: one program on what a distroless base has: CAs, accounts, time zones and the lists of their packages.
``program``: the same program alone. Needs npm, Go and the CAs and time zones of this machine; what is there already is not built again.
"""

import argparse
import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

from image_speed import NODE, keep, node_layer, tarred

TOOLS = ("pnpm@9", "yarn@1", "@yarnpkg/cli-dist@4", "bun@1", "esbuild@0.24")
SHOP = {
    "dayjs": "1.11.7",
    "express": "4.18.2",
    "jsonwebtoken": "9.0.0",
    "pg": "8.11.3",
    "react": "18.2.0",
    "react-dom": "18.2.0",
}
SERVER = """import express from "express";
import jwt from "jsonwebtoken";
import dayjs from "dayjs";
import { Pool } from "pg";

const pool = new Pool({ connectionString: process.env.DATABASE_URL });
const app = express();

app.get("/orders/%(n)d", async (request, answer) => {
  const claims = jwt.verify(request.headers.authorization ?? "", process.env.JWT_KEY ?? "");
  const { rows } = await pool.query("select * from orders where customer = $1", [claims.sub]);
  const rates = await (await fetch(process.env.RATES_URL ?? "")).json();
  answer.json(rows.map((row) => ({ ...row, at: dayjs(row.at).format(), rate: rates[row.currency] })));
});
export default app;
"""
PAGE = """import React from "react";
import { createRoot } from "react-dom/client";
import dayjs from "dayjs";

export function Orders%(n)d({ orders }) {
  return <ul>{orders.map((one) => <li key={one.id}>{dayjs(one.at).format()}: {one.total}</li>)}</ul>;
}
fetch("/orders").then((answer) => answer.json()).then((data) => createRoot(document.body).render(<Orders%(n)d orders={data} />));
"""
INSTALLS = {
    "npm": ("npm install --ignore-scripts --no-audit --no-fund",),
    "pnpm": ("pnpm install --ignore-scripts",),
    "yarn1": ("yarn1 install --ignore-scripts --non-interactive",),
    "yarn4": (
        "yarn4 config set enableGlobalCache false",
        "yarn4 config set enableTelemetry false",
        "yarn4 install --mode=skip-build",
    ),
    "bun": ("bun install --ignore-scripts",),
}
BUNDLES = (
    "src/site.jsx --bundle --minify --sourcemap --outfile=dist/site/site.js",
    *(
        f"src/{name}.js --format=cjs --sourcemap --outfile=dist/{name}.js"
        for name in ("server", *(f"orders{n}" for n in range(20)))
    ),
)
PROGRAM = """package main

import (
	"fmt"
	"net/http"

	"github.com/golang-jwt/jwt/v4"
	"golang.org/x/net/html"
	"golang.org/x/text/language"
	"gopkg.in/yaml.v3"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		tags, _, _ := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
		token, _ := jwt.Parse(r.Header.Get("Authorization"), func(*jwt.Token) (any, error) { return []byte(r.Host), nil })
		page, _ := html.Parse(r.Body)
		text, _ := yaml.Marshal(page)
		fmt.Fprintln(w, tags, token, string(text))
	})
	http.ListenAndServe(":8080", nil)
}
"""
MODULES = (
    "github.com/golang-jwt/jwt/v4@v4.4.0",
    "golang.org/x/net@v0.7.0",
    "golang.org/x/text@v0.7.0",
    "gopkg.in/yaml.v3@v3.0.0",
)
PACKAGES = {"base-files": "12.4", "media-types": "10.0.0", "netbase": "6.4", "tzdata": "2024a-0"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    tools, program = with_tools(folder / "tools"), built_program(folder / "built")
    parts = {
        "five": [lambda root: five(root, tools)],
        "modules": [lambda root: node_layer(NODE, root)],
        "go": [distroless, lambda root: placed(program, root / "app/server")],
        "program": [lambda root: placed(program, root / "server")],
    }
    for name, layers in parts.items():
        tars = [tarred(folder / name / f"layer-{number}", part) for number, part in enumerate(layers)]
        write_image(folder / name, name, tars)


def with_tools(folder: Path) -> str:
    """The PATH with package managers from npm."""
    folder.mkdir(exist_ok=True)
    if not (folder / "node_modules").exists():
        (folder / "package.json").write_text("{}")
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", *TOOLS], cwd=folder, check=True)
        # Both call themselves yarn.
        for name, package in (("yarn1", "yarn"), ("yarn4", "@yarnpkg/cli-dist")):
            (folder / name).write_text(
                f'#!/bin/sh\nexec node {folder}/node_modules/{package}/bin/yarn.js "$@"\n'
            )
            (folder / name).chmod(0o755)
    return f"{folder}:{folder / 'node_modules/.bin'}:{os.environ['PATH']}"


def five(root: Path, path: str) -> None:
    registry = subprocess.run(
        ["npm", "config", "get", "registry"], check=True, capture_output=True, text=True
    ).stdout.strip()
    with TemporaryDirectory() as home:
        own = {
            "PATH": path,
            "HOME": home,
            "YARN_NPM_REGISTRY_SERVER": registry,
            "YARN_REGISTRY": registry,
            "CI": "",
        }
        environment = os.environ | own
        for name, commands in INSTALLS.items():
            app = root / "srv" / name
            (app / "src").mkdir(parents=True)
            (app / "package.json").write_text(
                json.dumps({"name": "shop", "version": "1.0.0", "private": True, "dependencies": SHOP})
            )
            if name == "yarn4":
                (app / "yarn.lock").touch()
            for number in range(20):
                (app / "src" / f"orders{number}.js").write_text(SERVER % {"n": number})
                (app / "src" / f"page{number}.jsx").write_text(PAGE % {"n": number})
            (app / "src/server.js").write_text(
                "".join(f'export * as o{n} from "./orders{n}.js";\n' for n in range(20))
            )
            (app / "src/site.jsx").write_text("".join(f'export * from "./page{n}.jsx";\n' for n in range(20)))
            for command in commands:
                subprocess.run(command.split(), cwd=app, env=environment, check=True)
            if name == "yarn4":
                # Its packages lie in archives that only its own loader reads.
                shutil.copytree(root / "srv/npm/dist", app / "dist")
                continue
            for command in BUNDLES:
                subprocess.run(["esbuild", *command.split()], cwd=app, env=environment, check=True)


def built_program(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    program = folder / "server"
    if not program.exists():
        (folder / "main.go").write_text(PROGRAM)
        (folder / "go.mod").unlink(missing_ok=True)
        for command in (
            "go mod init shop.example/server",
            f"go get {' '.join(MODULES)}",
            "go build -trimpath -o server .",
        ):
            subprocess.run(command.split(), cwd=folder, env={**os.environ, "CGO_ENABLED": "0"}, check=True)
    return program


def distroless(root: Path) -> None:
    for name, text in {
        "etc/passwd": "root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n",
        "etc/group": "root:x:0:\nnonroot:x:65532:\n",
        "etc/nsswitch.conf": "hosts: files dns\n",
        "usr/lib/os-release": 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Distroless"\n',
        **{
            f"var/lib/dpkg/status.d/{name}": f"Package: {name}\nVersion: {version}\nArchitecture: all\n"
            for name, version in PACKAGES.items()
        },
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "etc/os-release").symlink_to("../usr/lib/os-release")
    placed(Path("/etc/ssl/certs/ca-certificates.crt"), root / "etc/ssl/certs/ca-certificates.crt")
    shutil.copytree("/usr/share/zoneinfo", root / "usr/share/zoneinfo", symlinks=True)


def placed(file: Path, at: Path) -> None:
    at.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(file, at)


def write_image(folder: Path, name: str, layers: list[bytes]) -> None:
    digests = [hashlib.sha256(layer).hexdigest() for layer in layers]
    config = json.dumps(
        {
            "os": "linux",
            "architecture": "amd64",
            "config": {
                "User": "65532",
                "Env": [
                    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                    f"APP_NAME={name}",
                ],
                "Entrypoint": ["/app/server"],
                "Cmd": ["--listen=:8080"],
                "WorkingDir": "/srv",
            },
            "history": [{"created_by": f"COPY layer-{n} / # buildkit"} for n in range(len(layers))],
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{one}" for one in digests]},
        }
    ).encode()
    image = folder / "image"
    blobs = image / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    stored = [keep(blobs, gzip.compress(layer, 6, mtime=0), "layer.v1.tar+gzip") for layer in layers]
    manifest = {"schemaVersion": 2, "config": keep(blobs, config, "config.v1+json"), "layers": stored}
    descriptor = keep(blobs, json.dumps(manifest).encode(), "manifest.v1+json")
    (image / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (image / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [descriptor]}))
    of_config = f"{hashlib.sha256(config).hexdigest()}.json"
    names = [f"{one}/layer.tar" for one in digests]
    saved = [{"Config": of_config, "RepoTags": [f"{name}:1"], "Layers": names}]
    with tarfile.open(folder / "image.tar", "w") as archive:
        contents = {
            of_config: config,
            **dict(zip(names, layers, strict=True)),
            "manifest.json": json.dumps(saved).encode(),
        }
        for path, content in contents.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    print(
        f"{name}: {sum(map(len, layers)) / 1e6:.1f} MB unpacked, {sum(one['size'] for one in stored) / 1e6:.1f} MB stored"
    )


if __name__ == "__main__":
    main()
