// npm run simulate -- FILE: see `order.ts`.
import { main } from './simulate.ts';

process.once('SIGINT', () => process.exit(130));
process.exitCode = await main(process.argv.slice(2), {
  out: (text) => void process.stdout.write(`${text}\n`),
  error: (text) => void process.stderr.write(text),
  isTerminal: process.stderr.isTTY,
});
