// The package service as a program: settings, store, listener, drain.

import type { Server } from "node:http";
import { createLog } from "./log.js";
import { packageServer } from "./server.js";
import { drainOnSignal } from "./drain.js";
import { readSettings } from "./settings.js";
import { openStore } from "./store.js";
import { reach } from "./startup.js";

async function main(): Promise<void> {
  const settings = readSettings(process.env);
  const log = createLog(settings.logLevel);
  const store = await reach(
    () => openStore(settings.connection, settings.collection, log),
    settings.storeWaitMs,
    (error) => log.warn("the store does not answer yet", { error }),
  );
  const { server, draining } = packageServer(store, log);
  drainOnSignal(server, draining, settings.drainMs, log, () => store.close());
  server.on("error", (error) => {
    log.error("the service cannot listen", { error });
    process.exit(1);
  });
  server.listen(settings.port, "0.0.0.0", () => log.info("listening", { port: boundPort(server) }));
}

/** The port that is listened on, which differs from the setting where that is 0. */
function boundPort(server: Server): number | undefined {
  const address = server.address();
  return typeof address === "object" ? address?.port : undefined;
}

main().catch((error: unknown) => {
  createLog("info").error("the service cannot run", { error });
  process.exit(1);
});
