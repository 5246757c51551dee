import { describe, expect, test } from 'vitest';
import { API_KEY } from '../../support/fake-telnyx.ts';
import { telnyxError } from '../../support/fake-telnyx/answers.ts';
import { codeOf, failureOf, Keeping, plan, successOf } from '../stage.ts';
import { checkDocument, telnyxStage } from '../telnyx/stage.ts';

// Running the steps of a trunk: one run at a time, resumed from its record, never against another account. Written with Telnyx's steps; the
// runner is the same for both.

checkDocument();

describe('one run at a time', () => {
  test('a second one for the same trunk is refused, whichever account object it comes from; another trunk is not', async () => {
    const { telnyx, stage, account } = await telnyxStage();
    const keeping = new Keeping('telnyx');
    const first = account.trunk.provision(plan(), keeping.run());
    const other = successOf(stage.providers.openTelnyx(API_KEY));
    expect(codeOf(await other.trunk.provision(plan(), new Keeping('telnyx').run()))).toBe('setup_running');
    expect(codeOf(await other.trunk.undo(new Keeping('telnyx').run()))).toBe('setup_running');
    const elsewhere = new Keeping('telnyx', 'acct_other');
    const second = other.trunk.provision(plan({ reference: 'acct_other' }), elsewhere.run());
    successOf(await first);
    successOf(await second);
    expect(telnyx.state.profiles.size).toBe(2);
    successOf(await account.trunk.provision(plan(), keeping.run()));
  });

  test('is over also where storing the record failed', async () => {
    const { telnyx, account } = await telnyxStage();
    const keeping = new Keeping('telnyx');
    keeping.onSave = () => {
      throw new Error('the disk is full');
    };
    await expect(account.trunk.provision(plan(), keeping.run())).rejects.toThrow('the disk is full');
    expect(telnyx.changes).toEqual([]);
    keeping.onSave = () => undefined;
    successOf(await account.trunk.provision(plan(), keeping.run()));
  });
});

describe('the record', () => {
  test('says before anything is made that it may be', async () => {
    const { telnyx, account } = await telnyxStage();
    const keeping = new Keeping('telnyx');
    const steps: Record<string, string> = {
      CreateVoiceProfile: 'voice_profile',
      CreateFqdnConnection: 'connection',
      CreateFqdn: 'fqdn',
    };
    const seen: string[] = [];
    telnyx.onChange = ({ operation }) => {
      const step = steps[operation];
      if (step === undefined) return;
      seen.push(step);
      expect(keeping.record.steps[step]).toMatchObject({ status: 'pending', created: true, resourceId: null });
    };
    successOf(await account.trunk.provision(plan(), keeping.run()));
    expect(seen).toEqual(['voice_profile', 'connection', 'fqdn']);
  });

  test('of another trunk or provider is refused', async () => {
    const { telnyx, account } = await telnyxStage();
    expect(codeOf(await account.trunk.provision(plan(), new Keeping('telnyx', 'acct_else').run()))).toBe(
      'setup_invalid',
    );
    expect(codeOf(await account.trunk.provision(plan(), new Keeping('twilio').run()))).toBe('setup_invalid');
    expect(codeOf(await account.trunk.undo(new Keeping('twilio').run()))).toBe('setup_invalid');
    expect(telnyx.requests).toEqual([]);
  });

  test('of a trunk for another address is refused: that one is taken down first', async () => {
    const { account } = await telnyxStage();
    const keeping = new Keeping('telnyx');
    successOf(await account.trunk.provision(plan(), keeping.run()));
    const moved = plan({ gateway: { host: 'new.edge.example.com', port: 5061, transport: 'tls' } });
    const failure = failureOf(await account.trunk.provision(moved, keeping.run()));
    expect(failure).toMatchObject({ code: 'setup_invalid', detail: expect.stringContaining('fqdn') });
    successOf(await account.trunk.undo(keeping.run()));
    successOf(await account.trunk.provision(moved, keeping.run()));
  });

  test('holds what failed and why, and what can be gone on from', async () => {
    const { telnyx, account } = await telnyxStage();
    const keeping = new Keeping('telnyx');
    telnyx.fail('CreateFqdn', { kind: 'refuse', answer: telnyxError(403, '10010', 'No.') });
    expect(codeOf(await account.trunk.provision(plan(), keeping.run()))).toBe('permission_connections');
    expect(keeping.record.phase).toBe('stopped');
    const states = Object.fromEntries(Object.entries(keeping.record.steps).map(([name, { status }]) => [name, status]));
    expect(states).toEqual({ voice_profile: 'done', connection: 'done', fqdn: 'failed' });
    expect(keeping.record.steps['fqdn']?.failure).toBe('permission_connections');
    expect(keeping.progress.at(-1)).toMatchObject({ step: 'fqdn', state: 'failed', position: 3 });
    expect(keeping.progress.at(-1)?.failure?.code).toBe('permission_connections');
    successOf(await account.trunk.provision(plan(), keeping.run()));
    expect(keeping.record.steps['fqdn']).toMatchObject({ status: 'done', failure: null });
  });
});

describe('what is there already', () => {
  test('without a record of ours is used, and not deleted', async () => {
    const { telnyx, account } = await telnyxStage();
    const id = telnyx.addProfile('callin-acct-7k2m');
    const before = telnyx.snapshot();
    const keeping = new Keeping('telnyx');
    successOf(await account.trunk.provision(plan(), keeping.run()));
    expect(keeping.told).toContain('voice_profile found');
    expect(keeping.record.steps['voice_profile']).toMatchObject({ resourceId: id, created: false });
    successOf(await account.trunk.undo(keeping.run()));
    expect(telnyx.snapshot()).toEqual(before);
  });

  test('twice, since an answer was lost and the list came late, is deleted twice', async () => {
    const { telnyx, account } = await telnyxStage();
    const before = telnyx.snapshot();
    const keeping = new Keeping('telnyx');
    successOf(await account.trunk.provision(plan(), keeping.run()));
    const [profile] = telnyx.state.profiles.values();
    telnyx.state.profiles.set('2', { ...profile, id: '2' });
    successOf(await account.trunk.provision(plan(), keeping.run()));
    expect(keeping.record.steps['voice_profile']?.resourceId).toBe(profile.id);
    successOf(await account.trunk.undo(keeping.run()));
    expect(telnyx.snapshot()).toEqual(before);
    expect(telnyx.changes.filter((name) => name === 'DeleteOutboundVoiceProfile')).toHaveLength(2);
  });

  test('under our name, made by hand, and not to be found, is a name that is taken', async () => {
    const { telnyx, account } = await telnyxStage();
    telnyx.fail('CreateVoiceProfile', { kind: 'refuse', answer: telnyxError(422, '10012', 'Taken') }, { times: 9 });
    const keeping = new Keeping('telnyx');
    expect(codeOf(await account.trunk.provision(plan(), keeping.run()))).toBe('name_taken');
    expect(keeping.told).toContain('voice_profile waiting');
    expect(keeping.record.steps['voice_profile']?.created).toBe(false);
  });
});

describe('a key of another account', () => {
  async function elsewhere() {
    const made = await telnyxStage();
    const keeping = new Keeping('telnyx');
    successOf(await made.account.trunk.provision(plan(), keeping.run()));
    const { profiles, fqdnConnections, fqdns } = made.telnyx.state;
    const kept = [profiles, fqdnConnections, fqdns].map((map) => new Map(map));
    for (const map of [profiles, fqdnConnections, fqdns]) map.clear();
    return { ...made, keeping, kept };
  }

  test('neither sets up again there nor forgets what is elsewhere', async () => {
    const { telnyx, account, keeping } = await elsewhere();
    const before = telnyx.changes.length;
    expect(codeOf(await account.trunk.provision(plan(), keeping.run()))).toBe('different_account');
    expect(codeOf(await account.trunk.undo(keeping.run()))).toBe('different_account');
    expect(codeOf(await account.trunk.recognise(keeping.record))).toBe('different_account');
    expect(telnyx.changes).toHaveLength(before);
    expect(keeping.record.steps['connection']).toMatchObject({ status: 'done', created: true });
  });

  test('unless a person says that it was deleted by hand', async () => {
    const { account, keeping } = await elsewhere();
    successOf(await account.trunk.undo(keeping.run({ acceptGone: true })));
    expect(keeping.record.phase).toBe('undone');
  });

  test('is told apart from one thing that was deleted by hand', async () => {
    const { telnyx, account, keeping, kept } = await elsewhere();
    for (const [id, profile] of kept[0] ?? []) telnyx.state.profiles.set(id, profile);
    successOf(await account.trunk.provision(plan(), keeping.run()));
    expect([...telnyx.state.fqdnConnections.values()]).toHaveLength(1);
  });
});

describe('stopping', () => {
  test('by signal leaves a record to go on from', async () => {
    const { telnyx, account } = await telnyxStage();
    const before = telnyx.snapshot();
    const controller = new AbortController();
    telnyx.onChange = ({ operation }) => {
      if (operation === 'CreateFqdnConnection') controller.abort();
    };
    const keeping = new Keeping('telnyx');
    const outcome = await account.trunk.provision(plan(), keeping.run({ signal: controller.signal }));
    expect(codeOf(outcome)).toBe('cancelled');
    expect(keeping.record.phase).toBe('stopped');
    successOf(await account.trunk.undo(keeping.run()));
    expect(telnyx.snapshot()).toEqual(before);
  });

  test('in the middle of the numbers: those that were connected stay on record', async () => {
    const { telnyx, account } = await telnyxStage({ concurrentMax: 1 });
    const ids = [1, 2, 3].map((digit) => telnyx.addNumber(`+1202555010${digit}`).id);
    const keeping = new Keeping('telnyx');
    telnyx.fail(
      'UpdatePhoneNumber',
      { kind: 'refuse', answer: telnyxError(401, '20002', 'Revoked') },
      { after: 1, times: 9 },
    );
    const wanted = plan({ numbers: ids.map((providerId) => ({ providerId, takeOver: false })) });
    expect(codeOf(await account.trunk.provision(wanted, keeping.run()))).toBe('key_revoked');
    expect(ids.map((id) => keeping.record.numbers[id]?.status)).toEqual(['done', 'failed', undefined]);
    telnyx.mend();
    expect(successOf(await account.trunk.provision(wanted, keeping.run())).numbers).toHaveLength(3);
  });
});

test('a number that cannot be put back keeps the trunk from being deleted, and the others are put back all the same', async () => {
  const { telnyx, account } = await telnyxStage({ concurrentMax: 1 });
  const ids = [1, 2].map((digit) => telnyx.addNumber(`+1202555010${digit}`).id);
  const keeping = new Keeping('telnyx');
  const wanted = plan({ numbers: ids.map((providerId) => ({ providerId, takeOver: false })) });
  successOf(await account.trunk.provision(wanted, keeping.run()));
  telnyx.fail('UpdatePhoneNumber', { kind: 'refuse', answer: telnyxError(422, '10015', 'No.') }, { times: 2 });
  expect(codeOf(await account.trunk.undo(keeping.run()))).toBe('number_not_detachable');
  expect(telnyx.state.fqdnConnections.size).toBe(1);
  expect(ids.map((id) => keeping.record.numbers[id]?.status)).toEqual(['done', 'undone']);
  successOf(await account.trunk.undo(keeping.run()));
  expect(telnyx.state.fqdnConnections.size).toBe(0);
});
