import { type Credential, decodeCredential } from 'postern/wire';

/** Stands for a value that is no text. Source: command-line.md 2.3 */
const BINARY = '**binary**';

/** Source: command-line.md 2.3 */
export interface CredentialJson {
  readonly credential: string;
  readonly subject: string;
  readonly issuer: string;
  readonly created_at: number;
  readonly expires_at: number;
  readonly attributes: Readonly<Record<string, string>>;
}

/** A credential as JSON. @param bytes as it travels */
export function credentialJson(bytes: Uint8Array, credential: Credential = decodeCredential(bytes)): CredentialJson {
  const { subject, issuerKey, createdAt, expiresAt } = credential;
  return {
    credential: Buffer.from(bytes).toString('hex'),
    subject: subject ?? '',
    issuer: issuerKey.subject,
    created_at: createdAt,
    expires_at: expiresAt,
    attributes: attributesOf(credential),
  };
}

function attributesOf({ attributes, skipped }: Credential): Record<string, string> {
  const binary = skipped.filter(({ reason }) => reason === 'not-text').map(({ name }) => [new TextDecoder().decode(name), BINARY] as const);
  return Object.fromEntries([...attributes, ...binary]);
}

export function credentialPlain(credential: Credential): string {
  const { subject, issuerKey, createdAt, expiresAt } = credential;
  return [
    `Credential of ${subject ?? 'nobody'}`,
    `  issuer      ${issuerKey.subject}`,
    `  created     ${dateOf(createdAt)}`,
    `  expires     ${dateOf(expiresAt)}`,
    ...Object.entries(attributesOf(credential)).map(([name, value]) => `  attribute   ${name}=${value}`),
  ].join('\n');
}

const dateOf = (seconds: number) => new Date(seconds * 1_000).toISOString();
