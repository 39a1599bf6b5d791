import { importChangeHistory, nodeCrypto } from 'postern/wire';
import type { Identifier } from 'postern';
import type { Cli } from '../cli.ts';
import { CommandError, EXIT } from '../failure.ts';

/** Whose history it is; it is remembered. @throws {CommandError} for what is none */
export async function identifierOfHistory(cli: Cli, hex: string): Promise<Identifier> {
  try {
    const history = importChangeHistory(nodeCrypto, Buffer.from(hex, 'hex'));
    await (await cli.home()).repository.storeHistory(history, 'strict', true);
    return history.identifier;
  } catch (cause) {
    throw new CommandError(EXIT.data, 'The history of an identity does not hold.', { cause });
  }
}
