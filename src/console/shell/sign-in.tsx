// Signing in: a token is pasted, exchanged for a cookie, and forgotten.

import { type FormEvent, useEffect, useState } from 'react';
import { useAction } from '../api/hooks.ts';
import type { Session } from '../api/resources.ts';
import { signIn } from '../api/session.ts';
import { Button } from '../ui/button.tsx';
import { Field, SecretInput } from '../ui/field.tsx';

interface SignInProps {
  readonly note: string | null;
  onSignedIn(session: Session): void;
}

export function SignIn({ note, onSignedIn }: SignInProps) {
  const [token, setToken] = useState('');
  const entering = useAction(signIn);
  useEffect(() => {
    document.title = 'Sign in · Callin Edge';
  }, []);

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    const session = await entering.run(token.trim());
    if (session !== undefined) onSignedIn(session);
  };
  const { problem } = entering;
  const wrong =
    problem === undefined
      ? null
      : problem.status === 401 || problem.status === 422
        ? 'This key opens nothing here. Check that all of it was copied, and that it was not revoked.'
        : problem.sentence;

  return (
    <main className="signin">
      <div className="signin-box">
        <span className="brand">
          <img src="/console/mark.svg" alt="" /> Callin Edge
        </span>
        <div>
          <h1>Sign in</h1>
          <p className="soft">With a workspace’s API key, or as operator with the admin token.</p>
        </div>
        {note !== null && <p role="status">{note}</p>}
        <form className="form" onSubmit={(event) => void submit(event)}>
          <Field label="Key" error={wrong} hint="It is sent once and kept nowhere in this browser.">
            <SecretInput
              value={token}
              placeholder="callin_sk_…"
              autoFocus
              required
              onChange={(event) => {
                setToken(event.target.value);
                entering.clear();
              }}
            />
          </Field>
          <Button type="submit" kind="primary" size="l" busy={entering.busy} disabled={token.trim() === ''} wide>
            Sign in
          </Button>
        </form>
        <p className="small soft">
          Where is my key? The operator makes one per workspace under API keys; the admin token is in the file{' '}
          <code>admin-token</code> of the gateway’s data folder. <a href="/docs">API reference</a>
        </p>
      </div>
    </main>
  );
}
