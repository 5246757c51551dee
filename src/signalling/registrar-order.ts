// Gateways as registrars: by priority, and among equals the heaviest first. Not drawn by chance: a registration that moved between equal registrars
// with each refresh would leave bindings everywhere.

import type { Gateway } from '../domain/directory.ts';

export function inRegistrarOrder(gateways: readonly Gateway[]): readonly Gateway[] {
  return gateways.toSorted((a, b) => a.priority - b.priority || b.weight - a.weight);
}
