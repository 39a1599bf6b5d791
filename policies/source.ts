import { faultText, PolicyError, type SyntaxFault } from './errors.ts';
import { POLICY_BYTES_MAX } from './limits.ts';

/** A text that is read as a policy, and how to say where it is none. */
export class Source {
  readonly text: string;
  readonly file: string | undefined;

  /** @throws {PolicyError} `POLICY_LIMIT`, `POLICY_SYNTAX` for half a surrogate pair */
  constructor(text: string, file?: string) {
    this.text = text;
    this.file = file;
    if (text.length > POLICY_BYTES_MAX || utf8.encode(text).length > POLICY_BYTES_MAX) throw tooLong();
    const half = text.search(/\p{Cs}/u);
    if (half >= 0) throw this.error(half, 'Unicode text', 'half a surrogate pair');
  }

  /** @param parsedTo how much of the text is a policy by itself */
  fault(offset: number, expected: string, found = this.#foundAt(offset), parsedTo = 0): SyntaxFault {
    const lines = this.text.slice(0, offset).split(/\r\n|\r|\n/);
    const column = Array.from(lines.at(-1) ?? '').length + 1;
    const [parsed, rest] = [this.text.slice(0, parsedTo), this.text.slice(parsedTo)];
    return { file: this.file, line: lines.length, column, expected, found, parsed, rest };
  }

  error(offset: number, expected: string, found?: string): PolicyError {
    const fault = this.fault(offset, expected, found);
    return new PolicyError('POLICY_SYNTAX', faultText(fault), { fault });
  }

  /** The word or the character that stands there. */
  #foundAt(offset: number): string {
    const [found] = /^(?:[^\s()[\]{};,"]{1,40}|[^])/u.exec(this.text.slice(offset, offset + 80)) ?? [];
    return found === undefined ? 'the end of the text' : JSON.stringify(found);
  }
}

export const tooLong = () => new PolicyError('POLICY_LIMIT', `A policy has at most ${POLICY_BYTES_MAX} bytes.`);

const utf8 = new TextEncoder();
