import { createNode, type Node } from 'postern';
import type { Cli } from './cli.ts';

/** A node for this run only: it appears in no list. Apart, since most commands need none. */
export const temporaryNode = (cli: Cli): Promise<Node> => createNode({ name: 'command', logger: cli.logger });
