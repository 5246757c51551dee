import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

export interface Names {
  readonly commonName?: string;
  /** As OpenSSL writes it; null = none. */
  readonly subjectAltName?: string | null;
}

/** A self-signed certificate, for localhost if nothing else is said; undefined where this machine has no openssl. */
export function selfSigned({
  commonName = 'localhost',
  subjectAltName = 'DNS:localhost,IP:127.0.0.1',
}: Names = {}): Certificate | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'callin-cert-'));
  const key = join(folder, 'key.pem');
  const cert = join(folder, 'cert.pem');
  const names = subjectAltName === null ? [] : ['-addext', `subjectAltName=${subjectAltName}`];
  const subject = ['-subj', `/CN=${commonName}`, ...names];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  try {
    execFileSync('openssl', ['req', '-x509', ...curve, '-keyout', key, '-out', cert, '-days', '2', ...subject], {
      stdio: 'ignore',
    });
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  } catch {
    return undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
