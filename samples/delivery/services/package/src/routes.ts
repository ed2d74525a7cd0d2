// The contract: paths, verbs and what each answers.

import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { InputError, readFields, readMonth, wholePackage } from "./model.js";
import type { PackageStore } from "./store.js";

export interface Answer {
  status: number;
  headers: Record<string, string>;
  body?: string;
  /** The reason phrase, where it is not the usual one. */
  reason?: string;
  /** Whether the connection cannot be used again. */
  close?: boolean;
}

export interface Call {
  method: string;
  query: URLSearchParams;
  /** The parsed body. Throws an `InputError` where it is no JSON. */
  body(): Promise<unknown>;
}

type Handler = (call: Call, store: PackageStore) => Promise<Answer>;
type Verb = "GET" | "PUT" | "PATCH";

export interface Match {
  /** The path with its variable parts named. */
  pattern: string;
  packageId?: string;
  verbs: Partial<Record<Verb, Handler>>;
}

const description = readFileSync(new URL("../openapi.json", import.meta.url), "utf8");

/** Finds what stands at a path. Case and a trailing slash of the fixed words do not matter. */
export function matched(path: string): Match {
  const segments = path.split("/").slice(1);
  if (segments.length > 1 && segments.at(-1) === "") segments.pop();
  const [first, second, third, fourth] = segments;
  const words = [first, second, third].map((segment) => segment?.toLowerCase());
  if (segments.length === 1 && words[0] === "healthz") {
    return { pattern: "/healthz", verbs: { GET: async () => json(200, { status: "OK" }) } };
  }
  if (segments.length === 2 && words[0] === "swagger" && words[1] === "swagger.json") {
    return { pattern: "/swagger/swagger.json", verbs: { GET: async () => document() } };
  }
  if (words[0] !== "api" || words[1] !== "packages") return nothing;
  if (segments.length === 2) {
    return { pattern: "/api/packages", verbs: { PUT: put(() => randomBytes(12).toString("hex")) } };
  }
  if (segments.length === 4 && words[2] === "summary" && fourth) {
    return { pattern: "/api/packages/summary/{ownerId}", verbs: { GET: summary(fourth) } };
  }
  if (segments.length !== 3 || !third) return nothing;
  const id = () => decoded(third);
  return {
    pattern: "/api/packages/{packageId}",
    packageId: third,
    verbs: { GET: get(id), PUT: put(id), PATCH: patch(id) },
  };
}

/** Answers a call: the handler of its verb, or what the contract says about other verbs. */
export async function answerOf(match: Match, call: Call, store: PackageStore): Promise<Answer> {
  const allowed = allow(match);
  if (allowed === "") return text(404, "Not Found");
  if (call.method === "OPTIONS") return { status: 200, headers: { Allow: allowed }, body: "" };
  const verb = call.method === "HEAD" ? "GET" : call.method;
  const handler = Object.hasOwn(match.verbs, verb) ? match.verbs[verb as Verb] : undefined;
  if (!handler) {
    const refused = text(405, "Method Not Allowed");
    return { ...refused, headers: { ...refused.headers, Allow: allowed } };
  }
  return handler(call, store);
}

const nothing: Match = { pattern: "unknown", verbs: {} };

function allow({ verbs }: Match): string {
  return [verbs.GET && "HEAD", ...Object.keys(verbs)].filter(Boolean).join(", ");
}

const get =
  (id: () => string): Handler =>
  async (_call, store) => {
    const found = await store.get(id());
    return found ? json(200, found) : text(404, "Not Found");
  };

const put =
  (id: () => string): Handler =>
  async (call, store) => {
    const whole = wholePackage(id(), readFields(await call.body()));
    const done = await store.put(whole);
    return done === "created" ? json(201, whole) : { status: 204, headers: {} };
  };

const patch =
  (id: () => string): Handler =>
  async (call, store) => {
    const fields = readFields(await call.body());
    const exists = await store.merge(id(), fields);
    return exists ? { status: 204, headers: {} } : text(404, "Not Found");
  };

const summary =
  (owner: string): Handler =>
  async (call, store) =>
    json(200, { totalWeight: await store.totalWeight(decoded(owner), readMonth(call.query)) });

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new InputError("the path is not percent-encoded UTF-8");
  }
}

function document(): Answer {
  return { status: 200, headers: { "Content-Type": "application/json; charset=utf-8" }, body: description };
}

export function json(status: number, value: unknown): Answer {
  return {
    status,
    headers: { "Content-Type": "application/json; charset=utf-8" },
    body: JSON.stringify(value),
  };
}

export function text(status: number, body: string): Answer {
  return { status, headers: { "Content-Type": "text/plain; charset=utf-8" }, body };
}

/** A failure in the contract's form. */
export function failed(status: number, message: string): Answer {
  return json(status, { level: "error", message });
}
