// The diagnosis of a node: what it is asked to look at, from the parts that know.

import { createAddressPolicy } from './agents/address-policy.ts';
import { createAgentStreamFactory } from './agents/dialects.ts';
import { probeAgent } from './agents/probe.ts';
import { Diagnoses, type DiagnosisDeps } from './diagnosis/diagnosis.ts';
import type { RateTable } from './metering/rates.ts';
import type { Numbers } from './numbers/numbers.ts';
import { createProviderProbe } from './provider-probe.ts';

export interface DiagnosisParts extends Omit<DiagnosisDeps, 'probeAgent' | 'minuteCost' | 'providers'> {
  readonly rates: RateTable;
  readonly numbers: Pick<Numbers, 'accounts'>;
  /** CIDR blocks beyond the public Internet in which agents may live. */
  readonly agentNetworks: readonly string[];
}

export function createDiagnoses({ rates, numbers, agentNetworks, ...deps }: DiagnosisParts): Diagnoses {
  const { clock } = deps;
  const createStream = createAgentStreamFactory({ addressAllowed: createAddressPolicy(agentNetworks) });
  return new Diagnoses({
    ...deps,
    probeAgent: (agent, timeoutMs) => probeAgent(agent, { createStream, clock, timeoutMs }),
    minuteCost(callClass, number) {
      const snapshot = rates.snapshot(callClass, number, clock.wallMs());
      if (typeof snapshot === 'string') return snapshot;
      const { telephony, computePerMinute } = snapshot;
      return computePerMinute + (telephony === null ? 0n : telephony.connectFee + telephony.perMinute);
    },
    providers: createProviderProbe(numbers.accounts),
  });
}
