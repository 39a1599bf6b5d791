import { describe, expect, test } from 'vitest';
import { importProject } from '../../manager/known-projects.ts';
import type { HomeState, NodeRecord, StoredResource } from '../../manager/ports.ts';
import type { StoredPolicy } from '../../policies/resource-policies.ts';

const odd = { '': 'a\0b\u{1f511}\ud800', 'list of': [1, -0.5, null, true, { deep: ['x'] }], ['__proto__']: 'own' };
const facts = (tcp: string) => ({ settings: { tcp }, state: { pid: 1 } });
const inlet = (node: string, name: string, from = '127.0.0.1:5432'): StoredResource => ({
  node,
  kind: 'tcp-inlet',
  name,
  settings: { from },
});
const policy = (selector: StoredPolicy['selector'], expression: string): StoredPolicy => ({
  selector,
  action: 'handle_message',
  expression,
});
const named = (nodes: readonly NodeRecord[]) => nodes.map(({ name, isDefault }) => (isDefault ? `${name}*` : name));
const offered = (id: string, name: string) => ({
  id,
  name,
  identity: `I${'a'.repeat(64)}` as const,
  authority: undefined,
  information: `{"id":${JSON.stringify(id)}}`,
});

/** What every place for nodes and projects has to do. @param make opens the same place each time it is called within a test */
export function homeStateConformance(name: string, make: () => Promise<HomeState>): void {
  describe(`the nodes and projects of a home: ${name}`, () => {
    test('a node is given back as it was written, whatever JSON says, and is changed by what it was', async () => {
      const [home, again] = [await make(), await make()];
      expect(await home.nodes.get('n1')).toBeUndefined();
      const kept = await home.nodes.change('n1', (before) => (before === undefined ? { settings: odd, state: {} } : undefined));
      expect(kept).toEqual({ name: 'n1', settings: odd, state: {}, isDefault: true });
      expect(await again.nodes.get('n1')).toEqual(kept);
      expect(await again.nodes.change('n1', (before) => before && { ...before, state: { pid: 7 } })).toEqual({
        ...kept,
        state: { pid: 7 },
      });
      expect(await again.nodes.change('n1', () => undefined)).toBeUndefined();
      expect(await home.nodes.list()).toEqual([{ ...kept, state: { pid: 7 } }]);
    });

    test('what refuses a change has changed nothing', async () => {
      const home = await make();
      const refuse = () => {
        throw new RangeError('it runs');
      };
      await expect(home.nodes.change('n1', refuse)).rejects.toThrow('it runs');
      await expect(home.projects.change(refuse)).rejects.toThrow('it runs');
      expect([await home.nodes.list(), await home.projects.list()]).toEqual([[], []]);
    });

    test('of twenty who make one node at once, one does', async () => {
      const homes = [await make(), await make()] as const;
      const makers = Array.from({ length: 20 }, (_, index) =>
        homes[index % 2]!.nodes.change('n1', (before) => (before === undefined ? facts(String(index)) : undefined)),
      );
      const made = (await Promise.all(makers)).filter((record) => record !== undefined);
      expect(made).toHaveLength(1);
      expect(await homes[0].nodes.get('n1')).toEqual(made[0]);
    });

    test('the first node is the default, then whichever is chosen, and after its end the first one left', async () => {
      const { nodes } = await make();
      for (const each of ['b', 'c', 'a']) await nodes.change(each, () => facts(each));
      expect(named(await nodes.list())).toEqual(['a', 'b*', 'c']);
      expect([await nodes.setDefault('c'), await nodes.setDefault('d')]).toEqual([true, false]);
      await nodes.change('c', () => facts('again'));
      expect(named(await nodes.list())).toEqual(['a', 'b', 'c*']);
      expect([await nodes.remove('c'), await nodes.remove('c'), await nodes.remove('b')]).toEqual([true, false, true]);
      expect(named(await nodes.list())).toEqual(['a*']);
      await nodes.remove('a');
      await nodes.change('z', () => facts('z'));
      expect(named(await nodes.list())).toEqual(['z*']);
    });

    test('resources are kept by node, kind and name, in order; the last settings count', async () => {
      const [home, again] = [await make(), await make()];
      const relay: StoredResource = { node: 'n1', kind: 'relay', name: 'db', settings: odd };
      for (const each of [inlet('n1', 'z'), relay, inlet('n1', 'a'), inlet('n2', 'a'), inlet('n1', 'z', '127.0.0.1:1')])
        await home.resources.store(each);
      expect(await again.resources.of('n1')).toEqual([relay, inlet('n1', 'a'), inlet('n1', 'z', '127.0.0.1:1')]);
      expect([await again.resources.remove('n1', 'relay', 'db'), await again.resources.remove('n1', 'relay', 'db')]).toEqual([true, false]);
      expect(await home.resources.of('n1')).toHaveLength(2);
      expect(await home.resources.of('n2')).toEqual([inlet('n2', 'a')]);
    });

    test('policies are kept by node, selector and action', async () => {
      const home = await make();
      const [ofName, ofType] = [policy({ name: 'tcp-outlet' }, '(= 1 1)'), policy({ type: 'tcp-outlet' }, '(= subject.a "\0\u{1f511}")')];
      const policies = home.policies('n1');
      await policies.store(policy(ofName.selector, 'old'));
      for (const each of [ofName, ofType]) await policies.store(each);
      await home.policies('n2').store(ofType);
      expect(await (await make()).policies('n1').all()).toEqual([ofName, ofType]);
      for (let round = 0; round < 2; round++) await policies.remove(ofName.selector, ofName.action);
      expect(await policies.all()).toEqual([ofType]);
      expect(await home.policies('n2').all()).toEqual([ofType]);
    });

    test('a node that is made anew keeps its policies and not its resources; one that is removed keeps nothing', async () => {
      const home = await make();
      const rule = policy({ type: 'relay' }, '(= 1 1)');
      for (const node of ['n1', 'n2']) {
        await home.nodes.change(node, () => facts(node));
        await home.resources.store(inlet(node, 'a'));
        await home.policies(node).store(rule);
      }
      await home.nodes.change('n1', () => facts('again'));
      expect(await home.resources.of('n1')).toHaveLength(1);
      await home.nodes.change('n1', () => undefined, { forgetsResources: true });
      expect(await home.resources.of('n1')).toHaveLength(1);
      await home.nodes.change('n1', () => facts('anew'), { forgetsResources: true });
      expect([await home.resources.of('n1'), await home.policies('n1').all()]).toEqual([[], [rule]]);
      await home.resources.store(inlet('n1', 'b'));
      await home.nodes.remove('n1');
      expect([await home.resources.of('n1'), await home.policies('n1').all()]).toEqual([[], []]);
      expect([await home.resources.of('n2'), await home.policies('n2').all()]).toEqual([[inlet('n2', 'a')], [rule]]);
    });

    test('a project is known by its id; names and the default are held to by several who import at once', async () => {
      const homes = [await make(), await make()] as const;
      const names = Array.from({ length: 12 }, (_, index) => `${index}`.padStart(2, '0'));
      const imports = names.map((id, index) =>
        importProject(homes[index % 2]!.projects, offered(id, 'sales'), { makesDefault: index > 8 }),
      );
      const imported = await Promise.all(imports);
      // One of them came first; the others are called by their ids.
      const first = imported.findIndex(({ name }) => name === 'sales');
      expect(imported.map(({ name }) => name)).toEqual(names.map((id, index) => (index === first ? 'sales' : `sales-${id}`)));
      const known = await homes[0].projects.list();
      expect(known.map(({ name }) => name)).toEqual(imported.map(({ name }) => name).toSorted());
      expect(known.filter(({ isDefault }) => isDefault)).toHaveLength(1);
      expect(known.find(({ isDefault }) => isDefault)?.id).toMatch(/09|10|11/);
    });

    test('a project is given back as it was kept; after the default there is none', async () => {
      const { projects } = await make();
      const kept = await importProject(projects, offered('\u{1f511}', 'sales'));
      const other = await importProject(projects, { ...offered('2', 'Sales'), authority: `I${'b'.repeat(64)}`, identity: undefined });
      expect(await projects.list()).toEqual([other, kept]);
      expect([await projects.remove(kept.id), await projects.remove(kept.id)]).toEqual([true, false]);
      expect(await projects.list()).toEqual([other]);
    });
  });
}
