// The languages that codes are spoken in: one folder of prompts each.

export const CODE_LANGUAGES = ['de', 'en', 'es', 'fr', 'it', 'pt'] as const;

export type CodeLanguage = (typeof CODE_LANGUAGES)[number];
