import type { Identifier } from '../identities/identifier.ts';
import { everyone, peers } from '../identities/trust.ts';
import { parseMultiAddress } from '../runtime/multi-address.ts';
import type { Node } from '../runtime/node.ts';
import { fixedCredential } from '../workers/secure-channel/credential-source.ts';
import { type SecureChannel, secureChannel } from '../workers/secure-channel/secure-channel.ts';
import { ManagerError } from './errors.ts';
import type { Exposure } from './exposure.ts';
import type { ChannelsBy, Link, Links } from './links.ts';
import { REACH_MS, reached } from './reached.ts';
import { stepsOf } from './resolve.ts';
import type { ChannelStatus } from './status.ts';
import { workerName } from './worker-name.ts';

export interface ChannelOptions {
  /** A multi-address; the listener, `/service/NAME`, is last. */
  readonly to: string;
  /** Who may be at the other end. Default: everyone. */
  readonly authorized?: readonly Identifier[];
  /** What is presented in place of the node's own credential. */
  readonly credential?: Uint8Array;
  /** Another identity of the home than the node's, by name. */
  readonly identity?: string;
  /** For the way to the listener, and again for the handshake. Default: 10 s. */
  readonly timeoutMs?: number;
}

interface Held {
  readonly channel: SecureChannel;
  readonly link: Link;
  readonly options: ChannelOptions;
  readonly identifier: Identifier;
}

/**
 * Channels that were opened by hand, by the address of their worker. Each is one handshake: it moves with the way to its other end
 * and keeps its address, and when it ends it is gone. None is there again after a restart.
 */
export class Channels {
  readonly #node: Node;
  readonly #links: Links;
  readonly #exposure: Exposure;
  readonly #by: (identity: string | undefined) => Promise<ChannelsBy>;
  readonly #held = new Map<string, Held>();

  constructor(node: Node, links: Links, exposure: Exposure, by: (identity: string | undefined) => Promise<ChannelsBy>) {
    this.#node = node;
    this.#links = links;
    this.#exposure = exposure;
    this.#by = by;
  }

  /**
   * Opens a channel. Whether the other end trusts us shows when it answers.
   * @throws {ManagerError} `ADDRESS_ROUTE`, `PROJECT_UNKNOWN`, `RESOURCE_UNKNOWN` (the identity), `WAY_DOWN`
   * @throws {ChannelError} as `secureChannel`
   */
  async create(options: ChannelOptions): Promise<ChannelStatus> {
    const { to, authorized, credential, timeoutMs = REACH_MS } = options;
    const address = parseMultiAddress(to);
    if (stepsOf(address).at(-1)?.kind !== 'hop')
      throw new ManagerError('ADDRESS_ROUTE', `${to} names no listener: a channel leads to /service/NAME, as in ${to}/service/api.`);
    const by = await this.#by(options.identity);
    const link = await this.#links.open(address, by);
    try {
      const channel = await secureChannel(this.#node, await reached(this.#node, link, timeoutMs), {
        ...by,
        trust: authorized === undefined ? everyone : peers(authorized),
        ...(credential && { credential: fixedCredential(credential) }),
        handshakeTimeoutMs: timeoutMs,
      });
      return this.#hold({ channel, link, options, identifier: by.identity.identifier });
    } catch (thrown) {
      await link.close();
      throw thrown;
    }
  }

  list(): ChannelStatus[] {
    return [...this.#held.values()].map((held) => statusOf(held));
  }

  /** @param address `/service/HEX` or `HEX`. @throws {ManagerError} `RESOURCE_UNKNOWN` */
  show(address: string): ChannelStatus {
    return statusOf(this.#get(address));
  }

  /** @throws {ManagerError} `RESOURCE_UNKNOWN` */
  async delete(address: string): Promise<void> {
    await this.#get(address).channel.close();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#held.values()].map(({ channel }) => channel.close()));
  }

  #hold(held: Held): ChannelStatus {
    const { channel, link } = held;
    this.#held.set(channel.address.name, held);
    this.#exposure.addWay(channel, 'opened');
    const enough = link.need();
    const unfollow = link.onChange(() => void this.#move(held));
    void channel.closed.then(async () => {
      unfollow();
      enough();
      this.#held.delete(channel.address.name);
      this.#exposure.removeWay(channel);
      await link.close();
    });
    return statusOf(held);
  }

  /** Its other end is where the way leads now; when nobody answers there, it is over. */
  async #move({ channel, link }: Held): Promise<void> {
    const { current } = link;
    if (current === undefined) return;
    const isAnswered = await channel.reroute(current.withoutLast);
    if (!isAnswered && link.current === current) await channel.close();
  }

  #get(address: string): Held {
    const held = this.#held.get(workerName(address));
    if (held === undefined)
      throw new ManagerError(
        'RESOURCE_UNKNOWN',
        `Secure channel ${JSON.stringify(address)} was not found on node ${this.#node.name}: list them.`,
      );
    return held;
  }
}

function statusOf({ channel, link, options, identifier }: Held): ChannelStatus {
  const { name } = channel.address;
  return {
    address: name,
    channel: `/service/${name}`,
    to: options.to,
    route: link.current?.toString() ?? null,
    identifier,
    peer: channel.peer,
    authorized_identifiers: options.authorized ?? null,
    flow_control_id: channel.flow.id,
  };
}
