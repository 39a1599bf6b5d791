import { describe, expect, test } from 'vitest';
import { createIdentity } from '../../identities/identity.ts';
import { hex } from '../../runtime/random.ts';
import { SimulatedClock } from '../../simulation/clock.ts';
import { seededRandom } from '../../simulation/random.ts';
import { RELAY } from '../../workers/authority/roles.ts';
import {
  decodeProjectCbor,
  decodeProjectJson,
  encodeProjectCbor,
  encodeProjectJson,
  importProject,
  type ProjectInformation,
} from '../../workers/authority/project.ts';
import { hostedAuthorityRoute, hostedProjectRoute, idInRoute } from '../../workers/authority/project-route.ts';
import { mayRelay } from '../../workers/authority/relay-permission.ts';
import { decodeTicket, encodeCompactTicket, encodeTicket } from '../../workers/authority/ticket.ts';
import { fromHex, readVectors } from './read-vectors.ts';

interface Expected {
  project_id: string;
  project_name: string;
  one_time_code: string;
  project_route: string;
  authority_route: string;
  project_change_history: string;
  authority_change_history: string;
  error?: true;
  import_error?: string;
}
interface TicketFile {
  project: { json: string; cbor: string };
  tickets: {
    id: string;
    ticket?: string;
    text?: string;
    json?: string;
    expect?: Expected;
    fields?: Record<string, string>;
    project_id?: string;
    project_route?: string;
    invalid_route?: string;
  }[];
  relay_permission: { cases: { ockam_relay: string | null; requested: string; created: boolean }[] };
  tls_certificate: { replies: { cbor: string; kind: string }[] };
}

const file = readVectors<TicketFile>('authority/authority.json');
const ticket = (id: string) => file.tickets.find((each) => each.id === id)!;
const someone = async () => createIdentity({ clock: new SimulatedClock({ epochSeconds: 1_726_200_000 }), random: seededRandom(1) });

test('all cases are here', () => {
  expect(file.tickets).toHaveLength(11);
  expect(file.relay_permission.cases).toHaveLength(6);
  // The service for TLS certificates is one of the hosted project: nothing of ours speaks it.
  expect(file.tls_certificate.replies).toHaveLength(2);
});

describe('project information', () => {
  test('as JSON and as CBOR, both ways', () => {
    const project = decodeProjectJson(file.project.json);
    expect(encodeProjectJson(project)).toBe(file.project.json);
    expect(hex(encodeProjectCbor(project))).toBe(file.project.cbor);
    expect(decodeProjectCbor(fromHex(file.project.cbor))).toEqual(project);
  });

  test('settings of other systems are kept', () => {
    const project: ProjectInformation = {
      ...decodeProjectJson(file.project.json),
      okta: { tenantBaseUrl: 'https://t', certificate: 'c', clientId: 'i', attributes: ['email'] },
      kafkaBootstrapServer: 'k:9092',
      version: '1',
      operationId: 'o',
    };
    expect(decodeProjectJson(encodeProjectJson(project))).toEqual(project);
    expect(decodeProjectCbor(encodeProjectCbor(project))).toEqual(project);
  });

  test('importing verifies, remembers both identities, and refuses what does not fit', async () => {
    const identity = await someone();
    const project = decodeProjectJson(file.project.json);
    const imported = await importProject(identity, project);
    expect(imported.identifier).toBe(project.identity);
    expect(imported.authority).toMatch(/^I[0-9a-f]{64}$/);
    const refused = (change: Partial<ProjectInformation>) => importProject(identity, { ...project, ...change });
    const other = `I${'0'.repeat(64)}` as const;
    await expect(refused({ identity: other })).rejects.toMatchObject({ code: 'PROJECT_INFORMATION' });
    await expect(refused({ projectChangeHistory: 'zz' })).rejects.toMatchObject({ code: 'PROJECT_INFORMATION' });
    await expect(refused({ authorityIdentity: project.projectChangeHistory!.replace(/0d$/, '0c') })).rejects.toMatchObject({
      code: 'PROJECT_INFORMATION',
    });
    await expect(refused({ accessRoute: '/dnsaddr/h/service/api' })).rejects.toMatchObject({ code: 'PROJECT_ROUTE' });
    await expect(refused({ authorityAccessRoute: '/node/n1' })).rejects.toMatchObject({ code: 'PROJECT_ROUTE' });
    expect((await importProject(identity, { ...project, accessRoute: '' })).identifier).toBe(project.identity);
  });
});

describe('tickets', () => {
  test.each(['legacy-hex', 'compact-hex', 'compact-plain', 'compact-project-id-only'])('%s', async (id) => {
    const { ticket: text, expect: expected = ticket('compact-hex').expect! } = ticket(id);
    const { code, project } = decodeTicket(text!);
    expect({
      project_id: project.id,
      project_name: project.name,
      one_time_code: hex(code),
      project_route: project.accessRoute,
      authority_route: project.authorityAccessRoute,
      project_change_history: project.projectChangeHistory,
      authority_change_history: project.authorityIdentity,
    }).toEqual(id === 'legacy-hex' ? ticket('compact-hex').expect : expected);
    expect((await importProject(await someone(), project)).project).toEqual(project);
  });

  test('both forms are written as they were read', () => {
    const { code, project } = decodeTicket(ticket('compact-hex').ticket!);
    expect(encodeTicket({ code, project })).toBe(ticket('legacy-hex').ticket);
    expect(encodeCompactTicket({ code, project })).toBe(ticket('compact-hex').ticket);
    expect(() => encodeCompactTicket({ code, project: { ...project, name: 'a,b' } })).toThrow(/comma/);
    expect(() => encodeCompactTicket({ code, project: { ...project, authorityIdentity: undefined } })).toThrow(/both histories/);
  });

  test('upper-case digits and white space around it are no fault', () => {
    const read = decodeTicket(ticket('legacy-hex').ticket!);
    expect(decodeTicket(` ${ticket('legacy-hex').ticket!.toUpperCase()}\n`)).toEqual(read);
  });

  test('the fixture of an older version says what it lacks', () => {
    const { ticket: text, expect: expected } = ticket('orig-legacy-fixture');
    expect(() => decodeTicket(text!)).toThrow(expected!.import_error);
  });

  test('fields that the original carries although identifier and history do not agree: we refuse to import them', async () => {
    const fields = ticket('orig-exported-test-fields').fields!;
    const text = [
      fields['project_route'],
      fields['project_identifier'],
      'name',
      '00'.repeat(32),
      fields['project_change_history'],
      fields['authority_change_history'],
    ].join(',');
    const { project } = decodeTicket(text);
    expect(project).toMatchObject({
      id: fields['project_id'],
      accessRoute: fields['project_route'],
      authorityAccessRoute: hostedAuthorityRoute('project_id'),
    });
    await expect(importProject(await someone(), project)).rejects.toMatchObject({ code: 'PROJECT_INFORMATION' });
  });

  test('an id gives a route, and a route an id', () => {
    const { project_id, project_route, invalid_route } = ticket('orig-project-id-or-route');
    expect(hostedProjectRoute(project_id!)).toBe(project_route);
    expect(idInRoute(project_route!)).toBe(project_id);
    expect(() => idInRoute(invalid_route!)).toThrow(expect.objectContaining({ code: 'PROJECT_ROUTE' }) as Error);
  });

  test.each(['too-few-fields', 'bad-code', 'short-code'])('%s is refused', (id) => {
    expect(ticket(id).expect!.error).toBe(true);
    expect(() => decodeTicket(ticket(id).ticket!)).toThrow(expect.objectContaining({ code: 'TICKET_TEXT' }) as Error);
  });

  test('a line feed at the end, which the original refuses, is trimmed: files have one', () => {
    expect(ticket('trailing-newline-hex').expect!.error).toBe(true);
    expect(decodeTicket(ticket('trailing-newline-hex').ticket!)).toEqual(decodeTicket(ticket('trailing-newline-hex').ticket!.trim()));
  });

  test.each(['', '7b', '{', '7b7d', 'ff'.repeat(40), ',,,,,', '{"one_time_code":"00"}'])('%j is no ticket', (text) => {
    expect(() => decodeTicket(text)).toThrow(expect.objectContaining({ name: 'TicketError' }) as Error);
  });
});

test.each(file.relay_permission.cases)('a holder of $ockam_relay who asks for $requested', ({ ockam_relay, requested, created }) => {
  expect(mayRelay(new Map(ockam_relay === null ? [] : [[RELAY, ockam_relay]]), requested)).toBe(created);
});
