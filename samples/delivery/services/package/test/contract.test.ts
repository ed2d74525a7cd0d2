// The contract, over HTTP, on each store there is: the one in memory always, PostgreSQL where TEST_POSTGRES_URL names
// a database.

import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { randomUUID } from "node:crypto";
import { createLog } from "../src/log.js";
import { packageServer } from "../src/server.js";
import { openStore, StoreFailure, type PackageStore } from "../src/store.js";

const quiet = createLog("error", () => {});
const connections = ["memory:", ...(process.env["TEST_POSTGRES_URL"] ? [process.env["TEST_POSTGRES_URL"]] : [])];

interface Running {
  base: string;
  close(): Promise<void>;
}

async function running(store: PackageStore): Promise<Running> {
  const { server } = packageServer(store, quiet);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await store.close();
    },
  };
}

const send = (method: string, body: unknown) => ({
  method,
  headers: { "content-type": "application/json" },
  body: typeof body === "string" ? body : JSON.stringify(body),
});

for (const connection of connections) {
  describe(`the contract on ${connection.split(":")[0]}`, () => {
    let service: Running;
    let url: (id: string) => string;

    before(async () => {
      service = await running(await openStore(connection, "packages_under_test", quiet));
      url = (id) => `${service.base}/api/packages/${id}`;
    });
    after(() => service.close());

    test("put creates, then replaces", async () => {
      const id = randomUUID();
      const created = await fetch(url(id), send("PUT", { id: "other", size: "Small", weight: 10, tag: "t1" }));
      assert.equal(created.status, 201);
      assert.deepEqual(await created.json(), { id, size: "Small", weight: 10, tag: "t1" });
      const replaced = await fetch(url(id), send("PUT", { size: "Small", weight: 11, tag: "t2" }));
      assert.equal(replaced.status, 204);
      assert.equal(await replaced.text(), "");
      const read = await fetch(url(id));
      assert.equal(read.status, 200);
      assert.deepEqual(await read.json(), { id, size: "Small", weight: 11, tag: "t2" });
    });

    test("paths ignore case and a trailing slash, ids do not", async () => {
      const id = `Id-${randomUUID()}`;
      await fetch(`${service.base}/API/Packages/${id}/`, send("PUT", {}));
      assert.deepEqual(await (await fetch(url(id))).json(), { id, size: "" });
      assert.equal((await fetch(url(id.toLowerCase()))).status, 404);
    });

    test("an id is made where none is given", async () => {
      const created = await fetch(url(""), send("PUT", { size: "large" }));
      assert.equal(created.status, 201);
      const { id } = (await created.json()) as { id: string };
      assert.match(id, /^[0-9a-f]{24}$/);
      assert.equal((await fetch(url(id))).status, 200);
    });

    test("unknown packages are not found", async () => {
      const missing = await fetch(url(randomUUID()));
      assert.equal(missing.status, 404);
      assert.match(missing.headers.get("content-type") ?? "", /^text\/plain/);
      assert.equal(await missing.text(), "Not Found");
      assert.equal((await fetch(url(randomUUID()), send("PATCH", { weight: 1 }))).status, 404);
    });

    test("other verbs are refused with those that are allowed", async () => {
      const refused = await fetch(url("42"), { method: "DELETE" });
      assert.equal(refused.status, 405);
      assert.equal(refused.headers.get("allow"), "HEAD, GET, PUT, PATCH");
      const options = await fetch(url("42"), { method: "OPTIONS" });
      assert.equal(options.status, 200);
      assert.equal(options.headers.get("allow"), "HEAD, GET, PUT, PATCH");
      assert.equal((await fetch(`${service.base}/healthz`, { method: "HEAD" })).status, 200);
    });

    test("patch changes only what it is sent", async () => {
      const id = randomUUID();
      await fetch(url(id), send("PUT", { size: "Small", weight: 1, tag: "t1" }));
      assert.equal((await fetch(url(id), send("PATCH", { size: "Large", weight: 5 }))).status, 204);
      assert.equal((await fetch(url(id), send("PATCH", { weight: 6, tag: null }))).status, 204);
      assert.deepEqual(await (await fetch(url(id))).json(), { id, size: "Large", weight: 6, tag: "t1" });
    });

    for (const [what, body] of [
      ["broken JSON", "{x"],
      ["a string", '"x"'],
      ["a number", "7"],
      ["a list", "[]"],
      ["an unknown size", { size: "Huge" }],
      ["a weight in words", { weight: "ten" }],
      ["a null character", { tag: "a\u0000b" }],
    ] as const) {
      test(`${what} is refused`, async (t) => {
        if (what === "a null character" && connection === "memory:") return t.skip("memory keeps any text");
        const refused = await fetch(url(randomUUID()), send("PUT", body));
        assert.equal(refused.status, 400);
        const failure = (await refused.json()) as { level: string; message: string };
        assert.equal(failure.level, "error");
        assert.equal(typeof failure.message, "string");
      });
    }

    test("the summary adds up the owner's packages of the month", async () => {
      const owner = `owner/${randomUUID()}`;
      const summary = async (query = "") => {
        const path = `summary/${encodeURIComponent(owner)}${query}`;
        const reply = await fetch(url(path));
        return { status: reply.status, body: (await reply.json()) as unknown };
      };
      assert.deepEqual(await summary(), { status: 200, body: { totalWeight: 0 } });
      const first = randomUUID();
      await fetch(url(first), send("PUT", { weight: 1, ownerId: owner }));
      await fetch(url(first), send("PUT", { weight: 150, ownerId: owner }));
      await fetch(url(randomUUID()), send("PUT", { weight: 250.5, ownerId: owner }));
      await fetch(url(randomUUID()), send("PUT", { weight: 1000, ownerId: "another" }));
      await fetch(url(randomUUID()), send("PUT", { ownerId: owner }));
      const now = new Date();
      const month = `?year=${now.getUTCFullYear()}&MONTH=${now.getUTCMonth() + 1}`;
      assert.deepEqual((await summary()).body, { totalWeight: 400.5 });
      assert.deepEqual((await summary(month)).body, { totalWeight: 400.5 });
      assert.deepEqual((await summary("?year=2019&month=5")).body, { totalWeight: 0 });
      assert.equal((await summary("?year=2019")).status, 400);
      assert.equal((await summary("?year=2019&month=13")).status, 400);
    });

    test("health and description are served", async () => {
      assert.deepEqual(await (await fetch(`${service.base}/healthz`)).json(), { status: "OK" });
      const description = (await (await fetch(`${service.base}/swagger/swagger.json`)).json()) as {
        info: { title: string; version: string };
        paths: Record<string, unknown>;
      };
      assert.equal(description.info.title, "fabrikam-drone-delivery-package-service");
      for (const path of ["/api/packages/{packageId}", "/api/packages/summary/{ownerId}", "/healthz"]) {
        assert.ok(description.paths[path], `${path} is not described`);
      }
    });
  });
}

describe("failures of the store", () => {
  const failing = (failure: Error): PackageStore => ({
    put: () => Promise.reject(failure),
    get: () => Promise.reject(failure),
    merge: () => Promise.reject(failure),
    totalWeight: () => Promise.reject(failure),
    close: () => Promise.resolve(),
  });

  async function put(failure: Error): Promise<Response> {
    const service = await running(failing(failure));
    try {
      const reply = await fetch(`${service.base}/api/packages/1`, send("PUT", {}));
      return new Response(await reply.text(), { status: reply.status, statusText: reply.statusText });
    } finally {
      await service.close();
    }
  }

  test("throttling is passed on", async () => {
    assert.equal((await put(new StoreFailure("throttled", "too many connections"))).status, 429);
  });

  test("a missing shard key is the client's", async () => {
    const reply = await put(new StoreFailure("missingShardKey", "no partition"));
    assert.deepEqual([reply.status, reply.statusText, await reply.text()], [400, "Missing shard key", "Missing shard key"]);
  });

  test("anything else is ours", async () => {
    const reply = await put(new Error("disk on fire"));
    assert.equal(reply.status, 500);
    assert.deepEqual(await reply.json(), { level: "error", message: "disk on fire" });
  });
});
