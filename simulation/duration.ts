import { SimulationError } from './errors.ts';

/** Virtual time: milliseconds, or text such as `30s`. */
export type Duration = number | `${number}${keyof typeof MS}`;

const MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** @returns milliseconds. @throws {SimulationError} `DURATION` */
export function durationMs(duration: Duration): number {
  const [, count, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(String(duration)) ?? [];
  const ms = typeof duration === 'number' ? duration : Number(count) * MS[unit as keyof typeof MS];
  if (!Number.isFinite(ms) || ms < 0)
    throw new SimulationError('DURATION', `'${duration}' is no span of time: give milliseconds, or a number with ms, s, m, h or d.`);
  return ms;
}
