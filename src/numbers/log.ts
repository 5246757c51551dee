// What this room says to operators. Structurally a pino logger.

export interface NumberLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
