// Ending without a lost request.

import type { Server } from "node:http";
import type { Log } from "./log.js";

/** How long requests in flight may take to end once the listener is gone. */
const LAST_REQUESTS_MS = 800;

export interface Draining {
  /** True from the signal on: every answer then asks its client to close the connection. */
  active: boolean;
}

/**
 * On SIGTERM or SIGINT: first a time in which connections are still accepted and every answer says
 * `Connection: close`, so that a client which keeps connections open learns of the end from an answer; then the
 * listener closes, idle connections too, and the process ends when the last request has.
 */
export function drainOnSignal(
  server: Server,
  draining: Draining,
  drainMs: number,
  log: Log,
  closeStore: () => Promise<void>,
): void {
  const finish = async () => {
    await closeStore().catch((error: unknown) => log.warn("the store did not close", { error }));
    log.info("stopped");
    process.exit(0);
  };
  const drain = () => {
    if (draining.active) return;
    draining.active = true;
    log.info("draining");
    setTimeout(() => {
      server.close(() => void finish());
      server.closeIdleConnections();
      setTimeout(() => {
        log.warn("requests were still in flight at the end of the drain");
        server.closeAllConnections();
      }, LAST_REQUESTS_MS).unref();
    }, drainMs);
  };
  process.on("SIGTERM", drain);
  process.on("SIGINT", drain);
}
