import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Cli } from '../cli.ts';
import { explained, TwoLengthHelp } from '../help.ts';
import { everyCommand, fileOf, manualPage, markdownPage } from '../pages.ts';
import type { Doing, Family } from '../program.ts';
import { palette } from '../terminal.ts';

type Write = (page: Parameters<typeof manualPage>[0]) => { readonly name: string; readonly bytes: string | Uint8Array };

/** Writes a page for every command. @returns the files, by name */
async function written(cli: Cli, folder: string, write: Write): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true });
  const { env } = cli.invocation;
  const program = await cli.makeProgram();
  const help = new TwoLengthHelp({ ...cli.invocation, args: [], stdout: { write: () => true } }, palette(false, env));
  const files: string[] = [];
  for (const command of everyCommand(program)) {
    const { name, bytes } = write({ command, program: cli.programName, help });
    await writeFile(join(folder, name), bytes);
    files.push(name);
  }
  return files;
}

const result = (folder: string, files: readonly string[]) => ({
  plain: `  ✔ ${files.length} pages were written to ${folder}.`,
  machine: folder,
  json: { dir: folder, files },
});

export function manpagesVerb(verb: Family, cli: Cli, doing: Doing): void {
  explained(
    verb
      .option('-d, --dir <FOLDER>', 'where they go', 'man')
      .option('-n, --no-compression', 'plain text instead of gzip')
      .action(
        doing(async ({ dir, compression }) => {
          const folder = resolve(cli.invocation.cwd, dir);
          const files = await written(cli, folder, (page) => {
            const text = manualPage(page);
            return compression ? { name: `${fileOf(page)}.1.gz`, bytes: gzipSync(text) } : { name: `${fileOf(page)}.1`, bytes: text };
          });
          return result(folder, files);
        }),
      ),
    { examples: ['manpages --dir man'] },
  );
}

export function markdownVerb(verb: Family, cli: Cli, doing: Doing): void {
  explained(
    verb.option('-d, --dir <FOLDER>', 'where they go', 'reference').action(
      doing(async ({ dir }) => {
        const folder = resolve(cli.invocation.cwd, dir);
        return result(folder, await written(cli, folder, (page) => ({ name: `${fileOf(page)}.md`, bytes: markdownPage(page) })));
      }),
    ),
    { examples: ['markdown --dir reference'] },
  );
}
