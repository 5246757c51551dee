/** Session timer (RFC 4028) of a trunk that says nothing of it. Section 4 recommends half an hour. */
export const SESSION_EXPIRES_SEC = 1_800;
