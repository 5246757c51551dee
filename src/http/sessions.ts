// Sessions of the console: what a browser holds instead of a token that opens everything for ever.
//
//   sign in (token) -> cookie (256 random bits) -> record { hash of the cookie, who, until when } -> sign out | expiry | end of its key
//
// Invariants
//   SS1. The cookie's value is stored nowhere: the record's id is its SHA-256, and the CSRF token is derived from the value itself.
//   SS2. A session is never more than what it was opened with: it dies with its key, or with the admin token of that day, and has the
//        key's role of this moment.
//   SS3. Bounded: so many per key (the oldest one makes room), each until the earlier of 12 hours without a request and 7 days.

import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Directory } from '../directory/directory.ts';
import type { RecordKind, RecordStore } from '../directory/records.ts';
import type { Clock } from '../domain/clock.ts';
import type { RandomBytes } from '../domain/ids.ts';
import type { Principal } from './auth.ts';

interface SessionRecord {
  /** SHA-256 of the cookie, base64url. */
  readonly id: string;
  readonly createdAt: number;
  readonly workspaceId: string | null;
  /** null = the operator's. */
  readonly keyId: string | null;
  /** The operator's: holds while the admin token is the same. Made with the cookie as its key, so that the store does not help to guess the token. */
  readonly adminMark: string | null;
  readonly expiresAt: number;
}

export const SESSIONS: RecordKind<SessionRecord> = {
  name: 'console_sessions',
  fields: ({ keyId }) => ({ holder: keyId ?? OPERATOR }),
};

export interface OpenSession {
  readonly id: string;
  readonly csrfToken: string;
  /** Wall-clock ms; moves with use. */
  readonly expiresAt: number;
}

export interface Sessions {
  /** Answers with the cookie's value. */
  open(principal: Principal): Promise<{ readonly cookie: string; readonly session: OpenSession }>;
  /** Undefined where the cookie opens nothing (any more). Moves the expiry. */
  identify(cookie: string): Promise<{ readonly principal: Principal; readonly session: OpenSession } | undefined>;
  /** Whether a session that was identified before still opens something; moves nothing. */
  isAlive(sessionId: string): Promise<boolean>;
  close(sessionId: string): Promise<void>;
  /** All sessions of a key that is no more. */
  closeOf(keyId: string): Promise<void>;
}

export interface SessionParts {
  readonly directory: Pick<Directory, 'keys' | 'records'>;
  readonly adminToken: string;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
}

const OPERATOR = 'operator';
const COOKIE_BYTES = 32;
export const SESSION_IDLE_MS = 12 * 3_600_000;
export const SESSION_LIFE_MS = 7 * 86_400_000;
/** The expiry is written so often at most: a page makes many requests. */
const SLIDE_MS = 5 * 60_000;
/** A person has a few browsers; a key may be a team's. */
const SESSIONS_PER_HOLDER_MAX = 50;

export function createSessions({ directory, adminToken, clock, randomBytes }: SessionParts): Sessions {
  const { keys } = directory;
  let opened: RecordStore<SessionRecord> | undefined;
  const store = (): RecordStore<SessionRecord> => {
    opened ??= directory.records(SESSIONS);
    return opened;
  };

  const principalOf = async (record: SessionRecord): Promise<Principal | undefined> => {
    const { keyId, workspaceId } = record;
    if (keyId === null || workspaceId === null) return { kind: 'operator' };
    const key = await keys.get(keyId, workspaceId);
    return key === undefined ? undefined : { kind: 'workspace', workspaceId, keyId, role: key.role ?? 'admin' };
  };
  const isFresh = ({ createdAt, expiresAt }: SessionRecord): boolean =>
    clock.wallMs() < Math.min(expiresAt, createdAt + SESSION_LIFE_MS);
  const expiryFrom = (createdAt: number): number =>
    Math.min(clock.wallMs() + SESSION_IDLE_MS, createdAt + SESSION_LIFE_MS);

  const slide = async (record: SessionRecord): Promise<SessionRecord | undefined> => {
    const expiresAt = expiryFrom(record.createdAt);
    if (expiresAt - record.expiresAt < SLIDE_MS) return record;
    return await store().update(record.id, (stored) => ({
      ...stored,
      expiresAt: Math.max(expiresAt, stored.expiresAt),
    }));
  };

  /** Before one more is opened: expired ones go, and the oldest of too many. */
  const makeRoom = async (holder: string): Promise<void> => {
    const { items } = await store().find({ where: { holder }, limit: SESSIONS_PER_HOLDER_MAX * 2 });
    const live = items.filter(isFresh);
    const surplus = [...items.filter((each) => !isFresh(each)), ...live.slice(SESSIONS_PER_HOLDER_MAX - 1)];
    await Promise.all(surplus.map(({ id }) => store().delete(id)));
  };

  return {
    async open(principal) {
      const keyId = principal.kind === 'operator' ? null : principal.keyId;
      await makeRoom(keyId ?? OPERATOR);
      const cookie = Buffer.from(randomBytes(COOKIE_BYTES)).toString('base64url');
      const createdAt = clock.wallMs();
      const record: SessionRecord = {
        id: hashOf(cookie).toString('base64url'),
        createdAt,
        workspaceId: principal.kind === 'operator' ? null : principal.workspaceId,
        keyId,
        adminMark: keyId === null ? adminMark(cookie, adminToken) : null,
        expiresAt: expiryFrom(createdAt),
      };
      await store().put(record);
      return { cookie, session: viewOf(record, cookie) };
    },
    async identify(cookie) {
      const hash = hashOf(cookie);
      const record = await store().get(hash.toString('base64url'));
      if (record === undefined || !timingSafeEqual(hash, Buffer.from(record.id, 'base64url'))) return undefined;
      const isRevoked = record.adminMark !== null && !isSame(record.adminMark, adminMark(cookie, adminToken));
      const principal = isRevoked || !isFresh(record) ? undefined : await principalOf(record);
      if (principal === undefined) {
        await store().delete(record.id);
        return undefined;
      }
      const current = await slide(record);
      return current === undefined ? undefined : { principal, session: viewOf(current, cookie) };
    },
    async isAlive(sessionId) {
      const record = await store().get(sessionId);
      return record !== undefined && isFresh(record) && (await principalOf(record)) !== undefined;
    },
    async close(sessionId) {
      await store().delete(sessionId);
    },
    async closeOf(keyId) {
      const { items } = await store().find({ where: { holder: keyId }, limit: SESSIONS_PER_HOLDER_MAX * 2 });
      await Promise.all(items.map(({ id }) => store().delete(id)));
    },
  };
}

/** In constant time, whatever the lengths are. */
export function isSame(given: string, expected: string): boolean {
  return timingSafeEqual(hashOf(given), hashOf(expected));
}

function viewOf({ id, expiresAt }: SessionRecord, cookie: string): OpenSession {
  return { id, expiresAt, csrfToken: createHmac('sha256', cookie).update('callin csrf').digest('base64url') };
}

function adminMark(cookie: string, adminToken: string): string {
  return createHmac('sha256', cookie).update('callin operator').update(adminToken).digest('base64url');
}

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
