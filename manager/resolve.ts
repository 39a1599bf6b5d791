import { formatHostPort } from '../runtime/host-port.ts';
import type { MultiAddress, MultiAddressComponent } from '../runtime/multi-address.ts';
import { ManagerError } from './errors.ts';

/** One thing that has to be made, or passed, on the way that a multi-address tells. */
export type Step =
  | { readonly kind: 'connection'; readonly target: string }
  | { readonly kind: 'node'; readonly name: string }
  | { readonly kind: 'project'; readonly name: string }
  | { readonly kind: 'channel'; readonly listener: string }
  | { readonly kind: 'hop'; readonly address: string };

/**
 * What to make, from the near end to the far one. At most one connection or project, at the very beginning, as whatever comes
 * later is another node's; channels nest as often as they stand there.
 * @throws {ManagerError} `ADDRESS_ROUTE`
 * Source: routing.md 7.5; command-line.md 3
 */
export function stepsOf(address: MultiAddress): readonly Step[] {
  const { components } = address;
  const steps: Step[] = [];
  for (let index = 0; index < components.length; index++) {
    const component = components[index] as MultiAddressComponent;
    const { protocol, value } = component;
    if (value === '') throw notARoute(address, `/${protocol}/ lacks its value`);
    switch (protocol) {
      case 'dnsaddr':
      case 'ip4':
      case 'ip6': {
        const port = components[index + 1];
        if (port?.protocol !== 'tcp') throw notARoute(address, `/${protocol}/${value} is not followed by /tcp/PORT`);
        steps.push({ kind: 'connection', target: formatHostPort({ host: value, port: Number(port.value) }) });
        index += 1;
        break;
      }
      case 'tcp':
        throw notARoute(address, `/tcp/${value} does not follow /dnsaddr/HOST, /ip4/ADDRESS or /ip6/ADDRESS`);
      case 'node':
      case 'project':
        steps.push({ kind: protocol, name: value });
        break;
      case 'space':
        throw notARoute(address, '/space names no place that messages could be sent to: name a project');
      case 'secure':
        steps.push({ kind: 'channel', listener: value });
        break;
      default:
        steps.push({ kind: 'hop', address: value });
    }
  }
  const late = steps.findIndex(({ kind }, at) => at > 0 && kind !== 'channel' && kind !== 'hop');
  if (late !== -1)
    throw notARoute(address, 'only the first part may name a node, a project or a host; whatever follows is reached through that one');
  return steps;
}

function notARoute(address: MultiAddress, fault: string): ManagerError {
  return new ManagerError('ADDRESS_ROUTE', `${address.toString()} leads nowhere: ${fault}.`);
}
