// What the diagnosis refuses, each with a stable code.

export abstract class DiagnosisError extends Error {
  abstract readonly code: 'checks_busy' | 'diagnosis_subject_unknown';
  override get name(): string {
    return this.constructor.name;
  }
}

/** As many checks as may run at once are under way, for this workspace or in all. */
export class ChecksBusyError extends DiagnosisError {
  readonly code = 'checks_busy';
}

/** There is no such trunk or workspace, or it is somebody else's. */
export class SubjectUnknownError extends DiagnosisError {
  readonly code = 'diagnosis_subject_unknown';
}
