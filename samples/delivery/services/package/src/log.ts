// Log lines: one JSON object a line on standard output.

export const logLevels = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof logLevels)[number];

export type Fields = Record<string, unknown>;
export type Log = Record<LogLevel, (message: string, fields?: Fields) => void>;

export function createLog(
  least: LogLevel,
  write: (line: string) => void = (line) => void process.stdout.write(line),
): Log {
  const at = (level: LogLevel) => (message: string, fields: Fields = {}) => {
    if (logLevels.indexOf(level) < logLevels.indexOf(least)) return;
    write(`${JSON.stringify({ timestamp: new Date().toISOString(), level, message, ...fields }, plain)}\n`);
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** Errors as one line: the message and the messages of its causes. */
function plain(_key: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  const texts = [];
  for (let error: unknown = value; error instanceof Error; error = error.cause) {
    // A failed connection to several addresses has an empty message and a code.
    texts.push(error.message || ("code" in error ? String(error.code) : error.name));
  }
  return texts.join(": ");
}
