const cleanups = new Set<() => void>();
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Calls it before this process ends: by itself, by `process.exit` or by a signal that ends it. A signal that somebody else listens
 * to is left to them. Nothing can be done about signal 9.
 * @returns how to call it off
 */
export function beforeProcessEnds(cleanup: () => void): () => void {
  if (cleanups.size === 0) {
    process.on('exit', cleanUp);
    for (const signal of SIGNALS) process.prependListener(signal, onSignal);
  }
  cleanups.add(cleanup);
  return () => {
    cleanups.delete(cleanup);
    if (cleanups.size === 0) forget();
  };
}

function cleanUp(): void {
  for (const cleanup of [...cleanups]) cleanup();
}

function onSignal(signal: NodeJS.Signals): void {
  cleanUp();
  if (process.listenerCount(signal) > 1) return;
  forget();
  process.kill(process.pid, signal);
}

function forget(): void {
  process.off('exit', cleanUp);
  for (const signal of SIGNALS) process.off(signal, onSignal);
}
