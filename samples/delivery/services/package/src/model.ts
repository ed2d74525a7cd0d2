// A package, and what a client may say about one.

export interface Package {
  id: string;
  size: string;
  weight?: number;
  tag?: string;
  /** Whose package it is. An addition to the contract: with it the weight counts in the owner's summary. */
  ownerId?: string;
}

export type PackageFields = Partial<Omit<Package, "id">>;

/** A body that cannot be used; the message says which field. */
export class InputError extends Error {}

const SIZES = ["small", "medium", "large"];

/** Reads the fields of a package. Unknown fields and the id are ignored, and null stands for an absent field. */
export function readFields(body: unknown): PackageFields {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new InputError("the body must be a JSON object");
  }
  const source = body as Record<string, unknown>;
  const fields: PackageFields = {};
  const size = text(source, "size");
  if (size !== undefined) {
    if (size !== "" && !SIZES.includes(size.toLowerCase())) {
      throw new InputError(`size must be one of ${SIZES.join(", ")}`);
    }
    fields.size = size;
  }
  const weight = source["weight"] ?? undefined;
  if (weight !== undefined) {
    if (typeof weight !== "number" || !Number.isFinite(weight)) throw new InputError("weight must be a number");
    fields.weight = weight;
  }
  const tag = text(source, "tag");
  if (tag !== undefined) fields.tag = tag;
  const ownerId = text(source, "ownerId");
  if (ownerId !== undefined) fields.ownerId = ownerId;
  return fields;
}

function text(source: Record<string, unknown>, name: string): string | undefined {
  const value = source[name] ?? undefined;
  if (value === undefined) return undefined;
  if (typeof value !== "string") throw new InputError(`${name} must be a string`);
  return value;
}

/** A whole package: a size that is absent becomes the empty string, other absent fields are left out. */
export function wholePackage(id: string, fields: PackageFields): Package {
  return { id, size: "", ...fields };
}

/** A calendar month in UTC. */
export interface Month {
  from: Date;
  until: Date;
}

/** Reads `year` and `month` of a query; undefined where there is neither, which means all time. */
export function readMonth(query: URLSearchParams): Month | undefined {
  const [year, month] = [number(query, "year"), number(query, "month")];
  if (year === undefined && month === undefined) return undefined;
  if (year === undefined || month === undefined) throw new InputError("year and month go together");
  if (year < 1 || year > 9998 || month < 1 || month > 12) {
    throw new InputError("year and month name no month of the calendar");
  }
  return { from: firstOf(year, month - 1), until: firstOf(year, month) };
}

function number(query: URLSearchParams, name: string): number | undefined {
  for (const [key, value] of query) {
    if (key.toLowerCase() !== name || value === "") continue;
    if (!/^\d{1,4}$/.test(value)) throw new InputError(`${name} must be a whole number`);
    return Number(value);
  }
  return undefined;
}

function firstOf(year: number, monthIndex: number): Date {
  const date = new Date(0);
  // Not Date.UTC, which reads years below 100 as those of the twentieth century.
  date.setUTCFullYear(year, monthIndex, 1);
  return date;
}
