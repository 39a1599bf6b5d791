import type { RevocationCheck } from '../secure-channel/revocation-check.ts';
import type { AttestedSubjects } from './attested-subjects.ts';

/**
 * Applies to a node's parts what its authority revokes: what is known of a subject by a void credential is forgotten, which ends
 * its relays (`relayGrants`) and the streams of its portals (`PolicyGate`); its channels end by themselves, when they were given the
 * same `revocations`, and so does its own credential, when its retriever was. Source: decisions.md D6
 * @returns how to stop
 */
export function followRevocations(revocations: RevocationCheck, { subjects }: { readonly subjects: AttestedSubjects }): () => void {
  const check = { isRevoked: revocations.isRevoked.bind(revocations) };
  const apply = () => subjects.forgetRevoked(check);
  apply();
  return revocations.onRevoked(apply);
}
