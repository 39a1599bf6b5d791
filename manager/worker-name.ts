import { Address } from '../runtime/address.ts';

/** What a worker is called, from how it is written: `/service/NAME`, `/worker/NAME`, or `NAME`. A name is never parsed further. */
export function workerName(text: string): string {
  return text.replace(/^\/(?:service|worker)\//, '');
}

/** As `workerName`. */
export function workerAddress(text: string): Address {
  return Address.local(workerName(text));
}
