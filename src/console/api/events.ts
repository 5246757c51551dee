// What happens at the gateway, as it happens (server-sent events). The pages stay right without it: events only make them quick.
//
//   off -> connecting -> live -> (stream ends) -> connecting -> …
//                          └─ (out of sight for a while) -> off -> (in sight again) -> connecting, everything is read again
//
// The browser comes back by itself with the id of the last event; only where the gateway refuses it is tried again here, later each time.

import { useEffect, useRef, useSyncExternalStore } from 'react';
import { queryText } from '../lib/route.ts';
import { request } from './request.ts';

export type LiveState = 'off' | 'connecting' | 'live';

/** Names as the gateway sends them; `reset` = events were missed, read everything again. */
export const EVENT_NAMES = [
  'ready',
  'reset',
  'call',
  'call_figures',
  'number',
  'trunk',
  'trunk_health',
  'trunk_registration',
  'balance',
  'number_request',
  'number_order',
  'personal_number',
  'provisioning',
  'node',
] as const;
export type EventName = (typeof EVENT_NAMES)[number];
type Listener = (name: EventName, data: unknown) => void;

const RETRY_MIN_MS = 2_000;
const RETRY_MAX_MS = 60_000;
/** A browser has six connections to a gateway, and tabs that nobody looks at would hold them all. */
const HIDDEN_MS = 15_000;

const listeners = new Set<Listener>();
const stateListeners = new Set<() => void>();
let state: LiveState = 'off';
let source: EventSource | null = null;
let retryMs = RETRY_MIN_MS;
let retryTimer: ReturnType<typeof setTimeout> | undefined;
/** null = nobody is signed in. */
let wanted: { readonly workspaceId: string | undefined } | null = null;
let hiddenTimer: ReturnType<typeof setTimeout> | undefined;

document.addEventListener('visibilitychange', sightChanged);

/** Undefined = everything the person may see. Another workspace replaces the stream. */
export function openEvents(workspaceId: string | undefined): void {
  closeEvents();
  wanted = { workspaceId };
  connect(workspaceId);
}

export function closeEvents(): void {
  wanted = null;
  hangUp();
}

function sightChanged(): void {
  clearTimeout(hiddenTimer);
  if (document.visibilityState === 'hidden') hiddenTimer = setTimeout(hangUp, HIDDEN_MS);
  else if (wanted !== null && source === null) {
    connect(wanted.workspaceId);
    tell('reset', '{}');
  }
}

function hangUp(): void {
  clearTimeout(retryTimer);
  source?.close();
  source = null;
  setState('off');
}

function connect(workspaceId: string | undefined): void {
  const stream = new EventSource(`/v1/events${queryText({ workspaceId })}`);
  source = stream;
  setState('connecting');
  stream.onopen = () => {
    retryMs = RETRY_MIN_MS;
    setState('live');
  };
  stream.onerror = () => {
    if (source !== stream) return;
    setState('connecting');
    if (stream.readyState !== EventSource.CLOSED) return;
    // Refused: perhaps nobody is signed in any more, which any other request finds out.
    request('GET', '/v1/sessions/current').catch(() => undefined);
    retryTimer = setTimeout(() => connect(workspaceId), retryMs);
    retryMs = Math.min(RETRY_MAX_MS, retryMs * 2);
  };
  for (const name of EVENT_NAMES) {
    stream.addEventListener(name, (event) => tell(name, (event as MessageEvent<string>).data));
  }
}

function tell(name: EventName, text: string): void {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    // Not ours: what it was about is read again with everything else.
    return tell('reset', '{}');
  }
  for (const listener of listeners) listener(name, data);
}

function setState(next: LiveState): void {
  if (state === next) return;
  state = next;
  for (const listener of stateListeners) listener();
}

/** Hears every event while the component is there. */
export function useEvents(listener: Listener): void {
  const latest = useRef(listener);
  latest.current = listener;
  useEffect(() => {
    const hear: Listener = (name, data) => latest.current(name, data);
    listeners.add(hear);
    return () => void listeners.delete(hear);
  }, []);
}

export function useLiveState(): LiveState {
  return useSyncExternalStore(
    (changed) => {
      stateListeners.add(changed);
      return () => stateListeners.delete(changed);
    },
    () => state,
  );
}
