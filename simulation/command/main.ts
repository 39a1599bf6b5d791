// npm run simulate -- FILE: see `order.ts`.
import { INTERRUPTED, main } from './simulate.ts';

const interrupted = new AbortController();
// A second Ctrl-C ends it at once, as if nobody listened.
process.once('SIGINT', () => interrupted.abort());
const output = {
  out: (text: string) => void process.stdout.write(`${text}\n`),
  error: (text: string) => void process.stderr.write(text),
  isTerminal: process.stderr.isTTY,
};
process.exitCode = await main(process.argv.slice(2), output, interrupted.signal);
// What the scenario still does would keep the process alive.
if (process.exitCode === INTERRUPTED) process.exit();
