import { CommandError, EXIT, usageError } from './failure.ts';

const FETCH_MS = 30_000;
const REDIRECTS_MAX = 3;

/** What is read, for errors. */
export interface Wanted {
  /** As in `ticket`. */
  readonly what: string;
  readonly bytesMax: number;
}

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/**
 * The URL that a text is: with a scheme, or beginning `HOST:PORT/`, which is http on this machine and https elsewhere.
 * Source: command-line.md 5.1, decisions.md E5
 */
export function urlIn(text: string): URL | undefined {
  if (/^https?:\/\//i.test(text)) return URL.canParse(text) ? new URL(text) : undefined;
  if (!/^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+):\d{1,5}\//.test(text) || !URL.canParse(`https://${text}`)) return undefined;
  return new URL(`${LOOPBACK.test(new URL(`https://${text}`).hostname) ? 'http' : 'https'}://${text}`);
}

/**
 * The text at a URL: over https; over http from this machine only, since it is a secret, or decides what this machine does.
 * @throws {CommandError}
 */
export async function fetchedText(url: URL, wanted: Wanted, redirects = 0): Promise<string> {
  const { what } = wanted;
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && LOOPBACK.test(url.hostname)))
    throw usageError(`A ${what} is fetched over https; over http from this machine only.`);
  const answer = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(FETCH_MS) }).catch((cause: unknown) => {
    throw new CommandError(EXIT.unavailable, `The ${what} cannot be fetched from ${url.host}.`, { cause });
  });
  const next = answer.headers.get('location');
  if (answer.status >= 300 && answer.status < 400 && next !== null) {
    await answer.body?.cancel();
    if (redirects >= REDIRECTS_MAX) throw new CommandError(EXIT.unavailable, `${url.host} sends us on more than ${REDIRECTS_MAX} times.`);
    return fetchedText(new URL(next, url), wanted, redirects + 1);
  }
  if (!answer.ok || answer.body === null) throw new CommandError(EXIT.input, `${url.host} answers ${answer.status}: there is no ${what}.`);
  return textOf(answer.body, url.host, wanted);
}

/** All of a stream. @throws {CommandError} when it is longer than anything of that kind */
export async function textOf(input: AsyncIterable<string | Uint8Array>, from: string, { what, bytesMax }: Wanted): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of input) {
    const bytes = Buffer.from(chunk);
    chunks.push(bytes);
    size += bytes.length;
    if (size > bytesMax) throw new CommandError(EXIT.data, `What ${from} holds is too long for a ${what}.`);
  }
  return Buffer.concat(chunks).toString('utf8');
}
