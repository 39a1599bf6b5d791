import type { Identifier } from '../../identities/identifier.ts';

/** Where keys are kept, as its owner calls it. */
export interface NamedVault {
  readonly name: string;
  /** A file of its own; undefined for the vault that is in the home's database. */
  readonly path: string | undefined;
  /** True of one at most: the first one. */
  readonly isDefault: boolean;
}

/** An identity of one's own, as its owner calls it. */
export interface NamedIdentity {
  readonly name: string;
  readonly identifier: Identifier;
  /** The name of the vault that holds its keys. */
  readonly vault: string;
  /** True of one at most. */
  readonly isDefault: boolean;
}

/** The names of a home. Each call is one transaction; several processes may share it. */
export interface NameRepository {
  /** By ascending name. */
  vaults(): Promise<readonly NamedVault[]>;
  /** The first one becomes the default. @returns false when the name or the path is taken */
  addVault(vault: Pick<NamedVault, 'name' | 'path'>): Promise<boolean>;
  /** @returns whether there is such a vault */
  moveVault(name: string, path: string): Promise<boolean>;
  /** @returns whether it was there, and no identity uses it */
  removeVault(name: string): Promise<boolean>;

  /** By ascending name. */
  identities(): Promise<readonly NamedIdentity[]>;
  /** The first one becomes the default. @returns the one that has the name now, which may be another one from before */
  addIdentity(identity: Omit<NamedIdentity, 'isDefault'>): Promise<NamedIdentity>;
  /** @returns whether there is such an identity */
  setDefaultIdentity(name: string): Promise<boolean>;
  /** After the default the first one left by name is the default. @returns whether there was one */
  removeIdentity(name: string): Promise<boolean>;
}
