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

export interface NodeStatus {
  readonly name: string;
  readonly identifier: string;
  /** HOST:PORT. */
  readonly listener: string;
  /** Whether resources without a policy of their own are open to everyone on this machine. */
  readonly is_open: boolean;
  readonly secure_channel_listeners: readonly ListenerStatus[];
  readonly inlets: readonly InletStatus[];
  readonly outlets: readonly OutletStatus[];
  readonly relays: readonly RelayStatus[];
  readonly services: readonly ServiceStatus[];
  readonly policies: readonly PolicyStatus[];
}
