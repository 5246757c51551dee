// How the registration of a trunk with its carrier stands.

import type { Trunk } from '../../api/resources.ts';
import { Notice } from '../../ui/feedback.tsx';
import { Time } from '../../ui/show.tsx';

type State = NonNullable<Trunk['registration']>['state'];

const TITLES: Readonly<Record<State, string>> = {
  waiting: 'Not registered yet',
  registering: 'Registering with the carrier',
  registered: 'Registered with the carrier',
  failed: 'Not registered with the carrier',
  stopped: 'Not registered: this gateway is stopping',
  elsewhere: 'Registered by another gateway',
};
const TONES: Readonly<Record<State, 'good' | 'bad' | 'plain'>> = {
  waiting: 'plain',
  registering: 'plain',
  registered: 'good',
  failed: 'bad',
  stopped: 'plain',
  elsewhere: 'plain',
};

export function TrunkRegistration({ trunk }: { readonly trunk: Trunk }) {
  const { registration } = trunk;
  if (registration === null) return null;
  const { state, since, expiresAt, registrar, lastError } = registration;
  return (
    <Notice tone={TONES[state]} title={TITLES[state]}>
      Since <Time at={since} />
      {registrar === null ? '' : ` at ${registrar}`}
      {expiresAt !== null && (
        <>
          {', until '}
          <Time at={expiresAt} />
        </>
      )}
      {lastError === null ? '' : `: ${lastError}`}
    </Notice>
  );
}
