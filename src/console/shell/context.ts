// What every page may ask: who is looking, and at which workspace.

import { createContext, useContext } from 'react';
import type { Session, Workspace } from '../api/resources.ts';

export interface Viewer {
  readonly session: Session;
  readonly isOperator: boolean;
  /** False for keys that only look: what changes something is not offered. */
  readonly canWrite: boolean;
  /** False for keys that do not decide who else has access. */
  readonly isAdmin: boolean;
  signedOut(): void;
}

export const ViewerContext = createContext<Viewer | null>(null);

export function useViewer(): Viewer {
  const viewer = useContext(ViewerContext);
  if (viewer === null) throw new Error('a page was drawn without somebody signed in');
  return viewer;
}

export interface WorkspaceView {
  readonly id: string;
  /** Undefined until it is read. */
  readonly workspace: Workspace | undefined;
  /** Path of one of its pages: `at('/calls')`. */
  at(path: string): string;
}

export const WorkspaceContext = createContext<WorkspaceView | null>(null);

export function useWorkspace(): WorkspaceView {
  const workspace = useContext(WorkspaceContext);
  if (workspace === null) throw new Error('a page of a workspace was drawn outside of one');
  return workspace;
}
