// The price of a call whose process is gone, where it rose while the call rang: more may be due for its first minute than was held at set-up. As the
// call's own process does (open-call.ts), the price of the answer is charged where there is the money for it, else what was agreed is. Books that
// cannot be asked now leave it at what was agreed.

import { ratingOf } from './bill.ts';
import type { CompletionDeps } from './completion.ts';
import type { MeterHold } from './ports.ts';
import { NO_LIMITS } from './ports.ts';
import { telephonyPrice } from './rating.ts';
import type { EndedRecord, IntentRecord } from './records.ts';

/** The settlement follows at once, and gives the hold back. Longer than a live call's, so that it is newer than what stands (B12). */
const HOLD_MS = 600_000;

/** The end, with the price that is to be charged. */
export async function atHeldPrice(
  { books, clock }: CompletionDeps,
  intent: IntentRecord,
  ended: EndedRecord,
): Promise<EndedRecord> {
  const { answer } = ended;
  const { holdId: id, prepaid, rates, workspaceId } = intent;
  if (answer === null || !prepaid || rates.telephony === null) return ended;
  if (telephonyPrice(answer.rates.telephony, 0) <= telephonyPrice(rates.telephony, 0)) return ended;
  const nowMs = clock.wallMs();
  const amount = ratingOf(intent, ended).total;
  const hold: MeterHold = { id, workspaceId, amount, expiresAtMs: nowMs + HOLD_MS, nowMs, prepaid, limits: NO_LIMITS };
  const isHeld = await books.reserve(hold).then(
    (outcome) => outcome === 'held',
    () => false,
  );
  return isHeld ? ended : { ...ended, answer: { ...answer, rates } };
}
