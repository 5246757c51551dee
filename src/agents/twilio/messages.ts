// What we send in the Twilio Media Streams dialect, except audio (see media-writer.ts): each function returns the whole JSON text.
// Numbers that are strings on the wire are strings here: clients check (`sequenceNumber`, `chunk`, `timestamp`), while `sampleRate` and
// `channels` are numbers.

import type { AgentNotice } from '../../media/agent-stream.ts';

export interface StreamIds {
  readonly streamSid: string;
  readonly callSid: string;
  readonly accountSid: string;
}

export const CONNECTED = JSON.stringify({ event: 'connected', protocol: 'Call', version: '1.0.0' });

export function startMessage(
  ids: StreamIds,
  sequence: number,
  customParameters: Readonly<Record<string, string>>,
): string {
  const { streamSid, callSid, accountSid } = ids;
  return JSON.stringify({
    event: 'start',
    sequenceNumber: String(sequence),
    streamSid,
    start: {
      streamSid,
      accountSid,
      callSid,
      tracks: ['inbound'],
      customParameters,
      mediaFormat: { encoding: 'audio/x-mulaw', sampleRate: 8000, channels: 1 },
    },
  });
}

/** The track is spelt `inbound_track` in this message only. */
export function dtmfMessage({ streamSid }: StreamIds, sequence: number, digit: string): string {
  const dtmf = { track: 'inbound_track', digit };
  return JSON.stringify({ event: 'dtmf', streamSid, sequenceNumber: String(sequence), dtmf });
}

export function markMessage({ streamSid }: StreamIds, sequence: number, name: string): string {
  return JSON.stringify({ event: 'mark', sequenceNumber: String(sequence), streamSid, mark: { name } });
}

/** Our own events, which the dialect does not know: a name of their own, and their content under one key of ours. */
export function noticeMessage({ streamSid }: StreamIds, sequence: number, notice: AgentNotice): string {
  return JSON.stringify({
    event: `callin.${notice.type}`,
    sequenceNumber: String(sequence),
    streamSid,
    callin: contentOf(notice),
  });
}

function contentOf(notice: AgentNotice): object {
  switch (notice.type) {
    case 'balance_low':
      return { balanceLow: { remainingMs: Math.round(notice.remainingMs) } };
    case 'max_duration':
      return { maxDuration: { remainingMs: Math.round(notice.remainingMs) } };
    case 'hold':
      return { hold: {} };
    case 'answered':
      return { answered: {} };
    case 'resume':
      return { resume: { heldMs: Math.round(notice.heldMs) } };
    case 'transfer': {
      const { type: _, ...transfer } = notice;
      return { transfer };
    }
  }
}

export function stopMessage({ streamSid, accountSid, callSid }: StreamIds, sequence: number): string {
  const stop = { accountSid, callSid };
  return JSON.stringify({ event: 'stop', sequenceNumber: String(sequence), streamSid, stop });
}
