import type { Node } from '../../runtime/node.ts';
import { ReadSlab } from './read-slab.ts';
import { ReadTurns } from './read-turns.ts';

/** What all streams of a node share for reading. */
export interface NodeReads {
  readonly slab: ReadSlab;
  readonly turns: ReadTurns;
}

const reads = new WeakMap<Node, NodeReads>();

export function readsOf(node: Node): NodeReads {
  const known = reads.get(node);
  if (known !== undefined) return known;
  const made = { slab: new ReadSlab(), turns: new ReadTurns(node.clock) };
  reads.set(node, made);
  return made;
}
