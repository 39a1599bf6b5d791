import { type ChangeHistory, exportChangeHistory } from 'postern/wire';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
/** Source: command-line.md 5.2 */
const KEY_NAMES = { ed25519: 'EdDSACurve25519', p256: 'ECDSASHA256CurveP256' } as const;

/** The exported history of an identity. */
export const historyHex = (history: ChangeHistory): string => hex(exportChangeHistory(history));

const keyText = ({ kind, bytes }: ChangeHistory['latest']['primaryKey']) => `${KEY_NAMES[kind]}: ${hex(bytes)}`;

/** A change is named by its hash, as an identity by that of its first one. */
export const historyJson = ({ identifier, changes }: ChangeHistory) => ({
  identifier,
  changes: changes.map(({ hash, primaryKey, revokesPurposeKeys }) => ({
    identifier: hex(hash),
    primary_public_key: keyText(primaryKey),
    revoke_all_purpose_keys: revokesPurposeKeys,
  })),
});

export function historyPlain(history: ChangeHistory): string {
  const changes = historyJson(history).changes.map(({ identifier, primary_public_key, revoke_all_purpose_keys }, index) =>
    [
      `Change[${index}]:`,
      `  identifier: ${identifier}`,
      `  primary_public_key: ${primary_public_key}`,
      `  revoke_all_purpose_keys: ${revoke_all_purpose_keys}`,
    ].join('\n'),
  );
  return [`Identifier: ${history.identifier}`, ...changes].join('\n');
}
