import assert from "node:assert/strict";
import { test } from "node:test";
import { contextOf } from "../src/context.js";
import { createLog } from "../src/log.js";
import { readMonth } from "../src/model.js";
import { readSettings } from "../src/settings.js";
import { reach } from "../src/startup.js";
import { failure } from "../src/store/postgres.js";

test("settings need a store and name what they cannot read", () => {
  assert.throws(() => readSettings({}), /CONNECTION_STRING is not set/);
  assert.throws(() => readSettings({ CONNECTION_STRING: "memory:", PORT: "http" }), /PORT must be a whole number/);
  assert.throws(() => readSettings({ CONNECTION_STRING: "memory:", COLLECTION_NAME: "a;b" }), /COLLECTION_NAME/);
  assert.deepEqual(readSettings({ CONNECTION_STRING: "memory:" }), {
    port: 8080,
    connection: "memory:",
    collection: "packages",
    storeWaitMs: 60_000,
    drainMs: 1000,
    logLevel: "info",
  });
});

test("a month ends where the next begins", () => {
  const month = readMonth(new URLSearchParams("year=2019&month=12"));
  assert.deepEqual(month, { from: new Date("2019-12-01T00:00:00Z"), until: new Date("2020-01-01T00:00:00Z") });
  assert.equal(readMonth(new URLSearchParams("year=1&month=1"))?.from.toISOString(), "0001-01-01T00:00:00.000Z");
  assert.equal(readMonth(new URLSearchParams("")), undefined);
});

test("the start waits longer and longer, and not for ever", async () => {
  let clock = 0;
  const waits: number[] = [];
  const failing = () => Promise.reject(new Error("refused"));
  const pause = async (ms: number) => {
    waits.push(ms);
    clock += ms;
  };
  await assert.rejects(reach(failing, 5000, () => {}, pause, () => clock), /refused/);
  assert.deepEqual(waits, [50, 100, 200, 400, 800, 1600]);
  let tries = 0;
  const third = async () => {
    tries += 1;
    if (tries < 3) throw new Error("refused");
    return tries;
  };
  assert.equal(await reach(third, 5000, () => {}, pause, () => clock), 3);
});

test("the correlation id is the request's own, else its trace id, else new", () => {
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  assert.equal(contextOf({ "x-correlation-id": "abc", traceparent }).correlationId, "abc");
  assert.equal(contextOf({ traceparent }).correlationId, "0af7651916cd43dd8448eb211c80319c");
  assert.match(contextOf({}).correlationId, /^[0-9a-f]{32}$/);
  assert.equal(contextOf({ "devspace-route-as": "red" }).route, "red");
});

test("log lines are JSON with the causes of errors", () => {
  const lines: string[] = [];
  const log = createLog("info", (line) => lines.push(line));
  log.debug("not shown");
  log.error("it failed", { error: new Error("outer", { cause: new Error("inner") }) });
  assert.equal(lines.length, 1);
  const { timestamp, ...rest } = JSON.parse(lines[0] ?? "") as Record<string, unknown>;
  assert.equal(typeof timestamp, "string");
  assert.deepEqual(rest, { level: "error", message: "it failed", error: "outer: inner" });
});

test("what PostgreSQL says becomes what the contract says", () => {
  const said = (code: string) => failure(Object.assign(new Error("x"), { code })).kind;
  assert.equal(said("53300"), "throttled");
  assert.equal(said("23514"), "missingShardKey");
  assert.equal(said("22021"), "unstorable");
  assert.equal(said("08006"), "other");
  for (const late of ["timeout exceeded when trying to connect", "Connection terminated due to connection timeout"]) {
    assert.equal(failure(new Error(late)).kind, "throttled");
  }
});
