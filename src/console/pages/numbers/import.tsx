// To come.

export function TwilioPage() {
  return null;
}
export function TelnyxPage() {
  return null;
}
