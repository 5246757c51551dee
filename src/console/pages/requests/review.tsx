// To come.

export function ReviewPage() {
  return null;
}
export function ReviewRequestPage() {
  return null;
}
