import fc from 'fast-check';

/** The simplest value for which a predicate holds, as a failing test would report it. */
export function shrunk<T>(arbitrary: fc.Arbitrary<T>, holds: (value: T) => boolean): T {
  const { counterexample } = fc.check(
    fc.property(arbitrary, (value) => !holds(value)),
    { seed: 1, numRuns: 1_000 },
  );
  if (counterexample === null) throw new Error('no value found');
  return counterexample[0];
}
