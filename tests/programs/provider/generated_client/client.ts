/** What a program in another language does with a provider, by types made of its document: write, read, follow pages, ask again. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

type Finding = components["schemas"]["FoundFinding"];

const [baseUrl, writeToken, readToken] = process.argv.slice(2) as [string, string, string];
const client = (token: string) => createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });
const writer = client(writeToken);
const reader = client(readToken);

const hostile = 'pod-"></script>\u202e\n*';
const findings: Finding[] = Array.from({ length: 25 }, (_, i) => ({
  fingerprint: i.toString(16).padStart(32, "0"),
  control: "C-0057",
  severity: i % 5 ? "high" : "critical",
  kind: "Pod",
  namespace: "shop",
  name: i ? `pod-${i}` : hostile,
}));
const body: components["schemas"]["WholeReport"] = {
  measured: { at: "2026-11-01T10:00:00Z", program: "typescript 1", coverage: { objects: 30, judged: 1, unread: 2, skipped: 0 } },
  controls: ["C-0057"],
  findings,
  unread: [],
  leftOut: [],
  unlisted: [],
  undecided: [],
};

async function write(): Promise<void> {
  const params = { path: { source: "shop" }, header: { "Idempotency-Key": randomUUID() } };
  const first = await writer.POST("/v1/sources/{source}/report", { params, body });
  assert.equal(first.data?.opened, 25, JSON.stringify(first.error));
  const again = await writer.POST("/v1/sources/{source}/report", { params, body });
  assert.equal(again.data?.head, first.data.head, "the same key gets the same receipt");
  const other = await writer.POST("/v1/sources/{source}/report", { params, body: { ...body, findings: [] } });
  assert.equal(other.error?.status, 409, "the same key with another body is refused");
  const proof = await writer.GET("/v1/sources/{source}/proof", { params: { path: { source: "shop" }, query: { fromSize: 1 } } });
  assert.match(proof.data?.checkpoint ?? "", /^provider\.example/);

  const changes = await writer.POST("/v1/sources/{source}/changes", {
    params: { path: { source: "counting" }, header: { "Idempotency-Key": randomUUID() } },
    body: { sequence: 1, previous: "", measured: body.measured, opened: findings.slice(0, 1) },
  });
  assert.equal(changes.error?.status, 403, "the token is for another source");

  const digest = `sha256:${"1".repeat(64)}`;
  const image = await writer.POST("/v1/sources/{source}/images", {
    params: { path: { source: "shop" }, header: { "Idempotency-Key": randomUUID() } },
    body: {
      digest,
      name: "registry.example/shop:1",
      at: body.measured.at,
      program: "typescript 1",
      packages: [{ type: "maven", name: "org.apache.logging.log4j/log4j-core", version: "2.14.1" }],
      vulnerabilities: [{ id: "CVE-2021-44228", package: "log4j-core", version: "2.14.1", severity: "critical", exploited: true }],
      database: "2026-11-01",
      unread: 0,
    },
  });
  assert.ok(image.data, JSON.stringify(image.error));
}

async function followPages(): Promise<void> {
  const seen: components["schemas"]["FindingRow"][] = [];
  let cursor = "";
  let pages = 0;
  do {
    const page = await reader.GET("/v1/findings", { params: { query: { source: "shop", limit: 10, cursor } } });
    assert.ok(page.data, JSON.stringify(page.error));
    seen.push(...page.data.items);
    cursor = page.data.next ?? "";
    pages += 1;
  } while (cursor);
  assert.equal(pages, 3);
  assert.deepEqual(seen.map((one) => one.fingerprint).sort(), findings.map((one) => one.fingerprint).sort());
  assert.ok(seen.some((one) => one.name === hostile), "a name comes back as it was sent");
}

async function askAgain(): Promise<void> {
  const first = await reader.GET("/v1/sources");
  const tag = first.response.headers.get("ETag");
  assert.ok(tag && first.data?.items.some((one) => one.name === "shop" && one.open === 25 && one.unread === 2));
  const params = { header: { "If-None-Match": `"other", W/${tag}` } };
  const same = await reader.GET("/v1/sources", { params });
  assert.equal(same.response.status, 304);
  const another = await reader.GET("/v1/sources", { params: { header: { "If-None-Match": '"other"' } } });
  assert.equal(another.response.status, 200);
}

async function ask(): Promise<void> {
  const packages = await reader.GET("/v1/packages", { params: { query: { name: "log4j-core", version: "2.14" } } });
  assert.deepEqual(packages.data?.items.map((one) => [one.source, one.version]), [["shop", "2.14.1"]]);
  const images = await reader.GET("/v1/images", { params: { query: { vulnerability: "CVE-2021-44228" } } });
  assert.deepEqual(images.data?.items.map((one) => one.exploited), [1]);
  const path = { kind: "Pod", namespace: "shop", name: "pod-1" };
  const entity = await reader.GET("/v1/entities/{kind}/{namespace}/{name}", { params: { path } });
  assert.deepEqual(entity.data?.sources, ["shop"], JSON.stringify(entity.error));
  const strange = { ...path, name: hostile };
  const named = await reader.GET("/v1/entities/{kind}/{namespace}/{name}", { params: { path: strange } });
  assert.equal(named.data?.critical, 1, "a name of any letters is part of an address");
  const days = await reader.GET("/v1/history", { params: { query: { days: 7 } } });
  assert.equal(days.data?.items.reduce((sum, one) => sum + one.open, 0), 25);
  const team = await reader.GET("/v1/history/namespaces", { params: { query: { namespaces: "shop" } } });
  assert.equal(team.data?.items[0]?.critical, 5);
  const alerts = await reader.GET("/v1/alerts");
  assert.deepEqual(alerts.data?.items.map((one) => one.kind), ["key-reused"], "that of write() is told to readers");
}

async function getProblems(): Promise<void> {
  const blind = await writer.GET("/v1/findings");
  assert.equal(blind.response.headers.get("content-type"), "application/problem+json");
  assert.deepEqual([blind.error?.status, blind.error?.title], [403, "This token may only report"]);
  const unknown = await reader.GET("/v1/findings", { params: { query: { source: "shpo" } } });
  assert.deepEqual([unknown.error?.status, unknown.error?.title], [404, "Unknown source"]);
  const cursor = await reader.GET("/v1/findings", { params: { query: { cursor: "made-up" } } });
  assert.equal(cursor.error?.status, 400);
  const nobody = await client("wrong").GET("/v1/sources");
  assert.equal(nobody.error?.status, 401);
  assert.equal(nobody.response.headers.get("www-authenticate"), "Bearer");
}

await write();
await followPages();
await askAgain();
await ask();
await getProblems();
console.log("written, read, followed, asked again, refused");
