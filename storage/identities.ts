import type { Kysely, Transaction } from 'kysely';
import type { ChangeHistory } from '../identities/change-history.ts';
import type { Identifier } from '../identities/identifier.ts';
import type { Purpose, PurposeKeyAttestation } from '../identities/purpose-key.ts';
import type { CachedCredential, HistoryRule, IdentityRepository, SubjectAttributes } from '../identities/repository.ts';
import type { IdentityForms } from '../identities/stored-form.ts';
import { readBack } from './damaged.ts';
import { Recency } from './recency.ts';
import type { Schema } from './schema.ts';
import type { Store } from './store.ts';

/** Strangers may present identities without end; beyond these numbers what was not used for long is forgotten. */
export interface StoredIdentitiesLimits {
  /** Histories that are not kept for good. */
  readonly historiesMax?: number;
  readonly attributesMax?: number;
  readonly credentialsMax?: number;
}

/**
 * Identities in a store. A look-up is a read; the newer half of what a limit allows is never forgotten. Two of its own
 * processes may store forks of one history at once: one wins.
 */
export class StoredIdentities implements IdentityRepository {
  readonly #store: Store;
  readonly #forms: IdentityForms;
  readonly #histories: Recency;
  readonly #attributes: Recency;
  readonly #credentials: Recency;

  constructor(
    store: Store,
    forms: IdentityForms,
    { historiesMax = 4096, attributesMax = 4096, credentialsMax = 1024 }: StoredIdentitiesLimits = {},
  ) {
    this.#store = store;
    this.#forms = forms;
    this.#histories = new Recency('histories', historiesMax);
    this.#attributes = new Recency('subject_attributes', attributesMax);
    this.#credentials = new Recency('credentials', credentialsMax);
  }

  async history(identifier: Identifier): Promise<ChangeHistory | undefined> {
    const row = await this.#store.read((database) => this.#historyRow(database, identifier));
    if (row === undefined) return undefined;
    if (row.kept === 0 && row.isFading)
      await this.#store.write(`history ${identifier}`, (transaction) => this.#touchHistory(transaction, identifier));
    return this.#readHistory(identifier, row.history);
  }

  async storeHistory(received: ChangeHistory, rule: HistoryRule, keep = false): Promise<'stored' | 'updated' | 'unchanged'> {
    const { identifier } = received;
    // Most that is presented is known already: a read tells, without waiting for other writers.
    const before = await this.#store.read((database) => this.#historyRow(database, identifier));
    if (before !== undefined && !before.isFading && (!keep || before.kept === 1)) {
      const outcome = this.#forms.historyRule(received, this.#readHistory(identifier, before.history), rule);
      if (outcome === 'unchanged') return outcome;
    }
    return this.#store.write(`history ${identifier}`, async (transaction) => {
      const row = await this.#historyRow(transaction, identifier);
      const known = row && this.#readHistory(identifier, row.history);
      const outcome = this.#forms.historyRule(received, known, rule);
      const values = {
        history: this.#forms.historyBytes(outcome === 'unchanged' ? (known ?? received) : received),
        kept: keep || row?.kept === 1 ? 1 : 0,
        used: await this.#histories.next(transaction),
      };
      await transaction
        .insertInto('histories')
        .values({ identifier, ...values })
        .onConflict((conflict) => conflict.column('identifier').doUpdateSet(values))
        .execute();
      await this.#histories.trim(transaction);
      return outcome;
    });
  }

  async attestation(subject: Identifier, purpose: Purpose): Promise<PurposeKeyAttestation | undefined> {
    const row = await this.#store.read((database) => this.#attestationRow(database, subject, purpose));
    return row && this.#readAttestation(subject, row.attestation);
  }

  async storeAttestation(
    attestation: PurposeKeyAttestation,
    found?: { readonly before: PurposeKeyAttestation | undefined },
  ): Promise<PurposeKeyAttestation> {
    const { subject } = attestation;
    const { purpose } = attestation.key;
    const values = { attestation: this.#forms.attestationBytes(attestation) };
    const before = found?.before && this.#forms.attestationBytes(found.before);
    return this.#store.write(`purpose key ${subject}`, async (transaction) => {
      const row = found && (await this.#attestationRow(transaction, subject, purpose));
      if (row !== undefined && !isSame(row.attestation, before)) return this.#readAttestation(subject, row.attestation);
      await transaction
        .insertInto('purpose_keys')
        .values({ subject, purpose, ...values })
        .onConflict((conflict) => conflict.columns(['subject', 'purpose']).doUpdateSet(values))
        .execute();
      return attestation;
    });
  }

  async attributes(subject: Identifier, attestedBy: Identifier, nowSeconds: number): Promise<SubjectAttributes | undefined> {
    const row = await this.#store.read((database) =>
      database.selectFrom('subject_attributes').selectAll().where('subject', '=', subject).executeTakeFirst(),
    );
    if (row === undefined || row.attested_by !== attestedBy || row.expires_at <= nowSeconds) return undefined;
    const attributes = readBack(`What is known of ${subject}`, () => this.#forms.attributes(row.attributes));
    return { subject, attributes, attestedBy, storedAt: row.stored_at, expiresAt: row.expires_at };
  }

  async storeAttributes({ subject, attributes, attestedBy, storedAt, expiresAt }: SubjectAttributes): Promise<void> {
    const bytes = this.#forms.attributesBytes(attributes);
    await this.#store.write(`attributes ${subject}`, async (transaction) => {
      const used = await this.#attributes.next(transaction);
      const values = { attributes: bytes, attested_by: attestedBy, stored_at: storedAt, expires_at: expiresAt, used };
      await transaction
        .insertInto('subject_attributes')
        .values({ subject, ...values })
        .onConflict((conflict) => conflict.column('subject').doUpdateSet(values))
        .execute();
      await this.#attributes.trim(transaction);
    });
  }

  async cachedCredential(
    subject: Identifier,
    issuer: Identifier,
    scope: string,
    nowSeconds: number,
  ): Promise<CachedCredential | undefined> {
    const row = await this.#store.read((database) =>
      database
        .selectFrom('credentials')
        .select(['credential', 'expires_at'])
        .where('subject', '=', subject)
        .where('issuer', '=', issuer)
        .where('scope', '=', scope)
        .executeTakeFirst(),
    );
    if (row === undefined || row.expires_at <= nowSeconds) return undefined;
    return { subject, issuer, scope, expiresAt: row.expires_at, credential: row.credential };
  }

  /** All that are kept and have not expired: by ascending subject, issuer and scope. */
  async cachedCredentials(nowSeconds: number): Promise<readonly CachedCredential[]> {
    const rows = await this.#store.read((database) =>
      database
        .selectFrom('credentials')
        .selectAll()
        .where('expires_at', '>', nowSeconds)
        .orderBy('subject')
        .orderBy('issuer')
        .orderBy('scope')
        .execute(),
    );
    return rows.map(({ subject, issuer, scope, expires_at, credential }) => ({
      subject,
      issuer,
      scope,
      expiresAt: expires_at,
      credential,
    }));
  }

  async cacheCredential({ subject, issuer, scope, expiresAt, credential }: CachedCredential): Promise<void> {
    await this.#store.write(`credential ${subject}`, async (transaction) => {
      const values = { credential, expires_at: expiresAt, used: await this.#credentials.next(transaction) };
      await transaction
        .insertInto('credentials')
        .values({ subject, issuer, scope, ...values })
        .onConflict((conflict) => conflict.columns(['subject', 'issuer', 'scope']).doUpdateSet(values))
        .execute();
      await this.#credentials.trim(transaction);
    });
  }

  #attestationRow(database: Kysely<Schema>, subject: Identifier, purpose: Purpose) {
    return database
      .selectFrom('purpose_keys')
      .select('attestation')
      .where('subject', '=', subject)
      .where('purpose', '=', purpose)
      .executeTakeFirst();
  }

  #readAttestation(subject: Identifier, bytes: Uint8Array): PurposeKeyAttestation {
    return readBack(`The purpose key of ${subject}`, () => this.#forms.attestation(bytes));
  }

  async #historyRow(database: Kysely<Schema>, identifier: Identifier) {
    const row = await database.selectFrom('histories').selectAll().where('identifier', '=', identifier).executeTakeFirst();
    return row && { ...row, isFading: row.kept === 0 && (await this.#histories.isFading(database, row.used)) };
  }

  async #touchHistory(transaction: Transaction<Schema>, identifier: Identifier): Promise<void> {
    const used = await this.#histories.next(transaction);
    await transaction.updateTable('histories').set({ used }).where('identifier', '=', identifier).execute();
  }

  #readHistory(identifier: Identifier, bytes: Uint8Array): ChangeHistory {
    return readBack(`The history of ${identifier}`, () => this.#forms.history(bytes, identifier));
  }
}

function isSame(left: Uint8Array, right: Uint8Array | undefined): boolean {
  return left.length === right?.length && left.every((byte, index) => byte === right[index]);
}
