import { allowEveryone, onlyFrom } from '../../runtime/access-control.ts';
import { Address } from '../../runtime/address.ts';
import type { Context } from '../../runtime/context.ts';
import type { Message } from '../../runtime/message.ts';
import type { Node } from '../../runtime/node.ts';
import type { Route } from '../../runtime/route.ts';
import type { Listener } from '../../runtime/transport.ts';
import type { Worker } from '../../runtime/worker.ts';
import { crossing, GatewayConnection, GatewayListener } from './gateway-connection.ts';

/** Where both nodes behind a gateway answer handshakes. */
export const LISTENER = Address.local('api');
/** Stands between the id of a project and the listener of its authority. Source: authority.md 6.4 */
const AUTHORITY = Address.local('authority');

export interface GatewayOptions {
  /** Of the project: the one name that strangers know. */
  readonly projectId: string;
  /** What connections come in by, on the gateway's own node. */
  readonly listener: Listener;
  readonly project: Node;
  readonly authority: Node;
}

/**
 * Lets two nodes stand behind one address. It passes on what goes to the listener `api` of either, and to the channels that these
 * listeners opened; nothing else of either node is reached. It is a transport of theirs: each connection that brings something
 * for a node is a connection of that node too, with a flow of its own; charges, hop counts and losses go through it.
 * Source: decisions.md D8
 */
export class Gateway {
  /** Publish on these what strangers may reach: `api`. */
  readonly project: GatewayListener;
  readonly authority: GatewayListener;

  /** @throws {RuntimeError} `ADDRESS_IN_USE` */
  constructor(node: Node, { projectId, listener, project, authority }: GatewayOptions) {
    const toProject = new Side(node, project, listener);
    const toAuthority = new Side(node, authority, listener);
    this.project = toProject.listener;
    this.authority = toAuthority.listener;
    const door: Worker = {
      onMessage: (message, context) => {
        const onward = message.onward.rest;
        if (!onward.isEmpty && onward.next.key === AUTHORITY.key) toAuthority.letIn(message, onward.rest, context);
        else toProject.letIn(message, onward, context);
      },
    };
    node.publish(node.start(Address.local(projectId), door), { on: listener, allow: allowEveryone });
    for (const side of [toProject, toAuthority]) side.begin();
  }
}

/** The way to one of the two nodes and back. */
class Side implements Worker {
  readonly listener: GatewayListener;
  readonly #node: Node;
  readonly #behind: Node;
  readonly #on: Listener;
  /** Stands before the return route of all that comes out: so it is here that answers come back. */
  readonly #back: Address;
  /** What comes out waits here for its turn on the gateway's node. */
  readonly #exit: Address;
  /** By the key of the connection on the gateway's node. */
  readonly #connections = new Map<string, GatewayConnection>();
  #context!: Context;

  constructor(node: Node, behind: Node, on: Listener) {
    this.#node = node;
    this.#behind = behind;
    this.#on = on;
    this.#back = node.newAddress();
    this.#exit = node.newAddress();
    this.listener = new GatewayListener(behind, on.local);
  }

  begin(): void {
    this.listener.begin();
    // Urgent, as what it stands for is: a frame that was lost here would be missing in its channel.
    this.#node.start(this.#back, this, { urgent: true, also: [{ address: this.#exit, urgent: true, incoming: onlyFrom(this.#back) }] });
    this.#node.publish(this.#back, { on: this.#on, allow: allowEveryone });
  }

  onStart(context: Context): void {
    this.#context = context;
  }

  onMessage(message: Message, context: Context): void {
    const onward = message.onward.rest;
    if (message.destination.key === this.#exit.key) return context.forward(crossing(message, onward, message.returnRoute, undefined));
    if (!onward.isEmpty && onward.next.key === LISTENER.key) return context.giveUp(message, 'denied-flow');
    this.letIn(message, onward, context);
  }

  /** Passes a message that came in by a connection to the node behind, if it goes to its listener or to one of its channels. */
  letIn(message: Message, onward: Route, context: Context): void {
    const { flow, returnRoute } = message;
    // What began on this node comes by no connection.
    if (flow === undefined || returnRoute.isEmpty || onward.isEmpty) return context.giveUp(message, 'denied-flow');
    if (!this.#behind.flows.mayDeliver(this.listener.flow, onward.next)) return context.giveUp(message, 'denied-flow');
    const connection = this.#connections.get(returnRoute.next.key) ?? this.#connect(returnRoute.next);
    if (connection === undefined) return context.giveUp(message, 'stopped');
    connection.bring(message, onward);
  }

  /** The connection as one of the node behind: it ends with the connection, and with that node. */
  #connect(from: Address): GatewayConnection | undefined {
    const outer = [...this.#node.connections].find(({ address }) => address.key === from.key);
    if (outer === undefined || this.#behind.isStopped) return undefined;
    const made = new GatewayConnection(this.#behind, this.listener, outer.remote, (message) => this.#letOut(message, from));
    made.begin();
    this.#connections.set(from.key, made);
    const unwatch = this.#node.watch(from, () => void made.close());
    void made.closed.then(() => {
      unwatch();
      this.#connections.delete(from.key);
    });
    return made;
  }

  #letOut(message: Message, to: Address): void {
    const onward = message.onward.rest.prepend(to).prepend(this.#exit);
    const out = crossing(message, onward, message.returnRoute.prepend(this.#back), undefined);
    this.#context.inject(out, message.ingress);
  }
}
