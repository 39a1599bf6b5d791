/** One check of the product taken away, by its source: what stands there, and what stands there without it. */
export interface Mutation {
  /** The check, as a person calls it. */
  readonly check: string;
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
  /** The file of the scenario that catches it, without its ending. */
  readonly scenario: string;
  /** Begins the failure, or stands in its first line: the invariant that is broken, or what the scenario itself says. */
  readonly caughtBy: string;
}

/**
 * The text without the check.
 * @throws {Error} when what the mutation looks for stands there never, or more than once: then the list is of another time
 */
export function mutated(source: string, { check, file, find, replace }: Mutation): string {
  const count = source.split(find).length - 1;
  if (count !== 1)
    throw new Error(
      `${check}: what is to be taken away stands ${count} times in ${file}, and must stand there once. Bring mutations.ts up to date.`,
    );
  return source.replace(find, () => replace);
}
