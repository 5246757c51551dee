// Accounts at providers as the diagnosis sees them. The numbers room knows the accounts; this is the little that is asked of it.

import { ADVICE, advise } from './advice.ts';
import { type Finding, failed, ok, skipped, warning } from './finding.ts';

export interface ProviderProbe {
  /** Every account of the workspace, asked now. Never rejects: what goes wrong is what is found. */
  accounts(workspaceId: string, e164: string | null): Promise<readonly ProviderAccountSeen[]>;
}

export interface ProviderAccountSeen {
  readonly provider: 'twilio' | 'telnyx';
  /** What people know it by. */
  readonly name: string;
  /** What the provider says to the key; null = it works. */
  readonly failure: Remark | null;
  readonly notices: readonly Remark[];
  /** How many numbers were seen, and whether these are all. */
  readonly numbers: number;
  readonly complete: boolean;
  /** The number that was asked about; null = it was not seen there. */
  readonly number: { readonly refusal: Remark | null; readonly usedElsewhere: string | null } | null;
}

export interface Remark {
  readonly text: string;
  readonly advice: string;
}

const NAMES = { twilio: 'Twilio', telnyx: 'Telnyx' } as const;
const STEP = 'provider_account';

/** `needed`: the number is one that a provider's account carries, so that there should be one. */
export function providerFindings(
  accounts: readonly ProviderAccountSeen[],
  e164: string | null,
  needed: boolean,
): readonly Finding[] {
  if (accounts.length === 0) {
    if (!needed) return [skipped(STEP, 'No account at Twilio or Telnyx is connected.')];
    const advice = advise(ADVICE.providerCredentials, 'Connect the account that the number is in.');
    return [warning(STEP, 'The account at the provider that the number came from is not connected.', advice)];
  }
  return accounts.map((account) => accountFinding(account, e164, needed));
}

function accountFinding(account: ProviderAccountSeen, e164: string | null, needed: boolean): Finding {
  const { failure, notices, numbers, complete, number } = account;
  const subject = `${NAMES[account.provider]} ${account.name}`;
  if (failure !== null) {
    return failed(STEP, `${failure.text}.`, advise(ADVICE.providerCredentials, failure.advice), { subject });
  }
  if (numbers === 0) {
    const seen = notices[0]?.text ?? 'The key works, but the account shows no numbers';
    const advice = advise(ADVICE.providerNumbers, ADVICE.providerProject);
    return warning(STEP, `${seen}.`, advice, { subject });
  }
  const counted = `The key works; ${numbers}${complete ? '' : ' or more'} numbers are in the account`;
  if (e164 === null || !needed) return withNotices(ok(STEP, `${counted}.`, { subject }), notices);
  if (number === null) {
    if (!complete)
      return skipped(STEP, `${counted}, and ${e164} was not among those that were looked at.`, { subject });
    const advice = advise(ADVICE.providerNumbers, ADVICE.providerProject);
    return warning(STEP, `${counted}, but ${e164} is not one of them.`, advice, { subject });
  }
  if (number.refusal !== null) {
    const advice = advise(ADVICE.providerNumbers, number.refusal.advice);
    return failed(STEP, `${e164}: ${number.refusal.text}.`, advice, { subject });
  }
  if (number.usedElsewhere !== null) {
    const advice = advise(ADVICE.providerNumbers, 'Import the number, so that its calls come here.');
    return failed(STEP, `The provider sends calls of ${e164} to ${number.usedElsewhere}.`, advice, { subject });
  }
  return withNotices(ok(STEP, `The key works, and ${e164} is active in the account.`, { subject }), notices);
}

function withNotices(finding: Finding, notices: readonly Remark[]): Finding {
  const [first] = notices;
  if (first === undefined) return finding;
  return warning(STEP, `${finding.seen} ${first.text}.`, first.advice, { subject: finding.subject });
}
