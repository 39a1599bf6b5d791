import { createActor } from 'xstate';
import type { Flow } from '../../runtime/flow-control.ts';
import type { Node } from '../../runtime/node.ts';
import type { Route } from '../../runtime/route.ts';
import { type ChannelEvents, type ChannelSetup, ChannelWorker, type Fact, type SharedEffect } from './channel.worker.ts';
import { type HandshakeOptions, InitiatorHandshake } from './handshake.ts';
import { type InitiatorEffect, type InitiatorEvent, initiatorMachine } from './initiator.machine.ts';

/** The end that begins a channel. Source: identity.md 5.6 */
export class InitiatorWorker extends ChannelWorker<InitiatorHandshake> {
  protected readonly isInitiator = true;
  readonly #lifecycle = createActor(initiatorMachine);

  constructor(node: Node, setup: ChannelSetup, flow: Flow, toListener: Route, events: ChannelEvents) {
    super(node, setup, flow, toListener, events);
    this.#lifecycle.on('*', (effect) => this.attempt(() => this.#perform(effect)));
  }

  override begin(): void {
    super.begin();
    this.admitAnswers(this.remoteRoute);
  }

  protected newHandshake(options: HandshakeOptions): InitiatorHandshake {
    return new InitiatorHandshake(options);
  }

  protected startLifecycle(): void {
    this.#lifecycle.start();
  }

  protected tell(fact: Fact): void {
    if (this.#lifecycle.getSnapshot().status === 'active') this.#lifecycle.send({ type: fact as InitiatorEvent['type'] });
  }

  #perform(effect: InitiatorEffect): void {
    switch (effect.type) {
      case 'sendMessage1':
        return this.sendHandshake(this.handshake.writeMessage1());
      case 'acceptMessage2':
        return this.read(
          (message) => {
            const payload = this.handshake.readMessage2(message.payload);
            this.remoteRoute = message.returnRoute.owned();
            return payload;
          },
          'message2.accepted',
          'message2.rejected',
        );
      case 'sendMessage3':
        return this.sendLast(this.handshake.writeMessage3(this.ownPayload()));
      default:
        return this.perform(effect as SharedEffect);
    }
  }
}
