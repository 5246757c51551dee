// What is no failure but should be shown to people. docs/providers.md repeats the table.

export const PROVIDER_NOTICES = {
  account_empty: {
    text: 'The account has no numbers',
    advice: 'Check that this is the right project or subaccount, or buy a number there first.',
  },
  account_no_voice: {
    text: 'No number of the account carries calls',
    advice: 'Buy a number with voice, or look in another project or subaccount.',
  },
  account_trial: {
    text: 'This is a trial account',
    advice: 'It has one trunk, one number and four calls at once, and calls verified destinations only.',
  },
  account_subaccount: {
    text: 'This is a subaccount',
    advice: 'Only its own numbers are seen; numbers of the main account are not.',
  },
  balance_unreadable: {
    text: 'The balance at the provider cannot be read',
    advice: 'The key may lack the permission. Calls are refused by the provider when the balance is used up.',
  },
  balance_empty: {
    text: 'The balance at the provider is used up',
    advice: 'Add money there, or outbound calls are refused.',
  },
  number_porting_out: {
    text: 'The number is being ported away',
    advice: 'It will stop working here when that is done.',
  },
  number_forwarded: {
    text: 'The provider forwards calls to this number elsewhere',
    advice: 'Switch the forwarding off in the provider’s console, or calls do not arrive here.',
  },
  number_translated: {
    text: 'The provider translates this number into another one',
    advice: 'Remove the translation in the provider’s console, or calls arrive under the other number.',
  },
  restore_incomplete: {
    text: 'What the number was connected to before does not exist any more',
    advice: 'It was left unconnected. Connect it in the provider’s console.',
  },
  best_effort: {
    text: 'Not exactly what was searched for',
    advice: 'Nothing matched exactly; this is the nearest in stock.',
  },
} as const satisfies Record<string, { readonly text: string; readonly advice: string }>;

export type ProviderNoticeCode = keyof typeof PROVIDER_NOTICES;
