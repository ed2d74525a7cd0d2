// Settings, read once at start from the environment.

import { logLevels, type LogLevel } from "./log.js";

export interface Settings {
  /** Port to listen on. Programs without root rights cannot bind below 1024. */
  port: number;
  /** Address of the store. The scheme chooses the kind; `memory:` keeps data in the process. */
  connection: string;
  /** Name of the table that holds the packages. */
  collection: string;
  /** How long to wait for the store at start. */
  storeWaitMs: number;
  /** How long connections are told to close before the listener goes away. */
  drainMs: number;
  logLevel: LogLevel;
}

export class SettingsError extends Error {}

/** Reads the settings; throws a `SettingsError` that names the variable. */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const connection = env["CONNECTION_STRING"];
  if (!connection) throw new SettingsError("CONNECTION_STRING is not set");
  const collection = env["COLLECTION_NAME"] || "packages";
  if (!/^[a-z_][a-z0-9_]{0,40}$/.test(collection)) {
    throw new SettingsError("COLLECTION_NAME must be a lower-case name of letters, digits and underscores");
  }
  const level = env["LOG_LEVEL"] || "info";
  if (!isLevel(level)) throw new SettingsError(`LOG_LEVEL must be one of ${logLevels.join(", ")}`);
  return {
    port: whole(env, "PORT", 8080),
    connection,
    collection,
    storeWaitMs: whole(env, "STORE_WAIT_SECONDS", 60) * 1000,
    drainMs: whole(env, "DRAIN_MS", 1000),
    logLevel: level,
  };
}

function isLevel(text: string): text is LogLevel {
  return (logLevels as readonly string[]).includes(text);
}

function whole(env: NodeJS.ProcessEnv, name: string, fallback: number): number {
  const text = env[name];
  if (!text) return fallback;
  if (!/^\d{1,9}$/.test(text)) throw new SettingsError(`${name} must be a whole number, not ${JSON.stringify(text)}`);
  return Number(text);
}
