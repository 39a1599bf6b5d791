import type { Scalar } from 'yaml';

/** As it is written, without quotes. */
export function textOfScalar({ value, source, type }: Scalar): string {
  if (type === 'PLAIN' && source !== undefined) return source;
  return typeof value === 'string' ? value : '';
}
