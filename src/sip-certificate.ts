// The certificate that the SIP engine shows over TLS, from its files: read at the start, looked at again now and then.
//
// A new one is taken when the files have changed and fit; until then, and where they cannot be read, the old one stays.

import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import { variableOf } from './config/environment.ts';
import { ConfigError } from './config/errors.ts';
import type { Config } from './config/schema.ts';
import type { Clock } from './domain/clock.ts';
import type { Logger } from './observability/logger.ts';
import type { Certificate } from './sip-engine/index.ts';

/** Certificates live for weeks; whoever renews one does not wait long. */
const LOOK_EVERY_MS = 30_000;

/** Null: none is configured. @throws ConfigError for files that cannot be read or do not fit. */
export function readSipCertificate({ sip }: Config, root: string): Certificate | null {
  if (sip.tls.cert === '') return null;
  return read(sip.tls, root);
}

/** PEM of the authorities beside those of this machine. @throws ConfigError */
export function readSipAuthorities({ sip }: Config, root: string): readonly string[] {
  return readAuthorities('sip.tls.ca', sip.tls.ca, root);
}

/** The same for the certificate of a drachtio-server. @throws ConfigError */
export function readEngineAuthorities({ sip }: Config, root: string): readonly string[] {
  return readAuthorities('sip.drachtio.ca', sip.drachtio.ca, root);
}

function readAuthorities(key: string, file: string, root: string): readonly string[] {
  if (file === '') return [];
  const text = readFile(resolve(root, file), key);
  try {
    createSecureContext({ ca: text });
  } catch (error) {
    throw refused(key, `is no PEM file of certificates: ${(error as Error).message}`);
  }
  if (!text.includes('-----BEGIN CERTIFICATE-----')) throw refused(key, 'has no certificate in PEM');
  return [text];
}

export interface CertificateWatch {
  readonly config: Config;
  readonly root: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onRenewed: (certificate: Certificate) => void;
}

/** @returns what ends it. */
export function watchSipCertificate({ config, root, clock, logger, onRenewed }: CertificateWatch): () => void {
  const { tls } = config.sip;
  if (tls.cert === '') return () => undefined;
  let seen = stampOf(tls, root);
  const look = () => {
    timer = clock.setTimer(look, LOOK_EVERY_MS);
    const now = stampOf(tls, root);
    if (now === seen) return;
    seen = now;
    try {
      onRenewed(read(tls, root));
      logger.info({ file: tls.cert }, 'the certificate of SIP over TLS was renewed');
    } catch (error) {
      logger.error({ err: error }, 'the new certificate of SIP over TLS cannot be used; the old one stays');
    }
  };
  let timer = clock.setTimer(look, LOOK_EVERY_MS);
  return () => timer.cancel();
}

/** Key file and certificate are two writes: a pair that does not fit yet is looked at again with the next change. */
function stampOf(files: { readonly cert: string; readonly key: string }, root: string): string {
  return [files.cert, files.key]
    .map((file) => {
      const stat = statSync(resolve(root, file), { throwIfNoEntry: false });
      return `${stat?.mtimeMs} ${stat?.size} ${stat?.ino}`;
    })
    .join(' ');
}

function read(files: { readonly cert: string; readonly key: string }, root: string): Certificate {
  const cert = readFile(resolve(root, files.cert), 'sip.tls.cert');
  const key = readFile(resolve(root, files.key), 'sip.tls.key');
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    throw refused('sip.tls.cert', `and sip.tls.key do not fit: ${(error as Error).message}`);
  }
  return { cert, key };
}

function readFile(path: string, key: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw refused(key, `cannot be read: ${(error as Error).message}`);
  }
}

function refused(key: string, reason: string): ConfigError {
  return new ConfigError([{ key, variable: variableOf(key), reason }]);
}
