// Bundles the command: one file to read instead of hundreds makes it start in a fraction of the time. What only some verbs need is in
// files of its own, read when it is imported.
import { execFileSync } from 'node:child_process';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

const folder = 'dist/cli';

/** The commit that is built; `source` where there is no repository. */
function revision() {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return 'source';
  }
}

const { metafile } = await build({
  entryPoints: ['cli/main.ts'],
  outdir: folder,
  bundle: true,
  splitting: true,
  chunkNames: 'parts/[name]-[hash]',
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  conditions: ['postern-source'],
  // Less to parse; names stay, since errors are known by theirs.
  minifySyntax: true,
  minifyWhitespace: true,
  // Parts in machine code or WebAssembly, and what the user may have or not.
  external: ['@photostructure/sqlite', 'jq-wasm', 'msgpackr-extract', 'pg', 'bufferutil', 'utf-8-validate'],
  define: { 'process.env.POSTERN_REVISION': JSON.stringify(revision()) },
  // Parts that are no modules ask for those of Node.
  banner: { js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);" },
  metafile: true,
  logLevel: 'warning',
});

// What an earlier build left is not to be shipped.
const made = new Set(Object.keys(metafile.outputs));
for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
  const path = join(entry.parentPath, entry.name);
  if (entry.isFile() && !made.has(path)) await rm(path);
}
