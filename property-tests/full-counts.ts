/** `npm test` runs a tenth of the long counts of the reliability tables; `POSTERN_COUNTS=full` runs all of them. */
export const SHARE = process.env['POSTERN_COUNTS'] === 'full' ? 1 : 10;
