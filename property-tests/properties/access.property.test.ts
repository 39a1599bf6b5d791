import fc from 'fast-check';
import { expect, test } from 'vitest';
import { allowEveryone, onlyFrom, onlyTo } from '../../runtime/access-control.ts';
import { address } from '../../runtime/address.ts';
import type { Context } from '../../runtime/context.ts';
import { Message } from '../../runtime/message.ts';
import { route } from '../../runtime/route.ts';
import { SHARE } from '../full-counts.ts';
import { AccessModel, PublishedModel } from '../models/router.model.ts';
import { smallNode } from '../node-watch.ts';

const names = ['a', 'b', 'c', 'd'];
const name = fc.constantFrom(...names);
const some = fc.option(fc.subarray(names), { nil: undefined });
const later = () => new Promise<void>((resolve) => void setImmediate(resolve));

test('what a mailbox does not allow never arrives, what it allows does', async () => {
  const rules = fc.tuple(...names.map((each) => fc.record({ name: fc.constant(each), accepts: some, sendsTo: some })));
  const sends = fc.array(fc.record({ from: name, to: name, forwarded: fc.boolean() }), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(rules, sends, async (all, messages) => {
      const { node, watch } = smallNode();
      const model = new AccessModel(all);
      const contexts = new Map<string, Context>();
      const seen: string[] = [];
      for (const { name: own, accepts, sendsTo } of all) {
        node.start(
          own,
          {
            onStart: (context) => void contexts.set(own, context),
            onMessage: (message) => void seen.push(`${message.source.name} ${message.destination.name}`),
          },
          {
            ...(accepts && { incoming: onlyFrom(...accepts.map(address)) }),
            ...(sendsTo && { outgoing: onlyTo(...sendsTo.map(address)) }),
          },
        );
      }
      for (const { from, to, forwarded } of messages) {
        // A return route that names somebody else changes nothing.
        if (forwarded) contexts.get(from)?.forward(new Message(route(to), route(...names), new Uint8Array(0)));
        else contexts.get(from)?.send(to, new Uint8Array(0));
      }
      await later();
      const expected = messages.filter(({ from, to }) => model.mayPass(from, to)).map(({ from, to }) => `${from} ${to}`);
      expect(seen.toSorted()).toEqual(expected.toSorted());
      expect([node.deadLetters.count(), watch.faults]).toEqual([messages.length - expected.length, []]);
    }),
    { numRuns: 2_000 / SHARE },
  );
});

test('from outside, exactly what is published by that way is reached', async () => {
  const flows = [{ id: 'F', spawnerId: 'L' }, { id: 'G', spawnerId: 'L' }, { id: 'H' }];
  const publishing = fc.array(fc.record({ name, flowId: fc.constantFrom('F', 'G', 'H', 'L', 'M') }), { maxLength: 8 });
  const arriving = fc.array(fc.record({ producer: fc.nat(flows.length - 1), onward: fc.array(name, { minLength: 1, maxLength: 3 }) }), {
    maxLength: 20,
  });
  await fc.assert(
    fc.asyncProperty(publishing, arriving, async (published, messages) => {
      const { node, watch } = smallNode();
      const model = new PublishedModel();
      const seen: string[] = [];
      for (const own of names)
        node.start(own, { onMessage: (message) => void seen.push(`${message.flow?.id} ${message.destination.name}`) });
      for (const { name: own, flowId } of published) {
        node.publish(own, { on: { flow: { id: flowId } }, allow: allowEveryone });
        model.publish(own, flowId);
      }
      const receivers = flows.map((flow, index) => {
        let context!: Context;
        const at = node.start(
          `r${index}`,
          { onStart: (own) => void (context = own), onMessage: () => undefined },
          { outgoing: node.flows.controlOf(flow) },
        );
        node.flows.addProducer(at, flow);
        return { context, flow };
      });
      const expected: string[] = [];
      for (const { producer, onward } of messages) {
        const { context, flow } = receivers[producer]!;
        context.inject(new Message(route(...onward), route('S'), new Uint8Array(0), [], 0, flow), context.ingress({}));
        if (model.mayReach(onward[0]!, flow)) expected.push(`${flow.id} ${onward[0]}`);
      }
      await later();
      expect(seen.toSorted()).toEqual(expected.toSorted());
      expect([node.deadLetters.count('denied-flow'), watch.faults]).toEqual([messages.length - expected.length, []]);
      await Promise.all([...names, 'r0', 'r1', 'r2'].map((each) => node.stopWorker(each)));
      expect(node.flows.isEmpty).toBe(true);
    }),
    { numRuns: 2_000 / SHARE },
  );
});
