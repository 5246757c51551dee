// Entering the code, with what the call does meanwhile; another call when that may be asked for.

import { useRef, useState } from 'react';
import { call } from '../../api/client.ts';
import { useAction, useNow } from '../../api/hooks.ts';
import { newIdempotencyKey } from '../../api/request.ts';
import type { PersonalNumber as Personal } from '../../api/resources.ts';
import { clockOf } from '../../lib/duration.ts';
import { readable } from '../../lib/phone-number.ts';
import { plural } from '../../lib/words.ts';
import { Button } from '../../ui/button.tsx';
import { Notice, ProblemNotice } from '../../ui/feedback.tsx';
import { Field, TextInput } from '../../ui/field.tsx';

interface VerifyCodeProps {
  readonly number: Personal;
  onChange(number: Personal): void;
  onOther(): void;
}

const ENDED: Partial<Record<Personal['state'], string>> = {
  expired: 'The code has expired. Ask for another call.',
  failed: 'The code was wrong too often. Ask for another call.',
  taken: 'This number is verified in another workspace.',
  removed: 'This number was removed.',
};

export function VerifyCode({ number, onChange, onOther }: VerifyCodeProps) {
  const now = useNow(1_000);
  const [typed, setTyped] = useState('');
  const key = useRef(newIdempotencyKey());
  const params = { id: number.id };
  const digits = typed.replaceAll(/\D/g, '').slice(0, 6);
  const verifying = useAction((code: string) =>
    call('POST /v1/personal-numbers/{id}/verify', { params, body: { code } }),
  );
  const resending = useAction(() =>
    call('POST /v1/personal-numbers/{id}/resend', { params, idempotencyKey: key.current }),
  );
  const verify = async (): Promise<void> => {
    const verified = await verifying.run(digits);
    if (verified !== undefined) return onChange(verified);
    setTyped('');
    onChange(await call('GET /v1/personal-numbers/{id}', { params }).catch(() => number));
  };
  const resend = async (): Promise<void> => {
    const called = await resending.run();
    key.current = newIdempotencyKey();
    if (called !== undefined) onChange(called);
  };
  const waitMs = number.nextCallAt === null ? 0 : Math.max(0, Date.parse(number.nextCallAt) - now);
  const leftMs = number.codeExpiresAt === null ? 0 : Math.max(0, Date.parse(number.codeExpiresAt) - now);
  const isPending = number.state === 'pending' || number.state === 'confirmed';
  return (
    <div className="form">
      <div role="status">
        <Notice
          tone={isPending ? 'info' : 'warn'}
          title={isPending ? `We call ${readable(number.e164)}` : readable(number.e164)}
        >
          {ENDED[number.state] ?? number.call?.advice ?? 'The number is being called.'}
        </Notice>
      </div>
      {isPending && (
        <form
          className="form"
          onSubmit={(event) => {
            event.preventDefault();
            void verify();
          }}
        >
          <Field
            label="Verification code"
            hint={`Six digits. ${leftMs > 0 ? `Good for ${clockOf(leftMs)}, ` : ''}${plural(number.attemptsLeft, 'attempt')} left.`}
          >
            <TextInput
              className="code-input"
              inputMode="numeric"
              autoComplete="one-time-code"
              maxLength={11}
              value={digits}
              autoFocus
              onChange={(event) => {
                setTyped(event.target.value);
                verifying.clear();
              }}
            />
          </Field>
          {verifying.problem !== undefined && <ProblemNotice problem={verifying.problem} />}
          <Button type="submit" kind="primary" size="l" wide busy={verifying.busy} disabled={digits.length !== 6}>
            Verify
          </Button>
        </form>
      )}
      {resending.problem !== undefined && <ProblemNotice problem={resending.problem} />}
      <div className="spread">
        <Button kind="quiet" onClick={onOther}>
          Another number
        </Button>
        <Button
          icon="phone"
          busy={resending.busy}
          disabled={waitMs > 0 || number.callsLeft === 0}
          onClick={() => void resend()}
        >
          {waitMs > 0 ? `Call again in ${clockOf(waitMs)}` : 'Call again'}
        </Button>
      </div>
    </div>
  );
}
