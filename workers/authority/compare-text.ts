/** Negative, zero or positive as `left` sorts before, with or after `right`, by code unit: the same on every machine. */
export function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
