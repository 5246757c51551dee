// To come.

export function ByocPage() {
  return null;
}
