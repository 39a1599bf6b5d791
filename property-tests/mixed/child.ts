/** A process that runs the seeds it is sent, a share at a time, and tells what came of them. */
import { trySeeds } from './seeds.ts';

export interface Share {
  readonly first: number;
  readonly count: number;
}

// Most errors are for others to handle: where they were made is asked of one that ends a run, by running it again.
Error.stackTraceLimit = 0;

process.on('message', ({ first, count }: Share) => {
  void trySeeds(first, count).then((tried) => process.send?.(tried));
});
