// To come.

export function DiagnosisPage() {
  return null;
}
