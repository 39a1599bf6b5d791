import { CodecError } from '../errors.ts';

const strictText = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads text that must be UTF-8. @throws {CodecError} `CODEC_TEXT` */
export function decodeUtf8(bytes: Uint8Array): string {
  try {
    return strictText.decode(bytes);
  } catch (cause) {
    throw new CodecError('CODEC_TEXT', 'This text is not valid UTF-8.', { cause });
  }
}

/** Checks that the text at `bytes[start, end)` is UTF-8; text in ASCII costs no allocation. @throws {CodecError} `CODEC_TEXT` */
export function checkUtf8(bytes: Uint8Array, start: number, end: number): void {
  for (let index = start; index < end; index++) {
    if ((bytes[index] ?? 0) >= 0x80) {
      decodeUtf8(bytes.subarray(index, end));
      return;
    }
  }
}
