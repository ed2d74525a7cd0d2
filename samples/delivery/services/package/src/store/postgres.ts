// Packages in PostgreSQL: one JSON document a package.

import pg from "pg";
import type { Log } from "../log.js";
import type { Month, Package, PackageFields } from "../model.js";
import { StoreFailure, type FailureKind, type PackageStore } from "../store.js";

/** Connections of one replica. */
const CONNECTIONS = 8;

/** How long a request waits for a connection before it is told to come back later. */
const CONNECT_LIMIT_MS = 10_000;

/** Names this schema among the server's advisory locks, and nothing else. */
const SCHEMA_LOCK = 7245019834;

export class PostgresStore implements PackageStore {
  readonly #pool: pg.Pool;
  readonly #table: string;

  private constructor(pool: pg.Pool, table: string) {
    this.#pool = pool;
    this.#table = table;
  }

  /** Connects and makes the table where it is missing. `table` must be a plain lower-case name. */
  static async connect(connection: string, table: string, log: Log): Promise<PostgresStore> {
    const pool = new pg.Pool({
      connectionString: connection,
      max: CONNECTIONS,
      connectionTimeoutMillis: CONNECT_LIMIT_MS,
      // Connections are kept: making one costs the server a process and a password check.
      idleTimeoutMillis: 0,
    });
    // An idle connection that breaks is replaced by the pool; without a listener it would end the process.
    pool.on("error", (error) => log.warn("a connection to PostgreSQL broke", { error }));
    try {
      // Two replicas may start at once: the lock makes the second wait, since PostgreSQL's own "if not exists" can
      // still fail on a race.
      await pool.query(`
        begin;
        select pg_advisory_xact_lock(${SCHEMA_LOCK});
        create table if not exists ${table} (
          id text primary key,
          document jsonb not null,
          created_at timestamptz not null default now()
        );
        create index if not exists ${table}_owner on ${table} ((document->>'ownerId'), created_at);
        commit;`);
    } catch (error) {
      await pool.end();
      throw failure(error);
    }
    return new PostgresStore(pool, table);
  }

  async put(whole: Package): Promise<"created" | "replaced"> {
    const { id, ...document } = whole;
    // xmax is 0 in a row that was inserted and the updating transaction's number in one that was there.
    const rows = await this.#rows(
      `insert into ${this.#table} (id, document) values ($1, $2)
       on conflict (id) do update set document = excluded.document
       returning (xmax = 0) as created`,
      [id, JSON.stringify(document)],
    );
    return rows[0]?.["created"] === true ? "created" : "replaced";
  }

  async get(id: string): Promise<Package | undefined> {
    const [row] = await this.#rows(`select document from ${this.#table} where id = $1`, [id]);
    if (!row) return undefined;
    const { size, weight, tag, ownerId } = row["document"] as PackageFields;
    return {
      id,
      size: size ?? "",
      ...(weight !== undefined && { weight }),
      ...(tag !== undefined && { tag }),
      ...(ownerId !== undefined && { ownerId }),
    };
  }

  async merge(id: string, fields: PackageFields): Promise<boolean> {
    const rows = await this.#rows(
      `update ${this.#table} set document = document || $2::jsonb where id = $1 returning id`,
      [id, JSON.stringify(fields)],
    );
    return rows.length > 0;
  }

  async totalWeight(ownerId: string, month: Month | undefined): Promise<number> {
    const [row] = await this.#rows(
      `select coalesce(sum((document->>'weight')::float8), 0) as total from ${this.#table}
       where document->>'ownerId' = $1
         and ($2::timestamptz is null or (created_at >= $2 and created_at < $3::timestamptz))`,
      [ownerId, month?.from.toISOString() ?? null, month?.until.toISOString() ?? null],
    );
    return Number(row?.["total"] ?? 0);
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  async #rows(statement: string, values: unknown[]): Promise<Record<string, unknown>[]> {
    try {
      return (await this.#pool.query<Record<string, unknown>>(statement, values)).rows;
    } catch (error) {
      throw failure(error);
    }
  }
}

/** What a failure of PostgreSQL means to a client, by its condition code (PostgreSQL's manual, appendix A). */
export function failure(error: unknown): StoreFailure {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const message = error instanceof Error ? error.message : String(error);
  return new StoreFailure(kindOf(code, message), message, { cause: error });
}

/** What the pool says when it waited too long for a free connection, or for a new one. It gives no code. */
const LATE = ["timeout exceeded when trying to connect", "Connection terminated due to connection timeout"];

function kindOf(code: string, message: string): FailureKind {
  // Class 53: out of connections, memory or disk.
  if (code.startsWith("53") || LATE.includes(message)) return "throttled";
  // A table that is partitioned by tag has no partition for a row without one.
  if (code === "23514") return "missingShardKey";
  // Class 22: data exceptions.
  if (code.startsWith("22")) return "unstorable";
  return "other";
}
