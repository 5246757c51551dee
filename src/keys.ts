// What a node keeps secret or must remember about itself, in files of dataDir with mode 0600: made once, then read.
//
// Invariant KY1. A file that exists is never overwritten; one that cannot be read or is malformed stops the start.

import { createHmac } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from './config/schema.ts';
import type { RandomBytes } from './domain/ids.ts';

export interface NodeKeys {
  readonly adminToken: string;
  /** True when the token was made by this start: it is shown once. */
  readonly adminTokenIsNew: boolean;
  /** 32 bytes that encrypt stored secrets. */
  readonly secretKey: Buffer;
  /** Those that did so earlier, and still open what they sealed. */
  readonly formerSecretKeys: readonly Buffer[];
  readonly nodeId: string;
  /** A secret for this process's own parts, derived so that it survives restarts: the bundled agents' token, the embedded engine's secret. */
  derive(purpose: string): string;
}

export class KeyFileError extends Error {
  readonly code = 'key_file_invalid';
}

export function loadKeys(config: Config, randomBytes: RandomBytes): NodeKeys {
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  const keep = (name: string, make: () => string) => readOrMake(join(config.dataDir, name), make);
  const random = (size: number, encoding: 'base64' | 'base64url' | 'hex') =>
    Buffer.from(randomBytes(size)).toString(encoding);

  const admin =
    config.auth.adminToken === ''
      ? keep('admin-token', () => random(24, 'base64url'))
      : { text: config.auth.adminToken, isNew: false };
  const secretText =
    config.auth.secretKey === '' ? keep('secret-key', () => random(32, 'base64')).text : config.auth.secretKey;
  const secretKey = Buffer.from(secretText, 'base64');
  if (secretKey.length !== 32)
    throw new KeyFileError(`${join(config.dataDir, 'secret-key')} must hold 32 bytes in base64`);
  const nodeId = config.node.id === 'auto' ? keep('node-id', () => `node-${random(4, 'hex')}`).text : config.node.id;
  return {
    adminToken: admin.text,
    adminTokenIsNew: admin.isNew,
    secretKey,
    formerSecretKeys: config.auth.formerSecretKeys.map((text) => Buffer.from(text, 'base64')),
    nodeId,
    derive: (purpose) => createHmac('sha256', secretKey).update(purpose).digest('hex'),
  };
}

function readOrMake(path: string, make: () => string): { text: string; isNew: boolean } {
  if (existsSync(path)) {
    const text = readFileSync(path, 'utf8').trim();
    if (text === '') throw new KeyFileError(`${path} is empty; remove it to make a new one`);
    return { text, isNew: false };
  }
  const text = make();
  writeFileSync(path, `${text}\n`, { mode: 0o600, flag: 'wx' });
  return { text, isNew: true };
}
