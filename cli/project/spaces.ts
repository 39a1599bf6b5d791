import { decodeProjectJson, encodeProjectJson } from 'postern';
import { importProject, type KnownProject } from 'postern/manager';
import type { Cli } from '../cli.ts';

/** A label of projects. */
export interface Space {
  readonly id: string;
  readonly name: string;
  /** The names by which the projects are called here. */
  readonly projects: readonly string[];
}

/** The labels of the projects that this home knows, by ascending name. */
export async function knownSpaces(cli: Cli): Promise<readonly Space[]> {
  const labels = new Map<string, string[]>();
  for (const { name, information } of await (await cli.home()).state.projects.list()) {
    const { spaceName } = decodeProjectJson(information);
    if (spaceName !== '') labels.set(spaceName, [...(labels.get(spaceName) ?? []), name]);
  }
  return [...labels].sort(([left], [right]) => (left < right ? -1 : 1)).map(([name, projects]) => ({ id: name, name, projects }));
}

/** @param label empty for none */
export async function labelProject(cli: Cli, project: KnownProject, label: string): Promise<KnownProject> {
  const information = encodeProjectJson({ ...decodeProjectJson(project.information), spaceName: label, spaceId: label });
  return importProject((await cli.home()).state.projects, { ...project, information });
}

/** What is newly told of a project has no label: the one that it has here stays. */
export function withLabelOf(before: KnownProject | undefined, information: string): string {
  if (before === undefined) return information;
  const { spaceName, spaceId } = decodeProjectJson(before.information);
  const offered = decodeProjectJson(information);
  return offered.spaceName === '' && spaceName !== '' ? encodeProjectJson({ ...offered, spaceName, spaceId }) : information;
}
