import { ManagerError } from './errors.ts';
import type { KnownProject, ProjectRepository } from './ports.ts';

/** So much of an id makes a name that is taken another one. Our own choice: the first part of a UUID. */
const ID_START_CHARACTERS = 8;

export interface ImportOptions {
  /** Whether it takes the place of the default. One that is the first becomes the default anyway. */
  readonly makesDefault?: boolean;
}

/**
 * Takes in a project, or what is new of one. Of a known project identity and authority stay what they are, and so does the name
 * by which it is called here.
 * @returns it as it is known now, by the name that it got: `NAME-START_OF_ID` when another project has its name
 * @throws {ManagerError} `PROJECT_CONFLICT`
 * Source: decisions.md D13
 */
export function importProject(
  projects: ProjectRepository,
  offered: Omit<KnownProject, 'isDefault'>,
  options: ImportOptions = {},
): Promise<KnownProject> {
  return projects.change((known) => takeIn(known, offered, options));
}

function takeIn(
  known: readonly KnownProject[],
  offered: Omit<KnownProject, 'isDefault'>,
  { makesDefault = false }: ImportOptions,
): KnownProject {
  const before = known.find(({ id }) => id === offered.id);
  if (before !== undefined)
    for (const part of ['identity', 'authority'] as const)
      if (before[part] !== undefined && before[part] !== offered[part]) throw conflict(before, offered, part);
  const name = before?.name ?? freeName(known, offered);
  const isDefault = makesDefault || before?.isDefault === true || !known.some((each) => each.isDefault);
  return { ...offered, name, isDefault };
}

function freeName(known: readonly KnownProject[], { name, id }: Pick<KnownProject, 'name' | 'id'>): string {
  const taken = new Set(known.map((each) => each.name));
  if (!taken.has(name)) return name;
  for (let end = ID_START_CHARACTERS; ; end++) {
    const longer = `${name}-${id.slice(0, end)}`;
    if (!taken.has(longer)) return longer;
    // Other projects are called by all of this id, too.
    if (end >= id.length) return freeName(known, { name: longer, id });
  }
}

function conflict({ name, id, ...before }: KnownProject, offered: Omit<KnownProject, 'isDefault'>, part: 'identity' | 'authority') {
  return new ManagerError(
    'PROJECT_CONFLICT',
    `Project ${JSON.stringify(name)} (id ${JSON.stringify(id)}) is known here with ${part} ${String(before[part])}, and this says ` +
      `${offered[part] ?? 'none'}: ask its administrator which is right. To take the new one, delete the project here first.`,
  );
}
