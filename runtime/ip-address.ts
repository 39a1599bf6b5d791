const IP6_GROUPS = 8;

/** The 4 bytes of four decimal numbers without leading zeros, which systems read as they please; undefined for anything else. */
export function parseIp4(text: string): Uint8Array | undefined {
  const numbers = text.split('.');
  const isIp4 = numbers.length === 4 && numbers.every((number) => /^(?:0|[1-9]\d{0,2})$/.test(number) && Number(number) <= 255);
  return isIp4 ? Uint8Array.from(numbers, Number) : undefined;
}

export function formatIp4(bytes: Uint8Array): string {
  return bytes.join('.');
}

/** The 16 bytes of an IPv6 address as RFC 4291 2.2 writes it, without a zone; undefined for anything else. */
export function parseIp6(text: string): Uint8Array | undefined {
  const [before = '', after, ...more] = text.split('::');
  if (more.length > 0) return undefined;
  const head = groupsOf(before, after === undefined);
  const tail = groupsOf(after ?? '', true);
  if (head === undefined || tail === undefined) return undefined;
  const missing = IP6_GROUPS - head.length - tail.length;
  // `::` stands for one group of zeros at least.
  if (after === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = [...head, ...Array<number>(missing).fill(0), ...tail];
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}

/** The one text of an IPv6 address. Source: RFC 5952 4, and 5 for IPv4 addresses that are written as IPv6 */
export function formatIp6(bytes: Uint8Array): string {
  const groups = Array.from({ length: IP6_GROUPS }, (_, index) => ((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0));
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) return `::ffff:${formatIp4(bytes.subarray(12))}`;
  const { start, count } = longestZeros(groups);
  const hex = groups.map((group) => group.toString(16));
  if (count < 2) return hex.join(':');
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + count).join(':')}`;
}

/** @param mayEndInIp4 the last 4 bytes of an address may be written as an IPv4 address */
function groupsOf(text: string, mayEndInIp4: boolean): number[] | undefined {
  if (text === '') return [];
  const pieces = text.split(':');
  const last = pieces.at(-1) ?? '';
  const ip4 = mayEndInIp4 && last.includes('.') ? parseIp4(last) : undefined;
  if (ip4 !== undefined) pieces.pop();
  if (!pieces.every((piece) => /^[\da-f]{1,4}$/i.test(piece))) return undefined;
  const groups = pieces.map((piece) => Number.parseInt(piece, 16));
  if (ip4 === undefined) return groups;
  const [a = 0, b = 0, c = 0, d = 0] = ip4;
  return [...groups, (a << 8) | b, (c << 8) | d];
}

/** The first of the longest runs of zeros. */
function longestZeros(groups: readonly number[]): { readonly start: number; readonly count: number } {
  let longest = { start: 0, count: 0 };
  let start = 0;
  for (const [index, group] of groups.entries()) {
    if (group !== 0) start = index + 1;
    else if (index + 1 - start > longest.count) longest = { start, count: index + 1 - start };
  }
  return longest;
}
