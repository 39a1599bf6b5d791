import { PosternError } from '../../runtime/errors.ts';

/** A relay that was not registered, or is over. A service never says why it does not confirm. */
export class RelayError extends PosternError<'RELAY_TIMEOUT' | 'RELAY_STOPPED' | 'RELAY_LOST' | 'RELAY_UNCONFIRMED'> {}
