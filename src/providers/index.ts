// What the rooms above may know of providers of phone numbers.

export type { ObservedRequest, ProviderDeps } from './api/client.ts';
export { type Fault, PROVIDER_ERRORS, type ProviderErrorCode, type Retry } from './errors.ts';
export { DemoInventory, type DemoInventoryOptions, type DemoSales } from './inventory/demo.ts';
export { PROVIDER_NOTICES, type ProviderNoticeCode } from './notices.ts';
export * from './provider.ts';
export { createProviders, type Providers } from './providers.ts';
export { parseProviderSettings, type ProviderSettings, ProviderSettingsError } from './settings.ts';
export { createSipCredentials } from './trunk/sip-credentials.ts';
export type { TwilioCredentials } from './twilio/sdk.ts';
