import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/** The folders that the simulator runs too: time, chance and sockets reach them only through ports. */
const core = ['runtime/**/*.ts', 'workers/**/*.ts', 'identities/**/*.ts', 'policies/**/*.ts'];
const port = (name, instead) => ({ name, message: `Use the ${instead} port: the simulator runs this same code.` });

export default tseslint.config(
  { ignores: ['dist/**', 'coverage/**', '**/*.cjs'] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: { allowDefaultProject: ['*.mjs'] }, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreVoidReturningFunctions: true, ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': ['error', { ignoreUsingDeclarations: true, argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: true },
      ],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-import-type-side-effects': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/unified-signatures': 'off',
    },
  },
  {
    files: core,
    ignores: ['**/*.test.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        port('setTimeout', 'Clock'),
        port('setInterval', 'Clock'),
        port('setImmediate', 'Clock'),
        port('performance', 'Clock'),
        port('console', 'Logger'),
        port('crypto', 'Random'),
        port('fetch', 'Network'),
        { name: 'Buffer', message: 'Core code speaks Uint8Array, so that it also runs where there is no Buffer.' },
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'Use the Clock port.' },
        { object: 'Math', property: 'random', message: 'Use the Random port.' },
        { object: 'process', property: 'hrtime', message: 'Use the Clock port.' },
      ],
      'no-restricted-syntax': [
        'error',
        { selector: "NewExpression[callee.name='Date']", message: 'Use the Clock port.' },
        { selector: 'CallExpression[callee.property.name=/^generateKeyPair/]', message: 'Keys are made from bytes of the Random port.' },
        { selector: 'CallExpression[callee.property.name=/^random(Bytes|UUID|Int|FillSync)$/]', message: 'Use the Random port.' },
      ],
    },
  },
  {
    files: [
      '**/*.test.ts',
      '**/*.acceptance.ts',
      'cli/acceptance/**/*.ts',
      'property-tests/**/*.ts',
      'storage/conformance/**/*.ts',
      'benchmarks/**/*.ts',
    ],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/require-await': 'off',
    },
  },
  { files: ['**/*.mjs'], ...tseslint.configs.disableTypeChecked },
  {
    files: ['examples/portals/**/*.mjs'],
    languageOptions: {
      globals: { console: 'readonly', process: 'readonly', fetch: 'readonly', URLSearchParams: 'readonly', AbortSignal: 'readonly' },
    },
  },
);
