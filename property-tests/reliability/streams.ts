import { isPrefix, pattern, type Program } from '../portal-world.ts';

/** What both programs of one stream say; each ends when it has said everything. */
export interface Script {
  readonly there: Uint8Array;
  readonly back: Uint8Array;
}

export const script = (thereBytes: number, backBytes: number, seed: number): Script => ({
  there: pattern(thereBytes, seed),
  back: pattern(backBytes, seed + 1),
});

/** Says it in pieces of that size, and then the end. */
export function speak({ stream }: Program, bytes: Uint8Array, pieceBytes: number): void {
  for (let at = 0; at < bytes.length; at += pieceBytes) stream.write([bytes.subarray(at, at + pieceBytes)]);
  stream.end();
}

/** What is wrong with what came out at either end: out is a prefix of in, and an end is clean only after the last byte. */
export function faultOf(client: Program, target: Program | undefined, { there, back }: Script): string | undefined {
  if (!isPrefix(client.received, back)) return 'the client read what was never written';
  if (client.hasEnd && client.byteCount !== back.length) return `the client saw an end after ${client.byteCount} of ${back.length} bytes`;
  if (target === undefined) return undefined;
  if (!isPrefix(target.received, there)) return 'the target read what was never written';
  if (target.hasEnd && target.byteCount !== there.length) return `the target saw an end after ${target.byteCount} of ${there.length} bytes`;
  return undefined;
}

export const isComplete = (client: Program, { back }: Script) => client.hasEnd && client.byteCount === back.length;
