import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import * as z from 'zod';
import type { Cli } from '../cli.ts';
import { CommandError, EXIT } from '../failure.ts';
import { parseIdentifierText, parseIdentityName, parseServiceName } from '../values.ts';
import type { NodeSettings } from './settings.ts';

const DEFAULT_LISTENER = 'api';

const parsedBy = <Value>(parse: (text: string) => Value) =>
  z.string().transform((text, context) => {
    try {
      return parse(text);
    } catch (thrown) {
      context.addIssue({ code: 'custom', message: (thrown as Error).message });
      return z.NEVER;
    }
  });

/** Source: command-line.md 5.1. What is listed and unknown would silently not start: it is refused. */
const launchConfiguration = z.strictObject({
  startup_services: z
    .strictObject({
      secure_channel_listener: z
        .strictObject({
          address: parsedBy(parseServiceName).optional(),
          authorized_identifiers: z.array(parsedBy(parseIdentifierText)).optional(),
          disabled: z.boolean().optional(),
          identity: parsedBy(parseIdentityName).optional(),
        })
        .optional(),
    })
    .optional(),
});

/**
 * Which services a node starts beside `echo`.
 * @param given JSON, or the path of a file with it
 * @throws {CommandError}
 */
export async function launchOf(cli: Cli, given: string): Promise<NonNullable<NodeSettings['launch']>> {
  const text = given.trimStart().startsWith('{') ? given : await fileText(resolve(cli.invocation.cwd, given));
  const { startup_services: services } = parsed(text);
  const listener = services?.secure_channel_listener;
  if (listener === undefined || listener.disabled === true) return {};
  const { address = DEFAULT_LISTENER, authorized_identifiers: authorized, identity } = listener;
  return { api: { name: address, ...(authorized !== undefined && { authorized }), ...(identity !== undefined && { identity }) } };
}

function parsed(text: string): z.infer<typeof launchConfiguration> {
  try {
    return launchConfiguration.parse(JSON.parse(text));
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : (cause as Error).message;
    throw new CommandError(EXIT.data, `The launch configuration cannot be read: ${reason}`, {
      help: 'Such as: {"startup_services": {"secure_channel_listener": {"address": "api"}}}',
    });
  }
}

async function fileText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new CommandError(EXIT.input, `The launch configuration cannot be read from ${path}.`, { cause });
  }
}
