/** What a row came to. It fails when less was attempted than asked for, or less passed than attempted. */
export interface RowResult {
  readonly attempted: number;
  readonly passed: number;
  /** The first failure, or the worst figure that was measured. */
  readonly worst?: string;
}

/** One line of the reliability tables: `npm run reliability -- ID` runs it with its full count, `npm test` a part of it. */
export interface Row {
  readonly id: string;
  readonly about: string;
  /** How many trials the table asks for. */
  readonly full: number;
  readonly run: (options: { readonly count: number; readonly seed: number }) => Promise<RowResult>;
}

/** Counts trials, and remembers the first failure and the largest figure. */
export class Tally {
  attempted = 0;
  passed = 0;
  #failure: string | undefined;
  #worst: { readonly value: number; readonly unit: string } | undefined;

  /** @param fault what went wrong, nothing when all went well */
  add(fault: string | undefined): void {
    this.attempted++;
    if (fault === undefined) this.passed++;
    else this.#failure ??= `trial ${this.attempted - 1}: ${fault}`;
  }

  /** Runs one trial; what it throws is its fault. */
  async trial(run: () => Promise<string | undefined>): Promise<void> {
    try {
      this.add(await run());
    } catch (thrown) {
      this.add(String(thrown instanceof Error ? (thrown.stack ?? thrown) : thrown));
    }
  }

  measured(value: number, unit: string): void {
    if (this.#worst === undefined || value > this.#worst.value) this.#worst = { value, unit };
  }

  get result(): RowResult {
    const worst = this.#failure ?? (this.#worst && `${Math.round(this.#worst.value)} ${this.#worst.unit}`);
    return { attempted: this.attempted, passed: this.passed, ...(worst !== undefined && { worst }) };
  }
}

/** Runs that many trials one after another. */
export async function inTurn(count: number, trial: (index: number, tally: Tally) => Promise<string | undefined>): Promise<RowResult> {
  const tally = new Tally();
  for (let index = 0; index < count; index++) await tally.trial(() => trial(index, tally));
  return tally.result;
}

/** The code of what was thrown, of its cause first: what a refusal came to. */
export function codeOf(thrown: unknown): string {
  const { cause, code, name } = thrown as { cause?: { code?: string }; code?: string; name?: string };
  return cause?.code ?? code ?? name ?? typeof thrown;
}
