// A database in the small, and its client: a line is a command, a transaction is whole or did not happen.
import type { ByteStream, HostPort, StreamReader } from 'postern';
import type { Home } from 'postern/simulation';

/** Cuts what comes into lines. */
class Lines implements StreamReader {
  readonly #onLine: (line: string) => void;
  readonly #onOver: () => void;
  readonly #memory = new Uint8Array(4_096);
  readonly #decoder = new TextDecoder();
  #rest = '';

  constructor(onLine: (line: string) => void, onOver: () => void) {
    this.#onLine = onLine;
    this.#onOver = onOver;
  }

  buffer(): Uint8Array {
    return this.#memory;
  }

  onBytes(bytes: Uint8Array): void {
    const lines = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#onLine(line);
  }

  onEnd(): void {
    this.#onOver();
  }

  onReset(): void {
    this.#onOver();
  }
}

const say = (stream: ByteStream, line: string) => void stream.write([new TextEncoder().encode(`${line}\n`)]);

/** All of it is one value on the disk, so that a crash at any moment leaves the whole of a transaction or nothing. */
interface State {
  readonly values: Readonly<Record<string, string>>;
  readonly done: readonly string[];
}

export const stateOf = (storage: ReadonlyMap<string, unknown>): State =>
  (storage.get('state') as State | undefined) ?? { values: {}, done: [] };

/** `set KEY VALUE` within a transaction that `commit ID` ends. What was committed is on the disk; doing the same ID again changes nothing. */
export async function database({ node, network, storage }: Home): Promise<void> {
  const listener = await network.listen({ host: '0.0.0.0', port: 5432 }, (stream) => {
    const changes = new Map<string, string>();
    return new Lines(
      (line) => {
        const [verb, name = '', value = ''] = line.split(' ');
        if (verb === 'set') changes.set(name, value);
        if (verb === 'commit') {
          const { values, done } = stateOf(storage);
          if (!done.includes(name)) storage.set('state', { values: { ...values, ...Object.fromEntries(changes) }, done: [...done, name] });
          changes.clear();
          say(stream, `committed ${name}`);
        }
      },
      () => stream.end(),
    );
  });
  node.onStop(() => void listener.close());
}

/** A client that hears nothing for so long asks anew. */
const PATIENCE_MS = 3_000;

/** Moves money once: again and again, under the same ID, until the database says that it is done. @returns how often it was tried */
export async function transfer(home: Home, at: HostPort, id: string, sets: Readonly<Record<string, string>>): Promise<number> {
  for (let tries = 1; ; tries++) if (await attempt(home, at, id, sets)) return tries;
}

async function attempt({ network, clock }: Home, at: HostPort, id: string, sets: Readonly<Record<string, string>>): Promise<boolean> {
  const isDone = await new Promise<boolean>((resolve) => {
    const timer = clock.setTimer(PATIENCE_MS, () => resolve(false));
    const settle = (done: boolean) => {
      timer.cancel();
      resolve(done);
    };
    network
      .connect(at, (stream) => {
        for (const [key, value] of Object.entries(sets)) say(stream, `set ${key} ${value}`);
        say(stream, `commit ${id}`);
        return new Lines(
          (line) => {
            stream.end();
            settle(line === `committed ${id}`);
          },
          () => settle(false),
        );
      })
      .catch(() => settle(false));
  });
  if (!isDone) await new Promise<void>((resolve) => clock.setTimer(500, resolve));
  return isDone;
}
