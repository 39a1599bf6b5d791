import js from '@eslint/js';
import { Linter } from 'eslint';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { SCRIPT } from './script.ts';

const PAGE = '/page.js';
const BROWSER = [
  'addEventListener',
  'clearInterval',
  'document',
  'innerHeight',
  'location',
  'requestAnimationFrame',
  'setInterval',
  'setTimeout',
];

/** What the compiler says of a page's script: a text in our sources, which it does not see there. */
function compilerSays(script: string): readonly string[] {
  const lib = ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'];
  const options: ts.CompilerOptions = {
    allowJs: true,
    checkJs: true,
    noEmit: true,
    target: ts.ScriptTarget.ES2023,
    lib,
    types: [],
    strict: false,
  };
  const host = ts.createCompilerHost(options);
  const page = ts.createSourceFile(PAGE, script, ts.ScriptTarget.ES2023, true, ts.ScriptKind.JS);
  const getSourceFile = host.getSourceFile.bind(host);
  host.getSourceFile = (name, ...rest) => (name === PAGE ? page : getSourceFile(name, ...rest));
  const program = ts.createProgram([PAGE], options, host);
  return [...program.getSyntacticDiagnostics(page), ...program.getSemanticDiagnostics(page)].map(
    ({ start = 0, messageText }) =>
      `line ${page.getLineAndCharacterOfPosition(start).line + 1}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`,
  );
}

function linterSays(script: string): readonly string[] {
  const globals = Object.fromEntries(BROWSER.map((name) => [name, 'readonly' as const]));
  // It looks for control characters, to take them out.
  const rules = { 'no-control-regex': 'off' } as const;
  const config = [js.configs.recommended, { rules, languageOptions: { sourceType: 'script' as const, globals } }];
  return new Linter().verify(script, config).map(({ line, message }) => `line ${line}: ${message}`);
}

test('the script of the page passes the compiler and the linter', { timeout: 60_000 }, () => {
  expect([...linterSays(SCRIPT), ...compilerSays(SCRIPT)]).toEqual([]);
});

test('both see what is wrong in it', { timeout: 60_000 }, () => {
  expect(linterSays(`${SCRIPT}\nredraw();`).join('\n')).toContain("'redraw' is not defined");
  expect(compilerSays(`${SCRIPT}\ndocument.getElementByName('data');`).join('\n')).toContain("Property 'getElementByName' does not exist");
});
