/** `items[2].price`; keys that are no names stand in quotes. */
export function pathText(path: readonly PropertyKey[]): string {
  let shown = '';
  for (const part of path) {
    if (typeof part === 'number') shown += `[${part}]`;
    else if (typeof part === 'string' && !/^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(part)) shown += `[${JSON.stringify(part)}]`;
    else shown += shown === '' ? String(part) : `.${String(part)}`;
  }
  return shown;
}
