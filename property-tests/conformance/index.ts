/**
 * `postern/conformance`: what every message transport has to do, as named cases for any test runner, and a scripted peer
 * that sends exactly the bytes it is told to.
 */
export { RawPeer } from './raw-peer.ts';
export { transportConformance } from './transport.ts';
