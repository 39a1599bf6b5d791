import { InvalidArgumentError } from 'commander';
import { expect, test } from 'vitest';
import hostPorts from '../vectors/url/host_port.json' with { type: 'json' };
import { parseAttribute, parseDuration, parseHostPort, parseNodeName, parseProjectName } from './values.ts';

const isRefused = (parse: (text: string) => unknown, text: string) => {
  try {
    parse(text);
    return false;
  } catch (thrown) {
    return thrown instanceof InvalidArgumentError;
  }
};

test('every host and port of the vectors is read, or refused', () => {
  for (const { input, host, port } of hostPorts.accept)
    expect(parseHostPort(input), input).toBe(host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);
  expect(hostPorts.reject.filter((text) => !isRefused(parseHostPort, text))).toEqual([]);
  expect([hostPorts.accept.length, hostPorts.reject.length]).toEqual([15, 64]);
});

test('durations', () => {
  expect(['10ms', '5s', '2m', '1h', '1d', '7'].map(parseDuration)).toEqual([10, 5_000, 120_000, 3_600_000, 86_400_000, 7_000]);
  for (const bad of ['', ' 5s', '5 s', '-1', '1.5s', '5x', 's', '9'.repeat(13)]) expect(isRefused(parseDuration, bad), bad).toBe(true);
});

test('attributes: the first "=" separates', () => {
  expect(['a=b', 'a=', 'a=b=c'].map(parseAttribute)).toEqual([
    ['a', 'b'],
    ['a', ''],
    ['a', 'b=c'],
  ]);
  for (const bad of ['', 'a', '=b']) expect(isRefused(parseAttribute, bad), bad).toBe(true);
});

test('names of nodes and projects', () => {
  expect(['n1', '/node/n1', 'a_b-c'].map(parseNodeName)).toEqual(['n1', 'n1', 'a_b-c']);
  for (const bad of ['', 'n!', 'n.1', '-n', '../n', 'a/b', 'a'.repeat(64)]) expect(isRefused(parseNodeName, bad), bad).toBe(true);
  for (const good of ['a', 'a-b', 'a.b_c']) expect(parseProjectName(good)).toBe(good);
  for (const bad of ['', '-a', 'a-', 'a--b', 'a b']) expect(isRefused(parseProjectName, bad), bad).toBe(true);
});
