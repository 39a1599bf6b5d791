import type { Identifier } from '../identities/identifier.ts';
import type { SessionStatus } from '../workers/session/session.ts';
import type { PolicyStatus } from './access.ts';

// What is shown is plain data, in the shapes and with the keys of command-line.md 2.3; `sessions` is ours.

export type UpOrDown = 'Up' | 'Down';

export interface InletStatus {
  readonly alias: string;
  /** HOST:PORT where it listens. */
  readonly bind_addr: string;
  readonly worker_addr: string | null;
  readonly payload: null;
  readonly outlet_route: string | null;
  readonly status: UpOrDown;
  /** The multi-address that it was made with. */
  readonly outlet_addr: string;
  readonly last_failure: string | null;
  readonly sessions: readonly SessionStatus[];
}

export interface OutletStatus {
  /** HOST:PORT. */
  readonly to: string;
  readonly worker_addr: string;
  readonly payload: null;
}

export interface RelayStatus {
  readonly name: string;
  /** The multi-address that it was made with. */
  readonly destination_address: string;
  readonly forwarding_route: string | null;
  /** `forward_to_NAME`, as the other end has it. */
  readonly remote_address: string | null;
  readonly worker_address: string | null;
  readonly flow_control_id: string | null;
  readonly connection_status: UpOrDown;
  readonly last_failure: string | null;
  readonly sessions: readonly SessionStatus[];
}

export interface ListenerStatus {
  readonly address: string;
  readonly flow_control_id: string;
  readonly is_key_exchange_only: false;
}

export interface ServiceStatus {
  readonly addr: string;
  readonly type: string;
}

export interface TransportStatus {
  readonly type: 'Tcp';
  readonly mode: 'Listen' | 'Incoming' | 'Outgoing';
  /** HOST:PORT: of a listener where it listens, of a connection the other end. */
  readonly socket_addr: string;
  /** The worker that takes messages out: `/worker/IT` stands in addresses. `<none>` for a listener. */
  readonly worker_addr: string;
  /** The worker that brings messages in. */
  readonly processor_address: string;
  readonly flow_control_id: string;
}

/** A channel that was opened by hand. `channel`, `authorized_identifiers` and `flow_control_id` are those of command-line.md 5.6. */
export interface ChannelStatus {
  /** Its worker: 32 hex digits. */
  readonly address: string;
  /** `/service/ADDRESS`. */
  readonly channel: string;
  /** The multi-address that it was made with. */
  readonly to: string;
  /** Hop by hop to the listener; null while that way is down. */
  readonly route: string | null;
  /** Who opened it. */
  readonly identifier: Identifier;
  /** Who is at the other end. */
  readonly peer: Identifier;
  readonly authorized_identifiers: readonly Identifier[] | null;
  readonly flow_control_id: string;
}

export interface WorkerStatus {
  readonly addr: string;
}

export interface DownStatus {
  readonly kind: 'relay' | 'tcp-inlet';
  readonly name: string;
  readonly down_seconds: number;
  readonly last_failure: string | null;
}

/** Whether a node does what it was asked for. Source: command-line.md 4.5 */
export type Health = { readonly status: 'ok' } | { readonly status: 'down'; readonly down: readonly DownStatus[] };

export interface NodeStatus {
  readonly name: string;
  readonly identifier: string;
  /** HOST:PORT. */
  readonly listener: string;
  /** Whether resources without a policy of their own are open to everyone on this machine. */
  readonly is_open: boolean;
  readonly transports: readonly TransportStatus[];
  readonly secure_channel_listeners: readonly ListenerStatus[];
  readonly inlets: readonly InletStatus[];
  readonly outlets: readonly OutletStatus[];
  readonly relays: readonly RelayStatus[];
  readonly services: readonly ServiceStatus[];
  readonly policies: readonly PolicyStatus[];
}
