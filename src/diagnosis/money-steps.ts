// The steps about money and limits of a workspace: pure, from what the books say now.

import type { Workspace } from '../domain/directory.ts';
import { formatMoney, type Nano } from '../domain/money.ts';
import type { Balance } from '../ledger/books.ts';
import { type Finding, failed, ok, skipped, warning } from './finding.ts';

/** Below so many minutes somebody should know. */
const SCARCE_MINUTES = 10n;

/** `minute`: what the first minute of a call costs at least. */
export function balanceFinding(
  { billingMode }: Workspace,
  { balance, reserved }: Balance,
  minute: Nano,
  currency: string,
): Finding {
  const free = balance - reserved;
  const amount = `${formatMoney(free)} ${currency}`;
  if (billingMode === 'postpaid') return ok('balance', `The workspace is billed afterwards; the balance is ${amount}.`);
  if (free < minute || free <= 0n) {
    const held = reserved > 0n ? ` (${formatMoney(reserved)} are held for calls under way)` : '';
    const seen = `${amount} are free${held}; a call needs ${formatMoney(minute)} for its first minute.`;
    return failed('balance', seen, 'Top up the balance of the workspace: calls are refused with 402 until then.');
  }
  if (minute > 0n && free < minute * SCARCE_MINUTES) {
    return warning(
      'balance',
      `${amount} are left: that is a few minutes.`,
      'Top up the balance before calls are cut short.',
    );
  }
  return ok('balance', `${amount} are free.`);
}

export function limitsFinding(
  { limits }: Workspace,
  { spentInHour, spentInDay, reserved }: Balance,
  currency: string,
): Finding {
  const { spendPerHour, spendPerDay, concurrentCalls, callsPerSecond } = limits;
  const reached = [
    { name: 'hour', limit: spendPerHour, spent: spentInHour },
    { name: 'day', limit: spendPerDay, spent: spentInDay },
  ].find(({ limit, spent }) => limit !== null && spent + reserved >= limit);
  if (reached?.limit != null) {
    const seen = `${formatMoney(reached.spent)} of ${formatMoney(reached.limit)} ${currency} for this ${reached.name} are spent.`;
    const advice = `Raise the limit per ${reached.name}, or wait until the ${reached.name} is over (UTC).`;
    return failed('limits', seen, advice);
  }
  const set = [
    concurrentCalls === null ? null : `${concurrentCalls} calls at once`,
    callsPerSecond === null ? null : `${callsPerSecond} new calls per second`,
    spendPerHour === null ? null : `${formatMoney(spendPerHour)} ${currency} per hour`,
    spendPerDay === null ? null : `${formatMoney(spendPerDay)} ${currency} per day`,
  ].filter((text) => text !== null);
  return set.length === 0
    ? skipped('limits', 'The workspace has no limits of its own.')
    : ok('limits', `No limit of spending is reached. Limits: ${set.join(', ')}.`);
}
