import fc from 'fast-check';
import { Address, TRANSPORT_TYPE } from '../../runtime/address.ts';
import { ADDRESS_BYTES_MAX, ROUTE_ADDRESSES_MAX, Route } from '../../runtime/route.ts';

const WORKER_NAMES = ['a', 'app', 'echo', 'hop', 'relay', 'outlet', 'secure-channel'] as const;
/** Names that other programs trip over: empty, looking like an address, like a property of every object, not in ASCII. */
const ODD_NAMES = ['', '#', '1#x', '=>', ' ', '__proto__', 'constructor', 'ü', '\r\n', '\u0000', '💥'] as const;

const workerNames = () => fc.constantFrom(...WORKER_NAMES);
/** 32 lower-case hex digits: the address of a worker that lives for one connection. */
const randomNames = () => fc.uint8Array({ minLength: 16, maxLength: 16 }).map(toHex);

/**
 * Addresses of workers on one node: mostly ordinary names and random ones, some odd ones, and any 0 to 255 bytes.
 * Each kind shrinks to its simplest: `0#a`, `1#127.0.0.1:1`, no bytes.
 */
export function localAddresses(): fc.Arbitrary<Address> {
  return fc.oneof(
    { weight: 6, arbitrary: workerNames().map((name) => Address.local(name)) },
    { weight: 2, arbitrary: randomNames().map((name) => Address.local(name)) },
    { weight: 1, arbitrary: fc.constantFrom(...ODD_NAMES).map((name) => Address.local(name)) },
    { weight: 1, arbitrary: addressValues().map((value) => Address.of(TRANSPORT_TYPE.local, value)) },
  );
}

/** Addresses of any transport type, 0 to 255; most are local. Each kind shrinks to its simplest: `0#a`, `1#127.0.0.1:1`, no bytes. */
export function addresses(): fc.Arbitrary<Address> {
  return fc.oneof(
    { weight: 4, arbitrary: localAddresses() },
    {
      weight: 1,
      arbitrary: fc.integer({ min: 1, max: 65_535 }).map((port) => Address.of(TRANSPORT_TYPE.tcp, utf8.encode(`127.0.0.1:${port}`))),
    },
    { weight: 1, arbitrary: fc.tuple(fc.integer({ min: 0, max: 255 }), addressValues()).map(([type, value]) => Address.of(type, value)) },
  );
}

/**
 * Routes of 0 to `addressCountMax` addresses, any address allowed at any place. Shrinks towards the empty route.
 * @param addressCountMax 32, the most that a node delivers, unless given
 */
export function routes(addressCountMax: number = ROUTE_ADDRESSES_MAX): fc.Arbitrary<Route> {
  return fc.array(addresses(), { maxLength: addressCountMax }).map((hops) => Route.of(hops));
}

const utf8 = new TextEncoder();
const addressValues = () => fc.uint8Array({ maxLength: ADDRESS_BYTES_MAX });

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
