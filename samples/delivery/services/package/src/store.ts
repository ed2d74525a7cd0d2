// Where packages are kept.

import type { Log } from "./log.js";
import type { Month, Package, PackageFields } from "./model.js";
import { MemoryStore } from "./store/memory.js";
import { PostgresStore } from "./store/postgres.js";

export interface PackageStore {
  /** Creates a package or replaces it. Safe to repeat. */
  put(whole: Package): Promise<"created" | "replaced">;
  get(id: string): Promise<Package | undefined>;
  /** Changes the given fields of a package; false where there is no such package. */
  merge(id: string, fields: PackageFields): Promise<boolean>;
  /** The sum of the weights of an owner's packages that were created in a month, or ever. */
  totalWeight(ownerId: string, month: Month | undefined): Promise<number>;
  close(): Promise<void>;
}

/** Why a store did not do what it was asked. */
export type FailureKind =
  /** It has more to do than it can: the client may try again later. */
  | "throttled"
  /** The package has no value by which the store spreads its records. */
  | "missingShardKey"
  /** A value that the store cannot keep, such as a text with a null character. */
  | "unstorable"
  | "other";

export class StoreFailure extends Error {
  constructor(
    readonly kind: FailureKind,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Opens the store that a connection string names by its scheme. */
export async function openStore(connection: string, collection: string, log: Log): Promise<PackageStore> {
  const scheme = connection.split(":", 1)[0];
  switch (scheme) {
    case "memory":
      return new MemoryStore();
    case "postgres":
    case "postgresql":
      return PostgresStore.connect(connection, collection, log);
    default:
      // The rest of the string may hold a password.
      throw new Error(`no store has the scheme ${scheme}: postgres: and memory: are known`);
  }
}
