import { Option } from '@commander-js/extra-typings';
import type { Cli } from '../cli.ts';
import { candidates } from '../completion/candidates.ts';
import { namesIn } from '../completion/names.ts';
import { completionScript, SHELLS } from '../completion/scripts.ts';
import { usageError } from '../failure.ts';
import { explained, rootOf } from '../help.ts';
import type { Doing, Family } from '../program.ts';

export function completionVerb(verb: Family, cli: Cli, doing: Doing): void {
  explained(
    verb
      .argument('[WORDS...]', '')
      .addOption(new Option('-s, --shell <SHELL>', 'for which shell').choices(SHELLS))
      .addOption(new Option('--complete', 'print what may stand at the end of WORDS').hideHelp())
      .addOption(new Option('--next', 'a word begins after them').hideHelp())
      .action(
        doing(async (words: string[], { shell, complete, next }) => {
          if (complete === true) {
            const line = next === true ? [...words, ''] : words;
            // A shell that completes has no place for errors.
            const found = await candidates(rootOf(verb), line, (kind) => namesIn(cli, kind)).catch(() => []);
            return { machine: found.map((each) => `${each}\n`).join(''), json: found };
          }
          if (shell === undefined) throw usageError('Which shell?', `Say --shell, and one of ${SHELLS.join(', ')}.`);
          if (words.length > 0) throw usageError(`This takes no argument: ${words.join(' ')}.`);
          const script = completionScript(shell, cli.programName);
          return { machine: script, json: { shell, script } };
        }),
      ),
    {
      description:
        'Families, verbs, options, their values, and the names of nodes, identities, vaults, inlets and projects of the home are completed.',
      examples: ['completion --shell bash', 'completion --shell zsh'],
    },
  );
}
