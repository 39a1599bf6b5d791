/** The only way to chance. Keys, addresses and back-off all come from here, so that a simulation repeats exactly. */
export interface Random {
  /** A new array of `count` bytes that nobody can foretell. */
  bytes(count: number): Uint8Array;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Lower-case hex, two digits a byte. */
export function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += HEX[byte] ?? '';
  return text;
}

/** 16 random bytes as 32 lower-case hex digits: the name of an ephemeral worker or of a flow. Source: routing.md 1.2, 2.2. */
export function randomName(random: Random): string {
  return hex(random.bytes(16));
}

/** A number in [0, 1), with 32 random bits. */
export function randomFraction(random: Random): number {
  const bytes = random.bytes(4);
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0) / 2 ** 32;
}
