// What the checks of a trunk saw, and what to do about it.

import type { TrunkCheck } from '../../api/resources.ts';
import { sentence } from '../../lib/words.ts';
import { type StepItem, type StepState, Steps } from '../../ui/steps.tsx';

const STATE: Readonly<Record<TrunkCheck['state'], StepState>> = {
  ok: 'good',
  failed: 'bad',
  warning: 'warn',
  skipped: 'skipped',
};

const TITLES: Partial<Record<TrunkCheck['check'], string>> = {
  inbound_address: 'Carrier’s addresses',
  overlap: 'Addresses of others',
  gateway_address: 'Host name of the carrier',
  gateway_connect: 'Connection to the carrier',
  gateway_tls: 'TLS certificate',
  gateway_options: 'Answer to OPTIONS',
  credentials: 'User name and password',
  countries: 'Allowed countries',
};

export function Checks({ checks }: { readonly checks: readonly TrunkCheck[] }) {
  const failed = checks.filter(({ state }) => state === 'failed').length;
  const warned = checks.filter(({ state }) => state === 'warning').length;
  return (
    <section className="card" aria-labelledby="checks">
      <div className="card-head">
        <h2 id="checks">Checks</h2>
        <span className={`small ${failed > 0 ? 'bad' : warned > 0 ? 'warn' : 'good'}`} role="status">
          {failed > 0 ? `${failed} failed` : warned > 0 ? `${warned} to look at` : 'All well'}
        </span>
      </div>
      <div className="card-body">
        <Steps of={checks.map(stepOf)} />
      </div>
    </section>
  );
}

function stepOf({ check, state, subject, seen, advice }: TrunkCheck): StepItem {
  return {
    title: `${TITLES[check] ?? sentence(check)}${subject === null ? '' : `: ${subject}`}`,
    state: STATE[state],
    text: seen,
    advice,
  };
}
