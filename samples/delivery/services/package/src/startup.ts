// Waiting for the store at start: pods start in any order.

import { setTimeout as sleep } from "node:timers/promises";

const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 2000;

/**
 * Tries until an attempt succeeds or the next wait would end after `withinMs`; waits double from 50 ms to 2 s.
 * Throws the last failure.
 */
export async function reach<T>(
  attempt: () => Promise<T>,
  withinMs: number,
  failed: (error: unknown) => void,
  pause: (ms: number) => Promise<unknown> = sleep,
  now: () => number = () => performance.now(),
): Promise<T> {
  const end = now() + withinMs;
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
    try {
      return await attempt();
    } catch (error) {
      if (now() + wait > end) throw error;
      failed(error);
      await pause(wait);
    }
  }
}
