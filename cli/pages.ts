import type { CommandUnknownOpts as Command } from '@commander-js/extra-typings';
import { pathOf } from './doing.ts';
import { detailsOf, type TwoLengthHelp } from './help.ts';
import { VERSION } from './version.ts';

/** The command and all below it, without what is hidden. */
export function everyCommand(command: Command): readonly Command[] {
  return [command, ...command.createHelp().visibleCommands(command).flatMap(everyCommand)];
}

/** What a page is about: the same definitions as those of help. */
interface Page {
  readonly command: Command;
  readonly program: string;
  readonly help: TwoLengthHelp;
}

const titleOf = ({ command, program }: Page) => [program, ...pathOf(command).split(' ')].filter((word) => word !== '').join(' ');
/** The name of a page without its ending: `postern-node-create`. */
export const fileOf = (page: Page) => titleOf(page).replaceAll(' ', '-');
const usageOf = ({ command, help }: Page) => help.commandUsage(command);

/** A page as Markdown. */
export function markdownPage(page: Page): string {
  const { command, program, help } = page;
  const { description, examples = [] } = detailsOf(command);
  const code = (text: string) => `\`${text}\``;
  const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
  const paragraphs = [
    `# ${titleOf(page)}`,
    command.description(),
    ...(description === undefined ? [] : [description]),
    `\`\`\`sh\n${usageOf(page)}\n\`\`\``,
  ];
  for (const { title, entries } of help.sections(command))
    paragraphs.push(
      `## ${title}`,
      ['| | |', '| --- | --- |', ...entries.map(([term, text]) => `| ${code(term.replaceAll('|', '\\|'))} | ${cell(text)} |`)].join('\n'),
    );
  if (examples.length > 0) paragraphs.push('## Examples', `\`\`\`sh\n${examples.map((each) => `${program} ${each}`).join('\n')}\n\`\`\``);
  return `${paragraphs.join('\n\n')}\n`;
}

/** What roff would take for its own: backslashes, hyphens that are to be copied, and a dot or quote at the beginning of a line. */
const roff = (text: string) =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll(/^([.'])/gm, '\\&$1');

/** A page for `man`. */
export function manualPage(page: Page): string {
  const { command, program, help } = page;
  const { description, examples = [] } = detailsOf(command);
  const lines = [
    `.TH ${fileOf(page).toUpperCase()} 1 "" "postern ${VERSION}"`,
    '.SH NAME',
    `${roff(titleOf(page))} \\- ${roff(command.description())}`,
    '.SH SYNOPSIS',
    `.B ${roff(usageOf(page))}`,
    ...(description === undefined ? [] : ['.SH DESCRIPTION', roff(description)]),
  ];
  for (const { title, entries } of help.sections(command))
    lines.push(
      `.SH ${title.toUpperCase()}`,
      ...entries.flatMap(([term, text]) => ['.TP', `.B ${roff(term)}`, ...(text === '' ? [] : [roff(text)])]),
    );
  if (examples.length > 0) lines.push('.SH EXAMPLES', '.nf', ...examples.map((each) => roff(`${program} ${each}`)), '.fi');
  return `${lines.join('\n')}\n`;
}
