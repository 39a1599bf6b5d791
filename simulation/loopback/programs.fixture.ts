// Programs of nodes, for tests of worlds of either kind.
import { route } from '../../runtime/route.ts';
import type { StreamReader } from '../../runtime/network.ts';
import { tcp } from '../../transports/tcp.ts';
import { echo as echoWorker } from '../../workers/echo.ts';
import { program } from '../program.ts';
import type { Home } from '../world-node.ts';

export const echo = program(import.meta.url, 'echo', async ({ node, storage, life }: Home) => {
  storage.set('lives', life);
  const listener = await node.listen(tcp(), '0.0.0.0:4000');
  node.start('echo', echoWorker);
  node.publish('echo', { on: listener, allow: { allows: () => true } });
  return { lives: storage.get('lives'), isFirst: life === 1 };
});

/** Asks again and again, over one connection, and notes each answer. */
export const asker = program(import.meta.url, 'asker', async ({ node, note, clock, settings }: Home<{ readonly word: string }>) => {
  const way = route(await node.connect(tcp(), 'echo:4000'), 'echo');
  const ask = async (): Promise<void> => {
    const { payload } = await node.request(way, new TextEncoder().encode(settings.word));
    note(new TextDecoder().decode(payload));
    clock.setTimer(20, () => void ask().catch((thrown: unknown) => note(`lost: ${String((thrown as { code?: unknown }).code)}`)));
  };
  await ask();
});

/** Tries to connect once, and returns how that went. */
export const dialler = program(
  import.meta.url,
  'dialler',
  async ({ network, settings }: Home<{ readonly host: string; readonly port: number }>) => {
    const nothing: StreamReader = {
      buffer: () => new Uint8Array(64),
      onBytes: () => undefined,
      onEnd: () => undefined,
      onReset: () => undefined,
    };
    const outcome = await network
      .connect(settings, () => nothing, { timeoutMs: 500 })
      .catch((thrown: unknown) => thrown as { readonly code?: string });
    if (!('reset' in outcome)) return outcome.code ?? 'unknown';
    outcome.reset();
    return 'connected';
  },
);

export const thrower = program(import.meta.url, 'thrower', () => {
  throw new Error('no licence');
});

export const quitter = program(import.meta.url, 'quitter', () => {
  process.exit(3);
});

export const leaky = program(import.meta.url, 'leaky', () => {
  setInterval(() => undefined, 1_000);
});

export const misnamed = program(import.meta.url, 'elsewhere', () => undefined);
export const returnsCode = program(import.meta.url, 'returnsCode', () => ({ run: () => undefined }));
export const storesCode = program(import.meta.url, 'storesCode', ({ storage }: Home) => void storage.set('run', () => undefined));
