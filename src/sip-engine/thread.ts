// Entry of the engine's worker thread: workerData holds the options of `createEngine`.
//
//   starting ── `ready` ──▶ running ── `close` asked ──▶ `closed`, thread ends
//       └────── `fatal` ──▶ thread ends
import { parentPort, workerData } from 'node:worker_threads';
import { BanNotices } from './guard/ban-notices.ts';
import { systemEngineClock } from './clock.ts';
import { createEngine, type Engine } from './engine.ts';
import type { EngineOptions } from './engine-options.ts';
import type { FromThread, ToThread } from './thread-messages.ts';
import type { Certificate } from './transport/certificate.ts';

const port = parentPort;
if (port !== null) {
  const post = (message: FromThread): void => port.postMessage(message);
  const onFault = (error: unknown): void => post({ type: 'fault', message: textOf(error) });
  try {
    const notices = new BanNotices(systemEngineClock, (bans, more) => post({ type: 'banned', bans, more }));
    const engine = await createEngine(workerData as EngineOptions, { onFault, onBan: (ban) => notices.add(ban) });
    port.on('message', (message: ToThread) => {
      if (message.type !== 'close') return obey(engine, message, { post, onFault });
      notices.close();
      void engine.close().then(() => {
        post({ type: 'closed' });
        port.close();
      });
    });
    post({ type: 'ready', wirePort: engine.wirePort, addresses: engine.addresses });
  } catch (error) {
    // With a code it is the operator's to mend (a port in use) and needs no stack; without one it is ours.
    const { code, message } = error as NodeJS.ErrnoException;
    post({ type: 'fatal', error: { code, message: code === undefined ? textOf(error) : message } });
  }
}

interface Answers {
  readonly post: (message: FromThread) => void;
  readonly onFault: (error: unknown) => void;
}

function obey(engine: Engine, message: Exclude<ToThread, { type: 'close' }>, { post, onFault }: Answers): void {
  const { guard } = engine;
  switch (message.type) {
    case 'stats':
      return post({ type: 'stats', id: message.id, stats: engine.stats() });
    case 'certificate':
      return renew(engine, message.certificate, onFault);
    case 'trust':
      guard?.trust(message.networks);
      return;
    case 'acquaint':
      return guard?.acquaint(message.address);
    case 'offence':
      return guard?.offend(message.address, message.way, message.offence);
    case 'bans':
      return post({ type: 'bans', id: message.id, bans: guard?.bans() ?? [] });
    case 'unban':
      return post({ type: 'unbanned', id: message.id, found: guard?.unban(message.network) ?? false });
  }
}

/** The thread that asked has seen that the two fit; should they not after all, the old ones stay. */
function renew(engine: Engine, certificate: Certificate, onFault: (error: unknown) => void): void {
  try {
    engine.renewCertificate(certificate);
  } catch (error) {
    onFault(error);
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
