// The room's door: descriptions in, descriptions and media parameters out. Pure.

export { answerOffer, type AnswerOutcome } from './answer.ts';
export type { LocalAudio, Refusal, RefusalReason } from './audio.ts';
export { type AnswerOrigin, printBrowserAnswer } from './browser-answer.ts';
export {
  type BrowserOffer,
  type BrowserOfferFault,
  type BrowserOfferReading,
  type BrowserOfferRefusal,
  readBrowserOffer,
  readBrowserReoffer,
} from './browser-offer.ts';
export { agreedEncryption, type LocalEncryption, newEncryption } from './encryption.ts';
export { makeOffer, readAnswer, type AnswerReading } from './offer.ts';
export { makeReoffer, readRepeatedAnswer } from './reoffer.ts';
export { parseSdp, type ParseOutcome, type SdpFault } from './parse.ts';
export type { MediaDirection, MediaSection, SessionDescription } from './session.ts';
