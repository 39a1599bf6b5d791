import { expect, test } from 'vitest';
import { parseMultiAddress } from '../runtime/multi-address.ts';
import { stepsOf } from './resolve.ts';

const steps = (text: string) => stepsOf(parseMultiAddress(text)).map((step) => Object.values(step).join(' '));

test.each([
  ['/node/n1', ['node n1']],
  ['/dnsaddr/localhost/tcp/4000/secure/api', ['connection localhost:4000', 'channel api']],
  ['/ip6/::1/tcp/80/service/echo', ['connection [::1]:80', 'hop echo']],
  ['/project/default/service/forward_to_x/secure/api/service/outlet', ['project default', 'hop forward_to_x', 'channel api', 'hop outlet']],
  ['/dnsaddr/h/tcp/1/secure/a/secure/b/service/x', ['connection h:1', 'channel a', 'channel b', 'hop x']],
  ['/worker/0a/service/echo', ['hop 0a', 'hop echo']],
  ['self', ['channel api']],
  ['', []],
])('%s is %j', (text, expected) => {
  expect(steps(text)).toEqual(expected);
});

test.each([
  ['/space/s', 'name a project'],
  ['/tcp/80', 'does not follow'],
  ['/dnsaddr/h', 'not followed by'],
  ['/dnsaddr/h/service/x', 'not followed by'],
  ['/ip4/1.2.3.4/secure/api', 'not followed by'],
  ['/service/', 'lacks its value'],
  ['/dnsaddr//tcp/1', 'lacks its value'],
  ['/dnsaddr/a/tcp/1/dnsaddr/b/tcp/2', 'only the first part'],
  ['/service/x/ip4/1.2.3.4/tcp/1', 'only the first part'],
  ['/node/a/node/b', 'only the first part'],
  ['/project/p/node/n', 'only the first part'],
  ['/node/n/project/p', 'only the first part'],
])('%s is refused: %s', (text, says) => {
  expect(() => steps(text)).toThrow(
    expect.objectContaining({ code: 'ADDRESS_ROUTE', message: expect.stringContaining(says) as string }) as Error,
  );
});
