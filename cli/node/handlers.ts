import { setTimeout as pause } from 'node:timers/promises';
import { parseIdentifier, parseResourceType, type ResourceSelector } from 'postern';
import type { Manager } from 'postern/manager';
import type { Handlers } from '../control/calls.ts';
import type { NodeCalls } from './calls.ts';

const LOOK_MS = 20;

/** What a node answers to commands: each call is one of its manager. */
export function nodeHandlers(manager: Manager): Handlers<NodeCalls> {
  const { inlets, outlets, relays, policies, channels, listeners, tcpListeners, tcpConnections } = manager;
  const now = <Value>(value: Value) => Promise.resolve(value);
  return {
    show: () => now(manager.show()),
    health: () => now(manager.health()),

    'inlet.create': async ({ waitMs, authorized, ...options }) => {
      await inlets.create(defined({ ...options, ...by(authorized) }));
      return until(
        () => inlets.show(options.name),
        ({ status }) => status === 'Up',
        waitMs,
      );
    },
    'inlet.list': () => now([...inlets.list()]),
    'inlet.delete': ({ name }) => inlets.delete(name).then(() => null),

    'outlet.create': (options) => outlets.create(defined(options)),
    'outlet.list': () => now([...outlets.list()]),
    'outlet.delete': ({ name }) => outlets.delete(name).then(() => null),

    'relay.create': async ({ waitMs, authorized, ...options }) => {
      await relays.create(defined({ ...options, ...by(authorized) }));
      return until(
        () => relays.show(options.name),
        ({ connection_status }) => connection_status === 'Up',
        waitMs,
      );
    },
    'relay.list': () => now([...relays.list()]),
    'relay.delete': ({ name }) => relays.delete(name).then(() => null),

    'policy.set': async ({ selector, expression }) => {
      const chosen = selected(selector);
      const { text } = await policies.set(chosen, expression);
      return { resource: 'name' in chosen ? chosen.name : chosen.type, action: 'handle_message', expression: text };
    },
    'policy.list': () => now([...policies.list()]),
    'policy.delete': ({ selector }) => policies.delete(selected(selector)),
    // eslint-disable-next-line @typescript-eslint/require-await -- what is thrown becomes a rejection
    'policy.explain': async (asked) => manager.explain(defined(asked)),
    'policy.explain-denial': (denial) => manager.decisions.explain(defined(denial)),
    // eslint-disable-next-line @typescript-eslint/require-await -- as above
    'policy.plan': async ({ members, changes }) =>
      manager.plan({ members, changes: changes.map(({ selector, expression }) => ({ selector: selected(selector), expression })) }),
    'policy.log': () => manager.decisions.list(),

    'channel.create': ({ authorized, credential, ...options }) =>
      channels.create(
        defined({ ...options, ...by(authorized), ...(credential !== undefined && { credential: Buffer.from(credential, 'hex') }) }),
      ),
    'channel.list': () => now([...channels.list()]),
    'channel.show': ({ address }) => now(channels.show(address)),
    'channel.delete': ({ address }) => channels.delete(address).then(() => null),

    'listener.create': ({ authorized, ...options }) => listeners.create(defined({ ...options, ...by(authorized) })),
    'listener.list': () => now(listeners.list()),
    'listener.show': ({ name }) => now(listeners.show(name)),
    'listener.delete': ({ name }) => listeners.delete(name).then(() => null),

    'tcp-listener.create': ({ address }) => tcpListeners.create(address),
    'tcp-listener.list': () => now([...tcpListeners.list()]),
    'tcp-listener.show': ({ address }) => now(tcpListeners.show(address)),
    'tcp-listener.delete': ({ address }) => tcpListeners.delete(address).then(() => null),

    'tcp-connection.create': (options) => tcpConnections.create(options),
    'tcp-connection.list': () => now([...tcpConnections.list()]),
    'tcp-connection.show': ({ address }) => now(tcpConnections.show(address)),
    'tcp-connection.delete': async ({ address }) => {
      await tcpConnections.delete(address);
      return null;
    },

    'worker.list': () => now(manager.workers.list()),
    'service.list': () => now(manager.services.list()),
    'service.start-hop': ({ name }) => now(manager.services.startHop(name)),
    'flow-control.add-consumer': ({ id, address }) => {
      manager.flowControls.addConsumer(id, address);
      return now(null);
    },

    'message.send': async (options) => ({ payload: await manager.sendMessage(options) }),
  };
}

const by = (authorized: readonly string[] | undefined) => (authorized === undefined ? {} : { authorized: authorized.map(parseIdentifier) });

function selected(selector: { readonly name: string } | { readonly type: string }): ResourceSelector {
  return 'name' in selector ? selector : { type: parseResourceType(selector.type) };
}

type Defined<Given> = { [Key in keyof Given]: Exclude<Given[Key], undefined> };

/** Without what is undefined: a key that is there says something. */
function defined<Given extends object>(given: Given): Defined<Given> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Defined<Given>;
}

/** Waits until it shows what is wanted, or so long; gives what it shows then. */
async function until<Shown>(show: () => Shown, isThere: (shown: Shown) => boolean, waitMs: number): Promise<Shown> {
  for (const deadline = performance.now() + waitMs; performance.now() < deadline && !isThere(show()); ) await pause(LOOK_MS);
  return show();
}
