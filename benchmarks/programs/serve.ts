/** The child's half of `processes.ts`: what a program can be asked, by name. */
export type Answers = Readonly<Record<string, (argument: never) => unknown>>;

interface Question {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

/** Answers what the parent asks until it stops this program or is gone. @param stop what to end first */
export function serve(answers: Answers, stop: () => unknown = () => undefined): void {
  const all: Answers = { usage, ...answers };
  process.on('message', ({ id, name, argument }: Question) => {
    void (async () => {
      try {
        process.send?.({ id, answer: await all[name]?.(argument as never) });
      } catch (thrown) {
        process.send?.({ id, error: thrown instanceof Error ? thrown.message : String(thrown) });
      }
    })();
  });
  const end = () => {
    void Promise.resolve(stop()).finally(() => process.exit(0));
  };
  process.once('SIGTERM', end);
  process.on('SIGINT', () => undefined); // Ctrl-C reaches all; the parent stops us
  process.once('disconnect', end);
}

export interface Usage {
  readonly cpuMs: number;
  readonly residentBytes: number;
}

function usage(): Usage {
  const { user, system } = process.cpuUsage();
  return { cpuMs: (user + system) / 1_000, residentBytes: process.memoryUsage.rss() };
}
