// What an order is called by us, and by that found again.

const REFERENCE = /^[A-Za-z0-9_.:-]{1,64}$/;

export function isReference(text: string): boolean {
  return REFERENCE.test(text);
}
