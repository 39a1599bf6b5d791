import { decodeCbor, encodeCbor } from '../../runtime/codec/cbor.ts';
import { CodecError } from '../../runtime/errors.ts';
import type { Worker } from '../../runtime/worker.ts';
import { apiService } from '../../workers/api/api-service.ts';
import { decodeProjectJson, encodeProjectJson, type ProjectInformation } from '../../workers/authority/project.ts';

/** Where a project says what it is. Our own: docs/protocol.md, Authority */
export const PROJECT_INFORMATION = 'project_information';

/** Tells members what the project is now: where it is dialled may have changed. */
export function projectInformationService(information: ProjectInformation): Worker {
  const told = { ...information, running: true };
  return apiService([{ method: 'GET', path: '/', exact: true, handle: () => Promise.resolve(encodeCbor(encodeProjectJson(told))) }]);
}

/** @throws {CodecError} for a body that is no text @throws {TicketError} for a text that is no project */
export function decodeProjectInformation(body: Uint8Array): ProjectInformation {
  const text = decodeCbor(body);
  if (typeof text !== 'string') throw new CodecError('CODEC_TYPE', 'Project information is a text.');
  return decodeProjectJson(text);
}
