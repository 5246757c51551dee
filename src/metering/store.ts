// Journal and books as two stores that are asked one after the other: the way of every node whose books are not in its own file.
//
// Invariants
//   O1. Money first, then the intent: an intent without its hold would be a call without money. A hold without its intent returns by
//       itself (B4), and whoever asked gives it back at once.
//   O2. The end first, then the money: what is posted can always be derived from the journal again.

import type { Journal } from './journal.ts';
import type { MeterBooks, MeterStore } from './ports.ts';

export function storeInSteps(journal: Pick<Journal, 'append'>, books: MeterBooks): MeterStore {
  return {
    async open(hold, intent) {
      const outcome = await books.reserve(hold);
      if (outcome === 'held') await journal.append(intent);
      return outcome;
    },
    async settle(records, settlement) {
      await journal.append(...records);
      return books.settle(settlement);
    },
  };
}
