/** A text that somebody gave is shown up to this length in an error. */
const SHOWN_CHARACTERS_MAX = 80;

/**
 * A text that may hold anything, quoted for an error: one line, no invisible characters, and nothing before an `@`, which may be
 * a password.
 */
export function shown(text: string): string {
  const at = text.lastIndexOf('@');
  const visible = at === -1 ? text : `…${text.slice(at)}`;
  const short = visible.length > SHOWN_CHARACTERS_MAX ? `${visible.slice(0, SHOWN_CHARACTERS_MAX)}…` : visible;
  return JSON.stringify(short).replaceAll(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (hidden) => `\\u${hidden.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
