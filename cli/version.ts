/** Of this software; a test holds it to package.json. */
export const VERSION = '0.1.0';
/** The commit that was built, where a build writes it down. */
export const REVISION = process.env['POSTERN_REVISION'] ?? 'source';
export const versionText = `postern ${VERSION}\n${REVISION}\n`;

/** It wins over everything else on the line. Source: command-line.md 1.2 */
export function asksForVersion(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  const options = end === -1 ? args : args.slice(0, end);
  return options.some((each) => each === '-V' || each === '--version');
}
