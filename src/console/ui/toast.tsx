// Short words about what was just done. Good news goes by itself, bad news stays until it is read.

import { useSyncExternalStore } from 'react';
import { asProblem } from '../api/problem.ts';
import { Button } from './button.tsx';
import { Icon } from './icon.tsx';

interface Toast {
  readonly id: number;
  readonly tone: 'good' | 'bad';
  readonly text: string;
}

const TOASTS_MAX = 4;
const GOOD_MS = 4_000;

let toasts: readonly Toast[] = [];
let lastId = 0;
const listeners = new Set<() => void>();

export function sayDone(text: string): void {
  const id = add('good', text);
  setTimeout(() => dismiss(id), GOOD_MS);
}

export function sayFailed(error: unknown): void {
  add('bad', asProblem(error).sentence);
}

function add(tone: Toast['tone'], text: string): number {
  lastId += 1;
  show([...toasts.filter((toast) => toast.text !== text), { id: lastId, tone, text }].slice(-TOASTS_MAX));
  return lastId;
}

function dismiss(id: number): void {
  show(toasts.filter((toast) => toast.id !== id));
}

function show(next: readonly Toast[]): void {
  toasts = next;
  for (const listener of listeners) listener();
}

export function Toasts() {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => toasts,
  );
  return (
    <div className="toasts" role="log" aria-live="polite" aria-label="Notifications">
      {shown.map(({ id, tone, text }) => (
        <div className="toast" key={id}>
          <span className={tone}>
            <Icon name={tone === 'good' ? 'check' : 'warning'} />
          </span>
          <p className="grow">{text}</p>
          <Button kind="quiet" size="s" icon="cross" aria-label="Dismiss" onClick={() => dismiss(id)} />
        </div>
      ))}
    </div>
  );
}
