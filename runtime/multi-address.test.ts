import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeMultiAddress,
  decodeMultiAddressCbor,
  MultiAddress,
  multiAddress,
  type MultiAddressProtocol,
  parseMultiAddress,
} from './multi-address.ts';

const bytesOf = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('the vectors of routing.md 7.3', () => {
  test.each([
    ['/node/n1/service/outlet', 'ceb604026e31bee803066f75746c6574', '50'],
    ['/project/default', 'de84050764656661756c74', '4b'],
    ['/dnsaddr/localhost/tcp/4000/secure/api', '38096c6f63616c686f7374060fa0c6890603617069', '55'],
    ['/ip4/127.0.0.1/tcp/4000/service/echo', '047f000001060fa0bee803046563686f', '50'],
    ['/ip6/::1/tcp/80', '2900000000000000000000000000000001060050', '54'],
    ['/worker/603b62d245c9119d584ba3d874eb8108', 'fea006203630336236326432343563393131396435383462613364383734656238313038', '5824'],
    ['/service/outlet', 'bee803066f75746c6574', '4a'],
    ['/secure/api', 'c6890603617069', '47'],
    ['/space/s', 'eed2050173', '45'],
    ['', '', '40'],
    [
      '/project/default/service/forward_to_x/secure/api/service/outlet',
      'de84050764656661756c74bee8030c666f72776172645f746f5f78c6890603617069bee803066f75746c6574',
      '582c',
    ],
  ])('%s is %s', (text, binary, cborHead) => {
    const address = parseMultiAddress(text);
    expect([hexOf(address.bytes), hexOf(address.cbor), address.toString()]).toEqual([binary, cborHead + binary, text]);
    expect(decodeMultiAddress(bytesOf(binary)).toString()).toBe(text);
    expect(decodeMultiAddressCbor(bytesOf(cborHead + binary)).toString()).toBe(text);
  });

  test.each([
    ['self', '/secure/api'],
    ['service/x', '/service/x'],
    ['tcp/80/service/x', '/tcp/80/service/x'],
    ['service', '/service/'],
    ['/service', '/service/'],
    ['/service/', '/service/'],
    ['/service//service/x', '/service//service/x'],
    ['/service/a b', '/service/a b'],
    ['/service/é', '/service/é'],
    ['/service/a%2Fb', '/service/a%2Fb'],
    ['/tcp/+80', '/tcp/80'],
    ['/tcp/080', '/tcp/80'],
    ['/ip6/::ffff:1.2.3.4', '/ip6/::ffff:1.2.3.4'],
  ])('%s prints %s', (text, printed) => {
    expect(parseMultiAddress(text).toString()).toBe(printed);
    expect(decodeMultiAddress(parseMultiAddress(text).bytes).toString()).toBe(printed);
  });

  test.each([
    ['/service/x/', 11, 'missing'],
    ['/', 1, 'missing'],
    ['//service/x', 1, 'missing'],
    ['/self', 1, 'no protocol'],
    ['/service/x/self', 11, 'no protocol'],
    ['/udp/80', 1, 'no protocol'],
    ['/foo/x', 1, 'no protocol'],
    ['/IP4/1.2.3.4', 1, 'no protocol'],
    ['outlet', 0, 'no protocol'],
    ['/tcp/65536', 5, 'a port'],
    ['/tcp/', 5, 'a port'],
    ['/ip4/127.0.0.01', 5, 'four numbers'],
    ['/ip4/127.1', 5, 'four numbers'],
  ])('%s is refused at %i', (text, position, says) => {
    expect(() => parseMultiAddress(text)).toThrow(
      expect.objectContaining({ code: 'MULTI_ADDRESS_TEXT', position, message: expect.stringContaining(says) as string }) as Error,
    );
  });

  test.each([
    ['04', 'CODEC_TRUNCATED'],
    ['047f0000', 'CODEC_TRUNCATED'],
    ['bee80378', 'CODEC_TRUNCATED'],
    ['8400', 'CODEC_MALFORMED'],
    ['bee803810078', 'CODEC_MALFORMED'],
    ['bee8038100', 'CODEC_MALFORMED'],
    ['ffffffffff7f', 'CODEC_LIMIT'],
    ['0100', 'CODEC_MALFORMED'],
    ['be6803', 'CODEC_MALFORMED'],
    ['bee80301ff', 'CODEC_TEXT'],
  ])('the bytes %s are refused: %s', (hex, code) => {
    expect(() => decodeMultiAddress(bytesOf(hex))).toThrow(expect.objectContaining({ code }) as Error);
  });

  test('3800 is an empty name', () => {
    expect(decodeMultiAddress(bytesOf('3800')).toString()).toBe('/dnsaddr/');
  });
});

test.each([
  ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['::', '::'],
  ['1::', '1::'],
  ['0:0:0:0:0:0:0:0', '::'],
])('the IPv6 address %s prints %s', (text, printed) => {
  expect(parseMultiAddress(`/ip6/${text}`).toString()).toBe(`/ip6/${printed}`);
});

test.each([
  '',
  ':',
  ':::',
  '1::2::3',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '1:2:3:4:5:6:7:8::',
  '12345::',
  '1.2.3.4::',
  '::1.2.3',
  '[::1]',
])('%j is no IPv6 address', (text) => {
  expect(() => parseMultiAddress(`/ip6/${text}`)).toThrow(expect.objectContaining({ position: 5 }) as Error);
});

test('what has no text form, or is too long, is refused', () => {
  const refused = (bytes: Uint8Array) => expect(() => decodeMultiAddress(bytes));
  refused(bytesOf('bee803032f612f')).toThrow(expect.objectContaining({ code: 'CODEC_INVALID' }) as Error);
  refused(new Uint8Array(8_193)).toThrow(expect.objectContaining({ code: 'CODEC_LIMIT' }) as Error);
  refused(Uint8Array.from(Array.from({ length: 129 }, () => [0x38, 0]).flat())).toThrow(
    expect.objectContaining({ code: 'CODEC_LIMIT' }) as Error,
  );
  expect(() => decodeMultiAddressCbor(bytesOf('6161'))).toThrow(expect.objectContaining({ code: 'CODEC_TYPE' }) as Error);
  for (const text of ['/service/\ud800', `/service/${'x'.repeat(8_192)}`, '/service/x'.repeat(129)])
    expect(() => parseMultiAddress(text)).toThrow(expect.objectContaining({ code: 'MULTI_ADDRESS_TEXT' }) as Error);
  expect(() => multiAddress('service', 'x/service/y')).toThrow(expect.objectContaining({ code: 'MULTI_ADDRESS_TEXT' }) as Error);
});

const component = fc.oneof(
  fc.record({ protocol: fc.constant('ip4'), value: fc.ipV4() }),
  fc.record({ protocol: fc.constant('ip6'), value: fc.ipV6().filter((text) => !/(^|:)0\d/.test(text)) }),
  fc.record({ protocol: fc.constant('tcp'), value: fc.integer({ min: 0, max: 65_535 }).map(String) }),
  fc.record({
    protocol: fc.constantFrom<MultiAddressProtocol>('dnsaddr', 'service', 'node', 'project', 'space', 'secure', 'worker'),
    value: fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('/', '-')),
  }),
);

test('text and binary form say the same', () => {
  fc.assert(
    fc.property(fc.array(component, { maxLength: 8 }), (components) => {
      const address = components
        .map(({ protocol, value }) => multiAddress(protocol, value))
        .reduce((all, each) => all.concat(each), new MultiAddress([]));
      expect(parseMultiAddress(address.toString())).toEqual(address);
      expect(decodeMultiAddress(address.bytes)).toEqual(address);
      expect(decodeMultiAddressCbor(address.cbor)).toEqual(address);
    }),
  );
});

test('any bytes are an address, which is written as them, or refused', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.array(component).map((all) => Uint8Array.from(all.flatMap(({ protocol, value }) => [...multiAddress(protocol, value).bytes]))),
  );
  fc.assert(
    fc.property(bytes, fc.nat(40), fc.nat(255), (whole, index, byte) => {
      const changed = whole.map((each, at) => (at === index ? byte : each));
      try {
        expect(decodeMultiAddress(changed).bytes).toEqual(changed);
      } catch (thrown) {
        expect(thrown).toMatchObject({ name: 'CodecError' });
      }
    }),
  );
});
