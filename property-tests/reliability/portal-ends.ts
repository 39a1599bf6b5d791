import type { HostPort } from '../../runtime/network.ts';
import { encodePing } from '../../workers/portal/portal-message.ts';
import { pattern, PortalWorld, type Program } from '../portal-world.ts';
import { DemoWorld } from './demo-world.ts';
import { inTurn, type Row } from './row.ts';
import { faultOf, isComplete, script, speak } from './streams.ts';

/** The far side is gone, and a refusal reported, within that time. Source: reliability.md PO4, PO5 */
const FAR_GONE_MS_MAX = 5_000;
const ANSWER_BYTES = 64 * 1024 * 1024;

/** A request and its end, then a long answer. Source: reliability.md PO3 */
async function halfClose(world: DemoWorld, answer: Uint8Array): Promise<string | undefined> {
  const said = { there: Uint8Array.of(1, 2, 3), back: answer };
  let target: Program | undefined;
  world.onTarget = (program) => {
    target = program;
    program.onMore = () => {
      if (!program.hasEnd) return;
      program.onMore = () => undefined;
      speak(program, answer, 1024 * 1024);
    };
  };
  const client = await world.connect();
  speak(client, said.there, 3);
  await world.until(() => client.isOver, 600_000);
  const fault = faultOf(client, target, said);
  if (fault !== undefined) return fault;
  if (!isComplete(client, said)) return `the client has ${client.byteCount} of ${answer.length} bytes`;
  return (await world.untilIdle(FAR_GONE_MS_MAX)) === 0 ? undefined : 'a stream is left';
}

/** One side resets while both talk. Source: reliability.md PO4 */
async function resets(world: DemoWorld, who: 'client' | 'target', afterMs: number): Promise<string | undefined> {
  const said = script(50_000, 50_000, afterMs);
  let target: Program | undefined;
  world.onTarget = (program) => {
    target = program;
    program.stream.write([said.back]);
  };
  const client = await world.connect();
  client.stream.write([said.there]);
  await world.until(() => target !== undefined, 1_000);
  await world.run(afterMs);
  const [one, other] = who === 'client' ? [client, target] : [target, client];
  one?.stream.reset();
  await world.until(() => other?.wasReset === true, FAR_GONE_MS_MAX);
  if (other?.wasReset !== true) return `a reset by the ${who} did not reach the other end`;
  const fault = faultOf(client, target, said);
  return fault ?? ((await world.untilIdle(FAR_GONE_MS_MAX)) === 0 ? undefined : 'a stream is left');
}

/** Source: reliability.md PO5 */
const DEAD_TARGETS = { refused: 'database:1', silent: 'database:5432', unknown: 'nowhere:5432' } as const;
type DeadTarget = keyof typeof DEAD_TARGETS;

async function deadTarget(kind: DeadTarget, seed: number): Promise<string | undefined> {
  const world = await DemoWorld.make({ seed, outlet: { target: DEAD_TARGETS[kind] } });
  if (kind === 'silent') world.network.partition('bank', 'database');
  const client = await world.connect();
  const tookMs = await world.until(() => client.isOver, 60_000);
  await world.stop();
  if (!client.wasReset) return `${kind}: no reset`;
  return tookMs <= FAR_GONE_MS_MAX ? undefined : `${kind}: reported after ${tookMs} ms`;
}

const deadTargetOf = (index: number) => (['refused', 'silent', 'unknown'] as const)[index % 3] ?? 'refused';

/** Small writes, one message each. */
async function manyMessages(count: number, seed: number): Promise<string | undefined> {
  const world = await PortalWorld.make({ seed });
  const bytes = pattern(count, seed);
  let at = 0;
  const client = await world.connect();
  await world.until(() => world.targets.length === 1);
  const [target] = world.targets;
  if (target === undefined) return 'the target was not reached';
  let messages = 0;
  world.relay.edit = (message) => {
    if (message.payload[0] === 0x10) messages++;
    return [message];
  };
  while (at < count) {
    for (let turn = 0; turn < 2_000 && at < count; turn++, at++) client.stream.write([bytes.subarray(at, at + 1)]);
    await world.until(() => target.byteCount === at || client.isOver, 60_000);
    if (client.isOver) return `the client was cut off after ${target.byteCount} bytes`;
  }
  client.stream.end();
  await world.until(() => target.isOver, 60_000);
  const fault = faultOf(client, target, { there: bytes, back: new Uint8Array() });
  if (fault !== undefined || !target.hasEnd) return fault ?? 'the target saw no end';
  return messages >= count ? undefined : `only ${messages} messages for ${count} writes`;
}

export const rows: readonly Row[] = [
  {
    id: 'PO3',
    about: 'half-close: a request and its end, then an answer of 64 MiB, exact (4 MiB in a part of the count)',
    full: 100,
    run: async ({ count, seed }) => {
      const world = await DemoWorld.make({ seed });
      const answer = pattern(count >= 100 ? ANSWER_BYTES : ANSWER_BYTES / 16, seed);
      return inTurn(count, () => halfClose(world, answer));
    },
  },
  {
    id: 'PO4',
    about: '100 resets by each side: the far connection is reset within 5 s and nothing is left',
    full: 200,
    run: async ({ count, seed }) => {
      const world = await DemoWorld.make({ seed });
      return inTurn(count, (index) => resets(world, index % 2 === 0 ? 'client' : 'target', index % 40));
    },
  },
  {
    id: 'PO5',
    about: 'a target that refuses, is silent, or has no such name: the client is reset within 5 s',
    full: 200,
    run: ({ count, seed }) => inTurn(count, (index) => deadTarget(deadTargetOf(index), seed + index)),
  },
  {
    id: 'PO7',
    about: 'one stream of 1,000,000 messages, exact',
    full: 1_000_000,
    run: async ({ count, seed }) => {
      const fault = await manyMessages(count, seed);
      return { attempted: count, passed: fault === undefined ? count : 0, ...(fault !== undefined && { worst: fault }) };
    },
  },
  {
    id: 'PO10',
    about: 'whatever a Ping or its route says, the outlet dials its own target and nothing else',
    full: 1_000,
    run: async ({ count, seed }) => {
      const world = await PortalWorld.make({ seed });
      const canaries: HostPort[] = [];
      await world.farHost.listen({ host: '127.0.0.1', port: 22 }, (stream) => void canaries.push(stream.remote));
      const wanted = new TextEncoder().encode('127.0.0.1:22');
      return inTurn(count, async (index) => {
        const before = world.targets.length;
        const extra = pattern(index % 64, seed + index);
        const to = index % 2 === 0 ? world.wayTo('outlet') : world.wayTo('outlet').concat(world.wayTo('127.0.0.1:22'));
        const ping = Uint8Array.from([...encodePing(1_000), ...(index % 3 === 0 ? wanted : extra)]);
        const asked = world.near.request(to, ping, { timeoutMs: 200 }).catch(() => undefined);
        await world.clock.runUntil(asked);
        for (const target of world.targets.slice(before)) target.stream.reset();
        await world.run(20);
        return canaries.length > 0 ? `it dialled ${canaries.length} times what the Ping asked for` : undefined;
      });
    },
  },
];
