// The process of one node: see `LoopbackNode`, which starts it and talks to it over its IPC channel.
import { systemClock } from '../../host/clock.ts';
import { systemRandom } from '../../host/random.ts';
import { Node } from '../../runtime/node.ts';
import { SimulationError } from '../errors.ts';
import type { NodeEvent } from '../trace.ts';
import type { Home, NodeProgram } from '../world-node.ts';
import { FileStorage } from './file-storage.ts';
import { NamedNetwork } from './named-network.ts';
import { type Beginning, type Fact, type Order, sinceMs } from './orders.ts';
import { Reporter } from './reporter.ts';

/** How long the system may take to close what a node closed. */
const CLOSING_MS = 1_000;

const tell = (fact: Fact): void => void process.send?.(fact);

process.once('disconnect', () => process.exit(0));
// Ctrl-C is for all processes of a terminal: the world ends this one.
process.on('SIGINT', () => undefined);
process.once('message', (order: Order) => {
  if (order.kind === 'begin') void begin(order);
});

async function begin({ node: name, life, module, exportName, settings, storageFile, originNs, ...options }: Beginning): Promise<void> {
  const nowMs = () => sinceMs(originNs);
  const reporter = new Reporter({ ...options, nowMs, send: (events) => tell({ kind: 'happened', events }) });
  const network = new NamedNetwork(name, tell);
  const ports = { clock: systemClock, random: systemRandom, network, logger: reporter.logger(name) };
  const node = new Node({ ...ports, name });
  reporter.watch(node, life);
  process.on('message', (order: Order) => {
    if (order.kind === 'dialled' || order.kind === 'unreachable') network.answered(order);
    if (order.kind === 'stop') void stop(node, reporter);
  });
  const home: Home = {
    ...ports,
    name,
    node,
    storage: new FileStorage(storageFile, () => tell({ kind: 'stored' })),
    settings,
    life,
    note: (text) => reporter.record({ kind: 'note', atMs: nowMs(), text, node: name }),
    watched: (provider) => reporter.sealing(provider, name),
  };
  try {
    const run = await programOf(module, exportName);
    const result = await run(home);
    reporter.flush();
    ready(result);
  } catch (thrown) {
    reporter.flush();
    const { name: error, message, stack } = thrown instanceof Error ? thrown : new Error('what is no error');
    tell({ kind: 'failed', name: error, message, stack });
  }
}

async function programOf(module: string, exportName: string): Promise<NodeProgram> {
  const found = ((await import(module)) as Readonly<Record<string, unknown>>)[exportName];
  if (typeof found === 'function') return found as NodeProgram;
  throw new SimulationError(
    'NOT_ON_LOOPBACK',
    `${module} exports no program as ${exportName}: give \`program\` the URL of its own module and the name of its export.`,
  );
}

function ready(result: unknown): void {
  try {
    tell({ kind: 'ready', result });
  } catch (cause) {
    throw new SimulationError(
      'NOT_ON_LOOPBACK',
      'What a program returns is data where it runs in a process of its own: this holds something else, such as a function.',
      { cause },
    );
  }
}

async function stop(node: Node, reporter: Reporter): Promise<void> {
  await node.stop();
  const deadlineMs = performance.now() + CLOSING_MS;
  while (Object.values(left()).some((count) => count > 0) && performance.now() < deadlineMs) {
    await new Promise<void>((resolve) => void setImmediate(resolve)); // a timer would be one that is left
  }
  reporter.flush();
  const stopped: Fact = { kind: 'stopped', left: left() };
  process.send?.(stopped, () => process.exit(0)); // called back when it is written
}

/** What still keeps this process from ending, as the host itself counts it. */
function left(): NonNullable<NodeEvent['left']> {
  const held = process.getActiveResourcesInfo();
  const count = (kind: string) => held.filter((each) => each === kind).length;
  return { timers: count('Timeout'), streams: count('TCPSocketWrap'), listeners: count('TCPServerWrap') };
}
