// The whole gateway as foreign phones meet it: over UDP, TCP and, where this machine can make a certificate, over TLS.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Certificate } from '../../agents/certificate.ts';
import { type RunningGateway, startGateway } from '../../support/gateway.ts';

export interface SecureGateway {
  readonly gateway: RunningGateway;
  /** Null where there is no certificate. */
  readonly tlsPort: number | null;
  /** Changes a trunk; fails with what the API says. */
  set(trunk: string, fields: object): Promise<void>;
  close(): Promise<void>;
}

/** It shows that certificate, and believes who shows it. */
export async function startSecureGateway(certificate: Certificate | undefined): Promise<SecureGateway> {
  const folder = mkdtempSync(join(tmpdir(), 'secure-gateway-'));
  const { key = '', cert = '' } = certificate ?? {};
  const files = { key: join(folder, 'key.pem'), cert: join(folder, 'cert.pem') };
  writeFileSync(files.key, key);
  writeFileSync(files.cert, cert);
  const sip = certificate === undefined ? {} : { tlsPort: 0, wssPort: 'off', tls: { ...files, ca: files.cert } };
  const gateway = await startGateway({ config: { sip } });
  const { body } = await gateway.api<{ ports: { sipTls: number | null } }>('GET', '/v1/node');
  return {
    gateway,
    tlsPort: body.ports.sipTls,
    async set(trunk, fields) {
      const answer = await gateway.api('PATCH', `/v1/trunks/${trunk}`, fields);
      expect(answer, JSON.stringify(answer.body)).toMatchObject({ status: 200 });
    },
    async close() {
      await gateway.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
