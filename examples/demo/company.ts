import { type Node, systemClock, systemRandom } from 'postern';
import { Home } from 'postern/manager';

/** What the three programs of the demo share: how they speak to the script that starts them. Their nodes share nothing but TCP. */

/** Tells the script something; it prints it, or passes a public fact (an identifier, a port) on to another program. */
export function tell(fact: Record<string, string | number>): void {
  if (process.connected) process.send?.(fact);
}

/** The settings this program was started with: public facts, so they may stand in an environment. */
export function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`Start this through the demo script: ${name} is not set.`);
  return value;
}

/** The folder with this program's own keys, and what it has to know again after a restart. */
export function openHome(): Promise<Home> {
  return Home.open(setting('HOME_FOLDER'), { clock: systemClock, random: systemRandom });
}

/** Searches every message on the way through this node for a text, and tells what it found when the script asks. */
export function watchFor(node: Node, secret: string): void {
  const wanted = Buffer.from(secret);
  let messages = 0;
  let bytes = 0;
  let sightings = 0;
  node.trace(({ kind, message }) => {
    if (kind !== 'sent') return;
    messages += 1;
    bytes += message.payloadBytes;
    if (Buffer.from(message.payload).includes(wanted)) sightings += 1;
  });
  process.on('message', (asked) => {
    if (asked === 'report') tell({ messages, bytes, sightings });
  });
}

let isStopping = false;

/** Does what the script has ordered. What fails because all are being stopped is no failure. */
export function onTicket(work: (ticket: string) => Promise<void>): void {
  process.once('message', ({ ticket }: { ticket: string }) => {
    work(ticket).catch((thrown: unknown) => {
      if (!isStopping) throw thrown;
    });
  });
}

/** Runs until the script says stop, or is gone. */
export function untilStopped(stop: () => Promise<void>): void {
  const end = () => {
    isStopping = true;
    void stop().finally(() => process.exit(0));
  };
  process.once('SIGTERM', end);
  process.on('SIGINT', () => (isStopping = true)); // Ctrl-C reaches all; the script stops us in order
  process.once('disconnect', end);
}
