import type { FaultKind } from '../../simulation/faults.ts';
import type { Trace, TraceEvent } from '../../simulation/trace.ts';

/** How often each kind of fault has to be there in a run of the full size. Source: reliability.md R-B2 */
export const FAULTS_LEAST = 1_000;

const FAULT_KINDS: { readonly [Kind in FaultKind]: true } = {
  partition: true,
  heal: true,
  hold: true,
  release: true,
  reset: true,
  drop: true,
  duplicate: true,
  reorder: true,
  delay: true,
  corrupt: true,
  truncate: true,
  splice: true,
  replay: true,
  pause: true,
  crash: true,
  restart: true,
  skewClock: true,
};

/** Log lines that are branches of their own, with the field that tells them apart. */
const LOGGED: Readonly<Record<string, string | undefined>> = {
  'access.control.failed': undefined,
  'channel.ended': 'reason',
  'channel.handshake.message.refused': undefined,
  'channel.key.revoked': undefined,
  'channel.peer.refused': 'code',
  'connection.lost': 'code',
  'connection.refused': undefined,
  'frame.skipped': undefined,
  'inlet.full': undefined,
  'message.too.large': undefined,
  'node.stop.deadline': undefined,
  'outlet.full': 'cap',
  'portal.message.invalid': undefined,
  'portal.stream.reset': 'reason',
  'relay.refused': 'why',
  'relay.removed': 'reason',
  'relay.taken.over': undefined,
  'session.failed': 'code',
  'worker.failed': undefined,
};

/** How often each thing happened, over many traces. */
export class Coverage {
  readonly counts: Record<string, number>;

  constructor(counts: Readonly<Record<string, number>> = {}) {
    this.counts = { ...counts };
  }

  add({ events }: Trace): void {
    /** Nodes whose channel session was up and has shaken hands since. */
    const fresh = new Set<string>();
    const wedged = new Set<string>();
    for (const event of events) {
      const what = branchOf(event);
      if (what !== undefined) this.#count(what);
      if (event.kind === 'note' && event.text === WEDGED) wedged.add('client');
      if (event.kind === 'node') fresh.delete(event.node);
      if (event.kind !== 'log') continue;
      if (event.event === 'channel.open') fresh.add(event.node);
      if (event.event !== 'session.up' || event.fields['session'] !== 'secure channel') continue;
      if (!fresh.delete(event.node)) this.#count('channel moved to a new way');
      else if (wedged.delete(event.node)) this.#count('channel made anew after more lost frames than its window');
    }
  }

  merge(other: Readonly<Record<string, number>>): void {
    for (const [what, count] of Object.entries(other)) this.counts[what] = (this.counts[what] ?? 0) + count;
  }

  /** What was there less often than a run of the full size has to have it. */
  get missing(): readonly string[] {
    return [...this.#required()].flatMap(([what, least]) => {
      const count = this.counts[what] ?? 0;
      return count < least ? [`${what}: ${count} of ${least}`] : [];
    });
  }

  /** Lines of `what count`, the required ones first. */
  get table(): readonly string[] {
    const required = this.#required();
    const others = Object.keys(this.counts).filter((what) => !required.has(what));
    return [...required.keys(), ...others.sort()].map((what) => `${what.padEnd(64)} ${this.counts[what] ?? 0}`);
  }

  #count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  #required(): ReadonlyMap<string, number> {
    return new Map([
      ...Object.keys(FAULT_KINDS).map((kind) => [`fault ${kind}`, FAULTS_LEAST] as const),
      ...RARE_BRANCHES.map((what) => [what, 1] as const),
    ]);
  }
}

/** A note of the scenario: more frames are lost now than a receiving window can bridge. */
export const WEDGED = 'more frames lost than the window bridges';
/** A note of the scenario. */
export const WAITED = 'a sender waited for room';

function branchOf(event: TraceEvent): string | undefined {
  switch (event.kind) {
    case 'fault':
      return `fault ${event.fault.kind}`;
    case 'message':
      return event.what === 'dead' ? `dead letter: ${event.reason ?? ''}` : undefined;
    case 'stream':
      return event.what === 'refused' ? 'dial refused' : undefined;
    case 'note':
      return event.text === WAITED ? WAITED : undefined;
    case 'log': {
      if (!Object.hasOwn(LOGGED, event.event)) return undefined;
      const field = LOGGED[event.event];
      return field === undefined ? event.event : `${event.event}: ${String(event.fields[field])}`;
    }
    default:
      return undefined;
  }
}

/** What has to happen at least once. Source: reliability.md R-B2; the list is our own */
export const RARE_BRANCHES: readonly string[] = [
  'a sender waited for room',
  'channel made anew after more lost frames than its window',
  'channel moved to a new way',
  'channel.ended: failed',
  'channel.ended: peerClosed',
  'channel.ended: peerLost',
  'channel.ended: peerRefused',
  'channel.ended: stopped',
  'channel.ended: timeout',
  'channel.handshake.message.refused',
  'channel.key.revoked',
  'channel.peer.refused: PURPOSE_KEY_NOT_YET_VALID',
  'connection.lost: CODEC_TRUNCATED',
  'connection.lost: CODEC_TYPE',
  'connection.lost: FRAME_TIMEOUT',
  'connection.lost: FRAME_TOO_LARGE',
  'connection.lost: PEER_SILENT',
  'connection.lost: PREAMBLE',
  'connection.lost: PREAMBLE_TIMEOUT',
  'connection.lost: STREAM_RESET',
  'connection.refused',
  'dead letter: denied-flow',
  'dead letter: denied-incoming',
  'dead letter: denied-outgoing',
  'dead letter: empty-route',
  'dead letter: failed',
  'dead letter: frame-limit',
  'dead letter: hop-limit',
  'dead letter: no-transport',
  'dead letter: overflow',
  'dead letter: refused',
  'dead letter: route-limit',
  'dead letter: stopped',
  'dead letter: unknown-address',
  'dial refused',
  'frame.skipped',
  'inlet.full',
  'message.too.large',
  'node.stop.deadline',
  'outlet.full: streamsPerPeer',
  'portal.stream.reset: gap',
  'portal.stream.reset: local-reset',
  'portal.stream.reset: peer',
  'portal.stream.reset: protocol',
  'portal.stream.reset: silence',
  'portal.stream.reset: stopped',
  'portal.stream.reset: target-refused',
  'portal.stream.reset: target-silent',
  'portal.stream.reset: target-unknown',
  'portal.stream.reset: unnumbered',
  'relay.refused: another one asks for the name',
  'relay.refused: the name is taken',
  'relay.refused: this is no registration',
  'relay.refused: too many relays',
  'relay.taken.over',
  'session.failed: CHANNEL_CLOSED',
  'session.failed: HANDSHAKE_STOPPED',
  'session.failed: HANDSHAKE_TIMEOUT',
  'session.failed: PEER_SILENT',
  'session.failed: RELAY_LOST',
  'session.failed: RELAY_TIMEOUT',
  'session.failed: SESSION_LOST',
  'session.failed: STREAM_RESET',
  'worker.failed',
];
