import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDialogLog } from '../src/node/dialog-log.ts';

let folder: string;
const warnings: string[] = [];
const log = { warn: (_fields: object, message: string) => void warnings.push(message) };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'callin-dialogs-'));
  warnings.length = 0;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const file = () => join(folder, 'dialogs.log');
const dialog = (id: string) => ({
  id,
  openedAtMs: 1,
  callId: id,
  local: '<sip:a@b>;tag=1',
  remote: '<sip:c@d>;tag=2',
  target: 'sip:c@d',
  routes: ['sip:proxy;lr'],
  nextHop: 'sip:d;transport=udp',
});
const ids = (dialogs: readonly { id: string }[]) => dialogs.map(({ id }) => id);

describe('signalling 22: the dialogs of a process that died', () => {
  test('are those that began and did not end, told once', async () => {
    const first = openDialogLog(folder, log);
    expect(first.left()).toEqual([]);
    for (const id of ['a', 'b', 'c']) first.opened(dialog(id));
    first.closed('b');
    first.closed('unknown');
    await first.close();
    const second = openDialogLog(folder, log);
    expect(second.left()).toEqual([dialog('a'), dialog('c')]);
    expect(second.left()).toEqual([]);
    // A process that dies before it has told them leaves them to the next one.
    second.opened(dialog('d'));
    second.closed('a');
    await second.close();
    expect(ids(openDialogLog(folder, log).left())).toEqual(['c', 'd']);
    expect(warnings).toEqual([]);
  });

  test('stand in a file that is its owner’s alone', async () => {
    const log1 = openDialogLog(folder, log);
    log1.opened(dialog('a'));
    await log1.close();
    expect(statSync(file()).mode & 0o777).toBe(0o600);
  });

  test('DL1 half a line, and lines that are none, take nothing else away', async () => {
    const first = openDialogLog(folder, log);
    first.opened(dialog('a'));
    await first.close();
    appendFileSync(file(), 'rubbish\n{"opened":{"id":7}}\n{"opened":null}\nnull\n7\n{"closed":3}\n{"opened":{"id":"x"');
    expect(ids(openDialogLog(folder, log).left())).toEqual(['a']);
  });

  test('DL1 the file does not grow with the calls that were', async () => {
    const dialogs = openDialogLog(folder, log);
    dialogs.opened(dialog('stays'));
    for (let i = 0; i < 12_000; i++) {
      dialogs.opened(dialog(`call-${i}`));
      dialogs.closed(`call-${i}`);
    }
    await dialogs.close();
    expect(readFileSync(file(), 'utf8').split('\n').length).toBeLessThan(10_100);
    expect(ids(openDialogLog(folder, log).left())).toEqual(['stays']);
  });

  test('DL2 a place that takes no file costs a line in the log and no call', async () => {
    const blocked = join(folder, 'blocked');
    writeFileSync(blocked, '');
    const dialogs = openDialogLog(join(blocked, 'inside'), log);
    for (const id of ['a', 'b']) dialogs.opened(dialog(id));
    dialogs.closed('a');
    await dialogs.close();
    expect(warnings).toHaveLength(1);
  });
});
