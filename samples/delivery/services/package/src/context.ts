// What a request's log lines are found by.

import { randomUUID } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

export interface Context {
  /** The request's own correlation id, else its trace id, else a new id. */
  correlationId: string;
  /** The space key that came in, if any. */
  route: string | undefined;
}

export function contextOf(headers: IncomingHttpHeaders): Context {
  const own = headers["x-correlation-id"];
  const trace = /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(String(headers["traceparent"] ?? ""))?.[1];
  const route = headers["devspace-route-as"];
  return {
    correlationId: (typeof own === "string" && own) || trace || randomUUID().replaceAll("-", ""),
    route: typeof route === "string" ? route : undefined,
  };
}
