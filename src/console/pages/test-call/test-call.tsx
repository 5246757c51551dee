// To come.

export function TestCallPage() {
  return null;
}
