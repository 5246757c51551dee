// The SIP engine below the gateway of a bench: `--engine embedded` (default), or `--engine drachtio` with DRACHTIO_BIN, a server of its own beside the
// gateway and on its core.

import { ReferenceServer } from '../../test/sip-engine/support/reference-server.ts';
import type { RunningGateway } from '../../test/support/gateway.ts';
import { startSubject } from './demo.ts';
import { PINNING } from './process.ts';
import type { BenchOptions } from './result.ts';
import { spawnSync } from 'node:child_process';

export interface BenchSubject {
  readonly gateway: RunningGateway;
  /** Where carriers send to. */
  readonly sipPort: number;
  /** Processes whose CPU the calls cost. */
  readonly pids: readonly number[];
  stop(): Promise<void>;
}

const SECRET = 'secret of this bench';
const HOST = '127.0.0.1';

/** The section of the page for this engine (result.ts); the embedded one has the bench's own. */
export function engineVariant({ flags }: BenchOptions): string | undefined {
  const engine = flags.get('engine') ?? 'embedded';
  return engine === 'embedded' ? undefined : engine;
}

export async function startWithEngine({ flags }: BenchOptions): Promise<BenchSubject> {
  const engine = flags.get('engine') ?? 'embedded';
  if (engine === 'embedded') {
    const gateway = await startSubject();
    const stop = async () => void (await gateway.stop());
    return { gateway, sipPort: gateway.sip.udpPort, pids: [gateway.pid], stop };
  }
  const binary = process.env['DRACHTIO_BIN'];
  if (engine !== 'drachtio') throw new Error(`--engine wants embedded or drachtio, got "${engine}"`);
  if (!binary) throw new Error('--engine drachtio needs DRACHTIO_BIN, the path of a drachtio-server');
  const server = await ReferenceServer.start(binary, { secret: SECRET });
  const pin = PINNING && spawnSync('taskset', ['-a', '-c', '-p', String(PINNING.subject), String(server.pid)]);
  if (pin && pin.status !== 0) throw new Error('the server cannot be put on the core of the gateway');
  const sip = { engine, drachtio: { host: HOST, port: server.wirePort, secret: SECRET } };
  const gateway = await startSubject({ sip });
  return {
    gateway,
    sipPort: server.sipPort,
    pids: [gateway.pid, server.pid],
    async stop() {
      await gateway.stop();
      await server.close();
    },
  };
}
