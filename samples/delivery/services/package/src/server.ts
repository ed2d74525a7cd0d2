// HTTP: from a request to a handler and back, with one log line each.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { contextOf } from "./context.js";
import type { Draining } from "./drain.js";
import type { Log } from "./log.js";
import { InputError } from "./model.js";
import { answerOf, failed, matched, text, type Answer, type Call } from "./routes.js";
import { StoreFailure, type PackageStore } from "./store.js";

/** Bodies longer than this are refused: 1 MiB. */
const LONGEST_BODY = 1024 * 1024;

/** Longer than clients keep idle connections, so that they close them and no request meets a closing one. */
const KEEP_ALIVE_MS = 75_000;

class BodyTooLong extends Error {}

export function packageServer(store: PackageStore, log: Log): { server: Server; draining: Draining } {
  const draining: Draining = { active: false };
  const server = createServer((request, response) => {
    const started = performance.now();
    const { correlationId, route } = contextOf(request.headers);
    const url = new URL(request.url ?? "/", "http://package");
    const match = matched(url.pathname);
    void respond(request, url, match, store)
      .catch((error: unknown) => {
        const answer = answerOfError(error);
        if (answer.status >= 500) log.error("the request failed", { error, correlationId });
        return answer;
      })
      .then((answer) => {
        write(response, answer, draining);
        log.info("request", {
          method: request.method,
          // The pattern, not the path: a path may name an owner, who is a person.
          path: match.pattern,
          packageId: match.packageId,
          status: answer.status,
          micros: Math.round((performance.now() - started) * 1000),
          correlationId,
          route,
        });
      });
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.headersTimeout = KEEP_ALIVE_MS + 5000;
  return { server, draining };
}

async function respond(
  request: IncomingMessage,
  url: URL,
  match: ReturnType<typeof matched>,
  store: PackageStore,
): Promise<Answer> {
  const call: Call = {
    method: request.method ?? "GET",
    query: url.searchParams,
    body: async () => parsed(await bodyOf(request)),
  };
  return answerOf(match, call, store);
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > LONGEST_BODY) throw new BodyTooLong();
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

/** An absent body counts as an empty object, as the contract has it. */
function parsed(body: string): unknown {
  if (body.trim() === "") return {};
  try {
    return JSON.parse(body) as unknown;
  } catch (error) {
    throw new InputError(error instanceof Error ? error.message : "the body is no JSON");
  }
}

function answerOfError(error: unknown): Answer {
  if (error instanceof BodyTooLong) return { ...text(413, "Payload Too Large"), close: true };
  if (error instanceof InputError) return failed(400, error.message);
  if (error instanceof StoreFailure) {
    switch (error.kind) {
      case "throttled":
        return text(429, "Too Many Requests");
      case "missingShardKey":
        return { ...text(400, "Missing shard key"), reason: "Missing shard key" };
      case "unstorable":
        return failed(400, error.message);
      case "other":
        break;
    }
  }
  return failed(500, error instanceof Error ? error.message : String(error));
}

function write(response: ServerResponse, answer: Answer, draining: Draining): void {
  // A client that left has no use for an answer.
  if (response.destroyed) return;
  if (draining.active || answer.close) response.setHeader("Connection", "close");
  for (const [name, value] of Object.entries(answer.headers)) response.setHeader(name, value);
  response.statusCode = answer.status;
  if (answer.reason) response.statusMessage = answer.reason;
  if (answer.body !== undefined) response.setHeader("Content-Length", Buffer.byteLength(answer.body));
  response.end(answer.body);
}

