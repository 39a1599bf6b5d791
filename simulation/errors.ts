import { PosternError } from '../runtime/errors.ts';

/**
 * A simulation that cannot go on: the text says at which virtual time and what was still pending. Or a file that is no trace, or
 * one of a newer version. Or something that cannot be done with real processes.
 */
export class SimulationError extends PosternError<
  'STEP_LIMIT' | 'NEVER_SETTLED' | 'LIVELOCK' | 'PROGRAM_FAILED' | 'DURATION' | 'WORLD' | 'TRACE_FILE' | 'TRACE_VERSION' | 'NOT_ON_LOOPBACK'
> {}
