// Names for the ids that records carry: what a workspace has is read once and shared by the pages.

import { type PageOf, useGet } from './hooks.ts';
import type { Agent, PhoneNumber, Trunk } from './resources.ts';

/** As many as one page of the API holds; a workspace with more agents than that picks them on the agents page. */
const LIMIT = 200;

export interface Named<T> {
  readonly items: readonly T[];
  readonly loaded: boolean;
  get(id: string | null): T | undefined;
}

function named<T extends { readonly id: string }>(page: PageOf<T> | undefined): Named<T> {
  const items = page?.items ?? [];
  return { items, loaded: page !== undefined, get: (id) => items.find((item) => item.id === id) };
}

export function agentsPath(workspaceId: string): string {
  return `/v1/agents?workspaceId=${workspaceId}&limit=${LIMIT}`;
}

export function trunksPath(workspaceId: string): string {
  return `/v1/trunks?workspaceId=${workspaceId}&limit=${LIMIT}`;
}

export function useAgents(workspaceId: string): Named<Agent> {
  return named(useGet<PageOf<Agent>>(agentsPath(workspaceId)).data);
}

export function useTrunks(workspaceId: string): Named<Trunk> {
  return named(useGet<PageOf<Trunk>>(trunksPath(workspaceId)).data);
}

/** The first numbers: for choosing one, not for counting them. */
export function useSomeNumbers(workspaceId: string): Named<PhoneNumber> {
  return named(useGet<PageOf<PhoneNumber>>(`/v1/numbers?workspaceId=${workspaceId}&limit=${LIMIT}`).data);
}
