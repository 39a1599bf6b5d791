import { usageError } from '../failure.ts';
import { malformed, misused, type Place, placeText } from './place.ts';
import type { Entry, Mapping, Tree } from './tree.ts';

/** A key whose value is things to make, each by a command. Source: command-line.md 6.1, 6.2, 6.6 */
export interface Section {
  readonly key: string;
  readonly alias: string;
  readonly command: readonly [family: string, verb: string];
  /** What the name of an item becomes: the argument of the command, an option of it, or nothing: then items have no names. */
  readonly nameIs: 'argument' | 'from' | 'alias' | undefined;
  /** The option that says on which node; that of this configuration when it is left out. */
  readonly nodeOption: 'at' | 'to' | undefined;
}

export const RELAYS: Section = { key: 'relays', alias: 'relay', command: ['relay', 'create'], nameIs: 'argument', nodeOption: 'to' };
export const POLICIES: Section = { key: 'policies', alias: 'policy', command: ['policy', 'create'], nameIs: undefined, nodeOption: 'at' };
export const OUTLETS: Section = {
  key: 'tcp-outlets',
  alias: 'tcp-outlet',
  command: ['tcp-outlet', 'create'],
  nameIs: 'from',
  nodeOption: 'at',
};
export const INLETS: Section = {
  key: 'tcp-inlets',
  alias: 'tcp-inlet',
  command: ['tcp-inlet', 'create'],
  nameIs: 'alias',
  nodeOption: 'at',
};
export const VAULTS: Section = {
  key: 'vaults',
  alias: 'vault',
  command: ['vault', 'create'],
  nameIs: 'argument',
  nodeOption: undefined,
};
export const IDENTITIES: Section = {
  key: 'identities',
  alias: 'identity',
  command: ['identity', 'create'],
  nameIs: 'argument',
  nodeOption: undefined,
};
export const NODES: Section = { key: 'nodes', alias: 'node', command: ['node', 'create'], nameIs: 'argument', nodeOption: undefined };

/** Source: command-line.md 10 */
const LATER = /^(influxdb-inlets?|influxdb-outlets?|kafka-inlets?|kafka-outlets?)$/;

/** One thing to make. */
export interface Item {
  readonly section: Section;
  readonly name: string | undefined;
  readonly place: Place;
  readonly entries: readonly Entry[];
}

export const titleOf = ({ section: { key }, name }: Item) => (name === undefined ? key : `${key} ${name}`);

/** Every key may be written with `_`. */
export const keyOf = (written: string) => written.replaceAll('_', '-');

/**
 * Sorts the top of a configuration by what its keys mean.
 * @param aliases other names of keys
 * @param warn told of keys that mean nothing here
 * @throws {CommandError} for a key that is given twice, or is not there yet
 */
export function topLevel(
  { entries }: Mapping,
  {
    known,
    aliases,
    warn,
  }: { readonly known: readonly string[]; readonly aliases: ReadonlyMap<string, string>; readonly warn: (text: string) => void },
): ReadonlyMap<string, Entry> {
  const found = new Map<string, Entry>();
  for (const entry of entries) {
    const written = keyOf(entry.key);
    const key = aliases.get(written) ?? written;
    if (LATER.test(key)) throw usageError(`${placeText(entry.place)}: ${entry.key}: This section is not there yet.`);
    const before = found.get(key);
    if (before !== undefined) throw malformed(entry.place, `${entry.key} is given twice; first at ${placeText(before.place)}.`);
    if (known.includes(key)) found.set(key, entry);
    else warn(`${placeText(entry.place)}: ${entry.key} means nothing here, and is ignored.${nearest(key, known)}`);
  }
  return found;
}

/** ` Did you mean X?`, where something is near. */
export function nearest(word: string, known: readonly string[]): string {
  const near = known.map((each) => ({ each, distance: distance(word, each) })).sort((left, right) => left.distance - right.distance)[0];
  return near !== undefined && near.distance <= Math.max(2, word.length / 3) ? ` Did you mean ${near.each}?` : '';
}

/** How many letters differ. */
function distance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (const [index, letter] of left.split('').entries()) {
    const next = [index + 1];
    for (const [at, other] of right.split('').entries())
      next.push(Math.min((row[at] ?? 0) + (letter === other ? 0 : 1), (row[at + 1] ?? 0) + 1, (next[at] ?? 0) + 1));
    row = next;
  }
  return row[right.length] ?? 0;
}

/** What a section asks for, in its order. @throws {CommandError} for a shape that it cannot have. Source: command-line.md 6.2 */
export function itemsOf(section: Section, { value }: Entry): readonly Item[] {
  switch (value.kind) {
    case 'none':
      throw malformed(value.place, `${section.key} has no value.`);
    case 'text':
      return [nameAlone(section, value)];
    case 'map':
      return itemsOfMap(section, value);
    case 'list':
      return value.items.map((item) => itemOfList(section, item));
  }
}

const isNameEnough = ({ nameIs }: Section) => nameIs === 'argument';

function nameAlone(section: Section, value: Tree): Item {
  if (value.kind !== 'text' || value.boolean !== undefined || !isNameEnough(section))
    throw malformed(value.place, `${section.key}: Here stands ${shapesOf(section)}.`);
  return { section, name: value.text, place: value.place, entries: [] };
}

function shapesOf(section: Section): string {
  if (isNameEnough(section)) return 'a name, or NAME: {OPTION: VALUE}';
  return section.nameIs === undefined ? 'OPTION: VALUE' : 'OPTION: VALUE, or NAME: {OPTION: VALUE}';
}

function itemsOfMap(section: Section, { place, entries }: Mapping): readonly Item[] {
  const named = entries.filter(({ value }) => value.kind === 'map');
  if (named.length === 0) return [{ section, name: undefined, place, entries: entries.map(withValue(section)) }];
  const [odd] = entries.filter(({ value }) => value.kind !== 'map');
  if (odd !== undefined)
    throw malformed(odd.place, `${section.key}: ${odd.key} stands beside items with names: give it options, as in ${odd.key}: {...}.`);
  if (section.nameIs === undefined)
    throw malformed(named[0]?.place ?? place, `${section.key}: Items have no names here: write a list of them.`);
  return named.map((entry) => namedItem(section, entry));
}

function namedItem(section: Section, { key, place, value }: Entry): Item {
  if (value.kind !== 'map') throw malformed(place, `${section.key}: ${key} has no options: write ${key}: {}.`);
  return { section, name: key, place, entries: value.entries.map(withValue(section, key)) };
}

/** An option without a value is an error, as it is on a command line. */
const withValue =
  (section: Section, name?: string) =>
  (entry: Entry): Entry => {
    if (entry.value.kind === 'none')
      throw malformed(entry.place, `${[section.key, name].filter((each) => each !== undefined).join(' ')}: ${entry.key} has no value.`);
    return entry;
  };

function itemOfList(section: Section, item: Tree): Item {
  if (!isNameEnough(section)) {
    if (item.kind === 'map' && item.entries.every(({ value }) => value.kind !== 'map'))
      return { section, name: undefined, place: item.place, entries: item.entries.map(withValue(section)) };
    throw malformed(item.place, `${section.key}: In a list, an item is OPTION: VALUE.`);
  }
  if (item.kind !== 'map') return nameAlone(section, item);
  const [entry, ...more] = item.entries;
  if (entry === undefined || more.length > 0)
    throw malformed(item.place, `${section.key}: In a list, an item is a name, or NAME: {OPTION: VALUE}.`);
  return namedItem(section, entry);
}

/** A key with one text. @throws {CommandError} */
export function textOf({ key, value }: Entry): string {
  if (value.kind !== 'text') throw misused(value.place, `${key}: Here stands one text.`);
  return value.text;
}
