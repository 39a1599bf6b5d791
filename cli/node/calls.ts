import * as z from 'zod';
import { call, type OutputOf } from '../control/calls.ts';

// What a node answers, in the shapes and with the keys of command-line.md 2.3.

const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array, 'These are no bytes.');
const upOrDown = z.enum(['Up', 'Down']);
const none = z.object({}).strict();
const nothing = z.null();
const named = z.object({ name: z.string() });
const address = z.object({ address: z.string() });

export const inletStatus = z.object({
  alias: z.string(),
  bind_addr: z.string(),
  worker_addr: z.string().nullable(),
  payload: z.null(),
  outlet_route: z.string().nullable(),
  status: upOrDown,
  outlet_addr: z.string(),
  last_failure: z.string().nullable(),
});
export type InletStatus = z.infer<typeof inletStatus>;

export const outletStatus = z.object({ to: z.string(), worker_addr: z.string(), payload: z.null() });
export type OutletStatus = z.infer<typeof outletStatus>;

export const relayStatus = z.object({
  name: z.string(),
  destination_address: z.string(),
  forwarding_route: z.string().nullable(),
  remote_address: z.string().nullable(),
  worker_address: z.string().nullable(),
  flow_control_id: z.string().nullable(),
  connection_status: upOrDown,
  last_failure: z.string().nullable(),
});
export type RelayStatus = z.infer<typeof relayStatus>;

const listenerStatus = z.object({ address: z.string(), flow_control_id: z.string(), is_key_exchange_only: z.literal(false) });
export const transportStatus = z.object({
  type: z.literal('Tcp'),
  mode: z.enum(['Listen', 'Incoming', 'Outgoing']),
  socket_addr: z.string(),
  worker_addr: z.string(),
  processor_address: z.string(),
  flow_control_id: z.string(),
});
export type TransportStatus = z.infer<typeof transportStatus>;
const channelStatus = z.object({
  address: z.string(),
  channel: z.string(),
  to: z.string(),
  route: z.string().nullable(),
  identifier: z.string(),
  peer: z.string(),
  authorized_identifiers: z.array(z.string()).readonly().nullable(),
  flow_control_id: z.string(),
});
export type ChannelStatus = z.infer<typeof channelStatus>;
const service = z.object({ addr: z.string(), type: z.string() });
const policyStatus = z.object({ resource: z.string(), action: z.string(), expression: z.string() });

const attributes = z.record(z.string(), z.string()).nullable();
const optionalText = z.string().nullable();

/** Something that policies did not let pass. */
export const denialStatus = z.object({
  number: z.number(),
  first_at: z.number(),
  last_at: z.number(),
  count: z.number(),
  resource: z.string(),
  type: z.string(),
  action: z.string(),
  direction: z.enum(['in', 'out']),
  identifier: optionalText,
  attributes,
  expression: optionalText,
  rule: optionalText,
  reason: z.string(),
});

const fact = z.object({ name: z.string(), value: optionalText });
export const explanationStatus = z.object({
  resource: z.string(),
  action: z.string(),
  identifier: optionalText,
  allowed: z.boolean(),
  reason: z.string(),
  expression: optionalText,
  rule: optionalText,
  /** Parts of parts of parts: only printed here. */
  tree: z.unknown(),
  facts: z.array(fact).readonly(),
  change: z.array(fact).readonly().nullable(),
  is_exact: z.boolean(),
  text: z.string(),
});

const reach = z.object({
  resource: z.string(),
  type: z.string(),
  identifier: z.string(),
  allowed: z.boolean(),
  reason: z.string(),
  expression: optionalText,
});
const turned = z.object({ resource: z.string(), type: z.string(), identifier: z.string(), gains: z.boolean() });
export const planStatus = z.object({ reach: z.array(reach).readonly(), turned: z.array(turned).readonly() });

export const nodeShown = z.object({
  name: z.string(),
  identifier: z.string(),
  listener: z.string(),
  is_open: z.boolean(),
  transports: z.array(transportStatus).readonly(),
  secure_channel_listeners: z.array(listenerStatus).readonly(),
  inlets: z.array(inletStatus).readonly(),
  outlets: z.array(outletStatus).readonly(),
  relays: z.array(relayStatus).readonly(),
  services: z.array(service).readonly(),
});
export type NodeShown = z.infer<typeof nodeShown>;

const authorized = z.array(z.string()).optional();
const allow = z.string().optional();
const identity = z.string().optional();
/** The name of a resource, or of a type of resources. */
const selector = z.union([z.object({ name: z.string() }), z.object({ type: z.string() })]);
/** In ms: how long the answer waits for the thing to come up; it is there in any case. */
const waitMs = z.number().int().nonnegative();

/** Everything a running node can be asked. */
export const nodeCalls = {
  show: call(none, nodeShown),
  health: call(none, z.unknown()),

  'inlet.create': call(
    z.object({ name: z.string(), listen: z.string(), to: z.string(), authorized, identity, allow, waitMs }),
    inletStatus,
  ),
  'inlet.list': call(none, z.array(inletStatus)),
  'inlet.delete': call(named, nothing),

  'outlet.create': call(z.object({ name: z.string(), to: z.string(), allow }), outletStatus),
  'outlet.list': call(none, z.array(outletStatus)),
  'outlet.delete': call(named, nothing),

  'relay.create': call(z.object({ name: z.string(), at: z.string(), address: z.string().optional(), authorized, waitMs }), relayStatus),
  'relay.list': call(none, z.array(relayStatus)),
  'relay.delete': call(named, nothing),

  'policy.set': call(z.object({ selector, expression: z.string() }), policyStatus),
  'policy.list': call(none, z.array(policyStatus)),
  'policy.delete': call(z.object({ selector }), z.boolean()),

  'policy.explain': call(z.object({ resource: z.string(), identifier: z.string(), attributes: attributes.optional() }), explanationStatus),
  'policy.explain-denial': call(z.object({ number: z.number().int(), first_at: z.number().optional() }), explanationStatus),
  'policy.plan': call(
    z.object({
      members: z.array(z.object({ identifier: z.string(), attributes })),
      changes: z.array(z.object({ selector, expression: optionalText })),
    }),
    planStatus,
  ),
  'policy.log': call(none, z.array(denialStatus)),

  'channel.create': call(
    z.object({ to: z.string(), authorized, credential: z.string().optional(), identity, timeoutMs: waitMs }),
    channelStatus,
  ),
  'channel.list': call(none, z.array(channelStatus)),
  'channel.show': call(address, channelStatus),
  'channel.delete': call(address, nothing),

  'listener.create': call(z.object({ name: z.string(), authorized, identity }), listenerStatus.optional()),
  'listener.list': call(none, z.array(listenerStatus)),
  'listener.show': call(named, listenerStatus),
  'listener.delete': call(named, nothing),

  'tcp-listener.create': call(address, transportStatus),
  'tcp-listener.list': call(none, z.array(transportStatus)),
  'tcp-listener.show': call(address, transportStatus),
  'tcp-listener.delete': call(address, nothing),

  'tcp-connection.create': call(z.object({ to: z.string() }), transportStatus),
  'tcp-connection.list': call(none, z.array(transportStatus)),
  'tcp-connection.show': call(address, transportStatus),
  'tcp-connection.delete': call(address, nothing),

  'worker.list': call(none, z.array(z.object({ addr: z.string() }))),
  'service.list': call(none, z.array(service)),
  'service.start-hop': call(z.object({ name: z.string() }), service),
  'flow-control.add-consumer': call(z.object({ id: z.string(), address: z.string() }), nothing),

  'message.send': call(z.object({ to: z.string(), payload: bytes, timeoutMs: waitMs }), z.object({ payload: bytes })),
};
export type NodeCalls = typeof nodeCalls;
export type NodeAnswer<Name extends keyof NodeCalls> = OutputOf<NodeCalls[Name]>;
