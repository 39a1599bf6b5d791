import { describe, expect, test } from 'vitest';
import { formatHostPort, parseHostPort } from '../../runtime/host-port.ts';
import { readVectors } from './read-vectors.ts';

const file = readVectors<{
  accept: readonly { input: string; host: string; port: number }[];
  reject: readonly string[];
  policy: readonly string[];
}>('url/host_port.json');

/** What the system might read otherwise than we do is refused; port 0 means that the system chooses. */
const policy: Readonly<Record<string, 'accepted' | 'refused'>> = {
  '0177.0.0.1:80': 'refused',
  '127.1:80': 'refused',
  '2130706433:80': 'refused',
  '0x7f.1:80': 'refused',
  '127.0.0.01:80': 'refused',
  'localhost:0': 'accepted',
  'localhost:00080': 'refused',
  '999.999.999.999:80': 'refused',
};

test('87 cases', () => {
  expect([file.accept.length, file.reject.length, file.policy.length]).toEqual([15, 64, 8]);
  expect(Object.keys(policy)).toEqual(file.policy);
});

test.each(file.accept)('$input is accepted', ({ input, host, port }) => {
  expect(parseHostPort(input)).toEqual({ host, port });
  expect(parseHostPort(formatHostPort({ host, port }))).toEqual({ host, port });
});

test.each(file.reject)('%j is refused', (input) => {
  expect(() => parseHostPort(input)).toThrow(expect.objectContaining({ name: 'TransportError', code: 'TARGET_TEXT' }));
});

test.each(file.policy)('%j is decided', (input) => {
  if (policy[input] === 'accepted') expect(formatHostPort(parseHostPort(input))).toBe(input);
  else expect(() => parseHostPort(input)).toThrow(expect.objectContaining({ code: 'TARGET_TEXT' }));
});

describe('the valid and invalid forms of routing.md 3.1', () => {
  test.each([
    'localhost:80',
    '33domain:80',
    '127.0.0.1:80',
    'xn--74h.com:80',
    'sub.xn_74h.com:80',
    '[::1]:8080',
    '[2001:db8:85a3::8a2e:370:7334]:8080',
  ])('%s comes back as it was written', (text) => {
    expect(formatHostPort(parseHostPort(text))).toBe(text);
  });

  test.each(Array.from('!@#$%^&*()+={}[]|\\:;"\'<>,?/~').flatMap((sign) => [`${sign}a:80`, `a${sign}:80`, `a${sign}b:80`]))(
    '%s is refused',
    (text) => {
      expect(() => parseHostPort(text)).toThrow(expect.objectContaining({ code: 'TARGET_TEXT' }));
    },
  );

  test.each(['invalid', 'localhost:80:80', '192,166,0.1:9999', '-a:80', 'a-:80', '.a:80', 'a.:80', 'a..b:80', 'a b:80'])(
    '%s is refused',
    (text) => {
      expect(() => parseHostPort(text)).toThrow(expect.objectContaining({ code: 'TARGET_TEXT' }));
    },
  );
});

test.each([
  '[1::2::3]:1',
  '[:::]:1',
  '[1:2:3:4:5:6:7]:1',
  '[1:2:3:4:5:6:7:8:9]:1',
  '[::1:2:3:4:5:6:7:8]:1',
  '[12345::]:1',
  '[1.2.3.4]:1',
  '[::1.2.3.256]:1',
  '[::1.2.3.4:1]:1',
  '[1.2.3.4::]:1',
  '0x7f000001:80',
  `${'a'.repeat(254)}:80`,
])('%s is refused', (text) => {
  expect(() => parseHostPort(text)).toThrow(expect.objectContaining({ code: 'TARGET_TEXT' }));
});

test.each(['[1:2:3:4:5:6:7:8]:1', '[1::]:1', '[::1.2.3.4]:1', '[1:2:3:4:5:6:1.2.3.4]:1', '[1:2:3::5:6:7:8]:1'])(
  '%s is accepted',
  (text) => {
    expect(formatHostPort(parseHostPort(text))).toBe(text);
  },
);

test('an error quotes the text on one line, and no password', () => {
  expect(() => parseHostPort('a\r\n\u202eb:80')).toThrow(/^"a\\r\\n\\u202eb:80" is no HOST:PORT/);
  expect(() => parseHostPort('user:secret@localhost:80')).toThrow(/^"…@localhost:80" is no/);
  expect(() => parseHostPort('x'.repeat(10_000))).toThrow(/^"x{80}…" is no/);
});
