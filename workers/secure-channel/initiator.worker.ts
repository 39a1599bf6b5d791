import { createActor } from 'xstate';
import type { Flow } from '../../runtime/flow-control.ts';
import type { Node } from '../../runtime/node.ts';
import type { Route } from '../../runtime/route.ts';
import { type ChannelEvents, type ChannelSetup, ChannelWorker, type Fact, type SharedEffect } from './channel.worker.ts';
import { ChannelError } from './errors.ts';
import { type ChannelKeys, type HandshakeOptions, InitiatorHandshake } from './handshake.ts';
import { type InitiatorEffect, type InitiatorEvent, initiatorMachine } from './initiator.machine.ts';

/** The end that begins a channel. Source: identity.md 5.6 */
export class InitiatorWorker extends ChannelWorker {
  protected readonly followsPeer = false;
  readonly #lifecycle = createActor(initiatorMachine);
  #handshake: InitiatorHandshake | undefined;

  constructor(node: Node, setup: ChannelSetup, flow: Flow, toListener: Route, events: ChannelEvents) {
    super(node, setup, flow, toListener, events);
    this.#lifecycle.on('*', (effect) => this.attempt(() => this.#perform(effect)));
  }

  override begin(): void {
    super.begin();
    this.admitAnswers(this.remoteRoute);
  }

  protected prepare(options: HandshakeOptions): void {
    this.#handshake = new InitiatorHandshake(options);
  }

  protected startLifecycle(): void {
    this.#lifecycle.start();
  }

  protected tell(fact: Fact): void {
    if (this.#lifecycle.getSnapshot().status === 'active') this.#lifecycle.send({ type: fact as InitiatorEvent['type'] });
  }

  protected finish(): ChannelKeys {
    return this.#state.finish();
  }

  protected get staticKeyOfPeer(): Uint8Array | undefined {
    return this.#state.remoteStaticKey;
  }

  get #state(): InitiatorHandshake {
    if (this.#handshake === undefined) throw new ChannelError('HANDSHAKE_ORDER', 'The handshake has not begun.');
    return this.#handshake;
  }

  #perform(effect: InitiatorEffect): void {
    switch (effect.type) {
      case 'sendMessage1':
        return this.sendHandshake(this.#state.writeMessage1());
      case 'acceptMessage2':
        return this.read(() => this.#readMessage2(), 'message2.accepted', 'message2.rejected');
      case 'sendMessage3':
        return this.sendHandshake(this.#state.writeMessage3(this.ownPayload()));
      default:
        return this.perform(effect as SharedEffect);
    }
  }

  #readMessage2(): void {
    this.payloadOfPeer = this.#state.readMessage2(this.received.payload);
    this.remoteRoute = this.received.returnRoute.owned();
  }
}
