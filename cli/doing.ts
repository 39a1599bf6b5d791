import type { CommandUnknownOpts as Command } from '@commander-js/extra-typings';

/** `node create`: the words that a person types for it, without the name of the program. */
export function pathOf(command: Command): string {
  const names: string[] = [];
  for (let each = command; each.parent !== null; each = each.parent) names.unshift(each.name());
  return names.join(' ');
}

/** Verbs whose present is made in another way than by adding `ing`. */
const PRESENT: Readonly<Record<string, string>> = {
  create: 'Making',
  delete: 'Deleting',
  list: 'Listing',
  show: 'Looking at',
  stop: 'Stopping',
  move: 'Moving',
  enroll: 'Enrolling in',
  issue: 'Issuing',
  revoke: 'Revoking',
  store: 'Storing',
  verify: 'Verifying',
  message: 'Sending',
  ticket: 'Making a ticket of',
  reset: 'Removing the state of',
  status: 'Looking at',
  run: 'Applying',
};

/** What a command does, as long as it says nothing better itself. */
export function presentOf(command: Command): string {
  const words = pathOf(command).split(' ');
  const [family = '', verb] = words;
  if (verb === undefined) return `${PRESENT[family] ?? 'Working on'} ${family === 'enroll' ? 'a project' : 'this home'}`;
  const what = family.replaceAll('-', ' ').replace(/\btcp\b/, 'TCP');
  if (verb === 'list') return `Listing every ${what}`;
  return `${PRESENT[verb] ?? `${verb.charAt(0).toUpperCase()}${verb.slice(1)}ing`} ${what === 'message' ? 'a message' : `a ${what}`.replace(/^a (?=[aeiou])/, 'an ')}`;
}
