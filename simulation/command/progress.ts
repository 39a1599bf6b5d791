import type { Output } from './simulate.ts';

const BAR_CELLS = 30;
/** A line that is written over looks alive at this pace. */
const EVERY_MS = 100;
/** Where lines stay, one is enough every so often. */
const EVERY_MS_LINES = 5_000;

/** How far a long run is. */
export class Progress {
  runs = 0;
  readonly #total: number;
  readonly #output: Output;
  readonly #time: 'virtual' | 'real';
  readonly #startMs = performance.now();
  #virtualMs = 0;
  #shownAtMs = performance.now();
  #isOpen = false;

  /** @param time what kind of time runs take */
  constructor(total: number, output: Output, time: 'virtual' | 'real' = 'virtual') {
    this.#total = total;
    this.#time = time;
    this.#output = output;
  }

  ran(virtualMs: number): void {
    this.runs += 1;
    this.#virtualMs += virtualMs;
    const nowMs = performance.now();
    if (this.#total === 1 || nowMs - this.#shownAtMs < (this.#output.isTerminal ? EVERY_MS : EVERY_MS_LINES)) return;
    this.#shownAtMs = nowMs;
    this.#show();
  }

  /** Ends the line that was written over. */
  end(): void {
    if (this.#isOpen) this.#output.error('\r\u001b[K');
  }

  summary(): string {
    const seconds = (performance.now() - this.#startMs) / 1_000;
    const rate = this.runs / seconds;
    return `${this.runs} run${this.runs === 1 ? '' : 's'} held in ${seconds.toFixed(1)} s (${rate.toFixed(rate < 10 ? 1 : 0)} a second, ${timeText(this.#virtualMs)} of ${this.#time} time)`;
  }

  #show(): void {
    const share = this.runs / this.#total;
    const cells = Math.round(share * BAR_CELLS);
    const bar = '#'.repeat(cells).padEnd(BAR_CELLS, '.');
    const rate = this.runs / ((performance.now() - this.#startMs) / 1_000);
    const line = `[${bar}] ${this.runs} of ${this.#total}, ${rate.toFixed(0)} a second`;
    if (!this.#output.isTerminal) return this.#output.error(`${line}\n`);
    this.#isOpen = true;
    this.#output.error(`\r\u001b[K${line}`);
  }
}

function timeText(ms: number): string {
  if (ms < 120_000) return `${(ms / 1_000).toFixed(0)} s`;
  if (ms < 7_200_000) return `${(ms / 60_000).toFixed(0)} min`;
  return `${(ms / 3_600_000).toFixed(0)} h`;
}
