// From the address to a page: who is signed in, which workspace, which page.

import { useCallback, useEffect, useMemo, useState } from 'react';
import { openEvents } from '../api/events.ts';
import { asProblem, type ProblemError } from '../api/problem.ts';
import { whenSignedOut } from '../api/request.ts';
import type { Session } from '../api/resources.ts';
import { currentSession, forgetSession } from '../api/session.ts';
import { ProblemNotice, Waiting } from '../ui/feedback.tsx';
import { Toasts } from '../ui/toast.tsx';
import { type Viewer, ViewerContext } from './context.ts';
import { Frame } from './frame.tsx';
import { SignIn } from './sign-in.tsx';

type State =
  | { readonly is: 'asking' }
  | { readonly is: 'failed'; readonly problem: ProblemError }
  | { readonly is: 'out'; readonly note: string | null }
  | { readonly is: 'in'; readonly session: Session };

export function App() {
  const [state, setState] = useState<State>({ is: 'asking' });

  const ask = useCallback(() => {
    currentSession().then(
      (session) => setState(session === null ? { is: 'out', note: null } : { is: 'in', session }),
      (error: unknown) => setState({ is: 'failed', problem: asProblem(error) }),
    );
  }, []);
  useEffect(ask, [ask]);

  const leave = useCallback((note: string | null) => {
    forgetSession();
    setState((now) => (now.is === 'in' ? { is: 'out', note } : now));
  }, []);
  useEffect(() => whenSignedOut(() => leave('Your session has ended. Sign in to go on.')), [leave]);

  return (
    <>
      {state.is === 'asking' && <Waiting label="Signing in" />}
      {state.is === 'failed' && (
        <main className="signin">
          <ProblemNotice problem={state.problem} retry={ask} />
        </main>
      )}
      {state.is === 'out' && <SignIn note={state.note} onSignedIn={(session) => setState({ is: 'in', session })} />}
      {state.is === 'in' && <SignedIn session={state.session} leave={leave} />}
      <Toasts />
    </>
  );
}

function SignedIn({ session, leave }: { readonly session: Session; leave(note: string | null): void }) {
  const viewer = useMemo<Viewer>(() => {
    const { kind, role } = session.principal;
    return {
      session,
      isOperator: kind === 'operator',
      canWrite: role !== 'read_only',
      isAdmin: role === 'admin',
      signedOut: () => leave('You are signed out.'),
    };
  }, [session, leave]);
  const { workspaceId } = session.principal;
  useEffect(() => openEvents(workspaceId ?? undefined), [workspaceId]);
  return (
    <ViewerContext value={viewer}>
      <Frame />
    </ViewerContext>
  );
}
