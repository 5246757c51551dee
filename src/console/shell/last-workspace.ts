// The workspace that this browser looked at last: where the operator begins the next time.

const KEY = 'callin.workspace';

export function lastWorkspace(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

export function rememberWorkspace(id: string): void {
  try {
    localStorage.setItem(KEY, id);
  } catch {
    // Storage is off: the next visit begins with the first workspace.
  }
}
