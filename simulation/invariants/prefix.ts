import type { Invariant } from '../trace.ts';

/** What went into a stream at one end and what came out at the other, in the pieces in which it did. */
export interface Ends {
  readonly bytesIn: readonly Uint8Array[];
  readonly bytesOut: readonly Uint8Array[];
}

/**
 * What is wrong when the bytes out are no prefix of the bytes in; undefined when they are one.
 *
 * A function of two records and not of the trace: both ends belong to the scenario (a client and a database), and a trace tells
 * only what passed between hosts, sealed and split. So it also judges ends that are real sockets.
 */
export function prefixFault({ bytesIn, bytesOut }: Ends): string | undefined {
  let index = 0;
  // Where the next byte stands that went in.
  let [from, offset] = [0, 0];
  for (const piece of bytesOut) {
    for (const byte of piece) {
      while (offset === bytesIn[from]?.length) [from, offset] = [from + 1, 0];
      const expected = bytesIn[from]?.[offset];
      if (expected === undefined) return `${total(bytesOut)} bytes came out of a stream into which ${index} went.`;
      if (expected !== byte) return `byte ${index} came out as ${byte} and had gone in as ${expected}.`;
      index += 1;
      offset += 1;
    }
  }
  return undefined;
}

/**
 * The same as an invariant, of every stream that the scenario records.
 * @param endsByName asked when the run is over, by names for the report. A scenario runs more than once: it begins new records
 * each time
 */
export function bytesOutPrefixOfBytesIn(endsByName: () => Readonly<Record<string, Ends>>): Invariant {
  const name = 'bytes out are a prefix of bytes in';
  return {
    name,
    check: () => {
      for (const [stream, ends] of Object.entries(endsByName())) {
        const fault = prefixFault(ends);
        if (fault !== undefined) return { invariant: name, text: `${stream}: ${fault}` };
      }
      return undefined;
    },
  };
}

const total = (pieces: readonly Uint8Array[]) => pieces.reduce((sum, { length }) => sum + length, 0);
