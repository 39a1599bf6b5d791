/**
 * The base of every error this project throws. Callers switch on `code`; the text is for people and says what to do next.
 * No key, plaintext or token ever stands in a message.
 */
export class PosternError<Code extends string = string> extends Error {
  readonly code: Code;

  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** Bytes that are not what their format asks for. The value that was being read is unchanged. */
export class CodecError extends PosternError<
  | 'CODEC_TRUNCATED'
  | 'CODEC_TRAILING'
  | 'CODEC_TYPE'
  | 'CODEC_LIMIT'
  | 'CODEC_TEXT'
  | 'CODEC_DUPLICATE'
  | 'CODEC_MALFORMED'
  | 'CODEC_INVALID'
> {}

/** Something asked of a node that it cannot do. */
export class RuntimeError extends PosternError<
  | 'ADDRESS_TEXT'
  | 'ADDRESS_IN_USE'
  | 'ADDRESS_NOT_OURS'
  | 'ADDRESS_UNKNOWN'
  | 'MULTI_ADDRESS_TEXT'
  | 'ROUTE_EMPTY'
  | 'ROUTE_TEXT'
  | 'ROUTE_TRANSPORT'
  | 'NODE_STOPPED'
  | 'REQUEST_TIMEOUT'
  | 'REQUEST_ABORTED'
  | 'MAILBOX_CLOSED'
> {}

/** A byte stream or a message transport that could not be made or went away. */
export class TransportError extends PosternError<
  | 'CONNECT_REFUSED'
  | 'CONNECT_TIMEOUT'
  | 'CONNECT_ABORTED'
  | 'CONNECT_FAILED'
  | 'NAME_UNKNOWN'
  | 'LISTEN_FAILED'
  | 'TARGET_TEXT'
  | 'STREAM_RESET'
  | 'PREAMBLE'
  | 'PREAMBLE_TIMEOUT'
  | 'FRAME_INVALID'
  | 'FRAME_TOO_LARGE'
  | 'FRAME_TIMEOUT'
  | 'PEER_SILENT'
  | 'PEER_STALLED'
  | 'CONNECTION_CLOSED'
> {}

/** Closes the `default` of a switch over a union: a new case becomes a compile error here. */
export function assertNever(value: never): never {
  throw new TypeError(`unreachable: ${JSON.stringify(value)}`);
}
