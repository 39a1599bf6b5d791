import { readFileSync } from 'node:fs';

/** The cells of the table that follows a heading of a page in docs/, without its head; backquotes are taken off. */
export function tableOf(page: string, heading: string): string[][] {
  const text = readFileSync(new URL(`../docs/${page}`, import.meta.url), 'utf8');
  const [, section] = text.split(`\n## ${heading}\n`);
  if (section === undefined) throw new Error(`docs/${page} has no section "${heading}".`);
  const lines = section.split('\n## ')[0]!.split('\n');
  const first = lines.findIndex((line) => line.startsWith('|'));
  const rows = lines.slice(first).filter((line, index, all) => all.slice(0, index + 1).every((each) => each.startsWith('|')));
  const cells = (row: string) => row.split('|').slice(1, -1);
  return rows.slice(2).map((row) => cells(row).map((cell) => cell.trim().replaceAll('`', '')));
}
