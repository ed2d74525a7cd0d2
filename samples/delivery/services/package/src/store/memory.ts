// A store in the memory of the process: for tests and for a first look without PostgreSQL.

import type { Month, Package, PackageFields } from "../model.js";
import type { PackageStore } from "../store.js";

interface Entry {
  whole: Package;
  created: Date;
}

export class MemoryStore implements PackageStore {
  readonly #entries = new Map<string, Entry>();

  async put(whole: Package): Promise<"created" | "replaced"> {
    const known = this.#entries.get(whole.id);
    this.#entries.set(whole.id, { whole, created: known?.created ?? new Date() });
    return known ? "replaced" : "created";
  }

  async get(id: string): Promise<Package | undefined> {
    return this.#entries.get(id)?.whole;
  }

  async merge(id: string, fields: PackageFields): Promise<boolean> {
    const known = this.#entries.get(id);
    if (!known) return false;
    known.whole = { ...known.whole, ...fields };
    return true;
  }

  async totalWeight(ownerId: string, month: Month | undefined): Promise<number> {
    let sum = 0;
    for (const { whole, created } of this.#entries.values()) {
      if (whole.ownerId !== ownerId) continue;
      if (month && (created < month.from || created >= month.until)) continue;
      sum += whole.weight ?? 0;
    }
    return sum;
  }

  async close(): Promise<void> {}
}
