import type { Message } from '../runtime/message.ts';
import type { Node } from '../runtime/node.ts';
import type { Worker } from '../runtime/worker.ts';

/** Forwards each message one hop and adds itself to the way back. Source: routing.md 6.3. */
export const hop: Worker = {
  onMessage: (message, context) => {
    const onward = message.step(context.address);
    if (mayPassOn(onward, context.node)) context.forward(onward);
    else context.giveUp(onward, 'denied-flow');
  },
};

/**
 * Whether a worker that forwards for strangers may pass a message on. One that came from outside goes only to what is
 * published on the way it came by, or out again through a connection or a channel; else whoever reaches a hop would reach
 * every worker. What began on this node is free. Source: decisions.md A6; routing.md 2.5.
 */
export function mayPassOn({ flow, onward }: Message, node: Node): boolean {
  if (flow === undefined || onward.isEmpty) return true;
  return node.flows.mayDeliver(flow, onward.next) || node.terminal(onward.next) !== undefined;
}
