import { expect, test } from 'vitest';
import { importProject } from './known-projects.ts';
import { MemoryHome } from './memory.ts';

const id = (letter: string) => `I${letter.repeat(64)}` as const;
const project = (changes: Partial<Parameters<typeof importProject>[1]> = {}) => ({
  id: '0123456789',
  name: 'sales',
  identity: id('a'),
  authority: id('b'),
  information: '{}',
  ...changes,
});

test('the first project is the default, and no later one without being asked', async () => {
  const { projects } = new MemoryHome();
  await importProject(projects, project());
  await importProject(projects, project({ id: '2', name: 'other' }));
  const defaults = async () => (await projects.list()).map(({ name, isDefault }) => [name, isDefault]);
  expect(await defaults()).toEqual([
    ['other', false],
    ['sales', true],
  ]);
  await importProject(projects, project({ id: '2', name: 'other' }), { makesDefault: true });
  await importProject(projects, project());
  expect(await defaults()).toEqual([
    ['other', true],
    ['sales', false],
  ]);
});

test('a project that is imported again gets its new information, and keeps its name here', async () => {
  const { projects } = new MemoryHome();
  await importProject(projects, project({ authority: undefined }));
  const again = await importProject(projects, project({ name: 'renamed', information: '{"version":"2"}' }));
  expect(again).toEqual({ ...project({ information: '{"version":"2"}' }), isDefault: true });
  expect(await projects.list()).toEqual([again]);
});

test.each([{ identity: id('c') }, { authority: id('c') }, { identity: undefined }, { authority: undefined }])(
  'the same id with %o is refused, and nothing is changed',
  async (changes) => {
    const { projects } = new MemoryHome();
    const kept = await importProject(projects, project());
    await expect(importProject(projects, project(changes))).rejects.toMatchObject({ code: 'PROJECT_CONFLICT' });
    expect(await projects.list()).toEqual([kept]);
  },
);

test('a name that is taken is made longer by the start of the id, as far as it takes', async () => {
  const { projects } = new MemoryHome();
  const names: string[] = [];
  for (const each of ['0123456789', '01234567ab', '01234567', 'x', ''])
    names.push((await importProject(projects, project({ id: each, name: 'sales' }))).name);
  expect(names).toEqual(['sales', 'sales-01234567', 'sales-01234567-01234567', 'sales-x', 'sales-']);
});
