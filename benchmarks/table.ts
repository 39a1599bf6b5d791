import type { Compared } from './measure.ts';

export interface Row extends Compared {
  readonly name: string;
  readonly workload: string;
  readonly unit: string;
  readonly target: Target;
}

/** What the ratio has to be; undefined only reports it. */
export type Target = { readonly atLeast: number } | { readonly atMost: number } | undefined;

export function isShort({ ratio, target }: Row): boolean {
  if (target === undefined) return false;
  return 'atLeast' in target ? !(ratio >= target.atLeast) : !(ratio <= target.atMost);
}

const HEADINGS = ['name', 'workload', 'ours', 'baseline', 'ratio', 'target', 'A/A', 'result'];

/** One Markdown table, so that a run can be pasted as it is. */
export function tableOf(rows: readonly Row[]): string {
  const cells = [HEADINGS, HEADINGS.map(() => '---'), ...rows.map(cellsOf)];
  const widths = HEADINGS.map((_, column) => Math.max(...cells.map((line) => line[column]!.length)));
  return cells.map((line) => `| ${line.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`).join('\n');
}

function cellsOf(row: Row): string[] {
  const { name, workload, ours, baseline, ratio, target, noise, unit } = row;
  const result = target === undefined ? '-' : isShort(row) ? 'short' : 'pass';
  const figure = (value: number) => `${readable(value)} ${unit}`;
  return [name, workload, figure(ours), figure(baseline), `${ratio.toFixed(2)}x`, textOf(target), `${(noise * 100).toFixed(0)} %`, result];
}

function textOf(target: Target): string {
  if (target === undefined) return '-';
  return 'atLeast' in target ? `>= ${target.atLeast}x` : `<= ${target.atMost}x`;
}

function readable(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)} M`;
  if (value >= 1e4) return `${(value / 1e3).toFixed(1)} k`;
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
