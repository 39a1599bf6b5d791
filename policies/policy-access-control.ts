import type { AccessControl } from '../runtime/access-control.ts';
import type { Address } from '../runtime/address.ts';
import type { Clock, Timer } from '../runtime/clock.ts';
import { errorFields, type Logger } from '../runtime/logger.ts';
import type { Message } from '../runtime/message.ts';
import type { Terminal } from '../runtime/worker.ts';
import type { DecisionLog, Denial } from './decision-log.ts';
import { environmentOf } from './environment.ts';
import { decide, type EvaluationWatch } from './evaluate.ts';
import type { Scalar } from './expression.ts';
import { NO_RULE, type Rule, type Rules } from './plan.ts';
import { HANDLE_MESSAGE, type Resource, type ResourceSelector } from './resource.ts';
import type { SubjectFacts, Subjects } from './subjects.ts';

/** Rules that tell when they change. `ResourcePolicies` is one. */
export interface WatchedRules extends Rules {
  onChanged(listener: (selector: ResourceSelector) => void): () => void;
}

export interface PolicyGateOptions {
  readonly policies: WatchedRules;
  /** What the node's authority attests; undefined for a node without one: then nothing is known of a subject but its identifier. */
  readonly subjects: Subjects | undefined;
  readonly log: DecisionLog;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whose secure channel brought a message; `peerOf` of the channels. */
  readonly peerOf: (message: Message) => string | undefined;
  /** What is behind a local address; `terminal` of the node. */
  readonly terminal: (address: Address) => Terminal | undefined;
}

/** How often watched access is looked at for credentials that have expired. An expiry has to show within 2 s (decisions.md D7). */
const EXPIRY_CHECK_MS = 500;
/** Answers that are kept, one a subject and resource: a message on an open stream costs two comparisons. */
const ANSWERS_MAX = 1_024;

/** What an answer was given for. It holds as long as all of it is the same. */
interface Answer {
  readonly rule: Rule;
  readonly facts: SubjectFacts | undefined;
}

interface Watched {
  readonly resource: Resource;
  readonly identifier: string;
  readonly direction: Denial['direction'];
  readonly onEnd: () => void;
}

/**
 * Asks the policies of a node about messages and about open streams. What is not allowed goes to the decision log; the remote side
 * learns nothing. Nothing is ever allowed because something failed.
 */
export class PolicyGate {
  readonly #options: PolicyGateOptions;
  readonly #allowed = new Map<string, Answer>();
  readonly #skippedOf = new WeakSet<SubjectFacts>();
  readonly #watched = new Set<Watched>();
  readonly #unsubscribe: (() => void)[];
  #timer: Timer | undefined;

  constructor(options: PolicyGateOptions) {
    this.#options = options;
    const { policies, subjects } = options;
    this.#unsubscribe = [
      policies.onChanged((selector) => this.#check(({ resource }) => isFor(selector, resource))),
      ...(subjects === undefined ? [] : [subjects.onChanged((changed) => this.#check(({ identifier }) => identifier === changed))]),
    ];
  }

  /** For what comes to a resource: the subject is the peer whose channel brought the message; without one it is denied. Source: routing.md 8.7 */
  incoming(resource: Resource): AccessControl {
    const { peerOf } = this.#options;
    return {
      allows: (message) => {
        const identifier = peerOf(message);
        return identifier === undefined
          ? this.#denyUnknown(resource, 'in', 'It came through no secure channel, so nobody knows from whom.')
          : this.allows(resource, identifier, 'in');
      },
      watch: (message, onDenied) => this.#watchPeer(resource, peerOf(message), onDenied, 'in'),
    };
  }

  /**
   * For what a resource sends: the subject is the peer behind the first hop that leads to another node. A hop that is not local, no
   * such hop, or one whose peer is not proved denies. Source: routing.md 8.7
   */
  outgoing(resource: Resource): AccessControl {
    return {
      allows: (message) => {
        const identifier = this.#peerAhead(message);
        return identifier === undefined
          ? this.#denyUnknown(resource, 'out', 'It goes through no secure channel of this node, so nobody knows to whom.')
          : this.allows(resource, identifier, 'out');
      },
      watch: (message, onDenied) => this.#watchPeer(resource, this.#peerAhead(message), onDenied, 'out'),
    };
  }

  /** Asks as a message would, and logs a denial. */
  allows(resource: Resource, identifier: string, direction: Denial['direction']): boolean {
    try {
      return this.#decide(resource, identifier, direction);
    } catch (thrown) {
      this.#options.logger.log('error', 'policy.failed', { resource: resource.name, ...errorFields(thrown) });
      return this.#denyUnknown(resource, direction, 'The policies or the facts of the subject could not be read.', identifier);
    }
  }

  /**
   * Watches over something that stays open, such as a stream: calls back once, when the subject is allowed no more: at once when a
   * policy or its facts change, within a second when its credential expires. Calls back before it returns when it is not allowed now.
   * @returns how to end it
   */
  watch(resource: Resource, identifier: string, onEnd: () => void, direction: Denial['direction'] = 'in'): () => void {
    const watched: Watched = { resource, identifier, direction, onEnd };
    this.#watched.add(watched);
    this.#check((each) => each === watched);
    if (this.#watched.size > 0) this.#timer ??= this.#options.clock.setTimer(EXPIRY_CHECK_MS, () => this.#onTimer());
    return () => this.#unwatch(watched);
  }

  #watchPeer(resource: Resource, identifier: string | undefined, onEnd: () => void, direction: Denial['direction']): () => void {
    if (identifier !== undefined) return this.watch(resource, identifier, onEnd, direction);
    onEnd();
    return () => undefined;
  }

  /** Ends every watch without a call. Its controls deny nothing and allow nothing other than before. */
  close(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#watched.clear();
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #decide(resource: Resource, identifier: string, direction: Denial['direction']): boolean {
    const { policies, subjects, clock } = this.#options;
    const rule = policies.ruleFor(resource);
    if (rule === undefined) return this.#denyUnknown(resource, direction, NO_RULE, identifier);
    const known = subjects?.factsOf(identifier);
    const facts = known !== undefined && clock.wallSeconds() < known.expiresAt ? known : undefined;
    const key = `${resource.type} ${identifier} ${resource.name}`;
    const answer = this.#allowed.get(key);
    if (answer?.rule === rule && answer.facts === facts) return true;
    this.#allowed.delete(key);

    const authority = subjects !== undefined;
    const attributes = facts?.attributes;
    const { environment, skipped } = environmentOf({ resource: resource.name, action: HANDLE_MESSAGE, identifier, authority, attributes });
    this.#logSkipped(facts, identifier, skipped);
    const used = new Map<string, Scalar | undefined>();
    const { allowed, reason } = decide(rule.policy.expression, environment, noting(used));
    if (allowed) this.#keep(key, { rule, facts });
    else this.#log({ resource, direction, identifier, attributes, rule, skipped, used, reason });
    return allowed;
  }

  #denyUnknown(resource: Resource, direction: Denial['direction'], reason: string, identifier?: string): false {
    this.#log({ resource, direction, identifier, attributes: undefined, rule: undefined, skipped: [], used: new Map(), reason });
    return false;
  }

  #log({
    used,
    ...denial
  }: Omit<Denial, 'action' | 'authority' | 'used'> & { readonly used: ReadonlyMap<string, Scalar | undefined> }): void {
    this.#options.log.record({
      ...denial,
      action: HANDLE_MESSAGE,
      authority: this.#options.subjects !== undefined,
      used: [...used].map(([name, value]) => ({ name, value })),
    });
  }

  /** Once for each credential: a peer sends many messages. Names that were chosen elsewhere do not go into log lines. */
  #logSkipped(facts: SubjectFacts | undefined, peer: string, skipped: readonly string[]): void {
    if (facts === undefined || skipped.length === 0 || this.#skippedOf.has(facts)) return;
    this.#skippedOf.add(facts);
    this.#options.logger.log('warn', 'policy.attributes.skipped', { peer, count: skipped.length });
  }

  #keep(key: string, answer: Answer): void {
    this.#allowed.set(key, answer);
    const [oldest] = this.#allowed.size > ANSWERS_MAX ? this.#allowed.keys() : [];
    if (oldest !== undefined) this.#allowed.delete(oldest);
  }

  #peerAhead({ onward }: Message): string | undefined {
    const hops = [...onward];
    if (!hops.every(({ isLocal }) => isLocal)) return undefined;
    for (const hop of hops) {
      const terminal = this.#options.terminal(hop);
      if (terminal !== undefined) return terminal.peer;
    }
    return undefined;
  }

  #check(concerns: (watched: Watched) => boolean): void {
    for (const watched of [...this.#watched]) {
      if (!this.#watched.has(watched) || !concerns(watched) || this.allows(watched.resource, watched.identifier, watched.direction))
        continue;
      this.#unwatch(watched);
      try {
        watched.onEnd();
      } catch (thrown) {
        this.#options.logger.log('error', 'policy.watch.failed', errorFields(thrown));
      }
    }
  }

  #unwatch(watched: Watched): void {
    this.#watched.delete(watched);
    if (this.#watched.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #onTimer(): void {
    this.#timer = undefined;
    const now = this.#options.clock.wallSeconds();
    this.#check(({ identifier }) => (this.#options.subjects?.factsOf(identifier)?.expiresAt ?? Infinity) <= now);
    if (this.#watched.size > 0) this.#timer = this.#options.clock.setTimer(EXPIRY_CHECK_MS, () => this.#onTimer());
  }
}

function noting(used: Map<string, Scalar | undefined>): EvaluationWatch {
  return { began: () => undefined, ended: () => undefined, lookedUp: (name, bound) => used.set(name, bound) };
}

function isFor(selector: ResourceSelector, resource: Resource): boolean {
  return 'name' in selector ? selector.name === resource.name : selector.type === resource.type;
}
