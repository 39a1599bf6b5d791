/** Of this software; a test holds it to package.json. */
export const VERSION = '0.1.0';
/** The commit that was built, where a build writes it down. */
export const REVISION = process.env['POSTERN_REVISION'] ?? 'source';
