import { readdir, readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { run } from './run.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The words of a line as a shell has them, as far as our texts go: quotes, comments, redirections. */
function wordsOf(line: string): string[] {
  const words: string[] = [];
  for (const [whole, quoted, double] of line.matchAll(/'([^']*)'|"([^"]*)"|[^\s'"]+/g)) {
    if (whole === '#' || whole === '>' || whole === '&&' || whole === '|') break;
    words.push((quoted ?? double ?? whole).replaceAll(/\$\w+/g, 'x'));
  }
  return words;
}

test('every command in our texts is one, with the options that it has', async () => {
  const walkThroughs = (await readdir(`${root}/examples/portals`)).filter((name) => !name.includes('.'));
  const texts = [
    'README.md',
    'deploy/README.md',
    ...(await readdir(`${root}/docs`)).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`),
    ...['', ...walkThroughs.map((name) => `${name}/`)].map((name) => `examples/portals/${name}README.md`),
  ];
  const found: string[] = [];
  const refused: string[] = [];
  for (const name of texts) {
    const text = await readFile(`${root}/${name}`, 'utf8');
    for (const [, block = ''] of text.matchAll(/```sh\n([\s\S]*?)```/g)) {
      for (const line of block.split('\n').filter((each) => /^(npm ci && npx )?postern /.test(each))) {
        const words = wordsOf(line.replace(/^.*?postern /, '')).map((word) => (word === 'IDENTIFIER' ? `I${'a'.repeat(64)}` : word));
        found.push(line);
        let err = '';
        const code = await run({
          programName: 'postern',
          args: ['--test-argument-parser', ...words],
          env: { POSTERN_HOME: '/nonexistent/home' },
          cwd: '/',
          stdin: Readable.from([]),
          stdout: { write: () => true },
          stderr: { write: (said) => (err += said) },
          program: ['/nonexistent'],
          onSignal: () => () => undefined,
        });
        if (code !== 0) refused.push(`${name}: ${line}\n${err}`);
      }
    }
  }
  expect(refused).toEqual([]);
  expect(found.length).toBeGreaterThan(40);
});
