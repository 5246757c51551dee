// The operator's own workspace: verification calls belong to it, so that no customer sees them in a list or on a bill, while rates, holds,
// limits and carriers' costs are those of any call.

export const VERIFICATION_WORKSPACE_ID = 'verification-calls';
