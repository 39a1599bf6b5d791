import { createActor } from 'xstate';
import type { Flow } from '../../runtime/flow-control.ts';
import type { Node } from '../../runtime/node.ts';
import type { Route } from '../../runtime/route.ts';
import { type ChannelEvents, type ChannelSetup, ChannelWorker, type Fact, type SharedEffect } from './channel.worker.ts';
import { type HandshakeOptions, ResponderHandshake } from './handshake.ts';
import { type ResponderEffect, type ResponderEvent, responderMachine } from './responder.machine.ts';

/** The end that answers; a listener makes one for each first message. Source: identity.md 5.6 */
export class ResponderWorker extends ChannelWorker<ResponderHandshake> {
  protected readonly isInitiator = false;
  readonly #lifecycle = createActor(responderMachine);

  /** @param wayBack of message 1 */
  constructor(node: Node, setup: ChannelSetup, flow: Flow, wayBack: Route, events: ChannelEvents) {
    super(node, setup, flow, wayBack.owned(), events);
    this.#lifecycle.on('*', (effect) => this.attempt(() => this.#perform(effect)));
  }

  protected newHandshake(options: HandshakeOptions): ResponderHandshake {
    return new ResponderHandshake(options);
  }

  protected startLifecycle(): void {
    this.#lifecycle.start();
  }

  protected tell(fact: Fact): void {
    if (this.#lifecycle.getSnapshot().status === 'active') this.#lifecycle.send({ type: fact as ResponderEvent['type'] });
  }

  #perform(effect: ResponderEffect): void {
    switch (effect.type) {
      case 'acceptMessage1':
        return this.read(
          (message) => {
            this.handshake.readMessage1(message.payload);
            return undefined;
          },
          'message1.accepted',
          'message1.rejected',
        );
      case 'sendMessage2':
        return this.sendHandshake(this.handshake.writeMessage2(this.ownPayload()));
      case 'acceptMessage3':
        return this.read((message) => this.handshake.readMessage3(message.payload), 'message3.accepted', 'message3.rejected');
      default:
        return this.perform(effect as SharedEffect);
    }
  }
}
