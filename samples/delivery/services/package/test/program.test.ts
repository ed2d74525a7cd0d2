// The program as a process: it ends without cutting a connection, and gives up on a store that is not there.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { Agent, get, type IncomingMessage } from "node:http";
import { createInterface } from "node:readline";
import { test } from "node:test";

function program(settings: Record<string, string>) {
  const child = spawn(process.execPath, ["--import", "tsx", "src/main.ts"], {
    env: { ...process.env, PORT: "0", ...settings },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const said = async (message: string): Promise<Record<string, unknown>> => {
    for (;;) {
      const { value, done } = await lines.next();
      assert.ok(!done, `the program ended before it said ${JSON.stringify(message)}`);
      const line = JSON.parse(value) as Record<string, unknown>;
      if (line["message"] === message) return line;
    }
  };
  return { child, said };
}

async function head(port: unknown, agent: Agent): Promise<IncomingMessage> {
  const [response] = (await once(get(`http://127.0.0.1:${port}/healthz`, { agent }), "response")) as [IncomingMessage];
  response.resume();
  await once(response, "end");
  return response;
}

test("a kept connection learns of the end from an answer", { timeout: 30_000 }, async () => {
  const { child, said } = program({ CONNECTION_STRING: "memory:", DRAIN_MS: "1500" });
  const { port } = await said("listening");
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  assert.equal((await head(port, agent)).headers.connection, "keep-alive");
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  await said("draining");
  assert.equal((await head(port, agent)).headers.connection, "close");
  await said("stopped");
  assert.deepEqual(await exit, [0, null]);
  agent.destroy();
});

test("without its store it gives up with 1", { timeout: 30_000 }, async () => {
  const { child, said } = program({ CONNECTION_STRING: "postgres://127.0.0.1:1/x", STORE_WAIT_SECONDS: "1" });
  const exit = once(child, "exit");
  await said("the store does not answer yet");
  await said("the service cannot run");
  assert.deepEqual(await exit, [1, null]);
});
