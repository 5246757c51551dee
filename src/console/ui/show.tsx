// Small things shown the same way everywhere: times, numbers, money, addresses to copy.

import { type ReactNode, useEffect, useState } from 'react';
import { formatMoney } from '../lib/money.ts';
import { readable } from '../lib/phone-number.ts';
import { showTime } from '../lib/time.ts';
import { Icon } from './icon.tsx';
import { sayFailed } from './toast.tsx';

/** In the zone of whoever looks; UTC when hovered or read aloud. */
export function Time({ at, full = false }: { readonly at: string; readonly full?: boolean }) {
  const shown = showTime(at, Date.now());
  return (
    <time dateTime={at} title={`${shown.full} · ${shown.utc}`} className="num nowrap">
      {full ? shown.full : shown.short}
    </time>
  );
}

interface MoneyProps {
  readonly amount: string;
  readonly currency?: string;
  /** Cut to whole cents, the exact amount when hovered: for balances. */
  readonly cents?: boolean;
}

export function Money({ amount, currency = 'USD', cents = false }: MoneyProps) {
  const exact = formatMoney(amount, currency);
  return cents ? (
    <span className="num nowrap" title={exact}>
      {formatMoney(amount, currency, 2)}
    </span>
  ) : (
    <span className="num nowrap">{exact}</span>
  );
}

/** Readable; what is copied is E.164, whether by the button or by selecting. */
export function Phone({ e164, copy = false }: { readonly e164: string; readonly copy?: boolean }) {
  const shown = (
    <span
      className="num nowrap"
      onCopy={(event) => {
        event.preventDefault();
        event.clipboardData.setData('text/plain', e164);
      }}
    >
      {readable(e164)}
    </span>
  );
  return copy ? (
    <span className="copyable">
      {shown}
      <Copy text={e164} label={`Copy ${e164}`} />
    </span>
  ) : (
    shown
  );
}

const COPIED_MS = 1_500;

export function Copy({ text, label = 'Copy' }: { readonly text: string; readonly label?: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return undefined;
    const timer = setTimeout(() => setCopied(false), COPIED_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  return (
    <button
      type="button"
      className="copy"
      aria-label={copied ? 'Copied' : label}
      title={copied ? 'Copied' : label}
      onClick={(event) => {
        event.stopPropagation();
        navigator.clipboard.writeText(text).then(() => setCopied(true), sayFailed);
      }}
    >
      <Icon name={copied ? 'check' : 'copy'} />
    </button>
  );
}

/** Something to be typed elsewhere, such as our SIP address. */
export function Address({ text, label }: { readonly text: string; readonly label: string }) {
  return (
    <div className="address">
      <span>{text}</span>
      <Copy text={text} label={`Copy ${label}`} />
    </div>
  );
}

export function Facts({ of }: { readonly of: readonly (readonly [string, ReactNode] | null)[] }) {
  return (
    <dl className="facts">
      {of.map((fact, index) =>
        fact === null ? null : (
          // biome-ignore lint/suspicious/noArrayIndexKey: facts keep their places, and two may have one name.
          <div key={index} style={{ display: 'contents' }}>
            <dt>{fact[0]}</dt>
            <dd>{fact[1]}</dd>
          </div>
        ),
      )}
    </dl>
  );
}

export interface Stat {
  readonly label: string;
  readonly value: ReactNode;
  readonly note?: ReactNode;
}

export function Stats({ of }: { readonly of: readonly Stat[] }) {
  return (
    <dl className="stats">
      {of.map(({ label, value, note }) => (
        <div className="stat" key={label}>
          <dt>{label}</dt>
          <dd>{value}</dd>
          {note !== undefined && <dd className="note">{note}</dd>}
        </div>
      ))}
    </dl>
  );
}
