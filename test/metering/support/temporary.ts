import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder for one test's books; removed with everything in it. */
export function temporaryBooks(): { readonly path: string } & Disposable {
  const folder = mkdtempSync(join(tmpdir(), 'books-'));
  return {
    path: join(folder, 'books.db'),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}
