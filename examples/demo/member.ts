import {
  DecisionLog,
  explainDenial,
  explanationText,
  type Node,
  parsePolicy,
  peerOf,
  PolicyGate,
  type Resource,
  ResourcePolicies,
} from 'postern';
import { enroll, type Home, projectMember } from 'postern/manager';
import { tell } from './company.ts';

/** What every company of the demo does first: it makes an identity in its home, enrolls by its ticket, connects to the project, and sets one policy. */
export async function join(node: Node, home: Home, ticket: string, resource: Resource, expression: string) {
  const identity = await home.identity(await home.createIdentity({ name: 'company' }));
  const cache = home.repository;
  const { project, attributes } = await enroll(node, { identity, cache, ticket });
  const said = [...attributes]
    .filter(([attribute]) => attribute !== 'trust_context_id')
    .map(([attribute, value]) => `${attribute}=${value}`);
  tell({ identifier: identity.identifier, attributes: said.sort().join(', ') || 'none' });
  const member = await projectMember(node, { identity, cache, project, heard: home.heard });

  const { clock, logger } = node;
  const { subjects } = member;
  const log = new DecisionLog({ clock });
  const policies = ResourcePolicies.restored();
  policies.set({ name: resource.name }, parsePolicy(expression));
  const gate = new PolicyGate({ policies, subjects, log, clock, logger, peerOf, terminal: (address) => node.terminal(address) });

  process.on('message', (asked) => {
    if (asked !== 'explain') return;
    const denial = log.denials()[0];
    const explanation = denial && explainDenial(denial);
    tell({ denied: denial?.identifier ?? 'nobody', explanation: explanation === undefined ? 'none' : explanationText(explanation) });
  });
  // To whom it shows what it holds, whom it believes, and what was revoked.
  const shown = { identity, ...member.channels };
  return { member, shown, allow: gate.incoming(resource) };
}
